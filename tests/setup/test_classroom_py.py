"""classroom.py, as a student meets it: on a small project that installs in seconds, and once on the whole course."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PYPROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "small-course"
version = "1"
dependencies = []
[project.optional-dependencies]
course = ["typer"]
grade = []
test = []
[tool.setuptools]
packages = ["course_lib", "course_lib.classroom"]
"""
COMMANDS = """
import sys, time
print("ran", *sys.argv[1:], flush=True)
if sys.argv[1] == "exit":
    sys.exit(int(sys.argv[2]))
if sys.argv[1] == "sleep":
    time.sleep(60)
"""
posix = pytest.mark.skipif(os.name == "nt", reason="process groups and signals of POSIX")


@pytest.fixture(scope="module")
def small_course(root, tmp_path_factory):
    """small_course(): a new folder (with a blank and an accent in its name) that holds a course of two commands."""

    def make(uv: str = "") -> Path:
        folder = tmp_path_factory.mktemp("élève") / "my course"
        (folder / "course_lib" / "classroom").mkdir(parents=True)
        shutil.copy(root / "classroom.py", folder)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        locked = (root / "requirements.lock").read_text()
        (folder / "requirements.lock").write_text(
            "".join(line for line in locked.splitlines(True) if not (uv and line.startswith("uv=="))) + uv)
        (folder / "course_lib" / "__init__.py").touch()
        (folder / "course_lib" / "classroom" / "__init__.py").touch()
        (folder / "course_lib" / "classroom" / "cli.py").write_text(COMMANDS)
        return folder

    return make


@pytest.fixture(scope="module")
def ready(small_course, base_python, run_online):
    """A small course whose environment is complete."""
    folder = small_course()
    done = run_online(base_python, folder / "classroom.py", "exit", "0")
    assert "Making the environment" in done.stderr and "Installing" in done.stderr
    return folder


