"""How a tensor prints: `repr(t)`, `str(t)`, `format(t)` and the print options, character for character PyTorch's.

The array is cut to its edge items when it is large (so a big tensor costs no more than a small one) and copied to the
host once. Its values become texts in one common style (whole numbers, fixed point or scientific), the texts become
nested rows that respect the line width, and the suffixes (device, size, dtype, grad_fn) follow, wrapped where needed.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import numpy as np

from . import dtypes

# ---- the options -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """What `set_printoptions` sets; see there."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}
_options = PrintOptions()


def set_printoptions(
    precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None
) -> None:
    """Choose how tensors print, from now on.

    Args:
        precision: digits after the point (4).
        threshold: a tensor with more elements than this is summarised (1000).
        edgeitems: how many items a summary shows at each end of a dimension (3).
        linewidth: characters a line (80).
        profile: "default", "short" or "full" sets the four above at once; the others given here then change it.
        sci_mode: True or False forces scientific notation on or off; None, also when left out, lets the values decide.

    >>> import course_lib as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1.23456, 2.5])
    tensor([1.23, 2.50])
    >>> torch.set_printoptions(profile="default")

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html
    """
    global _options
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes = {name: value for name, value in given.items() if value is not None}
    _options = replace(_PROFILES.get(profile, _options), **changes, sci_mode=sci_mode)


def get_printoptions() -> dict:
    """The options in force, as a dict with the names of `set_printoptions`."""
    return asdict(_options)


@contextmanager
def printoptions(**options) -> Iterator[None]:
    """`set_printoptions(**options)` for the length of a `with` block."""
    global _options
    before = _options
    set_printoptions(**options)
    try:
        yield
    finally:
        _options = before


# ---- what the rest of the library calls --------------------------------------------------------------------------


def tensor_repr(tensor) -> str:
    """The text of a tensor, a Parameter or a tensor of a subclass.

    >>> import course_lib as torch
    >>> torch.tensor([[1.0, -2.5], [3.0, 4.0]], requires_grad=True)
    tensor([[ 1.0000, -2.5000],
            [ 3.0000,  4.0000]], requires_grad=True)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html
    """
    suffixes = []
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    suffixes += _size_and_dtype(tensor.shape, tensor.dtype, tensor.device.type == "meta")
    suffixes += _history_and_tangent(tensor)
    opening, prefix, closing = _words_around(type(tensor))
    if "_is_param" in tensor.__dict__:  # a tensor of a class of one's own that is a parameter
        opening, closing = "Parameter(", ")"
    if tensor.device.type == "meta":
        return f"{opening}{prefix}..., {', '.join(suffixes)}){closing}"
    return opening + format_array(tensor._array, suffixes, prefix) + closing


def tensor_format(tensor, spec: str) -> str:
    """`format(tensor, spec)`: a 0-dim tensor formats as its number does, any other only knows the empty spec.

    >>> import course_lib as torch
    >>> f"{torch.tensor(3.14159):.2f}"
    '3.14'
    """
    if tensor.dim() == 0 and type(tensor).__name__ == "Tensor":
        return format(tensor.item(), spec)
    return object.__format__(tensor, spec)


def structseq_repr(name: str, fields: Sequence[str], values: Sequence) -> str:
    """The text of a named result such as `torch.return_types.max`: one field a line.

    >>> print(structseq_repr("torch.return_types.max", ["values", "indices"], [7, 2]))
    torch.return_types.max(
    values=7,
    indices=2)
    """
    return f"{name}(\n" + ",\n".join(f"{field}={value!r}" for field, value in zip(fields, values, strict=True)) + ")"


def format_array(array, suffixes: Sequence[str] = (), prefix: str = "tensor(") -> str:
    """`prefix`, the array's values in nested brackets, the suffixes, and the closing bracket.

    `array` is a NumPy or CuPy array of any strides.

    >>> format_array(np.array([1.0, 20.0]), ["dtype=torch.float64"])
    'tensor([ 1., 20.], dtype=torch.float64)'
    """
    return _with_suffixes(prefix + _contents(array, indent=len(prefix)), suffixes, indent=len(prefix))


# ---- the words around the values ---------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _words_around(cls: type) -> tuple[str, str, str]:
    """What stands before the line of the values, directly before them, and after the last bracket."""
    if cls.__name__ == "Tensor":
        return "", "tensor(", ""
    if cls.__name__ == "Parameter":
        return "Parameter containing:\n", "tensor(", ""
    if any(ancestor.__name__ == "Parameter" for ancestor in cls.__mro__):
        return "Parameter containing:\nParameter(", f"{cls.__name__}(", ")"
    return "", f"{cls.__name__}(", ""


def _size_and_dtype(shape: Sequence[int], dtype: dtypes.dtype, without_numbers: bool) -> list[str]:
    """`size=` where the brackets do not show it, `dtype=` where the values do not tell it."""
    default = dtypes.get_default_dtype()
    told = (default,)
    size_hidden = _options.edgeitems == 0
    if without_numbers:
        size_hidden = True
    elif 0 in shape:
        size_hidden = len(shape) != 1
    else:
        told = (default, dtypes.int64, dtypes.bool, default.to_complex())
    suffixes = [f"size={tuple(shape)}"] if size_hidden else []
    if dtype not in told:
        suffixes.append(f"dtype={dtype}")
    return suffixes


def _history_and_tangent(tensor) -> list[str]:
    forward_ad = sys.modules.get(f"{__package__}.autograd.forward_ad")
    tangent = None if forward_ad is None else forward_ad.tangent_of(tensor)
    history = _history(tensor if tangent is None else forward_ad.unpack_dual(tensor).primal)
    return ([] if history is None else [history]) + ([] if tangent is None else [f"tangent={tangent}"])


