"""The random generators of the GPUs: one a device, `default_generators` in their order.

They draw by Philox (backends/philox.py); `torch.manual_seed` seeds them, too.
"""

from __future__ import annotations

from .. import random
from ..device import device
from ..tensor import Tensor
from .devices import device_count, index_of, is_available, require


def generator_of(index: int) -> random.Generator:
    """The default generator of a GPU."""
    return random.default_generator_of(device("cuda", index))


def manual_seed(seed: int) -> None:
    """Seed the current GPU's generator; without a GPU there is nothing to seed, which is no error.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.manual_seed.html
    """
    if is_available():
        generator_of(index_of(None)).manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all GPUs; without one there is nothing to seed, which is no error.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.manual_seed_all.html
    """
    for index in range(device_count()):
        generator_of(index).manual_seed(seed)


def seed() -> None:
    """Seed the current GPU's generator with a number that nobody knows."""
    if is_available():
        generator_of(index_of(None)).seed()


def seed_all() -> None:
    """Seed all GPUs' generators with one number that nobody knows."""
    if is_available():
        manual_seed_all(generator_of(0).seed())


def initial_seed() -> int:
    """The seed of the current GPU's generator."""
    require()
    return generator_of(index_of(None)).initial_seed()


def get_rng_state(device="cuda") -> Tensor:
    """The state of a GPU's generator as a uint8 tensor (on the CPU).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.get_rng_state.html
    """
    return generator_of(index_of(device)).get_state()


def get_rng_state_all() -> list[Tensor]:
    """The states of all GPUs' generators."""
    return [get_rng_state(index) for index in range(device_count())]


def set_rng_state(new_state: Tensor, device="cuda") -> None:
    """Let a GPU's generator go on from a state; without a GPU nothing happens."""
    if is_available():
        generator_of(index_of(device)).set_state(new_state)


def set_rng_state_all(new_states) -> None:
    """Set the states of all GPUs' generators."""
    for index, state in enumerate(new_states):
        set_rng_state(state, index)
