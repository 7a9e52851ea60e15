"""What layers are put together with: settings as tuples, and parameters that wait for their first values."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...ops.creation import empty
from ..parameter import Parameter, UninitializedParameter


def _ntuple(n: int, name: str = "parse") -> Callable:
    """A function that repeats a single value n times and makes a tuple of anything that can be iterated."""

    def parse(value) -> tuple:
        return tuple(value) if isinstance(value, Iterable) else (value,) * n

    parse.__name__ = name
    return parse


_single, _pair, _triple, _quadruple = (
    _ntuple(n, name) for n, name in enumerate(("_single", "_pair", "_triple", "_quadruple"), 1)
)


def new_parameter(shape, device, dtype, wanted: bool = True) -> Parameter | None:
    """An uninitialised parameter, None where it is not wanted, one that waits for its shape where that is None."""
    if not wanted:
        return None
    if shape is None:
        return UninitializedParameter(device=device, dtype=dtype)
    return Parameter(empty(shape, device=device, dtype=dtype))


def shown(module, *names: str) -> str:
    """`a=1, b=2` for these attributes, as representations of layers show them."""
    return ", ".join([f"{name}={getattr(module, name)}" for name in names])


def consume_prefix_in_state_dict_if_present(state_dict: dict, prefix: str) -> None:
    """Take `prefix` off the names in a state dict, in place: "module." of a model that was wrapped when it was saved.

    >>> from course_lib.nn.modules.utils import consume_prefix_in_state_dict_if_present
    >>> state = {"module.weight": 1, "bias": 2}
    >>> consume_prefix_in_state_dict_if_present(state, "module.")
    >>> state
    {'bias': 2, 'weight': 1}
    """
    for key in [key for key in state_dict if key.startswith(prefix)]:
        state_dict[key[len(prefix) :]] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", None) or {}
    for key in list(metadata):
        bare = prefix.rstrip(".")
        if key == bare or key.startswith(prefix):
            metadata[key[len(prefix) :]] = metadata.pop(key)
