"""The host's side: arrays on the device, streams, events, devices, under numba.cuda's names."""

from __future__ import annotations

import contextlib
import time

import numpy as np


class DeviceArray:
    """An array in the simulated device's memory; kernels write into it, `copy_to_host()` brings it back.

    The host cannot look into it directly, as on a real GPU.
    """

    def __init__(self, host: np.ndarray, written=None):
        self._host, self._written = host, written  # `_written`: which elements hold a value, None for all

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    strides = property(lambda self: self._host.strides)
    nbytes = property(lambda self: self._host.nbytes)

    def __len__(self) -> int:
        return len(self._host)

    def copy_to_host(self, ary=None, stream=0) -> np.ndarray:
        """The values as a NumPy array: a new one, or `ary` filled with them."""
        if ary is None:
            return self._host.copy()
        if ary.shape != self.shape or ary.dtype != self.dtype:
            raise ValueError(f"cannot copy a {self.dtype} array of shape {self.shape} into {ary.dtype} {ary.shape}")
        ary[...] = self._host
        return ary

    def copy_to_device(self, ary, stream=0) -> None:
        """Fill this array with the values of another one, of the host or of the device."""
        self._host[...] = getattr(ary, "_host", ary)
        if self._written is not None:
            self._written[...] = True

    def reshape(self, *shape) -> DeviceArray:
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        return DeviceArray(self._host.reshape(shape), None if self._written is None else self._written.reshape(shape))

    def ravel(self) -> DeviceArray:
        return self.reshape(self.size)

    def __getitem__(self, index) -> DeviceArray:
        part = self._host[index]
        if not isinstance(part, np.ndarray):
            return part
        return DeviceArray(part, None if self._written is None else self._written[index])

    def __array__(self, *args, **named):
        raise TypeError("this array lies on the device: bring it back with copy_to_host()")

    def __repr__(self) -> str:
        return f"DeviceArray(shape={self.shape}, dtype={self.dtype})"


def to_device(obj, stream=0, copy: bool = True, to=None) -> DeviceArray:
    """A copy of a host array on the device; with `to=` into an existing device array."""
    values = np.asarray(getattr(obj, "_array", obj))
    if to is not None:
        to.copy_to_device(values)
        return to
    return DeviceArray(values.copy())


def device_array(shape, dtype=np.float64, strides=None, order="C", stream=0) -> DeviceArray:
    """An array on the device without values: reading an element that no kernel has written is an error."""
    host = np.zeros(shape, dtype=dtype, order=order)
    return DeviceArray(host, np.zeros(host.shape, dtype=bool))


def device_array_like(ary, stream=0) -> DeviceArray:
    """A device array without values, with the shape and dtype of `ary`."""
    return device_array(ary.shape, ary.dtype)


def pinned_array(shape, dtype=np.float64, strides=None, order="C") -> np.ndarray:
    """A host array; pinned memory is the same as any other in the simulator."""
    return np.zeros(shape, dtype=dtype, order=order)


mapped_array = managed_array = pinned_array


def synchronize() -> None:
    """Wait until all launches are done; in the simulator they already are."""


class Stream:
    """A queue of launches; the simulator runs each at once."""

    def synchronize(self) -> None:
        """Nothing is left to wait for."""

    @contextlib.contextmanager
    def auto_synchronize(self):
        yield self


def stream() -> Stream:
    return Stream()


def default_stream() -> Stream:
    return Stream()


class Event:
    """A point in time; `event_elapsed_time(start, end)` gives the simulator's own time between two."""

    def __init__(self, timing: bool = True):
        self.at = None

    def record(self, stream=0) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        """Nothing is left to wait for."""

    def query(self) -> bool:
        return self.at is not None


def event(timing: bool = True) -> Event:
    return Event(timing)


def event_elapsed_time(start: Event, end: Event) -> float:
    """Milliseconds between two recorded events. This is the simulator's time, not a GPU's."""
    if start.at is None or end.at is None:
        raise ValueError("both events must be recorded first")
    return (end.at - start.at) * 1e3


class Device:
    """The simulated device."""

    name = "course_lib simulator"
    compute_capability = (7, 0)
    id = 0
    WARP_SIZE = 32
    MAX_THREADS_PER_BLOCK = 1024
    MAX_SHARED_MEMORY_PER_BLOCK = 48 * 1024
    MULTIPROCESSOR_COUNT = 4

    def __repr__(self) -> str:
        return f"<CUDA device 0 '{self.name}'>"


_DEVICE = Device()


def get_current_device() -> Device:
    return _DEVICE


def select_device(device_id: int) -> Device:
    if device_id != 0:
        raise ValueError(f"there is one simulated device, number 0; {device_id} was asked for")
    return _DEVICE


def is_available() -> bool:
    """True: the simulator runs everywhere."""
    return True


def is_cuda_array(obj) -> bool:
    return isinstance(obj, DeviceArray)


def close() -> None:
    """Accepted: there is nothing to close."""
