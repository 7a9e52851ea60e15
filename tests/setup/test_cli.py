"""The command line: its help, its sentences for every mistake, and the JupyterLab that it opens."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from course_lib.classroom import cli
from course_lib.classroom.errors import ClassroomError

CLI = (sys.executable, "-m", "course_lib.classroom.cli")
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def course(root, tmp_path) -> Path:
    """A course of its own: this library and two chapters, of which 01 has no notebook."""
    folder = tmp_path / "course of mine"
    shutil.copytree(root / "course_lib", folder / "course_lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "binder", folder / "binder", symlinks=True)
    shutil.copy(root / "pyproject.toml", folder)
    (folder / "course" / "00_start_here").mkdir(parents=True)
    (folder / "course" / "00_start_here" / "00_start_here.ipynb").write_text(json.dumps(NOTEBOOK))
    (folder / "course" / "01_tensors").mkdir()
    (folder / "solutions" / "00_start_here").mkdir(parents=True)
    shutil.copy(root / "solutions/00_start_here/00_start_here.py", folder / "solutions/00_start_here")
    return folder


@pytest.fixture
def said(course, run):
    """said(*arguments): exit code and the sentence on stderr of a command that must refuse."""

    def said(*arguments, before=()) -> tuple[int, str]:
        done = run(*before, *CLI, *arguments, cwd=course, env={**os.environ, "COLUMNS": "200"})
        assert done.stdout == ""
        return done.returncode, done.stderr

    return said


def test_help_names_every_command_with_its_purpose(run):
    text = run(*CLI, "--help", env={**os.environ, "COLUMNS": "120"}).stdout
    for command, purpose in {"lab": "JupyterLab", "doctor": "this machine", "build": "notebooks", "check": "exercise",
                             "grade": "submissions", "test": "tests"}.items():
        assert re.search(rf"│ {command} +\S.*{purpose}", text), (command, text)


@pytest.mark.parametrize("command", ["lab", "build", "check", "grade"])
def test_each_command_explains_its_arguments(run, command):
    done = run(*CLI, command, "--help")
    assert done.returncode == 0 and "chapter" in done.stdout.lower()


def test_an_unknown_command_is_a_usage_error(said):
    code, sentence = said("frobnicate")
    assert code == 2 and "No such command 'frobnicate'" in sentence


@pytest.mark.parametrize("command", ["lab", "check"])
def test_an_unknown_chapter_is_told_which_exist(said, command):
    code, sentence = said(command, "77")
    assert code == 2
    assert "no chapter '77'" in sentence and "00_start_here" in sentence
    assert len(sentence.splitlines()) == 1


def test_a_renamed_notebook_is_told_its_name(course, said):
    code, sentence = said("lab", "01")
    assert code == 1
    assert "no notebook 01_tensors.ipynb" in sentence and "git checkout course/01_tensors/01_tensors.ipynb" in sentence


def test_a_busy_port_is_a_sentence(said):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code, sentence = said("lab", "--no-browser", "--port", str(port))
    assert code == 1 and f"Port {port} is in use" in sentence and len(sentence.splitlines()) == 1


def test_an_impossible_port_is_a_usage_error(said):
    code, sentence = said("lab", "--port", "70000")
    assert code == 2 and "65535" in sentence


def test_a_course_that_cannot_be_written_is_a_sentence(course, said, read_only):
    code, sentence = said("lab", before=read_only(course / "course"))
    assert code == 1 and "your answers could not be saved" in sentence and len(sentence.splitlines()) == 1


@pytest.mark.parametrize(("raised", "code", "sentence"), [
    (PermissionError(13, "Permission denied", "course/x.ipynb"), 1, "No permission for course/x.ipynb: make it "),
    (OSError(28, "No space left on device", "course/x.ipynb"), 1, "course/x.ipynb: No space left on device."),
    (ClassroomError("cell 3 raises an error.", 2), 2, "cell 3 raises an error."),
])
def test_what_goes_wrong_in_a_command_becomes_a_sentence(monkeypatch, capsys, raised, code, sentence):
    def build(*arguments, **options):
        raise raised

    monkeypatch.setitem(sys.modules, "course_lib.classroom.build", SimpleNamespace(build=build))
    monkeypatch.setattr(sys, "argv", ["classroom", "build"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr().err
    assert left.value.code == code
    assert said.startswith(f"classroom: {sentence}") and len(said.splitlines()) == 1


def test_without_the_course_folders_there_is_a_sentence(course, said):
    shutil.rmtree(course / "course")
    shutil.rmtree(course / "solutions")
    for command in (["lab"], ["build"], ["check"], ["grade", "."]):
        code, sentence = said(*command)
        assert code == 1 and "This command works in a clone of the course" in sentence


def test_a_missing_package_is_a_sentence(course, said):
    (course / "pytest.py").write_text("raise ModuleNotFoundError('No module named pytest', name='pytest')")
    code, sentence = said("test")
    assert code == 1 and "needs the package pytest" in sentence and "python classroom.py" in sentence


def test_a_folder_without_submissions_is_a_sentence(course, said, tmp_path, root):
    (tmp_path / "empty").mkdir()
    shutil.copytree(root / "solutions" / "00_start_here", course / "solutions" / "00_start_here", dirs_exist_ok=True)
    for folder in ("nowhere", "empty"):
        code, sentence = said("grade", str(tmp_path / folder))
        assert code in (1, 2) and sentence.startswith("classroom: ") and len(sentence.splitlines()) == 1


def test_pytests_arguments_and_exit_codes_pass_through(course, run):
    (course / "tests").mkdir()
    (course / "tests" / "test_two.py").write_text("def test_good(): pass\ndef test_bad(): assert 1 + 1 == 3\n")
    done = run(*CLI, "test", "test_two.py", "-k", "bad", "-p", "no:nbval", cwd=course / "tests",
               env={**os.environ, "PYTHONPATH": str(course)})
    assert done.returncode == 1
    assert "2 workers [1 item]" in done.stdout and "1 failed" in done.stdout


# JupyterLab

@contextmanager
def lab(course: Path, home: Path, *arguments: str):
    """A running `classroom lab --no-browser` and its address."""
    command = subprocess.Popen([*CLI, "lab", "--no-browser", *arguments], cwd=course, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "HOME": str(home), "USERPROFILE": str(home)})
    said = []
    try:
        for line in command.stdout:
            said.append(line)
            if address := re.search(r"http://127\.0\.0\.1:(\d+)(/\S*)\?token=(\w+)", line):
                break
        else:
            raise AssertionError("".join(said))
        yield command, int(address[1]), address[2], address[3]
    finally:
        command.kill()
        command.wait()


def ask(port: int, path: str, token: str, method: str = "GET") -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"token {token}"},
                                     method=method)
    for _ in range(50):     # the address is printed a moment before the server answers
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.1)
    raise AssertionError(f"nobody answers on port {port}")


@pytest.fixture
def opened(course, tmp_path):
    """JupyterLab on chapter 00, while port 8888 is taken by somebody else."""
    home = tmp_path / "home"
    home.mkdir()
    try:
        taken = socket.create_server(("127.0.0.1", 8888))
    except OSError:     # it is taken already
        taken = socket.socket()
    with taken, lab(course, home, "00") as (command, port, path, token):
        yield command, port, path, token, home


def test_lab_opens_the_chapter_for_a_student(opened):
    command, port, path, token, home = opened
    assert port > 8888      # the next free one
    assert path == "/lab/tree/00_start_here/00_start_here.ipynb"
    listed = json.loads(ask(port, "/api/contents/", token))
    assert {entry["name"] for entry in listed["content"]} == {"00_start_here", "01_tensors"}

    page = ask(port, path, token)
    config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert "@jupyter/nbgrader:create-assignment" in config["disabledExtensions"]
    assert not {"@jupyter/nbgrader", "@jupyter/nbgrader:validate-assignment"} & set(config["disabledExtensions"])
    assert "@jupyter/nbgrader" in {extension["name"] for extension in config["federated_extensions"]}

    settings = json.loads(ask(port, "/lab/api/settings/@jupyterlab/apputils-extension:notification", token))
    assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
    validated = json.loads(ask(port, "/assignments/validate?path=00_start_here/00_start_here.ipynb", token, "POST"))
    assert validated["success"] is True
    assert not list(home.rglob("overrides.json")) and not list(home.rglob("page_config.json"))

    if os.name != "nt":
        command.send_signal(2)      # Ctrl-C ends it, without a question
        assert command.wait(20) == 0


def test_validate_has_time_on_a_busy_machine(monkeypatch):
    from jupyterlab.labapp import LabApp
    from nbgrader.server_extensions.validate_assignment.handlers import ValidateAssignmentHandler

    from course_lib.classroom.cli import lab as lab_command

    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "somewhere")      # put back after the test
    monkeypatch.setattr(LabApp, "launch_instance", lambda argv: None)
    lab_command(no_browser=True, chapter=None, port=None)
    assert ValidateAssignmentHandler.load_config(None).Execute.timeout == 120
    assert os.environ["JUPYTER_CONFIG_PATH"].endswith(os.pathsep + "somewhere")
