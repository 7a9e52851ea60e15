"""PyTorch's operator database on a stand-in GPU: the numbers and gradients of every op are those of the CPU."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch itself is not installed: pip install -e .[parity]")

from op_db.samples import _arguments, _samples, function_of  # noqa: E402
from op_db.status import DATABASE  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402
from twins import flat, gradients  # noqa: E402

import course_lib  # noqa: E402

MOST_SAMPLES = 8
UNDEFINED = {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"}  # any numbers
# The result is asked for on the CPU, or the sample lies in memory that a copy to the device does not keep.
ELSEWHERE = {"to", "as_strided", "logspace", "linspace"}


def to_device(value):
    """A value with its tensors on the GPU."""
    if isinstance(value, course_lib.Tensor):
        moved = value.detach().to("cuda")
        return moved.requires_grad_() if value.requires_grad else moved
    if isinstance(value, course_lib.device) or value == "cpu":
        return course_lib.device("cuda")
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(to_device(part) for part in value)
    return {key: to_device(part) for key, part in value.items()} if isinstance(value, dict) else value


def host(tensor) -> np.ndarray:
    array = tensor.detach().cpu()._array
    return array.astype("f4") if array.dtype.kind == "V" else array


def close(a, b) -> bool:
    """Half precision may be rounded in other places."""
    tolerance = (2**-5, 2**-5) if a.dtype in (course_lib.bfloat16, course_lib.float16) else (1e-3, 1e-4)
    return np.allclose(host(a), host(b), *tolerance, equal_nan=True)


def differentiated(args, named) -> list:
    return [t for t in (*flat(args), *flat(named)) if isinstance(t, course_lib.Tensor) and t.requires_grad]


def compare_sample(function, args, named) -> str | None:
    """What is different on the device, None if nothing is, or if the CPU refuses the sample."""
    course_lib.manual_seed(0)
    try:
        expected = function(*args, **named)
    except Exception:
        return None
    device_args, device_named = to_device(args), to_device(named)
    course_lib.manual_seed(0)
    found = function(*device_args, **device_named)
    on_device = any(isinstance(t, course_lib.Tensor) for t in flat(device_args))
    for a, b in zip(flat(expected), flat(found), strict=True):
        if isinstance(a, course_lib.Tensor):
            if on_device and not b.is_cuda:
                return "a result on the CPU"
            if a.dtype is not b.dtype:
                return f"{b.dtype} in place of {a.dtype}"
            if not close(a, b):
                return "values"
    on_cpu = gradients(course_lib, expected, differentiated(args, named)) or ()
    on_gpu = gradients(course_lib, found, differentiated(device_args, device_named)) or ()
    for a, b in zip(on_cpu, on_gpu, strict=True):
        if a is not None and not (b is not None and b.is_cuda and b.dtype is a.dtype and close(a, b)):
            return "gradients"
    return None


def entries():
    """(op, dtype) for everything that the library has; what it lacks is in the conformance status."""
    for op in op_db:
        if op.name in UNDEFINED | ELSEWHERE or DATABASE.out_of_scope(op.name):
            continue
        try:
            function_of(op.name, op.variant_test_name)
        except AttributeError:
            continue
        title = f"{op.name}/{op.variant_test_name}" if op.variant_test_name else op.name
        for dtype in (torch.float32, torch.int64, torch.bfloat16):
            if dtype in op.dtypes:
                yield pytest.param(op, dtype, id=f"{title} {str(dtype).removeprefix('torch.')}")


@pytest.mark.usefixtures("numbers_of_the_cpu")
@pytest.mark.parametrize(("op", "dtype"), list(entries()))
def test_op_gives_the_same_on_a_gpu(op, dtype):
    function = function_of(op.name, op.variant_test_name)
    samples = _samples(op, dtype, op.supports_autograd and dtype is torch.float32)
    for sample in itertools.islice(samples, MOST_SAMPLES):
        _, _, args, named = _arguments(sample)
        assert compare_sample(function, args, named) is None, f"{args} {named}"
