"""For all tests: the two workers get whole files, the slow ones first, so that neither waits at the end."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SLOW_FIRST = ("browser", "setup", "grading", "notebooks")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in folders of SLOW_FIRST come first."""
    items.sort(key=lambda item: SLOW_FIRST.index(folder) if (folder := folder_of(item)) in SLOW_FIRST else 99)


def folder_of(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
