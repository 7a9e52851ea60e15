"""Order statistics: medians, quantiles, modes, extremes; and covariances.

What picks one element along a dimension (median, mode, k-th value) is one kind of op: it finds positions, and its
gradient goes back to those positions.
"""

from __future__ import annotations

import math

from .. import dtypes, return_types
from ..backends import backend_of
from ..dtypes import FLOAT
from ..tensor import Tensor, normalize_dim
from ._numeric import require_kind
from ._op import function, op
from .blending import lerp
from .extremes import amax, amin, selecting
from .masks import where
from .reduce import dims_of, nansum
from .sorting import ascending, sort

# ---- one element along a dimension -------------------------------------------------------------------------------


def _at(xp, order, dim: int, k):
    """Entry k of the positions that sort a tensor, for each row."""
    k = xp.asarray(k)
    shape = order.shape[:dim] + (1,) + order.shape[dim + 1 :]
    return xp.take_along_axis(order, xp.broadcast_to(k, shape), axis=dim)


def _kth_position(xp, a, dim, k):
    return _at(xp, ascending(xp, a, dim), dim, k - 1)


def _median_position(xp, a, dim, k):
    order = ascending(xp, a, dim)
    middle = _at(xp, order, dim, (a.shape[dim] - 1) // 2)
    nan = a != a
    first_nan = xp.expand_dims(nan.argmax(dim), dim)
    return xp.where(nan.any(axis=dim, keepdims=True), first_nan, middle)


def _nanmedian_position(xp, a, dim, k):
    order = ascending(xp, a, dim)
    count = (a == a).sum(axis=dim, keepdims=True)
    return _at(xp, order, dim, xp.maximum(count - 1, 0) // 2)


def _mode_position(xp, a, dim, k):
    """In sorted order equal elements form runs; the longest run ends where the distance from its start is largest."""
    order = ascending(xp, a, dim)
    ordered = xp.moveaxis(xp.take_along_axis(a, order, axis=dim), dim, -1)
    places = xp.arange(a.shape[dim])
    starts = xp.ones(ordered.shape, bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    since = places - backend_of(xp).running(xp.maximum, xp.where(starts, places, 0), -1)
    return _at(xp, order, dim, xp.moveaxis(since.argmax(-1, keepdims=True), -1, dim))


kthvalue_along = selecting("kthvalue", _kth_position, "iufV")
median_along = selecting("median", _median_position, "iufV")
nanmedian_along = selecting("nanmedian", _nanmedian_position, "iufV")
mode_along = selecting("mode", _mode_position, "biufV")


@function(method=True, out=True)
def kthvalue(input, k, dim=-1, keepdim=False):
    """kthvalue(input, k, dim=-1, keepdim=False, *, out=None) -> (values, indices)

    The k-th smallest element along `dim`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.kthvalue.html
    """
    dim = normalize_dim(dim, input.ndim)
    if not 1 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}")
    return return_types.kthvalue(kthvalue_along(input, dim=dim, keepdim=keepdim, k=k))


@function(method=True, out=True)
def mode(input, dim=-1, keepdim=False):
    """mode(input, dim=-1, keepdim=False, *, out=None) -> (values, indices): the most frequent element along `dim`.

    Of several the smallest, with the position of its last occurrence.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.mode.html
    """
    return return_types.mode(mode_along(input, dim=normalize_dim(dim, input.ndim), keepdim=keepdim))


def _median_of_all(name: str, find):
    """The median of all elements; elements that equal it share the gradient."""

    def forward(xp, a):
        require_kind("median_cpu", a, "iufV")
        if a.size == 0:  # NaN; of a wide integer dtype, what NaN becomes there
            lowest = -(2 ** (8 * a.dtype.itemsize - 1)) if a.dtype.itemsize >= 4 else 0
            return xp.full((), math.nan if a.dtype.kind in "fV" else lowest, a.dtype)
        flat = a.reshape(-1)
        return flat[find(xp, flat, 0, None)].reshape(())

    def save(ctx, out, a):
        ctx.save_for_backward(a)

    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        a = a.detach()
        middle = globals()[name](a)
        share = (a == middle) | ((a != a) & (middle != middle))
        return g * share / share.sum()

    members = {"forward": forward, "save": save, "backward": backward, "__doc__": f"The {name} of all elements."}
    return op(method=False, namespace=None, node=name.capitalize())(type(f"{name}_of_all", (), members))


median_of_all = _median_of_all("median", _median_position)
nanmedian_of_all = _median_of_all("nanmedian", _nanmedian_position)


@function(method=True, out=True)
def median(input, dim=None, keepdim=False):
    """median(input) -> Tensor; median(input, dim, keepdim=False, *, out=None) -> (values, indices)

    The element in the middle; of an even number of elements the lower of the two. NaN wherever a NaN is.

    >>> import course_lib as torch
    >>> torch.tensor([5., 1., 3., 4.]).median()
    tensor(3.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.median.html
    """
    if dim is None:
        return median_of_all(input)
    return return_types.median(median_along(input, dim=normalize_dim(dim, input.ndim), keepdim=keepdim))


@function(method=True, out=True)
def nanmedian(input, dim=None, keepdim=False):
    """nanmedian(input, dim=None, keepdim=False, *, out=None) -> Tensor or (values, indices): `median` without the NaN.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nanmedian.html
    """
    if dim is None:
        return nanmedian_of_all(input)
    return return_types.nanmedian(nanmedian_along(input, dim=normalize_dim(dim, input.ndim), keepdim=keepdim))


# ---- quantiles ---------------------------------------------------------------------------------------------------

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _checked_q(name: str, input: Tensor, q, interpolation: str) -> Tensor:
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
        q = input.new_tensor(float(q)) if input.is_floating_point() else q
    if input.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if q.dtype is not input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    return q


def _quantile(name: str, input, q, dim, keepdim: bool, interpolation: str) -> Tensor:
    q = _checked_q(name, input, q, interpolation)
    place = 0 if dim is None else normalize_dim(dim, input.ndim)
    rows = input.reshape(-1) if dim is None or input.ndim == 0 else input.movedim(place, -1)
    ordered = sort(rows, -1).values  # NaN comes last
    known = ~ordered.detach().isnan()
    if name == "nanquantile":
        ranks = (q * (known.sum(-1, keepdim=True) - 1).to(q.dtype)).clamp(min=0)
    else:
        last = rows.shape[-1] - 1
        ranks = where(known.all(-1, keepdim=True), q * last, float(last)).to(q.dtype)
    if interpolation in ("lower", "higher", "nearest"):
        ranks = {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}[interpolation]()
    below = ranks.floor()
    found = ordered.gather(-1, below.long())
    if interpolation in ("linear", "midpoint"):
        above = ordered.gather(-1, ranks.ceil().long())
        weight = (ranks - below) if interpolation == "linear" else ranks * 0 + 0.5
        found = lerp(found, above, weight)
    if keepdim:
        kept = found.unsqueeze(place) if dim is not None and input.ndim else found.reshape([1] * input.ndim + [-1])
        return kept.squeeze(-1) if q.ndim == 0 else kept.movedim(-1, 0)
    return found.squeeze(-1) if q.ndim == 0 else found.movedim(-1, 0)


@function(method=True, out=True)
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """quantile(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None) -> Tensor

    The value below which the fraction `q` (a number or a 1-D tensor, in [0, 1]) of the elements lies. Between two
    elements `interpolation` decides: linear, lower, higher, midpoint or nearest.

    >>> import course_lib as torch
    >>> torch.quantile(torch.tensor([1., 2., 3., 4.]), 0.5)
    tensor(2.5000)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.quantile.html
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@function(method=True, out=True)
def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None) -> Tensor

    `quantile` without the NaN.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nanquantile.html
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


# ---- means and extremes ------------------------------------------------------------------------------------------


@function(method=True, out=True)
def nanmean(input, dim=None, keepdim=False, *, dtype=None):
    """nanmean(input, dim=None, keepdim=False, *, dtype=None, out=None) -> Tensor: the mean without the NaN.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nanmean.html
    """
    if input.dtype.category < FLOAT:
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{dtypes.legacy_name(input.dtype)}"
        )
    count = (~input.detach().isnan()).sum(dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


@function(method=True, out=True)
def aminmax(input, *, dim=None, keepdim=False):
    """aminmax(input, *, dim=None, keepdim=False, out=None) -> (min, max): both extreme values.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.aminmax.html
    """
    require_kind("aminmax_cpu", input._array, "biufV")
    dims = dims_of(dim, input.ndim)
    for d in dims:
        if input.shape[d] == 0 and dim is not None:
            raise IndexError(f"aminmax: Expected reduction dim {d} to have non-zero size.")
    if input.numel() == 0 and dim is None:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    if dim is None and keepdim:
        return return_types.aminmax(tuple(f(input).reshape([1] * input.ndim) for f in (amin, amax)))
    return return_types.aminmax((amin(input, dims, keepdim), amax(input, dims, keepdim)))


# ---- covariance --------------------------------------------------------------------------------------------------


@function(method=True)
def cov(input, *, correction=1, fweights=None, aweights=None):
    """cov(input, *, correction=1, fweights=None, aweights=None) -> Tensor: the covariance matrix of the rows.

    A column is one observation of all variables; `fweights` counts how often, `aweights` how important it is.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cov.html
    """
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    if input.dtype is dtypes.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input.reshape(1, -1) if input.ndim < 2 else input
    rows = rows if rows.dtype.category >= FLOAT else rows.to(dtypes.get_default_dtype())
    count = rows.shape[1]
    weights = _observation_weights(fweights, aweights, count)
    total = count if weights is None else weights.sum()
    mean = rows.mean(1, keepdim=True) if weights is None else (rows * weights).sum(1, keepdim=True) / total
    if weights is not None and aweights is not None and correction != 0:
        norm = total - correction * (weights * aweights).sum() / total
    else:
        norm = total - correction
    norm = norm.clamp(min=0) if isinstance(norm, Tensor) else (norm if norm > 0 else 0)
    centred = rows - mean
    weighted = centred if weights is None else centred * weights
    made = (centred.to(weighted.dtype) @ weighted.t().conj()) / norm
    return made.squeeze()


def _observation_weights(fweights, aweights, count: int):
    for name, values in (("fweights", fweights), ("aweights", aweights)):
        if values is None:
            continue
        wanted = "integral" if name == "fweights" else "floating point"
        if (values.dtype.category == 1) != (name == "fweights") or values.dtype.category in (0, 3):
            raise RuntimeError(
                f"cov(): expected {name} to have {wanted} dtype but got {name} with "
                f"{dtypes.legacy_name(values.dtype)} dtype"
            )
        if values.ndim > 1:
            raise RuntimeError(
                f"cov(): expected {name} to have one or fewer dimensions but got {name} with {values.ndim} dimensions"
            )
        if values.numel() != count:
            raise RuntimeError(
                f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                f"{values.numel()} != {count}"
            )
        if bool((values < 0).any()):
            raise RuntimeError(f"cov(): {name} cannot be negative")
    if fweights is None:
        return aweights
    return fweights if aweights is None else fweights * aweights


@function(method=True)
def corrcoef(input):
    """corrcoef(input) -> Tensor: the correlation coefficients of the rows (each in [-1, 1]).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.corrcoef.html
    """
    if input.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    made = cov(input)
    if made.ndim == 0:
        return made / made
    spread = made.diagonal()
    spread = (spread.real if spread.is_complex() else spread).sqrt()
    made = made / spread.unsqueeze(1) / spread.unsqueeze(0)
    return made if made.is_complex() else made.clamp(-1, 1)
