"""The states of a check beside right and wrong: not attempted, not defined, interrupted; and how they are shown."""

import subprocess
import sys
import warnings

import pytest
from check_tools import answer, verdict_of

from course_lib.classroom import CheckFailed, NotAttempted, check, progress
from course_lib.classroom.check import CheckMistake


def test_an_unwritten_function_is_not_attempted():
    stub = answer("def f(x):\n    raise NotImplementedError('f is not written yet.')")
    verdict = verdict_of(lambda c: c.call(stub, 1).gives(2))
    assert type(verdict) is NotAttempted
    assert "○ exercise: not attempted yet." in str(verdict)
    assert "Write your answer in the cell above" in str(verdict)


def test_an_unwritten_piece_of_a_library_is_an_error():
    verdict = verdict_of(lambda c: c.call(answer("def f(x): return io.IOBase().fileno()", io=_library()), 1).gives(2))
    assert type(verdict) is CheckFailed
    assert "your code stopped with an error" in str(verdict)


def _library():
    """A module of the standard library whose function raises NotImplementedError."""
    import asyncio

    class Io:
        class IOBase:
            def fileno(self):
                asyncio.AbstractEventLoop().run_forever()

    return Io


@pytest.mark.parametrize("blank", [None, ..., (None, None), [None], {"a": None, "b": None}])
def test_a_blank_value_is_not_attempted(blank):
    assert type(verdict_of(lambda c: c.value("answer", blank).gives((1, 2)))) is NotAttempted


def test_a_half_filled_value_is_wrong():
    verdict = verdict_of(lambda c: c.value("answers", {"a": 1, "b": None}).gives({"a": 1, "b": 2}))
    assert type(verdict) is CheckFailed
    assert "Item ['b'] is None, expected an int." in str(verdict)


def test_an_undefined_answer_says_to_run_its_cell():
    verdict = verdict_of(lambda c: c.call(make_checkerboard, 1).gives(2))  # noqa: F821
    assert type(verdict) is NotAttempted
    assert "`make_checkerboard` is not defined yet" in str(verdict)
    assert "Run the cell with your answer first" in str(verdict)


def test_a_name_missing_inside_the_answer_is_an_error_of_the_answer():
    verdict = verdict_of(lambda c: c.call(answer("def f(x):\n    return x + bias"), 1).gives(2))
    assert type(verdict) is CheckFailed
    assert "NameError: name 'bias' is not defined" in str(verdict)
    assert "line 2, in f: return x + bias" in str(verdict)


def test_an_interrupted_answer_is_told_so():
    verdict = verdict_of(lambda c: c.call(answer("def f():\n    raise KeyboardInterrupt")).gives(1))
    assert "Look for a loop that never ends" in str(verdict)


def test_exit_does_not_end_the_kernel():
    verdict = verdict_of(lambda c: c.call(answer("def f():\n    exit()")).gives(1))
    assert "SystemExit" in str(verdict)


def test_an_error_in_the_checks_own_lines_becomes_a_message():
    def body(c):
        weight = c.value("w", 3).value.weight
        c.value("weight", weight).gives(1)

    verdict = verdict_of(body)
    assert "the check could not use your answer" in str(verdict)
    assert "AttributeError: 'int' object has no attribute 'weight'" in str(verdict)
    assert verdict.__cause__ is None and verdict.__suppress_context__


def test_a_check_that_judges_nothing_is_the_authors_mistake():
    with pytest.raises(CheckMistake, match="judges nothing"), check("exercise") as c:
        c.call(answer("def f(): return 1"))
    with pytest.raises(CheckMistake, match="cannot compare with an object of class object"), check("exercise") as c:
        c.value("answer", 1).gives(object())


def test_nothing_is_written_on_stderr(capsys):
    noisy = "def f():\n    warnings.warn('careful')\n    print('oops', file=sys.stderr)\n    return 1"
    with check("exercise") as c:
        c.call(answer(noisy, warnings=warnings, sys=sys)).gives(1)
    assert capsys.readouterr().err == ""


def test_the_message_holds_no_traceback_and_no_line_of_the_check():
    def body(c):
        c.call(answer("def f(g): return g(1)"), lambda x: x.hidden_attribute_of_the_check).gives(1)

    text = str(verdict_of(body))
    assert "Traceback" not in text
    assert "c.call" not in text
    assert "line 1, in f: def f(g): return g(1)" in text
    assert text.count("hidden_attribute_of_the_check") == 1, "the error names it, but the check's line is not quoted"


def test_ipython_shows_the_message_alone(capsys):
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    shell.run_cell("from course_lib.classroom import check\ntotal = 3")
    capsys.readouterr()
    result = shell.run_cell("with check('total') as c:\n    c.value('total', total).gives(4)")
    shown = capsys.readouterr().out
    assert isinstance(result.error_in_exec, CheckFailed)
    assert shown == str(result.error_in_exec) + "\n"
    assert "\x1b" not in shown


def test_students_import_nothing_of_the_graders():
    code = "import sys, course_lib.classroom; print(sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for module in ("nbgrader", "nbformat", "nbclient", "jupytext", "IPython", "matplotlib", "torch", "sqlalchemy"):
        assert f"'{module}'" not in loaded


def test_progress_shows_the_latest_state_of_each_exercise():
    with check("first") as c:
        c.that(True, "")
    for name in ("second", "first_again"):
        with pytest.raises(CheckFailed), check(name) as c:
            c.that(False, "no")
    with check("first_again") as c:
        c.that(True, "")
    table = progress({"first": 2, "first_again": 1.5, "second": 3, "untouched<": 1})
    assert repr(table).splitlines() == [
        "✓ first           2  passed",
        "✓ first_again   1.5  passed",
        "✗ second          3  not right yet",
        "○ untouched<      1  not attempted",
        "3.5 of 7.5 points pass the checks that you see. Grading adds checks with other inputs.",
    ]
    html = table._repr_html_()
    assert "untouched&lt;" in html
    assert html == progress({"first": 2, "first_again": 1.5, "second": 3, "untouched<": 1})._repr_html_()
    assert "0 of 0 points" in repr(progress({}))
