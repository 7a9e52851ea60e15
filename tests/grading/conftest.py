"""A tiny course to grade, and a way to grade with it without printing and without running the same notebook twice."""

import copy
import functools
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # small_course.py stands beside the tests, however pytest imports them

from small_course import write_course


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    return write_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="session", autouse=True)
def one_question_for_alembic():
    """nbgrader starts a process for each new gradebook to ask for one number, which does not change."""
    import nbgrader.api

    nbgrader.api.get_alembic_version = functools.cache(nbgrader.api.get_alembic_version)


class RememberingExecutor:
    """The local executor, which runs equal notebooks once for all tests: starting Python is what takes the time."""

    warning = ""

    def __init__(self):
        from course_lib.classroom.grade.executor import LocalExecutor

        self.local, self.runs = LocalExecutor(), {}

    def run(self, notebook, resources):
        key = (json.dumps(notebook), resources.limits)
        if key not in self.runs:
            self.runs[key] = self.local.run(notebook, resources)
        return copy.deepcopy(self.runs[key])


@pytest.fixture(scope="session")
def grade_quietly(course):
    """grade(folder, …) in the small course: returns the result and what was said."""
    from course_lib.classroom.grade import grade

    executor = RememberingExecutor()

    def run(folder, **options):
        said = []
        result = grade(folder, report=said.append, **{"root": course, "executor": executor, **options})
        return result, "\n".join(said)

    return run
