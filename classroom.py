#!/usr/bin/env python3
"""Set up the course and run one of its commands:  python classroom.py lab | test | doctor | …

Standard library only. It makes the environment `.venv` beside this file (again when pyproject.toml or
requirements.lock changed), then hands over to the command line inside it, course_lib/classroom/cli.py.
Everything below is also readable by Python 3.6, so that an old Python can be told that it is old.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

OLDEST = (3, 11)
WINDOWS = os.name == "nt"
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
LOCK_FILE = ROOT / ".venv.lock"
STAMP = VENV / "classroom-stamp"
UNFINISHED = VENV / "classroom-unfinished"
LOG = VENV / "classroom-install.log"
PROJECT = [ROOT / "pyproject.toml", ROOT / "requirements.lock"]
EXTRAS = ".[course,grade,test]"
OFFLINE = ("name resolution", "failed to resolve", "could not resolve", "getaddrinfo failed", "dns error", "timed out",
           "error sending request", "connectionerror", "connection refused", "network is unreachable", "max retries")


class SetUpError(Exception):
    """A sentence for the person at the keyboard."""


def main(arguments):
    if sys.version_info < OLDEST:
        say("The course needs Python {}.{} or newer, and this is Python {}. Install a newer one (python.org) and run "
            "this command with it.".format(*OLDEST, sys.version.split()[0]))
        return 2
    try:
        set_up()
    except SetUpError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Run the same command again to finish setting up.")
        return 130
    return hand_over([str(PYTHON), "-P", "-m", "course_lib.classroom.cli", *arguments])


def say(text):
    print(text, file=sys.stderr, flush=True)


# Setting up: the stamp is written last, so whatever was interrupted is done again.

def set_up():
    if is_ready():
        return
    with only_one_at_a_time():
        if is_ready():      # another command did it while this one waited
            return
        try:
            make_environment()
            STAMP.unlink(missing_ok=True)
            install_project()
            write_stamp()
        except OSError as error:
            raise SetUpError(f"The environment {VENV} could not be written: {error.strerror or error}. Free some disk "
                             "space, or copy the course to a folder that is yours; then run the command again."
                             ) from error


def is_ready():
    """Whether .venv was completed for these project files, in this folder, and its Python still works."""
    try:
        return STAMP.read_text(encoding="utf-8") == wanted_stamp() and runs(
            "from importlib.util import find_spec as find; assert find('typer') and find('course_lib')")
    except OSError:
        return False


def wanted_stamp():
    """The folder, because an environment remembers where it was made, and the state of the project files."""
    state = hashlib.sha256()
    for path in PROJECT:
        state.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{ROOT}\n{state.hexdigest()}\n"


def is_usable():
    """Whether packages can be installed into .venv as it is."""
    was_moved = STAMP.exists() and STAMP.read_text(encoding="utf-8").splitlines()[:1] != [str(ROOT)]
    return not (was_moved or UNFINISHED.exists()) and runs(f"import sys; assert sys.version_info >= {OLDEST}")


def write_stamp():
    unfinished = STAMP.with_suffix(".new")
    unfinished.write_text(wanted_stamp(), encoding="utf-8")
    os.replace(str(unfinished), str(STAMP))


def runs(code):
    """Whether the environment's Python runs this code."""
    try:
        return subprocess.run([str(PYTHON), "-P", "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=environment()).returncode == 0
    except OSError:
        return False


def make_environment():
    if VENV.exists() and not VENV.is_dir():
        raise SetUpError(f"{VENV} is a file, and the course keeps its environment in a folder of that name. Move the "
                         "file away and run the command again.")
    if VENV.exists() and not is_usable():
        if Path(sys.prefix).resolve() == VENV.resolve():
            raise SetUpError("The environment .venv must be made again, and this Python is part of it. Leave it "
                             "(`deactivate`) and run the command again.")
        say("The environment .venv was moved, was left unfinished or does not work any more: making it again.")
        shutil.rmtree(str(VENV))
    if not VENV.exists():
        say(f"Making the environment .venv with Python {sys.version.split()[0]}.")
        run_step([sys.executable, "-m", "venv", "--without-pip", str(VENV)], "The environment .venv could not be made")
    if not runs("import pip"):
        try:
            run_step([str(PYTHON), "-m", "ensurepip", "--upgrade"], "pip could not be put into .venv")
        except SetUpError as error:
            raise SetUpError("{}\nOn Debian and Ubuntu this helps: sudo apt install python{}.{}-venv".format(
                error, *sys.version_info[:2])) from error


def install_project():
    """Install this folder as an editable package, with uv where it can be had, else with pip."""
    say("Installing the course's packages (the first time this takes about a minute).")
    options = ["install", "--constraint", PROJECT[1].name, "--editable", EXTRAS]
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    failure = "The course's packages could not be installed"
    try:
        run_step([*pip, "--retries", "1", "install", "--constraint", PROJECT[1].name, "uv"], failure)
        run_step([str(PYTHON), "-m", "uv", "pip", *options, "--python", str(PYTHON)], failure)
    except SetUpError as error:
        if "network" in str(error):
            raise
        say("uv is not available here, so pip does it (this takes a few minutes).")
        run_step([*pip, *options], failure)


def run_step(command, failure):
    """Run one step with its output in the log; show the seconds on a terminal; on failure say why in a sentence.

    The file UNFINISHED lies there until the step has come to its own end: a killed one leaves it behind.
    """
    started = time.monotonic()
    VENV.mkdir(exist_ok=True)
    UNFINISHED.touch()
    with open(str(LOG), "w+", encoding="utf-8", errors="replace") as log:
        step = subprocess.Popen(command, cwd=str(ROOT), env=environment(), stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT, **inherited_lock())
        try:
            while step.poll() is None:
                if sys.stderr.isatty():
                    sys.stderr.write(f"\r  {time.monotonic() - started:.0f} s ")
                    sys.stderr.flush()
                try:
                    step.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            step.terminate()
            step.wait()
            raise
        finally:
            if sys.stderr.isatty():
                sys.stderr.write("\r")
        log.seek(0)
        output = log.read()
    if step.returncode >= 0:
        UNFINISHED.unlink()
    if step.returncode:
        raise SetUpError(f"{failure}: {reason(output)}")


def reason(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any(sign in output.lower() for sign in OFFLINE):
        return ("the network does not answer. Check the connection (and the proxy, if there is one), then run the "
                f"command again. Details: {LOG}")
    errors = [line for line in lines if line.lower().startswith(("error", "×", "fatal"))] or lines[-1:] or ["no reason"]
    return f"{errors[-1]} (details: {LOG})"


# One set-up at a time: an operating-system lock, which ends with the process that holds it, so it cannot go stale.

HELD = []


@contextmanager
def only_one_at_a_time():
    try:
        LOCK_FILE.touch()
    except OSError as error:
        raise SetUpError(f"The course sets itself up in its own folder, and {ROOT} cannot be written "
                         f"({error.strerror}). Copy the course to a folder that is yours and run the command "
                         "there.") from error
    with LOCK_FILE.open("r+") as lock:
        if not try_to_lock(lock):
            say("Another command is setting up .venv; waiting for it.")
            while not try_to_lock(lock):
                time.sleep(0.2)
        HELD.append(lock)
        try:
            yield
        finally:
            HELD.remove(lock)


def try_to_lock(lock):
    try:
        if WINDOWS:
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except (BlockingIOError, PermissionError):
        return False
    except OSError:         # a file system without locks: go on without
        return True


def inherited_lock():
    """An installer that outlives a killed classroom.py keeps the lock (POSIX), so that nobody works beside it."""
    return {} if WINDOWS else {"pass_fds": [lock.fileno() for lock in HELD]}


# Handing over

def environment():
    """The environment variables for a command inside .venv: as after `activate`, without another Python's settings."""
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    variables["VIRTUAL_ENV"] = str(VENV)
    variables["PATH"] = os.pathsep.join([str(PYTHON.parent), variables.get("PATH", os.defpath)])
    return variables


def hand_over(command):
    """Become the command: its signals and its exit code are this one's."""
    if not WINDOWS:
        os.execve(command[0], command, environment())
    child = subprocess.Popen(command, env=environment())
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # Ctrl-C reaches the child by itself; wait for its answer
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
