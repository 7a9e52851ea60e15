"""PyTorch's module database on a stand-in GPU: outputs, gradients and buffers of every layer are those of the CPU."""

import copy
import itertools

import pytest

torch = pytest.importorskip("torch", reason="PyTorch itself is not installed: pip install -e .[parity]")

from module_db import samples  # noqa: E402
from module_db.status import DATABASE  # noqa: E402
from test_ops_on_device import close, to_device  # noqa: E402
from twins import flat, gradients  # noqa: E402

import course_lib  # noqa: E402

MOST_SAMPLES = 4


def entries():
    for name, info in samples.variants():
        if hasattr(course_lib.nn, info.module_cls.__name__) and not DATABASE.out_of_scope(name):
            yield pytest.param(info, id=name)


def compare_module(made, args, named) -> str | None:
    """What is different on the device, None if nothing is."""
    there = copy.deepcopy(made).to("cuda")
    device_args, device_named = to_device(args), to_device(named)
    expected = samples._run(course_lib, made, args, named)
    found = samples._run(course_lib, there, device_args, device_named)
    results = [(a, b) for a, b in zip(flat(expected), flat(found), strict=True) if isinstance(a, course_lib.Tensor)]
    results += zip(made.buffers(), there.buffers(), strict=True)
    for a, b in results:
        if not (b.is_cuda and b.dtype is a.dtype and close(a, b)):
            return f"{b} in place of {a}"
    on_cpu = gradients(course_lib, expected, _differentiated(made, args, named)) or ()
    on_gpu = gradients(course_lib, found, _differentiated(there, device_args, device_named)) or ()
    for a, b in zip(on_cpu, on_gpu, strict=True):
        if a is not None and not (b.is_cuda and b.dtype is a.dtype and close(a, b)):
            return f"a gradient of {b} in place of {a}"
    return None


def _differentiated(module, args, named) -> list:
    given = [t for t in (*flat(list(args)), *flat(list(named.values()))) if isinstance(t, course_lib.Tensor)]
    return [t for t in (*given, *module.parameters()) if t.requires_grad]


@pytest.mark.usefixtures("numbers_of_the_cpu")
@pytest.mark.parametrize("info", list(entries()))
def test_module_gives_the_same_on_a_gpu(info):
    twin = getattr(course_lib.nn, info.module_cls.__name__)
    for training in (True, False):
        made = samples._samples(info, info.module_inputs_func, torch.float32, training)
        for sample in itertools.islice(made, MOST_SAMPLES):
            settings = sample.constructor_input
            module = samples._made(course_lib, twin, samples._convert(settings.args), samples._convert(settings.kwargs))
            call = samples._convert_call((sample.forward_input.args, sample.forward_input.kwargs))
            assert compare_module(module.train(training), *call) is None
