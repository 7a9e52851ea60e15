"""New tensors of random numbers: rand, randn, randint, randperm, normal and their `_like` forms.

All draw from the default generator or from `generator=`, and give PyTorch's numbers for the same seed. The numbers are
made by the fills of random_fill.py. Methods that overwrite an existing tensor are in random_methods.py, draws by given
probabilities in trials.py.
"""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..backends import array_module, beside, is_numpy
from ..device import resolve
from ..tensor import Tensor, wrap
from . import random_fill as fills
from . import random_methods, trials
from ._arguments import broadcast_error, signature_error, type_name
from ._op import function
from .casting import python_dtype
from .creation import empty, empty_like, shape_of
from .random_arguments import drawn, drawn_on_host, is_whole, need_tensor, real_number, stored, stream_for, whole_number

# ---- making the tensor -------------------------------------------------------------------------------------------


def _shape(name: str, size) -> tuple[int, ...]:
    """The shape from `rand(2, 3)`'s or `rand((2, 3))`'s arguments; TypeError for what is no size."""
    if not size:
        raise signature_error(name, lambda size, *, generator=None, dtype=None: None, size, {})
    first = size[0]
    if len(size) == 1 and isinstance(first, (tuple, list)):
        return shape_of(size)
    for n in size:
        if type(n) is not int and not is_whole(n):
            raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not {type_name(n)}")
    return shape_of(([n.__index__() for n in size],))


def _new(name, shape, fill, *settings, generator, out=None, dtype=None, device=None, requires_grad=False):
    """A tensor of this shape that `fill` filled; `out`, resized where its shape is another, if it is given."""
    place = resolve(device) if out is None else out.device
    stream = stream_for(name, generator, place)
    if dtype is not None and not isinstance(dtype, dtypes.dtype):
        dtype = python_dtype(dtype)
    if out is None:
        dtype = dtype or dtypes.get_default_dtype()
        on_gpu = place.type == "cuda"
        array = empty(shape, dtype=dtype, device=place)._array if on_gpu else np.empty(shape, dtype.numpy)
        fill(array, *settings, stream)
        return _placed(array, place, requires_grad)
    if dtype is not None and dtype is not out.dtype:
        given, has = dtypes.legacy_name(dtype), dtypes.legacy_name(out.dtype)
        raise RuntimeError(f"dtype {given} does not match dtype of out parameter ({has})")
    if out._array.shape != shape:
        out.resize_(shape)
    fill(out._array, *settings, stream)
    out._storage.version += 1
    return out


def _placed(array, place, requires_grad: bool) -> Tensor:
    made = wrap(array)
    if requires_grad and array.dtype.kind not in fills.REAL + "c":
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if made.device != place:
        made = made.to(place)
    return made.requires_grad_() if requires_grad else made


def _new_like(name, input, fill, *settings, generator, dtype, device, requires_grad, memory_format) -> Tensor:
    """A tensor of the input's shape, dtype and (dense) strides that `fill` filled."""
    need_tensor(name, "input", 1, input)
    made = empty_like(input, dtype=dtype, device=device)
    stream = stream_for(name, generator, made.device)
    if str(memory_format) == "torch.contiguous_format":
        made = made.new_empty(made.shape)
    fill(made._array, *settings, stream)
    return made.requires_grad_() if requires_grad else made


# ---- uniform and normal ------------------------------------------------------------------------------------------


