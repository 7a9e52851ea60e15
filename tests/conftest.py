"""For all tests: the two workers get whole files, the slow ones first, so that neither waits at the end."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SLOW_FIRST = ("browser", "setup", "parity/op_db", "grading", "notebooks", "cuda_stand_in", "parity/module_db",
              "parity/test_op_programs.py", "parity/optim_db")  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files and folders of SLOW_FIRST come first, in its order."""
    items.sort(key=place_of)


def place_of(item: pytest.Item) -> int:
    path = item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else ""
    return next((place for place, start in enumerate(SLOW_FIRST) if path.startswith(start)), len(SLOW_FIRST))
