"""Fixtures of the tests of notebooks: the sample chapter, its built notebooks, and nbval."""

import shutil
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "sample"
collect_ignore = ["sample"]  # the source of a chapter, not of tests


@pytest.fixture
def sample(tmp_path):
    """A root with the sample chapter's source alone."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "root"))


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory):
    """A root with the sample chapter, built; for reading only."""
    from course_lib.classroom.build import build

    root = Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("sample") / "root"))
    build([], root, report=lambda line: None)
    return root


@pytest.fixture
def sample_notebook(built_sample):
    """The built sample, solutions included, as a notebook of the test's own."""
    return _read(built_sample / "solutions" / "90_sample" / "90_sample.ipynb")


@pytest.fixture
def released_sample(built_sample):
    """The released sample, as a notebook of the test's own."""
    return _read(built_sample / "course" / "90_sample" / "90_sample.ipynb")


def _read(path):
    import nbformat

    return nbformat.read(path, as_version=4)


@pytest.fixture
def nbval(tmp_path):
    """A function that runs nbval, strictly, on one notebook, in a pytest of its own: (passed, output)."""
    import subprocess

    settings = tmp_path / "nbval.ini"
    settings.write_text("[pytest]\n")

    def run(notebook: Path) -> tuple[bool, str]:
        command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "--color=no"]
        command += ["-p", "no:cacheprovider", "-c", str(settings), "--rootdir", str(notebook.parent), str(notebook)]
        result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=notebook.parent)
        return result.returncode == 0, result.stdout + result.stderr

    return run