def _of_shape(name: str, fill, text: str):
    """rand or randn: a new tensor of the shape that the sizes give, filled with parameters 0 and 1."""

    def draw(
        *size,
        generator=None,
        out=None,
        dtype=None,
        layout=None,
        device=None,
        requires_grad=False,
        pin_memory=False,
        **named,
    ):
        options = {"generator": generator, "out": out, "dtype": dtype, "device": device}
        shape = _shape(name, _only_size(name, size, named))
        return _new(name, shape, fill, 0.0, 1.0, requires_grad=requires_grad, **options)

    draw.__doc__ = f"""{name}(*size, generator=None, dtype=None, device=None, requires_grad=False) -> Tensor: {text}
    NotImplementedError for an integer or bool dtype; RuntimeError for a negative size.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    return _published(draw, name)


def _of_a_tensors_shape(name: str, fill, like: str):
    """rand_like or randn_like."""

    def draw(
        input,
        *,
        generator=None,
        dtype=None,
        layout=None,
        device=None,
        requires_grad=False,
        memory_format=None,
        pin_memory=False,
    ):
        options = {"generator": generator, "dtype": dtype, "device": device, "memory_format": memory_format}
        return _new_like(name, input, fill, 0.0, 1.0, requires_grad=requires_grad, **options)

    draw.__doc__ = f"""{name}(input, *, dtype=None, requires_grad=False) -> Tensor: `{like}` with its shape and dtype.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.{name}.html
    """
    return _published(draw, name)


def _published(draw, name: str):
    draw.__name__ = draw.__qualname__ = name
    return function()(draw)


def _only_size(name: str, size, named) -> tuple:
    if named.keys() == {"size"} and not size:
        return (named["size"],)
    if named:
        raise signature_error(name, lambda size, *, generator=None, dtype=None: None, size, named)
    return size


_RAND = """numbers uniform in [0, 1).

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2, 2)
    tensor([[0.4963, 0.7682],
            [0.0885, 0.1320]])
"""

_RANDN = """standard normal numbers.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn(4)
    tensor([ 1.5410, -0.2934, -2.1788,  0.5684])