def _history(tensor) -> str | None:
    try:
        grad_fn = tensor.grad_fn
    except RuntimeError:  # an in-place change made this view's history impossible: say so, but print
        return "grad_fn=<Invalid>"
    if grad_fn is not None:
        return f"grad_fn=<{grad_fn.name().rpartition('::')[2]}>"
    return "requires_grad=True" if tensor.requires_grad else None


def _with_suffixes(text: str, suffixes: Sequence[str], indent: int) -> str:
    """`text` with each suffix on the last line while it fits, else on a new line, and the closing bracket."""
    used = len(text) - (text.rfind("\n") + 1) + 2  # PyTorch counts a first line two characters longer than it is
    for suffix in suffixes:
        if used + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


# ---- the values --------------------------------------------------------------------------------------------------


def _contents(array, indent: int) -> str:
    """The values in nested brackets; lines after the first are indented by `indent`."""
    if array.size == 0:
        return "[]"
    summarise = array.ndim > 0 and array.size > _options.threshold
    edge = _options.edgeitems
    if summarise and edge == 0:
        return "[...]"
    cut = [summarise and size > 2 * edge for size in array.shape]
    texts, width = _texts_of(_on_host(_edges(array, cut, edge)))
    if array.ndim == 0:
        return texts[0]
    room = _options.linewidth - (indent + array.ndim - 1)
    per_line = max(1, math.floor(room / (width + 2)))
    sizes = [2 * edge if is_cut else size for size, is_cut in zip(array.shape, cut, strict=True)]
    return _nest(texts, sizes, cut, indent + 1, per_line)


def _edges(array, cut: Sequence[bool], edge: int):
    """The array without the middle of each dimension that is cut; only the items that stay are read."""
    for axis, is_cut in enumerate(cut):
        if is_cut:
            before, rest = (slice(None),) * axis, [False] * (axis + 1) + list(cut[axis + 1 :])
            ends = (array[(*before, slice(edge))], array[(*before, slice(-edge, None))])
            return np.concatenate([_edges(end, rest, edge) for end in ends], axis)
    return array


def _on_host(array) -> np.ndarray:
    return array if isinstance(array, np.ndarray) else array.get()


def _nest(texts: list[str], sizes: Sequence[int], cut: Sequence[bool], column: int, per_line: int) -> str:
    """The texts of an array of these sizes in brackets; `column` is where the text after the bracket starts."""
    new_line = "\n" * max(1, len(sizes) - 1) + " " * column
    if len(sizes) == 1:
        half = sizes[0] // 2
        items = [*texts[:half], " ...", *texts[half:]] if cut[0] else texts
        lines = [", ".join(items[start : start + per_line]) for start in range(0, len(items), per_line)]
        return "[" + f",{new_line}".join(lines) + "]"
    step = len(texts) // sizes[0]
    parts = (texts[start : start + step] for start in range(0, len(texts), step))
    rows = [_nest(part, sizes[1:], cut[1:], column + 1, per_line) for part in parts]
    if cut[0]:
        rows.insert(sizes[0] // 2, "...")
    return "[" + f",{new_line}".join(rows) + "]"


# ---- the texts of the values -------------------------------------------------------------------------------------


def _texts_of(array: np.ndarray) -> tuple[list[str], int]:
    """Each value's text, padded to a common width, and that width."""
    if array.dtype.kind not in "biufc":  # bfloat16: every value is a float32 too
        array = array.astype(np.float32)
    values = array.ravel().tolist()
    if array.dtype.kind == "c":
        return _complex_texts(values)
    if array.dtype.kind == "f":
        texts, width = _float_texts(values)
    else:
        texts = [str(value) for value in values]
        width = max(map(len, texts))
    return [text.rjust(width) for text in texts], width


def _complex_texts(values: list[complex]) -> tuple[list[str], int]:
    """Real and imaginary parts each get a style of their own; only the real parts are padded."""
    real_texts, real_width = _float_texts([value.real for value in values])
    imaginary_texts, imaginary_width = _float_texts([value.imag for value in values])
    texts = [
        real.rjust(real_width) + ("" if imaginary.startswith("-") else "+") + imaginary + "j"
        for real, imaginary in zip(real_texts, imaginary_texts, strict=True)
    ]
    return texts, real_width + imaginary_width + 1


def _float_texts(values: list[float]) -> tuple[list[str], int]:
    """The texts of floats in one style, and the width of the longest of those that are neither 0, nan nor inf."""
    counted = [value != 0 and math.isfinite(value) for value in values]
    magnitudes = [abs(value) for value, counts in zip(values, counted, strict=True) if counts]
    if not magnitudes:
        return [_whole(value) for value in values], 1
    whole = all(magnitude.is_integer() for magnitude in magnitudes)
    if _is_scientific(max(magnitudes), min(magnitudes)):
        spec = f".{_options.precision}e"
    else:
        spec = f".{_options.precision}f"
    if whole and spec.endswith("f"):
        texts = [_whole(value) for value in values]
    else:
        texts = [format(value, spec) for value in values]
    return texts, max(len(text) for text, counts in zip(texts, counted, strict=True) if counts)


def _whole(value: float) -> str:
    """`3.` for 3.0; nan and inf stay bare."""
    return f"{value:.0f}." if math.isfinite(value) else f"{value}"


def _is_scientific(largest: float, smallest: float) -> bool:
    """Whether numbers of these magnitudes print as 1.0000e+03: those far apart or extreme do, unless told otherwise."""
    if _options.sci_mode is not None:
        return bool(_options.sci_mode)
    return largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4
