"""torch.random: generators of random numbers, the default one, and their seeds and states.

A `Generator` is the public side of a `Stream` (backends/streams.py), which makes the numbers. The functions that draw
(`torch.rand`, `Tensor.normal_`, …) lie in ops/sampling.py and ask `stream_of(generator)` for the stream to draw from.
Nothing is seeded at import: a generator makes its stream when it is first used.
"""

from __future__ import annotations

import contextlib
import os

import numpy as np

from .device import device as Device
from .device import resolve
from .tensor import Tensor, wrap

DEFAULT_SEED = 67280421310721  # the seed of a new `torch.Generator()`: PyTorch's constant
STATE_BYTES = 5056


class Generator:
    """A source of random numbers with its own state: pass it as `generator=` to any function that draws.

    On the CPU it gives PyTorch's numbers: the Mersenne Twister of Matsumoto & Nishimura (1998), drawn in PyTorch's
    order. A new generator has the seed 67280421310721.

    Args: `device`, "cpu" by default.

    >>> import course_lib as torch
    >>> g = torch.Generator().manual_seed(0)
    >>> torch.rand(3, generator=g)
    tensor([0.4963, 0.7682, 0.0885])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Generator.html
    """

    __slots__ = ("_device", "_first_seed", "_made", "__weakref__")

    def __init__(self, device="cpu"):
        self._device = resolve(device)
        self._first_seed: int | None = DEFAULT_SEED  # None: from the operating system
        self._made = None

    @property
    def device(self) -> Device:
        """The device whose numbers this generator makes."""
        return self._device

    @property
    def stream(self):
        """The `Stream` of arrays behind this generator, made when it is first asked for."""
        if self._made is None:
            from .backends.streams import Stream

            self._made = Stream(_any_seed() if self._first_seed is None else self._first_seed)
        return self._made

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from `seed` and return the generator; -2**63 ≤ seed < 2**64, and -1 means 2**64 - 1."""
        if type(seed) is not int and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer))):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self.stream.seed(int(seed) % 2**64)
        return self

    def seed(self) -> int:
        """Start anew from a seed that the operating system picks, and return that seed."""
        seed = _any_seed()
        self.stream.seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed from which the numbers started."""
        return self.stream.initial_seed

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor of 5056 elements, in PyTorch's layout: a state saved there can be set here."""
        return wrap(self.stream.state())

    def set_state(self, new_state: Tensor) -> Generator:
        """Go on from where `new_state` was taken; TypeError or RuntimeError where it is no state of a generator."""
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        array = new_state._array
        if array.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if not array.flags.c_contiguous:
            raise RuntimeError("RNG state must be contiguous")
        if array.size != STATE_BYTES:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_BYTES} but found the input RNG state size to be "
                f"{array.size}"
            )
        try:
            self.stream.set_state(array)
        except ValueError as error:
            raise RuntimeError(str(error)) from None
        return self

    def clone_state(self) -> Generator:
        """A second generator in the same state: from now on the two make the same numbers independently."""
        clone = Generator(self._device)
        clone.stream.set_state(self.stream.state())
        return clone

    def get_offset(self) -> int:
        """RuntimeError: only generators on a GPU have an offset."""
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset: int) -> None:
        """RuntimeError: only generators on a GPU have an offset."""
        raise RuntimeError("CPU Generator does not use offset")

    def __reduce__(self):
        return (Generator, (self._device,), (self.initial_seed(), None, self.get_state()))

    def __setstate__(self, state) -> None:
        self.set_state(state[2])

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {hex(id(self))}>"


def _any_seed() -> int:
    return int.from_bytes(os.urandom(8), "little")


def _make_default() -> Generator:
    generator = Generator()
    generator._first_seed = None
    return generator


default_generator = _make_default()


def stream_of(generator: Generator | None):
    """The stream to draw from; the default generator's for None."""
    return (default_generator if generator is None else generator).stream


def manual_seed(seed) -> Generator:
    """Start the default generator anew from `seed`, so that what follows can be repeated; returns that generator.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn(2)
    tensor([ 1.5410, -0.2934])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Start the default generator anew from a seed that the operating system picks, and return that seed.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.seed.html
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed from which the default generator started.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.initial_seed.html
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, a uint8 tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.get_rng_state.html
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator into a state that `get_rng_state` returned.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_rng_state.html
    """
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices=None, enabled: bool = True, device_type: str | None = None):
    """A `with` block after which the default generator stands where it stood before; also a decorator.

    With `enabled=False` it does nothing. `devices` names the GPUs whose generators are kept as well.

    >>> import course_lib as torch
    >>> with torch.random.fork_rng():
    ...     a = torch.rand(1)
    >>> bool(a == torch.rand(1))
    True

    Source: https://docs.pytorch.org/docs/stable/random.html
    """
    if not enabled or device_type == "meta":
        yield
        return
    for index in devices or ():
        _require_cuda(index)
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)


def _require_cuda(index) -> None:
    resolve(index if isinstance(index, (str, Device)) else Device("cuda", index))


__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]
