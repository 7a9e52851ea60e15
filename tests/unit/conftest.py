"""What the unit tests share."""

import importlib

import pytest


@pytest.fixture(params=["course_lib", "torch"])
def torch(request):
    """The library that the chapter runs with: ours, and PyTorch where it is installed."""
    if request.param == "course_lib":
        return importlib.import_module("course_lib")
    return pytest.importorskip("torch", reason="PyTorch itself is not installed: pip install -e .[parity]")
