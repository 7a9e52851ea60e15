"""PyTorch's module database on a real GPU: the tests of tests/cuda_stand_in, with CuPy itself."""

import pytest

pytest.importorskip("torch", reason="PyTorch itself is not installed: pip install -e .[parity]")

import test_modules_on_device

globals().update({name: value for name, value in vars(test_modules_on_device).items() if name.startswith("test_")})
