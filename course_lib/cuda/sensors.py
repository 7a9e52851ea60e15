"""What the driver knows of a GPU, asked through NVIDIA's management library: load, temperature, power, clock, memory.

It needs the package nvidia-ml-py.
"""

from __future__ import annotations

from .devices import index_of, is_available, require


def _library():
    try:
        import pynvml
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("nvidia-ml-py does not seem to be installed or it can't be imported.") from error
    pynvml.nvmlInit()
    return pynvml


def _handle(device):
    """(The library, its handle of a GPU): found by its place on the bus, as CUDA counts GPUs in its own order."""
    library = _library()
    require()
    from ..backends import cuda

    place = cuda.cupy_device(index_of(device)).pci_bus_id
    return library, library.nvmlDeviceGetHandleByPciBusId(place)


def utilization(device=None) -> int:
    """Percent of the last sample period in which the GPU worked.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.utilization.html
    """
    library, handle = _handle(device)
    return library.nvmlDeviceGetUtilizationRates(handle).gpu


def memory_usage(device=None) -> int:
    """Percent of the last sample period in which the GPU's memory was read or written.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory_usage.html
    """
    library, handle = _handle(device)
    return library.nvmlDeviceGetUtilizationRates(handle).memory


def device_memory_used(device=None) -> int:
    """Bytes of the GPU's memory in use, by all programs."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetMemoryInfo(handle).used


def temperature(device=None) -> int:
    """The chip's temperature in °C."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU)


def power_draw(device=None) -> int:
    """Milliwatts, over the last sample period."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetPowerUsage(handle)


def clock_rate(device=None) -> int:
    """The clock of the multiprocessors in MHz."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetClockInfo(handle, library.NVML_CLOCK_SM)


def list_gpu_processes(device=None) -> str:
    """The programs that use a GPU, and how much of its memory, as text.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.list_gpu_processes.html
    """
    try:
        library = _library()
    except ModuleNotFoundError:
        return "pynvml module not found, please install nvidia-ml-py"
    if not is_available():
        return "cuda driver can't be loaded, is cuda enabled?"
    library, handle = _handle(device)
    lines = [f"GPU:{index_of(device)}"]
    processes = library.nvmlDeviceGetComputeRunningProcesses(handle)
    lines += [f"process {p.pid:>10d} uses {p.usedGpuMemory / 2**20:>12.3f} MB GPU memory" for p in processes]
    return "\n".join(lines if processes else [*lines, "no processes are running"])
