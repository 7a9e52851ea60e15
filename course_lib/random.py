"""torch.random: generators of random numbers, the default one, and their seeds and states.

A `Generator` is the public side of a `Stream` (backends/streams.py; backends/philox.py for a GPU), which makes the
numbers. The functions that draw (`torch.rand`, `Tensor.normal_`, …) lie in ops/sampling.py and ask
`stream_of(generator, place)` for the stream to draw from. Each device has a default generator. Nothing is seeded at
import: a generator makes its stream when it is first used.
"""

from __future__ import annotations

import contextlib
import os

import numpy as np

from .device import CPU, resolve
from .device import device as Device
from .tensor import Tensor, wrap

DEFAULT_SEED = 67280421310721  # the seed of a new `torch.Generator()`: PyTorch's constant
STATE_BYTES = {"cpu": 5056, "cuda": 16}


class Generator:
    """A source of random numbers with its own state: pass it as `generator=` to any function that draws.

    On the CPU it gives PyTorch's numbers: the Mersenne Twister of Matsumoto & Nishimura (1998), drawn in PyTorch's
    order. On a GPU: Philox (Salmon et al. 2011) in the order of PyTorch's kernels. A new generator has the seed
    67280421310721.

    Args: `device`, "cpu" by default; "cuda" or "cuda:1" for a generator of a GPU.

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
            seed = _any_seed() if self._first_seed is None else self._first_seed
            self._made = _new_stream(self._device, seed)
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
        """The state as a uint8 tensor (5056 elements; 16 on a GPU) in PyTorch's layout: its states can be set here."""
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
        expected = STATE_BYTES[self._device.type]
        if array.size != expected:
            if self._device.type != "cpu":
                raise RuntimeError("RNG state is wrong size")
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {expected} but found the input RNG state size to be "
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
        """How many words each thread of the GPU has drawn; RuntimeError on the CPU."""
        self._require_offset()
        return self.stream.offset

    def set_offset(self, offset: int) -> None:
        """Go on behind so many words a thread, a multiple of 4; RuntimeError on the CPU."""
        self._require_offset()
        if offset % 4:
            raise RuntimeError("offset must be a multiple of 4")
        self.stream.offset = offset

    def _require_offset(self) -> None:
        if self._device.type == "cpu":
            raise RuntimeError("CPU Generator does not use offset")

    def __reduce__(self):
        return (Generator, (self._device,), (self.initial_seed(), None, self.get_state()))

    def __setstate__(self, state) -> None:
        self.set_state(state[2])

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {hex(id(self))}>"


def _any_seed() -> int:
    return int.from_bytes(os.urandom(8), "little")


def _new_stream(place: Device, seed: int):
    if place.type == "cuda":
        from .backends import cuda
        from .backends.philox import PhiloxStream

        return PhiloxStream(seed, cuda.blocks_at_once(place.index))
    from .backends.streams import Stream

    return Stream(seed)


def _make_default(place: Device = CPU) -> Generator:
    generator = Generator(place)
    generator._first_seed = _seed_of_new_devices[-1]
    return generator


_seed_of_new_devices: list[int | None] = [None]  # what a GPU's default generator starts from; None: nobody knows
device_generators: dict[int, Generator] = {}  # of the GPUs that were used so far
default_generator = _make_default()


def default_generator_of(place: Device) -> Generator:
    """The generator that tensors on a device draw from if no other is given."""
    if place.type != "cuda":
        return default_generator
    if place.index not in device_generators:
        device_generators[place.index] = _make_default(place)
    return device_generators[place.index]


def stream_of(generator: Generator | None, place: Device = CPU):
    """The stream that numbers for a device are drawn from; RuntimeError where the generator is another device's."""
    if generator is None:
        return (default_generator if place is CPU else default_generator_of(place)).stream
    if generator._device.type != place.type and place.type in STATE_BYTES:
        raise RuntimeError(f"Expected a '{place.type}' device type for generator but found '{generator._device.type}'")
    return generator.stream


def _seed_devices(seed: int) -> None:
    """Seed the default generators of all GPUs, those that will be used later too."""
    _seed_of_new_devices[-1] = seed
    for generator in device_generators.values():
        generator.manual_seed(seed)


def manual_seed(seed) -> Generator:
    """Start the default generators of all devices anew from `seed`; returns that of the CPU.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn(2)
    tensor([ 1.5410, -0.2934])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html
    """
    generator = default_generator.manual_seed(int(seed))
    _seed_devices(int(seed) % 2**64)
    return generator


def seed() -> int:
    """Start the default generators anew from a seed that the operating system picks, and return that seed.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.seed.html
    """
    seed = default_generator.seed()
    _seed_devices(seed)
    return seed


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
    """A `with` block after which the default generators stand where they stood before; also a decorator.

    With `enabled=False` it does nothing. `devices` names the GPUs whose generators are kept, by default all.

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
    kept = [default_generator_of(_gpu(index)) for index in devices or ()]
    kept = [default_generator, *(device_generators.values() if devices is None else kept)]
    states, unused = [generator.get_state() for generator in kept], _seed_of_new_devices[-1]
    try:
        yield
    finally:
        for generator, state in zip(kept, states, strict=True):
            generator.set_state(state)
        if devices is None:
            _seed_of_new_devices[-1] = unused
            for index in [index for index, generator in device_generators.items() if generator not in kept]:
                del device_generators[index]  # first used inside: begins anew


def _gpu(index) -> Device:
    return resolve(index if isinstance(index, (str, Device)) else Device("cuda", index))


__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]
