"""Values of PyTorch and their twins in course_lib: converting one into the other, comparing, differentiating both.

Tests that run one thing on both libraries make the library's inputs with `convert` and compare with `difference`.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np
import torch

import course_lib

TOLERANCE = {"float32": (2e-4, 2e-5), "float64": (1e-7, 1e-9), "complex64": (2e-4, 2e-5),
             "complex128": (1e-7, 1e-9), "bfloat16": (3e-2, 1e-2)}  # fmt: skip

# ---- from PyTorch's values to the library's ------------------------------------------------------------------------


def convert(value, memories: dict | None = None):
    """The library's twin of a PyTorch value: same numbers, strides, dtype and requires_grad.

    Tensors in one value that share memory have twins that share theirs; `memories` holds what was met so far.
    """
    memories = {} if memories is None else memories
    if isinstance(value, torch.Tensor):
        return _convert_tensor(value, memories)
    if isinstance(value, torch.dtype):
        return getattr(course_lib, str(value).removeprefix("torch."), value)
    if isinstance(value, torch.device):
        return course_lib.device(str(value))
    if isinstance(value, torch.Size):
        return course_lib.Size(value)
    if isinstance(value, torch.memory_format):
        return getattr(course_lib, str(value).removeprefix("torch."))
    if isinstance(value, torch.layout):
        return course_lib.strided if value is torch.strided else value
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(convert(item, memories) for item in value)
    if isinstance(value, dict):
        return {key: convert(item, memories) for key, item in value.items()}
    if isinstance(value, torch.nn.PairwiseDistance):
        return course_lib.nn.functional.pairwise_distance
    return value


def _convert_tensor(tensor, memories: dict):
    values = tensor.detach().resolve_conj().resolve_neg()
    if values.numel():
        memory = _convert_memory(values, memories)
        made = memory.as_strided(values.shape, values.stride(), values.storage_offset()).detach()
    else:
        made = course_lib.zeros(values.shape, dtype=convert(values.dtype))
    return made.requires_grad_() if tensor.requires_grad else made


def _convert_memory(values, memories: dict):
    """All numbers of the storage that `values` looks into, as one tensor; the same one for the same storage."""
    storage = values.untyped_storage()
    key = (storage.data_ptr(), values.dtype)
    if key not in memories:
        memory = torch.empty(0, dtype=values.dtype).set_(storage)
        if values.dtype is torch.bfloat16:
            array = memory.float().numpy().astype(ml_dtypes.bfloat16)
        else:
            array = memory.numpy().copy()
        memories[key] = (storage, course_lib.from_numpy(array))  # the address stays the storage's own
    return memories[key][1]


def numbers(tensor) -> np.ndarray:
    if isinstance(tensor, torch.Tensor):
        tensor = tensor.detach().resolve_conj().resolve_neg()
        return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy(force=True)
    array = tensor._array
    return array.astype("f4") if array.dtype.kind == "V" else array


def flat(value) -> list:
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flat(item)]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in flat(item)]
    return [value]


def is_tensor(value) -> bool:
    return isinstance(value, (torch.Tensor, course_lib.Tensor))


# ---- comparing -----------------------------------------------------------------------------------------------------


def difference(expected, got, compare=lambda position, tensor: True, scaled: bool = False) -> str | None:
    """What is different between two results, in a few words, or None.

    compare(position, tensor): whether the numbers of PyTorch's tensor at this place count, or only its shape and dtype.
    scaled: rounding errors are measured against the largest number of a tensor, as sums of many numbers need it.
    """
    expected, got = flat(expected), flat(got)
    if len(expected) != len(got):
        return f"{len(got)} results instead of {len(expected)}"
    for position, (a, b) in enumerate(zip(expected, got, strict=True)):
        if not isinstance(a, torch.Tensor):
            if a != b and a == a and isinstance(a, (bool, int, float, complex)):
                return f"{b!r} instead of {a!r}"
            continue
        if not isinstance(b, course_lib.Tensor):
            return f"a {type(b).__name__} instead of a tensor"
        if str(a.dtype) != repr(b.dtype):
            return f"dtype {b.dtype} instead of {a.dtype}"
        if tuple(a.shape) != tuple(b.shape):
            return f"shape {tuple(b.shape)} instead of {tuple(a.shape)}"
        if not compare(position, a):
            continue
        relative, absolute = TOLERANCE.get(str(a.dtype).removeprefix("torch."), (0, 0))
        if scaled and a.numel():
            absolute *= max(1, float(a.detach().abs().nan_to_num(0, 0).max()))
        if not np.allclose(numbers(b), numbers(a), relative, absolute, equal_nan=True):
            return "values"
    return None


def gradients(library, result, inputs, create_graph: bool = False):
    """d(sum of |result|^2) / d(inputs), None where nothing can be differentiated."""
    total = None
    for out in flat(result):
        if is_tensor(out) and out.requires_grad:
            size = out.abs() if out.is_complex() else out
            part = (size * size).sum()
            total = part if total is None else total + part
    if total is None or not inputs:
        return None
    return library.autograd.grad(total, inputs, allow_unused=True, create_graph=create_graph)


def gradient_difference(expected, got, scaled: bool = False) -> str | None:
    """What is different between two tuples of gradients; a gradient of zeros may also be missing."""
    if (expected is None) != (got is None):
        return "requires_grad of the result"
    for a, b in zip(expected or (), got or (), strict=True):
        if a is None or b is None:
            present = a if b is None else b
            if present is not None and numbers(present).any():
                return "no gradient for an input" if b is None else "a gradient that should not be"
        elif found := difference(a, b, scaled=scaled):
            return found
    return None


def twin_of_error(error: type) -> type:
    """The type of error that the library raises where PyTorch raises this one."""
    return RuntimeError if error.__module__.startswith("torch") else error
