"""Which GPUs there are, which one is current, and what they can do."""

from __future__ import annotations

from types import SimpleNamespace

from ..backends import cuda as backend
from ..device import device as torch_device
from ..tensor import Tensor

NOT_COMPILED = "Torch not compiled with CUDA enabled"


def is_available() -> bool:
    """Whether tensors can be moved to a GPU.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.is_available.html
    """
    return backend.device_count() > 0


def device_count() -> int:
    """How many GPUs there are.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.device_count.html
    """
    return backend.device_count()


def is_initialized() -> bool:
    """Whether a GPU can be used: CuPy starts it on the first tensor."""
    return is_available()


def init() -> None:
    """Start CUDA; AssertionError where there is none."""
    require()


def require() -> None:
    """AssertionError with PyTorch's text where there is no GPU; it also says why."""
    if not is_available():
        raise AssertionError(f"{NOT_COMPILED} ({backend.trouble()})")


def index_of(device, optional: bool = True) -> int:
    """The number of the GPU that `device` (an int, a string, a torch.device, None: the current one) means."""
    require()
    if device is None and optional:
        return current_device()
    if isinstance(device, int):
        number = device
    else:
        device = torch_device(device)
        if device.type != "cuda":
            raise ValueError(f"Expected a cuda device, but got: {device}")
        if device.index is None and not optional:
            raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")
        number = current_device() if device.index is None else device.index
    if not 0 <= number < device_count():
        raise AssertionError(f"Invalid device id {number}: there are {device_count()} GPUs, counted from 0")
    return number


def current_device() -> int:
    """The index of the current GPU; AssertionError where there is none.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.current_device.html
    """
    require()
    return backend.current_device()


def set_device(device) -> None:
    """Make a GPU the current one (nothing happens for a negative index).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.set_device.html
    """
    if isinstance(device, int) and device < 0:
        return
    if not isinstance(device, int) and torch_device(device).index is None:
        raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")
    backend.cupy_device(index_of(device)).use()


def synchronize(device=None) -> None:
    """Wait until the GPU has done all that was asked of it; AssertionError where there is none.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.synchronize.html
    """
    backend.cupy_device(index_of(device)).synchronize()
    backend.look_after_waiting()


class device:
    """A context manager that makes a GPU the current one; None and negative numbers change nothing.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.device.html
    """

    def __init__(self, device):
        if isinstance(device, torch_device | str):
            device = index_of(device)
        self.idx = -1 if device is None else int(device)
        self._entered = None

    def __enter__(self) -> None:
        if self.idx >= 0:
            if not is_available():
                raise RuntimeError("PyTorch was compiled without CUDA support")
            self._entered = backend.cupy_device(index_of(self.idx))
            self._entered.__enter__()

    def __exit__(self, *exception) -> None:
        if self._entered is not None:
            self._entered.__exit__(*exception)


class device_of(device):
    """A context manager that makes the GPU of a tensor the current one; a tensor of the CPU changes nothing."""

    def __init__(self, obj: Tensor):
        super().__init__(obj.get_device() if obj.is_cuda else -1)


# ---- what they are -----------------------------------------------------------------------------------------------


def get_device_properties(device=None):
    """Name, memory and size of a GPU: `name`, `major`, `minor`, `total_memory` (bytes), `multi_processor_count`, …

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.get_device_properties.html
    """
    index = index_of(device)
    found = backend.cupy().cuda.runtime.getDeviceProperties(index)
    name = found["name"]
    return DeviceProperties(
        name=name.decode() if isinstance(name, bytes) else name,
        major=found["major"],
        minor=found["minor"],
        total_memory=found["totalGlobalMem"],
        multi_processor_count=found["multiProcessorCount"],
        max_threads_per_multi_processor=found["maxThreadsPerMultiProcessor"],
        warp_size=found["warpSize"],
        regs_per_multiprocessor=found["regsPerMultiprocessor"],
        shared_memory_per_block=found["sharedMemPerBlock"],
        L2_cache_size=found["l2CacheSize"],
    )


class DeviceProperties(SimpleNamespace):
    """What a GPU is."""

    def __repr__(self) -> str:
        memory = self.total_memory // 2**20
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={memory}MB, multi_processor_count={self.multi_processor_count})"
        )


def get_device_name(device=None) -> str:
    """The name of a GPU; AssertionError where there is none.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.get_device_name.html
    """
    return get_device_properties(device).name


def get_device_capability(device=None) -> tuple[int, int]:
    """The compute capability of a GPU, (major, minor).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.get_device_capability.html
    """
    found = get_device_properties(device)
    return found.major, found.minor


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the current GPU computes with bfloat16: compute capability 8 has it, older ones emulate it."""
    return is_available() and (including_emulation or get_device_capability()[0] >= 8)


def is_tf32_supported() -> bool:
    """Whether the current GPU multiplies matrices in TF32: from compute capability 8 on."""
    return is_available() and get_device_capability()[0] >= 8


def get_arch_list() -> list[str]:
    """The GPU architectures that the library was compiled for: none, kernels are compiled when they are first used."""
    return []


def can_device_access_peer(device, peer_device) -> bool:
    """Whether a GPU can read another one's memory directly."""
    first, second = index_of(device), index_of(peer_device)
    return bool(backend.cupy().cuda.runtime.deviceCanAccessPeer(first, second))


def ipc_collect() -> None:
    """Accepted: memory is not shared between processes."""
    require()
