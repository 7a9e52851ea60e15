"""Smaller parts of torch.cuda: profilers, sensors, pools of memory."""

import sys
import types

import pytest

import course_lib as torch
from course_lib.backends import cuda


def test_nvtx_ranges(monkeypatch):
    seen = []
    fake = types.SimpleNamespace(RangePush=seen.append, RangePop=lambda: seen.append("end"), Mark=seen.append)
    monkeypatch.setattr(cuda.cupy().cuda, "nvtx", fake, raising=False)
    with torch.cuda.nvtx.range("step {}", 3):
        assert torch.cuda.nvtx.range_push("inner") == 1
        torch.cuda.nvtx.mark("here")
        assert torch.cuda.nvtx.range_pop() == 1
    assert seen == ["step 3", "inner", "here", "end", "end"]


def test_the_profiler_is_told(monkeypatch):
    seen = []
    fake = types.SimpleNamespace(start=lambda: seen.append("start"), stop=lambda: seen.append("stop"))
    monkeypatch.setattr(cuda.cupy().cuda, "profiler", fake, raising=False)
    with torch.cuda.profiler.profile():
        assert seen == ["start"]
    assert seen == ["start", "stop"]


def test_sensors_need_a_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(ModuleNotFoundError, match="nvidia-ml-py does not seem to be installed"):
        torch.cuda.utilization()
    assert torch.cuda.list_gpu_processes() == "pynvml module not found, please install nvidia-ml-py"


def test_sensors(monkeypatch):
    library = types.ModuleType("pynvml")
    library.NVML_TEMPERATURE_GPU, library.NVML_CLOCK_SM = 0, 1
    library.nvmlInit = lambda: None
    library.nvmlDeviceGetHandleByPciBusId = lambda place: place
    library.nvmlDeviceGetUtilizationRates = lambda handle: types.SimpleNamespace(gpu=7, memory=3)
    library.nvmlDeviceGetTemperature = lambda handle, which: 41
    library.nvmlDeviceGetClockInfo = lambda handle, which: 1980
    library.nvmlDeviceGetComputeRunningProcesses = lambda handle: []
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setattr(cuda.cupy().cuda.Device, "pci_bus_id", "0000:01:00.0", raising=False)
    assert (torch.cuda.utilization(), torch.cuda.memory_usage(0)) == (7, 3)
    assert (torch.cuda.temperature(), torch.cuda.clock_rate()) == (41, 1980)
    assert torch.cuda.list_gpu_processes() == "GPU:0\nno processes are running"


def test_figures_of_memory():
    x = torch.ones(100, device="cuda")
    nested = torch.cuda.memory_stats_as_nested_dict()
    assert nested["allocated_bytes"]["all"]["current"] == torch.cuda.memory_allocated() >= x.nbytes
    assert torch.cuda.get_allocator_backend() == "native" and torch.cuda.has_half and not torch.cuda.has_magma
    torch.cuda.reset_accumulated_memory_stats()
    torch.cuda.check_error(0)
