"""From samples to a batch: `default_collate` stacks numbers, arrays and tensors inside containers of any depth.

`collate` looks the type of the first sample up in a table (type → function), which users may extend; containers are
taken apart and each of their places is collated. `default_convert` changes arrays to tensors and keeps the rest.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence

import numpy as np

from .... import dtypes
from ....ops.from_data import as_tensor, tensor
from ....ops.joining import stack
from ....tensor import Tensor, wrap

REFUSED = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def collate(batch, *, collate_fn_map: dict[type | tuple[type, ...], Callable] | None = None):
    """A batch made of the samples in the list `batch`, by the function that the table has for their type.

    Containers whose type is not in the table are collated place by place: mappings by key, sequences and named tuples
    by position. TypeError where neither applies, RuntimeError for sequences of different lengths.

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.default_collate
    """
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        make = collate_fn_map.get(kind)
        if make is None:
            make = next((make for known, make in collate_fn_map.items() if isinstance(first, known)), None)
        if make is not None:
            return make(batch, collate_fn_map=collate_fn_map)

    def inner(part):
        return collate(part, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _like_mapping(first, {key: inner([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return kind(*(inner(column) for column in zip(*batch)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [inner(column) for column in zip(*batch)]
        return columns if isinstance(first, tuple) else _like_sequence(first, columns)
    raise TypeError(REFUSED.format(kind))


def _like_mapping(example, values: dict):
    """`values` in a mapping of the example's type; a plain dict where that type cannot be made so."""
    try:
        if isinstance(example, MutableMapping):
            made = copy.copy(example)  # keeps what else the object holds, a default factory for example
            made.update(values)
            return made
        return type(example)(values)
    except TypeError:
        return values


def _like_sequence(example, values: list):
    """`values` in a sequence of the example's type; a list where that type cannot be made so."""
    try:
        if isinstance(example, MutableSequence):
            made = copy.copy(example)
            for i, value in enumerate(values):
                made[i] = value
            return made
        return type(example)(values)
    except TypeError:
        return values


def collate_tensor_fn(batch, *, collate_fn_map=None):
    """The tensors stacked along a new first dimension."""
    return stack(batch, 0)


def collate_numpy_array_fn(batch, *, collate_fn_map=None):
    """The arrays as tensors, stacked; TypeError for arrays of text or objects."""
    if batch[0].dtype.kind in "SUO":
        raise TypeError(REFUSED.format(batch[0].dtype))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch, *, collate_fn_map=None):
    """One tensor of the NumPy numbers, with their dtype."""
    return as_tensor(np.array(batch))


def collate_float_fn(batch, *, collate_fn_map=None):
    """One float64 tensor of the Python numbers."""
    array = np.array(batch)
    return wrap(array) if array.dtype == np.float64 else tensor(batch, dtype=dtypes.float64)


def collate_int_fn(batch, *, collate_fn_map=None):
    """One int64 tensor (bool for bools) of the Python numbers."""
    array = np.array(batch)
    return wrap(array) if array.dtype == np.int64 else tensor(batch)


def collate_str_fn(batch, *, collate_fn_map=None):
    """Text stays as it is: a list."""
    return batch


default_collate_fn_map: dict[type | tuple[type, ...], Callable] = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch):
    """What a DataLoader makes of a list of samples: stacked tensors, in the samples' containers.

    Numbers become a tensor, tensors and arrays are stacked along a new first dimension, text stays a list, tuples and
    lists become a list of columns, mappings a mapping. TypeError for other types.

    >>> from course_lib.utils.data import default_collate
    >>> default_collate([(1, "a"), (2, "b")])
    [tensor([1, 2]), ('a', 'b')]
    >>> default_collate([{"x": 0.5}, {"x": 1.5}])
    {'x': tensor([0.5000, 1.5000], dtype=torch.float64)}

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.default_collate
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def default_convert(data):
    """What a DataLoader without batches makes of a sample: arrays become tensors, in containers too; the rest stays.

    >>> import numpy as np
    >>> from course_lib.utils.data import default_convert
    >>> default_convert({"x": np.ones(2), "name": "a"})
    {'x': tensor([1., 1.], dtype=torch.float64), 'name': 'a'}

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.default_convert
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, Sequence):
        values = [default_convert(value) for value in data]
        return values if isinstance(data, tuple) else _like_sequence(data, values)
    return data


__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]
