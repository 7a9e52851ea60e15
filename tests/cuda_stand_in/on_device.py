"""A plugin for pytest: the tests of tests/unit with a stand-in GPU, with kernels, as default device.

    PYTHONPATH=tests/cuda_stand_in:tests/cuda_kernels pytest -p on_device tests/unit/test_selection.py
"""

import kernels_on_host
import pytest
from cpu_numbers import numbers_of_the_cpu  # noqa: F401  a fixture

import course_lib
from course_lib.backends import cuda

DIFFERENT = {
    "test_functional_losses::test_mistakes_are_named_as_pytorch_names_them":
        "a class or an index that does not exist is told when the GPU is waited for",
    "test_jit_archive::test_the_program_sees_no_builtins": "its program was made on the CPU",
    "test_jit_trace::test_autocast_is_kept": "uses the autocast of the CPU",
    "test_modules::test_a_call_with_hooks_leaves_nothing_behind": "counts objects, of which the stand-in makes some",
    "test_optim::test_ten_thousand_steps_leave_memory_flat": "takes minutes on the stand-in",
    "test_parallel::test_copies_working_on_pieces_give_the_modules_gradients": "copies a module to the CPU",
    "test_parallel::test_detached_copies_send_no_gradient_back": "copies a module to the CPU",
}  # fmt: skip


@pytest.fixture(autouse=True)
def default_device(numbers_of_the_cpu, monkeypatch):  # noqa: F811
    monkeypatch.setattr(course_lib.backends.cudnn, "allow_tf32", False)
    cuda.use(kernels_on_host.module())
    with course_lib.device("cuda"):
        yield
    cuda.use(None)


def pytest_collection_modifyitems(config, items) -> None:
    """Without what is PyTorch's own, and what is different on a GPU."""
    different = [item for item in items if _name(item) in DIFFERENT or "[torch" in item.name]
    config.hook.pytest_deselected(items=different)
    items[:] = [item for item in items if item not in different]


def _name(item) -> str:
    return f"{item.path.stem}::{item.originalname}"
