"""New tensors of random numbers: rand, randn, randint, randperm, normal, bernoulli, multinomial, poisson, binomial.

All draw from the default generator or from `generator=`, and give PyTorch's numbers for the same seed. The numbers are
made by the fills of random_fill.py; the methods that overwrite an existing tensor are in random_methods.py.
"""

from __future__ import annotations

import numpy as np

from .. import device as devices
from .. import dtypes
from ..autograd.grad_mode import GRAD
from ..backends import counts
from ..tensor import Tensor, wrap
from . import random_fill as fills
from ._arguments import broadcast_error, signature_error, type_name
from ._op import function
from .casting import python_dtype
from .creation import empty_like, shape_of
from .random_methods import drawn_node, real_number, stream_for, whole_number

# ---- making the tensor -------------------------------------------------------------------------------------------


def _shape(name: str, size) -> tuple[int, ...]:
    """The shape from `rand(2, 3)`'s or `rand((2, 3))`'s arguments; TypeError for what is no size."""
    if not size:
        raise signature_error(name, lambda size, *, generator=None, dtype=None: None, size, {})
    first = size[0]
    if len(size) == 1 and isinstance(first, (tuple, list)):
        return shape_of(size)
    for n in size:
        if type(n) is not int and (isinstance(n, (bool, float, str)) or not _counts(n)):
            raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not {type_name(n)}")
    return shape_of(size)


def _counts(value) -> bool:
    """Whether a value can be a size or a bound: an int, or a 0-dim tensor of ints."""
    return value._array.ndim == 0 if isinstance(value, Tensor) else hasattr(value, "__index__")


def _new(name, shape, fill, *settings, generator, out=None, dtype=None, device=None, requires_grad=False, **ignored):
    """A tensor of this shape that `fill` filled; `out`, resized where its shape is another, if it is given."""
    stream = stream_for(name, generator)
    if dtype is not None and not isinstance(dtype, dtypes.dtype):
        dtype = python_dtype(dtype)
    if out is None:
        array = np.empty(shape, (dtype or dtypes.get_default_dtype()).numpy)
        fill(array, *settings, stream)
        return _placed(array, device, requires_grad)
    if dtype is not None and dtype is not out.dtype:
        given, has = dtypes.legacy_name(dtype), dtypes.legacy_name(out.dtype)
        raise RuntimeError(f"dtype {given} does not match dtype of out parameter ({has})")
    if out._array.shape != shape:
        out.resize_(shape)
    fill(out._array, *settings, stream)
    out._storage.version += 1
    return out


def _placed(array, device, requires_grad: bool) -> Tensor:
    made, place = wrap(array), devices.resolve(device)
    if requires_grad and array.dtype.kind not in fills.REAL + "c":
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if place is not devices.CPU:
        made = made.to(place)
    return made.requires_grad_() if requires_grad else made


def _new_like(name, input, fill, *settings, generator, dtype, device, requires_grad, memory_format) -> Tensor:
    """A tensor of the input's shape, dtype and (dense) strides that `fill` filled."""
    _need_tensor(name, "input", 1, input)
    stream = stream_for(name, generator)
    made = empty_like(input, dtype=dtype, device=device)
    if str(memory_format) == "torch.contiguous_format":
        made = wrap(np.empty(made._array.shape, made._array.dtype))
    fill(made._array, *settings, stream)
    return made.requires_grad_() if requires_grad else made


def _result(array, node: str, *operands) -> Tensor:
    """A drawn array as a tensor, with a node if one of its operands requires grad."""
    made = wrap(array)
    if GRAD.enabled and any([isinstance(t, Tensor) and t.requires_grad for t in operands]):
        made._node, made._requires_grad = drawn_node(node, *operands), True
    return made


def _into(out, made: Tensor) -> Tensor:
    """Store drawn numbers into the tensor given as `out=`."""
    if out is None:
        return made
    if out._array.shape != made._array.shape:
        out.resize_(made._array.shape)
    out._array[...] = made._array
    out._storage.version += 1
    return out


