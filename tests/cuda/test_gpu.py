"""Whether there is a GPU to test on."""

import pytest

import course_lib as torch
from course_lib.backends import cuda


def test_there_is_a_gpu():
    if not cuda.device_count():
        pytest.skip(f"the tests on a GPU do not run: {cuda.trouble()}")
    assert torch.cuda.is_available() and torch.ones(2, device="cuda").sum().item() == 2
