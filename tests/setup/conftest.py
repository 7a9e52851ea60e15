"""For the tests of set-up: running commands, copies of the tracked files, and a machine without rights or network."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NO_NETWORK = ("name resolution", "failed to resolve", "could not resolve", "dns error", "error sending request",
              "connection refused", "network is unreachable", "timed out", "does not answer")

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def run() -> Run:
    """run(*command, cwd=…): the finished command, with its text; a traceback in its output fails the test."""

    def run(*command, timeout: float = 300, **options) -> subprocess.CompletedProcess:
        options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, encoding="utf-8",
                              errors="replace", timeout=timeout, **options)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def run_online(run: Run) -> Run:
    """As run, for a command that must succeed and needs the package registry: without a network it skips, saying so.

    In CI (the variable CI is set) it never skips.
    """

    def run_online(*command, **options) -> subprocess.CompletedProcess:
        done = run(*command, **options)
        said = done.stdout + done.stderr
        if done.returncode and not os.environ.get("CI") and any(sign in said.lower() for sign in NO_NETWORK):
            pytest.skip("no network: the package registry does not answer")
        assert done.returncode == 0, said
        return done

    return run_online


@pytest.fixture(scope="session")
def copy_tracked() -> Callable[[Path], Path]:
    """copy_tracked(folder): what a clone would hold (tracked files, as they are in the working tree)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout

    def copy(folder: Path) -> Path:
        for name in filter(None, listed.decode().split("\0")):
            if os.path.lexists(ROOT / name):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        return folder

    return copy


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], list[str]]]:
    """read_only(folder) forbids writing in it, and returns the words to put before a command so that root obeys too."""
    folders = []

    def make(folder: Path) -> list[str]:
        if os.name == "nt":
            pytest.skip("folders are not made read-only by their mode on Windows")
        folders.append(folder)
        folder.chmod(0o555)
        if os.geteuid() != 0:
            return []
        assert shutil.which("setpriv"), "util-linux's setpriv is needed to run this test as root"
        return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]

    yield make
    for folder in folders:
        folder.chmod(0o755)


@pytest.fixture(scope="session")
def base_python() -> str:
    """The Python that the environment of these tests was made from: what a student types."""
    return getattr(sys, "_base_executable", sys.executable)
