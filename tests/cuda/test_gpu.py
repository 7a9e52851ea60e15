"""Whether there is a GPU to test on."""

import pytest

import course_lib as torch
from course_lib.backends import cuda

TROUBLE = cuda.trouble()  # of this machine, before anything stands for a GPU


def test_there_is_a_gpu():
    if TROUBLE:
        pytest.skip(f"the tests on a GPU do not run: {TROUBLE}")
    assert torch.cuda.is_available() and torch.ones(2, device="cuda").sum().item() == 2