"""

rand, randn = _of_shape("rand", fills.fill_uniform, _RAND), _of_shape("randn", fills.fill_normal, _RANDN)
rand_like = _of_a_tensors_shape("rand_like", fills.fill_uniform, "rand")
randn_like = _of_a_tensors_shape("randn_like", fills.fill_normal, "randn")


@function()
def normal(
    mean,
    std=None,
    size=None,
    *,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    pin_memory=False,
):
    """normal(mean, std=1, *, generator=None, out=None) -> Tensor; normal(mean, std, size, *, …) -> Tensor

    Normal numbers with this mean and standard deviation. One of them, or both, may be a tensor: then each number has
    its own, and the result has their broadcast shape. With two numbers, `size` is needed. RuntimeError where std < 0.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.normal(torch.tensor([0., 100.]), torch.tensor([1., 10.]))
    tensor([ 1.5410, 97.0657])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.normal.html
    """
    by_tensor = isinstance(mean, Tensor) or isinstance(std, Tensor)
    if size is not None if by_tensor else std is None or not _is_shape(size):
        given = [v for v in (mean, std, size) if v is not None]
        raise signature_error("normal", lambda mean, std, size, *, generator=None, out=None: None, given, {})
    if not isinstance(mean, Tensor):
        mean = real_number("normal", "mean", 1, mean)
    if not isinstance(std, Tensor):
        std = 1.0 if std is None else real_number("normal", "std", 2, std)
    if by_tensor:
        return stored(out, _normal_by_tensors(mean, std, generator))
    return _new(
        "normal",
        shape_of((size,)),
        fills.fill_normal,
        mean,
        std,
        generator=generator,
        out=out,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
    )


def _is_shape(size) -> bool:
    return isinstance(size, (tuple, list))


@drawn_on_host
def _normal_by_tensors(mean, std, generator) -> Tensor:
    """Standard normal numbers, times `std`, plus `mean`. A `std` that is a number already goes into the drawing."""
    means, stds = isinstance(mean, Tensor), isinstance(std, Tensor)
    if stds and std.is_complex():
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if stds and std.numel() and not std._array.min() >= 0:
        raise RuntimeError("normal expects all elements of std >= 0.0")
    operands = [t for t in (mean, std) if isinstance(t, Tensor)]
    try:
        shape = np.broadcast_shapes(*[t._array.shape for t in operands])
    except ValueError as error:
        raise broadcast_error("normal", mean, std, error) from None
    numbers = wrap(np.empty(shape, operands[0]._array.dtype))
    fills.fill_normal(numbers._array, 0.0, 1.0 if stds else std, stream_for("normal", generator))
    if stds:
        numbers.mul_(std.detach())
    numbers.add_(mean.detach() if means else wrap(np.array(mean, numbers._array.dtype)))
    return drawn(numbers._array, f"NormalBackward{means + 2 * stds}", *operands)


# ---- whole numbers -----------------------------------------------------------------------------------------------


@function()
def randint(
    *args,
    low=None,
    high=None,
    size=None,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    pin_memory=False,
):
    """randint(low=0, high, size, *, generator=None, dtype=torch.int64, device=None) -> Tensor

    Whole numbers in [low, high). RuntimeError where low ≥ high or where the dtype cannot hold the numbers.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randint(1, 7, (5,))
    tensor([3, 4, 6, 1, 2])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.randint.html
    """
    if size is None and args:
        *args, size = args
    given = {k: v for k, v in (("low", low), ("high", high), ("size", size)) if v is not None}
    low, high = _bounds("randint", args, low, high, given)
    if not _is_shape(size):
        raise TypeError(
            f"randint(): argument 'size' (position {len(args) + 1}) must be tuple of ints, not {type_name(size)}"
        )
    dtype = dtypes.int64 if dtype is None and out is None else dtype
    return _new(
        "randint",
        shape_of((size,)),
        fills.fill_integers,
        low,
        high,
        generator=generator,
        out=out,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
    )


@function()
def randint_like(
    input,
    *args,
    low=None,
    high=None,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    memory_format=None,
    pin_memory=False,
):
    """randint_like(input, low=0, high, *, dtype=None) -> Tensor: `randint` of the input's shape and dtype.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.randint_like.html
    """
    low, high = _bounds("randint_like", args, low, high, {"input": input})
    return _new_like(
        "randint_like",
        input,
        fills.fill_integers,
        low,
        high,
        generator=generator,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
        memory_format=memory_format,
    )


def _bounds(name: str, args, low, high, given) -> tuple[int, int]:
    """low and high from `randint(high, …)`, `randint(low, high, …)` or keywords."""
    bounds = list(args)
    if low is not None:
        bounds.insert(0, low)
    if high is not None:
        bounds.append(high)
    if not 1 <= len(bounds) <= 2:
        raise signature_error(name, lambda low, high, size, *, generator=None, dtype=None: None, args, given)
    low, high = bounds if len(bounds) == 2 else (0, bounds[0])
    return whole_number(name, "low", 1, low), whole_number(name, "high", len(bounds), high)


@function()
def randperm(
    n, *, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
):
    """randperm(n, *, generator=None, dtype=torch.int64, device=None) -> Tensor: 0, 1, …, n-1 in random order.

    RuntimeError for a negative n or one that the dtype cannot count to.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randperm(5)
    tensor([4, 0, 1, 3, 2])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.randperm.html
    """
    n = whole_number("randperm", "n", 1, n)
    shape = shape_of((n,))
    dtype = dtypes.int64 if dtype is None and out is None else dtype
    return _new(
        "randperm",
        shape,
        _fill_permutation,
        generator=generator,
        out=out,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
    )


def _fill_permutation(array, stream) -> None:
    kind, n = array.dtype.kind, array.size
    if kind in "bc" or (kind == "u" and array.dtype.itemsize > 1):
        raise fills.not_implemented("randperm", array)
    if kind in fills.REAL:
        most = 2 ** fills.MANTISSA_BITS[array.dtype.name] + 1
        if n > most:
            raise RuntimeError(f"n cannot be greater than {most} for {fills.kind_of(array)} type.")
    if kind in "iu" and n - 1 > np.iinfo(array.dtype).max:
        raise RuntimeError(f"value cannot be converted to type {array.dtype.name}_t without overflow")
    if not is_numpy(array) and n:
        xp = array_module(array)
        keys = xp.empty(n, np.int64)
        if fills.filled_by_kernel("integers", keys, stream, 0, 2**64, True):
            array[...] = xp.argsort(keys)
            return
    array[...] = beside(array, stream.permutation(n))


__all__ = ["normal", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "random_methods",
           "randperm", "trials"]  # fmt: skip
