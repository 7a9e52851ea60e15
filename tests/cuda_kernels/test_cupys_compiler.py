"""CuPy's own way from a kernel's file to the GPU's code, as far as it goes without a GPU: its options with ours, its
cache, and what it takes as arguments of a launch."""

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("cupy", reason="CuPy is not installed: pip install cupy-cuda13x")

import nvrtc
from cupy._core import raw
from cupy.cuda import compiler, function

from course_lib.backends.kernels import loading


class NotLoaded(function.Module):
    """A module whose code is kept in place of being brought to a GPU."""

    def load(self, cubin) -> None:
        self.cubin = cubin

    def _set_mapping(self, mapping) -> None:
        assert mapping is None  # names are extern "C"


@pytest.fixture
def compile_as_cupy(monkeypatch, tmp_path):
    """RawModule's compilation for a GPU of another machine; gives the code, and notes the compiler's options."""
    options = []
    monkeypatch.setattr(compiler, "function", SimpleNamespace(Module=NotLoaded))
    monkeypatch.setattr(compiler, "_get_arch", lambda: "90")
    named = compiler._get_arch_for_options_for_nvrtc
    monkeypatch.setattr(compiler, "_get_arch_for_options_for_nvrtc", getattr(named, "__wrapped__", named))
    monkeypatch.setattr(compiler, "_kernel_cache_backend", compiler._DiskKernelCacheBackend(str(tmp_path)))
    compile_program = compiler._NVRTCProgram.compile

    def noted(self, given=(), log_stream=None):
        options.append(given)
        return compile_program(self, given, log_stream)

    monkeypatch.setattr(compiler._NVRTCProgram, "compile", noted)

    def run(file: str, element: str, **defines) -> bytes:
        given = loading.options(element, **defines)
        module = raw._get_raw_module.__wrapped__(
            loading.source(file), None, given, "nvrtc", False, False, False, None, None
        )
        return module.cubin

    return SimpleNamespace(run=run, options=options)


@pytest.mark.parametrize("file", nvrtc.FILES)
def test_cupy_compiles_our_files(compile_as_cupy, file):
    element = "Half" if nvrtc.takes(file, "Half", "sm_90") else "float"
    made = compile_as_cupy.run(file, element, **nvrtc.VARIANTS.get(file, [{}])[0])
    assert made.startswith(b"\x7fELF") and b".text." in made
    assert set(nvrtc.AS_CUPY) <= {option.replace("--std", "-std") for option in compile_as_cupy.options[-1]}
    assert "-arch=sm_90" in compile_as_cupy.options[-1]


def test_what_is_compiled_once_is_found_on_disk(compile_as_cupy):
    first = compile_as_cupy.run("dropout", "float")
    count = len(compile_as_cupy.options)
    assert compile_as_cupy.run("dropout", "float") == first and len(compile_as_cupy.options) == count
    assert compile_as_cupy.run("dropout", "double") != first


def launch(*arguments) -> None:
    """CuPy converts the arguments of a launch before it looks for a GPU."""
    run = function.Function.__new__(function.Function)
    run((1,), (32,), arguments, stream=SimpleNamespace(ptr=0))


def test_what_a_launch_takes():
    from cupy_backends.cuda.api import driver, runtime

    taken = [np.uint64(0), np.bool_(True), np.int32(1), np.int64(1), np.float32(1), np.float64(1)]
    converted = [loading._BESIDE_FLOAT[type(value)](value) for value in (None, True, 3, 2.5)]
    structure = np.zeros((), [("table", "u8", 4), ("count", "i4", 4)])  # of any size, by value
    for arguments in ([*taken], converted, [structure]):
        with pytest.raises((runtime.CUDARuntimeError, driver.CUDADriverError)):  # there is no GPU, or no kernel
            launch(*arguments)
    for wrong in (np.zeros(3, "f4"), [1], "text", ctypes.c_int(1)):
        with pytest.raises(TypeError):
            launch(wrong)
