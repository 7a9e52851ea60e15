"""torch.device: where a tensor's numbers live, and the default device of new tensors."""

from __future__ import annotations

import re

_TYPES = ("cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla",
          "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone")  # fmt: skip


class device:
    """A device, `torch.device("cpu")` or `torch.device("cuda", 0)`; also a context manager for new tensors.

    Raises RuntimeError for a string that names no device.

    >>> import course_lib as torch
    >>> torch.device("cuda:1").index
    1

    Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch-device
    """

    __slots__ = ("type", "index")

    def __init__(self, type, index: int | None = None):
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        elif isinstance(type, int):
            type, index = "cuda", type
        elif index is None:
            type, index = _parse(type)
        elif type not in _TYPES:
            raise RuntimeError(_unknown(type))
        if index is not None and index < 0:
            raise RuntimeError("Device index must not be negative")
        self.type, self.index = type, index

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (f", index={self.index})" if self.index is not None else ")")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self):
        return device, ((self.type,) if self.index is None else (self.type, self.index))

    def __enter__(self) -> device:
        _defaults.append(self)
        return self

    def __exit__(self, *exception) -> None:
        _defaults.pop()


def _parse(text: str) -> tuple[str, int | None]:
    if not isinstance(text, str):
        raise TypeError(f"device(): argument 'type' (position 1) must be str, not {text.__class__.__name__}")
    match = re.fullmatch(r"([a-z]+)(?::(0|[1-9]\d*))?", text)
    if match is None:
        raise RuntimeError(f"Invalid device string: '{text}'")
    if match[1] not in _TYPES:
        raise RuntimeError(_unknown(match[1]))
    return match[1], None if match[2] is None else int(match[2])


def _unknown(name: str) -> str:
    return f"Expected one of {', '.join(_TYPES)} device type at start of device string: {name}"


CPU = device("cpu")
_defaults: list[device] = [CPU]


def get_default_device() -> device:
    """The device on which new tensors are made.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.get_default_device.html
    """
    return _defaults[-1]


def set_default_device(device_: device | str | None) -> None:
    """Make `device_` the one on which new tensors are made (None: the CPU).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_default_device.html
    """
    _defaults[0] = CPU if device_ is None else device(device_)


def resolve(wanted: device | str | int | None) -> device:
    """The device of a new tensor: the one asked for, else the default; an error where it cannot be had."""
    if wanted is None:
        wanted = _defaults[-1]
    elif not isinstance(wanted, device):
        wanted = device(wanted)
    if wanted.type == "cuda":
        from .backends import cuda

        return cuda.require(wanted)
    if wanted.type == "meta":
        from .backends.meta import META

        return META
    if wanted.type != "cpu":
        raise RuntimeError(f"PyTorch is not linked with support for {wanted.type} devices")
    return CPU
