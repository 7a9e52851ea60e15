"""The command line `classroom`: lab, test, build, check, grade, doctor.

Each command finds the course's folder, turns the chapter names it was given into folders, imports the one function
that does the work and prints what comes back. A ClassroomError, wherever it was raised, becomes one sentence on
stderr and its exit code; nobody sees a traceback for a mistake of their own.
"""

import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from course_lib.classroom.errors import USAGE, ClassroomError

app = typer.Typer(
    name="classroom",
    help="From the Tensor Up: learn PyTorch by using it and by building it.\n\n"
    "Students need [bold]lab[/]; [bold]doctor[/] helps when something does not work. "
    "Instructors build, check and grade.",
    epilog="A chapter is named by its number (01) or its folder (01_tensors). "
    "From a fresh clone, `python classroom.py COMMAND` sets everything up and runs the same command.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
STUDENTS, INSTRUCTORS, DEVELOPERS = "For students", "For instructors", "For whoever changes something"
Chapters = Annotated[list[str] | None, typer.Argument(metavar="CHAPTER", help="Which chapters; all without one.")]


def main() -> None:
    """Run the command line; the console script `classroom`."""
    for stream in (sys.stdout, sys.stderr):     # a Windows pipe may not know every sign
        stream.reconfigure(errors="replace")
    try:
        app(prog_name="classroom")
    except ClassroomError as error:
        leave(str(error), error.exit_code)
    except PermissionError as error:
        leave(f"No permission for {error.filename}: make it writable, or copy the course to a folder that is yours.")
    except OSError as error:    # a full disk, a folder in a file's place
        leave(f"{error.filename or 'The system says'}: {error.strerror or error}.")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "course_lib":
            raise
        leave(f"This command needs the package {error.name}, which is not installed here. From a clone of the course, "
              "`python classroom.py COMMAND` installs everything.")


def leave(sentence: str, exit_code: int = 1) -> None:
    print(f"classroom: {sentence}", file=sys.stderr)
    raise SystemExit(exit_code)


# Students

@app.command(rich_help_panel=STUDENTS)
def lab(
    chapter: Annotated[str | None, typer.Argument(help="Open this chapter's notebook, for example 01.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Serve here; without it, the next free port from "
                                             "8888 on.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open no browser.")] = False,
) -> None:
    """Open the course in JupyterLab. Ctrl-C ends it."""
    root = course_root("course")
    course = root / "course"
    page = f"/lab/tree/{notebook_of(course, chapter)}" if chapter else "/lab"
    if not os.access(course, os.W_OK):
        raise ClassroomError(f"{course} cannot be written, so your answers could not be saved. Copy the course to a "
                             "folder that is yours and run the command there.")
    if port is not None and not is_free(port):
        raise ClassroomError(f"Port {port} is in use. Give another --port, or none: then the next free one is taken.")
    arguments = [
        f"--ServerApp.root_dir={course}",
        f"--LabApp.default_url={page}",
        f"--LabApp.app_settings_dir={root / 'binder' / 'lab'}",
        "--Application.log_level=ERROR",
        "--ServerApp.answer_yes=True",      # Ctrl-C ends it without a question
    ]
    if port is not None:
        arguments += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if no_browser:
        arguments.append("--ServerApp.open_browser=False")
    if hasattr(os, "geteuid") and os.geteuid() == 0:    # a container: there is nobody else to be
        arguments.append("--ServerApp.allow_root=True")
    settings = [str(root / "binder" / "jupyter"), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(settings)   # where the button Validate finds its time limit
    from jupyterlab.labapp import LabApp

    print(f"JupyterLab starts on {course}. Ctrl-C ends it.", flush=True)
    LabApp.launch_instance(argv=arguments)


@app.command(rich_help_panel=STUDENTS)
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look at this machine: what is there, what is missing, what to do about it."""
    from course_lib.classroom.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        signs = {"ok": "[green]ok[/]", "warn": "[yellow]look[/]", "missing": "[red]missing[/]"}
        show_table(["", "", "found", "what to do"],
                   [[finding.name, signs[finding.status], finding.found, finding.advice] for finding in findings])
    raise typer.Exit(int(any(finding.status == "missing" for finding in findings)))


# Instructors

@app.command(rich_help_panel=INSTRUCTORS)
def build(
    chapters: Chapters = None,
    verify: Annotated[bool, typer.Option("--verify", help="Write nothing; fail if a notebook would change.")] = False,
) -> None:
    """Make the notebooks in solutions/ and course/ from the chapters' sources."""
    root = course_root()
    from course_lib.classroom.build import build as build_notebooks

    changed = build_notebooks(chapters or [], root, verify=verify, report=print)
    if verify and changed:
        raise ClassroomError("The notebooks differ from their sources. Run `classroom build` and commit what changed.")


@app.command(rich_help_panel=INSTRUCTORS)
def check(chapters: Chapters = None) -> None:
    """Prove every exercise: solution full marks, stub none, each wrong answer loses points and says why."""
    root = course_root()
    from course_lib.classroom.prove import prove

    rows = prove(chapters or [], root, report=print).rows
    show_table(
        ["chapter", "exercise", "case", "score", ""],
        [[row.chapter, row.exercise or "(notebook)", row.case, f"{row.score:g} / {row.points:g}",
          "[green]ok[/]" if row.ok else "[red]not ok[/]"] for row in rows],
    )
    failed = sum(not row.ok for row in rows)
    if failed:
        raise ClassroomError(f"{failed} of {len(rows)} cases did not behave as they must: the lines above the table "
                             "say how.")


@app.command(rich_help_panel=INSTRUCTORS)
def grade(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The submissions, a folder or a zip: nbgrader's layout, "
                                           "or what Moodle and Canvas export.")],
    chapter: Annotated[str | None, typer.Option(help="Grade only this chapter; needed where the files do not tell "
                                                "theirs.")] = None,
    work: Annotated[Path | None, typer.Option(help="Where gradebook, feedback and marks.csv go; without it, "
                                              "graded/NAME.")] = None,
) -> None:
    """Grade submissions: a table here; gradebook, feedback and marks in a working folder."""
    root = course_root()
    from course_lib.classroom.grade import grade as grade_folder

    grade_folder(folder, root=root, chapter=chapter, work=work, report=print)