# ---- uniform and normal ------------------------------------------------------------------------------------------


@function()
def rand(*size, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False,
         **named):  # fmt: skip
    """rand(*size, generator=None, dtype=None, device=None, requires_grad=False) -> Tensor: numbers uniform in [0, 1).

    NotImplementedError for an integer or bool dtype; RuntimeError for a negative size.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2, 2)
    tensor([[0.4963, 0.7682],
            [0.0885, 0.1320]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.rand.html
    """
    return _new("rand", _shape("rand", _only_size("rand", size, named)), fills.fill_uniform, 0.0, 1.0, generator=generator,
                out=out, dtype=dtype, device=device, requires_grad=requires_grad)  # fmt: skip


@function()
def randn(*size, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False,
          **named):  # fmt: skip
    """randn(*size, generator=None, dtype=None, device=None, requires_grad=False) -> Tensor: standard normal numbers.

    NotImplementedError for an integer or bool dtype; RuntimeError for a negative size.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn(4)
    tensor([ 1.5410, -0.2934, -2.1788,  0.5684])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.randn.html
    """
    return _new("randn", _shape("randn", _only_size("randn", size, named)), fills.fill_normal, 0.0, 1.0, generator=generator,
                out=out, dtype=dtype, device=device, requires_grad=requires_grad)  # fmt: skip


def _only_size(name: str, size, named) -> tuple:
    if named.keys() == {"size"} and not size:
        return (named["size"],)
    if named:
        raise signature_error(name, lambda size, *, generator=None, dtype=None: None, size, named)
    return size


@function()
def rand_like(input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None,
              pin_memory=False):  # fmt: skip
    """rand_like(input, *, dtype=None, device=None, requires_grad=False) -> Tensor: `rand` of the input's shape and dtype.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.rand_like.html
    """
    return _new_like("rand_like", input, fills.fill_uniform, 0.0, 1.0, generator=generator, dtype=dtype, device=device,
                     requires_grad=requires_grad, memory_format=memory_format)  # fmt: skip


@function()
def randn_like(input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None,
               pin_memory=False):  # fmt: skip
    """randn_like(input, *, dtype=None, device=None, requires_grad=False) -> Tensor: `randn` of the input's shape and dtype.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.randn_like.html
    """
    return _new_like("randn_like", input, fills.fill_normal, 0.0, 1.0, generator=generator, dtype=dtype, device=device,
                     requires_grad=requires_grad, memory_format=memory_format)  # fmt: skip


@function()
def normal(mean, std=None, size=None, *, generator=None, out=None, **options):
    """normal(mean, std=1, *, generator=None, out=None) -> Tensor; normal(mean, std, size, *, …) -> Tensor

    Normal numbers with this mean and standard deviation. One of them, or both, may be a tensor: then each number has its
    own, and the result has their broadcast shape. With two numbers, `size` is needed. RuntimeError where std < 0.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.normal(torch.tensor([0., 100.]), torch.tensor([1., 10.]))
    tensor([ 1.5410, 97.0657])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.normal.html
    """
    by_tensor = isinstance(mean, Tensor) or isinstance(std, Tensor)
    if by_tensor and (size is not None or options) or not by_tensor and (std is None or not _is_shape(size)):
        given = [v for v in (mean, std, size) if v is not None]
        raise signature_error("normal", lambda mean, std, size, *, generator=None, out=None: None, given, options)
    if not isinstance(mean, Tensor):
        mean = real_number("normal", "mean", 1, mean)
    if not isinstance(std, Tensor):
        std = 1.0 if std is None else real_number("normal", "std", 2, std)
    if by_tensor:
        return _into(out, _normal_by_tensors(mean, std, generator))
    return _new("normal", shape_of((size,)), fills.fill_normal, mean, std, generator=generator, out=out, **options)