def test_an_old_python_gets_one_sentence_and_exit_code_2(root, run):
    source = (root / "classroom.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))     # it must be able to read the file to say the sentence
    old = f"import runpy, sys; sys.version_info = (3, 10, 2); sys.version = '3.10.2 (old)'; sys.argv = ['x', 'lab']; " \
          f"runpy.run_path({str(root / 'classroom.py')!r}, run_name='__main__')"
    done = run(sys.executable, "-c", old)
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr and "3.10.2" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_real_old_python_says_the_same(root, run):
    found = [path for name in ("3.6", "3.7", "3.8", "3.9", "3.10") if (path := shutil.which(f"python{name}"))]
    answers = [run(path, root / "classroom.py", "lab") for path in found]
    answers = [done for done in answers if "command not found" not in done.stderr]      # a version manager's stand-in
    if not answers:
        pytest.skip("no Python older than 3.11 on this machine")
    assert [done.returncode for done in answers] == [2] * len(answers)
    assert all("needs Python 3.11 or newer" in done.stderr for done in answers)


@pytest.mark.online
def test_the_second_run_installs_nothing_and_keeps_the_users_folder_and_arguments(ready, base_python, run, tmp_path):
    started = time.monotonic()
    done = run(base_python, ready / "classroom.py", "hello", "-k", "a b", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran hello -k a b\n", "")
    assert time.monotonic() - started < 10


@pytest.mark.online
def test_the_exit_code_passes_through(ready, base_python, run):
    assert run(base_python, ready / "classroom.py", "exit", "7").returncode == 7


@posix
@pytest.mark.online
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_pass_through(ready, base_python, number):
    with subprocess.Popen([base_python, ready / "classroom.py", "sleep"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as command:
        assert command.stdout.readline() == b"ran sleep\n"
        command.send_signal(number)
        assert command.wait(10) == -number


@pytest.mark.online
def test_another_pythons_settings_do_not_reach_the_environment(ready, base_python, run, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('the wrong settings')")
    done = run(base_python, "-I", ready / "classroom.py", "hello", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.stdout == "ran hello\n"


@pytest.mark.online
def test_a_changed_project_file_installs_again(ready, base_python, run_online):
    with (ready / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    assert "Installing" in run_online(base_python, ready / "classroom.py", "hello").stderr
    assert run_online(base_python, ready / "classroom.py", "hello").stderr == ""
    with (ready / "requirements.lock").open("a") as file:
        file.write("# changed\n")
    assert "Installing" in run_online(base_python, ready / "classroom.py", "hello").stderr


@pytest.mark.online
def test_a_broken_environment_is_made_again(ready, base_python, run_online):
    python = next(path for path in (ready / ".venv/bin/python", ready / ".venv/Scripts/python.exe") if path.exists())
    python.unlink()
    done = run_online(base_python, ready / "classroom.py", "hello")
    assert done.stdout == "ran hello\n" and "making it again" in done.stderr


@pytest.mark.online
def test_a_course_that_was_moved_works_in_its_new_place(ready, base_python, run_online):
    moved = ready.with_name("moved")
    ready.rename(moved)
    try:
        done = run_online(base_python, moved / "classroom.py", "hello")
        assert done.stdout == "ran hello\n"
        located = run_online(moved / ".venv/bin/python" if os.name != "nt" else moved / ".venv/Scripts/python.exe",
                             "-c", "import course_lib; print(course_lib.__file__)", cwd=moved.parent)
        assert Path(located.stdout.strip()).is_relative_to(moved)
    finally:
        moved.rename(ready)


@posix
@pytest.mark.online
def test_an_interrupted_installation_is_repeated(small_course, base_python, run_online):
    folder = small_course()
    with subprocess.Popen([base_python, folder / "classroom.py", "hello"], stderr=subprocess.PIPE,
                          start_new_session=True) as command:
        for line in command.stderr:
            if b"Installing" in line:
                break
        time.sleep(0.3)
        os.killpg(command.pid, signal.SIGKILL)
    assert (folder / ".venv").is_dir()
    done = run_online(base_python, folder / "classroom.py", "hello")
    assert done.stdout == "ran hello\n" and "left unfinished" in done.stderr


@posix
@pytest.mark.online
def test_ctrl_c_while_installing_is_one_sentence(small_course, base_python):
    folder = small_course()
    with subprocess.Popen([base_python, folder / "classroom.py", "hello"], stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as command:
        for line in command.stderr:
            if "Installing" in line:
                break
        os.killpg(command.pid, signal.SIGINT)
        assert command.stderr.read().strip() == "Stopped. Run the same command again to finish setting up."
        assert command.wait(10) == 130


@pytest.mark.online
def test_two_commands_at_once_set_up_once(small_course, base_python, run_online):
    folder = small_course()
    commands = [subprocess.Popen([base_python, folder / "classroom.py", "exit", str(code)], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE) for code in (3, 4)]
    said = [command.communicate(timeout=300)[1] for command in commands]
    if any("does not answer" in text for text in said):
        run_online(base_python, folder / "classroom.py", "hello")
    assert [command.returncode for command in commands] == [3, 4]
    assert sum("Installing" in text for text in said) == 1
    assert sum("waiting" in text for text in said) == 1


@pytest.mark.online
def test_pip_installs_where_uv_cannot_be_had(small_course, base_python, run_online):
    folder = small_course(uv="uv==0.0.0.1\n")
    done = run_online(base_python, folder / "classroom.py", "hello")
    assert done.stdout == "ran hello\n" and "uv is not available" in done.stderr


def test_without_a_network_there_is_a_sentence_and_nothing_is_poisoned(small_course, base_python, run, run_online):
    folder = small_course()
    nowhere = "http://127.0.0.1:9"
    offline = {**os.environ, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "https_proxy": nowhere,
               "http_proxy": nowhere, "PIP_NO_CACHE_DIR": "1", "UV_NO_CACHE": "1", "NO_PROXY": "", "no_proxy": ""}
    done = run(base_python, folder / "classroom.py", "hello", env=offline)
    assert done.returncode == 1 and done.stdout == ""
    assert "the network does not answer" in done.stderr and "Check the connection" in done.stderr
    assert run_online(base_python, folder / "classroom.py", "hello").stdout == "ran hello\n"


def test_a_package_that_cannot_be_built_is_a_sentence(small_course, base_python, run):
    folder = small_course()
    (folder / "pyproject.toml").write_text("this is not TOML")
    done = run(base_python, folder / "classroom.py", "hello")
    assert done.returncode == 1
    assert "could not be installed" in done.stderr and "classroom-install.log" in done.stderr


def test_a_folder_that_cannot_be_written_is_a_sentence(small_course, base_python, run, read_only):
    folder = small_course()
    done = run(*read_only(folder), base_python, folder / "classroom.py", "lab")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr and "Copy the course to a folder that is yours" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_in_the_environments_place_is_a_sentence(small_course, base_python, run):
    folder = small_course()
    (folder / ".venv").write_text("mine")
    done = run(base_python, folder / "classroom.py", "lab")
    assert done.returncode == 1
    assert "is a file" in done.stderr and (folder / ".venv").read_text() == "mine"


@pytest.mark.online
def test_a_fresh_clone_installs_the_whole_course(copy_tracked, base_python, run_online, tmp_path):
    clone = copy_tracked(tmp_path / "clone")
    done = run_online(base_python, clone / "classroom.py", "doctor", "--json", timeout=600)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert not [name for name, finding in findings.items() if finding["status"] == "missing"]
    assert Path(findings["Course folder"]["found"]) == (clone / "course").resolve()