# Developers

@app.command(rich_help_panel=DEVELOPERS,
             context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run the tests; every argument is pytest's, for example -k stride or tests/unit -x."""
    root = course_root()
    import pytest

    arguments = [absolute_path(argument) for argument in context.args]
    if not any(argument.startswith(("-n", "--numprocesses", "--pdb")) for argument in arguments):
        arguments = ["-n", "2", "--dist", "loadfile", *arguments]
    os.chdir(root)
    raise typer.Exit(int(pytest.main(["--rootdir", str(root), "-c", str(root / "pyproject.toml"), *arguments])))


# What the commands share

def course_root(needed: str = "solutions") -> Path:
    """The folder of the course: the clone that this package was installed from."""
    root = Path(__file__).resolve().parents[2]
    if not (root / needed).is_dir():
        raise ClassroomError(f"There is no folder {needed} in {root}. This command works in a clone of the course: run "
                             "`python classroom.py` there.")
    return root


def notebook_of(course: Path, chapter: str) -> str:
    """The path, below course/, of the notebook of a chapter given by number, folder name or topic."""
    folders = sorted(path for path in course.glob("[0-9][0-9]_*") if path.is_dir())
    for folder in folders:
        number, topic = folder.name.split("_", 1)
        if chapter in (folder.name, number, number.lstrip("0"), topic):
            break
    else:
        names = ", ".join(folder.name for folder in folders) or "none yet"
        raise ClassroomError(f"There is no chapter {chapter!r}. The chapters are: {names}.", USAGE)
    path = f"{folder.name}/{folder.name}.ipynb"
    if not (course / path).is_file():
        raise ClassroomError(f"{folder} has no notebook {folder.name}.ipynb. If it was renamed, give it its name back; "
                             f"if it was deleted, `git checkout course/{path}` brings a fresh one.")
    return path


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":     # there, a port that was just closed counts as free only with this
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise ClassroomError(f"Port {port} is reserved for the system. Give a --port of 1024 or more.") from error
        except OSError:
            return False
    return True


def absolute_path(argument: str) -> str:
    """A path in an argument (tests/unit or tests/unit/test_x.py::name), seen from where the user stands."""
    path, *names = argument.split("::")
    return "::".join([str(Path(path).resolve()), *names]) if Path(path).exists() else argument


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