def _is_shape(size) -> bool:
    return isinstance(size, (tuple, list))


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
    drawn = wrap(np.empty(shape, operands[0]._array.dtype))
    fills.fill_normal(drawn._array, 0.0, 1.0 if stds else std, stream_for("normal", generator))
    if stds:
        drawn.mul_(std.detach())
    drawn.add_(mean.detach() if means else wrap(np.array(mean, drawn._array.dtype)))
    return _result(drawn._array, f"NormalBackward{means + 2 * stds}", *operands)


# ---- whole numbers -----------------------------------------------------------------------------------------------


@function()
def randint(*args, low=None, high=None, size=None, generator=None, out=None, dtype=None, layout=None, device=None,
            requires_grad=False, pin_memory=False):  # fmt: skip
    """randint(low=0, high, size, *, generator=None, dtype=torch.int64, device=None) -> Tensor: whole numbers in [low, high).

    RuntimeError where low ≥ high or where the dtype cannot hold the numbers.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randint(1, 7, (5,))
    tensor([3, 4, 2, 1, 2])

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
    return _new("randint", shape_of((size,)), fills.fill_integers, low, high, generator=generator, out=out, dtype=dtype,
                device=device, requires_grad=requires_grad)  # fmt: skip


@function()
def randint_like(input, *args, low=None, high=None, generator=None, dtype=None, layout=None, device=None,
                 requires_grad=False, memory_format=None, pin_memory=False):  # fmt: skip
    """randint_like(input, low=0, high, *, dtype=None) -> Tensor: `randint` of the input's shape and dtype.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.randint_like.html
    """
    low, high = _bounds("randint_like", args, low, high, {"input": input})
    return _new_like("randint_like", input, fills.fill_integers, low, high, generator=generator, dtype=dtype, device=device,
                     requires_grad=requires_grad, memory_format=memory_format)  # fmt: skip


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
def randperm(n, *, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
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
    return _new("randperm", shape, _fill_permutation, generator=generator, out=out, dtype=dtype, device=device,
                requires_grad=requires_grad)  # fmt: skip


def _fill_permutation(array, stream) -> None:
    kind, n = array.dtype.kind, array.size
    if kind in "bc" or (kind == "u" and array.dtype.itemsize > 1):
        raise fills.not_implemented("randperm", array)
    if kind in fills.REAL and n > 2 ** fills.MANTISSA_BITS[array.dtype.name] + 1:
        name = dtypes.legacy_name(dtypes.from_numpy(array.dtype))
        raise RuntimeError(f"n cannot be greater than {2 ** fills.MANTISSA_BITS[array.dtype.name] + 1} for {name} type.")
    if kind in "iu" and n - 1 > np.iinfo(array.dtype).max:
        raise RuntimeError(f"value cannot be converted to type {array.dtype.name}_t without overflow")
    array[...] = stream.permutation(n)


# ---- by probability ----------------------------------------------------------------------------------------------


@function(method=True)
def bernoulli(input, p=None, *, generator=None, out=None):
    """bernoulli(input, *, generator=None, out=None), bernoulli(input, p, *, generator=None) -> Tensor

    0 or 1 for each element of `input`: 1 with the probability that the element holds, or with probability `p`.
    RuntimeError for a probability outside [0, 1].

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.bernoulli(torch.tensor([0.1, 0.5, 0.9]))
    tensor([0., 0., 1.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bernoulli.html
    """
    _need_tensor("bernoulli", "input", 1, input)
    stream = stream_for("bernoulli", generator)
    array = np.empty(input._array.shape, input._array.dtype if out is None else out._array.dtype)
    if p is None:
        fills.fill_bernoulli(array, input._array, stream)
        made = _result(array, "BernoulliBackward0", input)
    else:
        fills.fill_bernoulli(array, real_number("bernoulli", "p", 2, p), stream)
        made = _result(array, "BernoulliBackward2", input)
    return _into(out, made)


@function(method=True)
def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    """multinomial(input, num_samples, replacement=False, *, generator=None, out=None) -> Tensor (int64)

    Indices drawn by the weights in `input` (categories) or in each row of it (rows, categories); the weights need not
    sum to 1. Without replacement an index comes once at most, and likely ones come early. RuntimeError for negative,
    infinite or all-zero weights, and for more samples than categories without replacement.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.multinomial(torch.tensor([1., 2., 7.]), 4, replacement=True)
    tensor([2, 2, 2, 2])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.multinomial.html
    """
    _need_tensor("multinomial", "input", 1, input)
    n = whole_number("multinomial", "num_samples", 2, num_samples)
    weights, stream = input._array, stream_for("multinomial", generator)
    _check_multinomial(input, n, replacement, out)
    rows = weights.reshape(-1, weights.shape[-1])
    if rows.size == 0:
        chosen = np.empty((len(rows), n), np.int64)
    elif replacement and n > 1:
        _check_weights(rows)
        chosen = counts.choose(stream, rows, n)
    else:
        if not (np.isfinite(rows).all() and (rows >= 0).all()):
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        _check_sums(rows)
        exponentials = np.empty_like(weights)
        fills.fill_exponential(exponentials, 1.0, stream)
        chosen = counts.choose_without_replacement(rows, exponentials.reshape(rows.shape), n)
    return _into(out, wrap(np.ascontiguousarray(chosen.reshape(*weights.shape[:-1], n))))


def _check_multinomial(input, n: int, replacement: bool, out) -> None:
    weights = input._array
    if weights.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if weights.dtype.kind not in fills.REAL:
        kind = dtypes.legacy_name(input.dtype)
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {kind}")
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {dtypes.legacy_name(out.dtype)}")
    if n <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and n > weights.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if weights.shape[-1] > 2**24:
        raise RuntimeError("number of categories cannot exceed 2^24")


def _check_weights(rows) -> None:
    if (rows < 0).any():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
    if not np.isfinite(rows).all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry = infinity or NaN)")
    _check_sums(rows)


def _check_sums(rows) -> None:
    if (rows.sum(-1) == 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


@function()
def poisson(input, generator=None):
    """poisson(input, generator=None) -> Tensor: a Poisson count for each rate in `input`, in its dtype.

    RuntimeError for a negative rate; NotImplementedError for an integer or bool tensor.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.poisson(torch.tensor([1., 20.]))
    tensor([ 2., 28.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.poisson.html
    """
    _need_tensor("poisson", "input", 1, input)
    rates = input._array
    if rates.dtype.kind not in fills.REAL:
        raise fills.not_implemented("poisson_cpu", rates)
    if not (rates >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return _result(counts.poisson(stream_for("poisson", generator), rates), "PoissonBackward0", input)


@function()
def binomial(count, prob, generator=None):
    """binomial(count, prob, generator=None) -> Tensor: the successes in `count` trials that succeed with `prob`.

    Two floating tensors of one dtype that broadcast; the result has that dtype.

    >>> import course_lib as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.binomial(torch.tensor([10., 20.]), torch.tensor([0.5, 0.5]))
    tensor([ 7., 11.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.binomial.html
    """
    _need_tensor("binomial", "count", 1, count)
    _need_tensor("binomial", "prob", 2, prob)
    for name, tensor in (("count", count), ("prob", prob)):
        if not tensor.is_floating_point():
            kind = dtypes.legacy_name(tensor.dtype)
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {kind}")
    if count.dtype is not prob.dtype:
        expected, found = dtypes.legacy_name(count.dtype), dtypes.legacy_name(prob.dtype)
        raise RuntimeError(f"Found dtype {found} but expected {expected}")
    if count.element_size() == 2:
        raise fills.not_implemented("binomial_cpu", count._array)
    try:
        trials, chances = np.broadcast_arrays(count._array, prob._array)
    except ValueError as error:
        raise broadcast_error("binomial", count, prob, error) from None
    return _result(counts.binomial(stream_for("binomial", generator), trials, chances), "BinomialBackward0", count, prob)


def _need_tensor(name: str, parameter: str, position: int, value) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}(): argument '{parameter}' (position {position}) must be Tensor, not {type_name(value)}")
