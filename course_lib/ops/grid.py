"""Images read at places that a tensor names: affine_grid makes such places, grid_sample reads there.

Places run from -1 to 1 in every dimension, the last dimension (x) first. All of it is composed of Tensor ops, so that
gradients reach both the image and the places.
"""

from __future__ import annotations

import itertools
import math

from ..backends import array_module
from ..dtypes import bool as bool_dtype
from ..errors import warn
from ..tensor import Tensor
from ._numeric import kind_name
from ._op import function
from .creation import ones, ones_like
from .joining import cat, meshgrid, stack
from .masks import where
from .ranges import linspace
from .weighted_reading import read_plane, read_volume

# ---- from [-1, 1] to elements ------------------------------------------------------------------------------------


def _element(places: Tensor, length: int, align_corners: bool) -> Tensor:
    """Places in [-1, 1] counted in elements: the ends are the centres of the outer elements, or their outer edges."""
    if align_corners:
        return (places + 1) / 2 * (length - 1)
    return ((places + 1) * length - 1) / 2


def _clipped(at: Tensor, length: int) -> Tensor:
    """Limited to the image; no gradient outside and at the limits."""
    return where((at > 0) & (at < length - 1), at, at.detach().clamp(0, length - 1))


def _reflected(at: Tensor, length: int, align_corners: bool) -> Tensor:
    """Mirrored at the outer centres, or at the outer edges, as often as needed."""
    low, span = (0.0, float(length - 1)) if align_corners else (-0.5, float(length))
    if span == 0:
        return at * 0
    distance = (at - low).abs()
    turns = (distance.detach() / span).floor()
    rest = distance - turns * span
    return where(turns % 2 == 0, rest, span - rest) + low


def _padded(at: Tensor, length: int, padding_mode: str, align_corners: bool) -> Tensor:
    if padding_mode == "reflection":
        at = _reflected(at, length, align_corners)
    return at if padding_mode == "zeros" else _clipped(at, length)


# ---- reading -----------------------------------------------------------------------------------------------------


def _flat(positions, shape):
    """Positions in the flattened image from whole positions in each dimension; one behind it for those outside."""
    flat, inside = 0, True
    for at, n in zip(positions, shape, strict=True):
        fits = (at >= 0) & (at <= n - 1)
        flat, inside = flat * n + at.masked_fill(~fits, 0).long(), fits & inside
    return flat.masked_fill(~inside, math.prod(shape))


def _nearest_weights(at: Tensor):
    """The element nearest to each place. Its weight is 1, with a derivative of 0."""
    return [(at.detach().round(), at.masked_fill(ones_like(at, dtype=bool_dtype), 1))]


def _linear_weights(at: Tensor):
    """The two elements around each place, with their weights."""
    first = at.detach().floor()
    share = at - first
    return [(first, 1 - share), (first + 1, share)]


def _cubic_weights(at: Tensor):
    """The four elements around each place, with the weights of Keys' cubic kernel."""
    first, a = at.detach().floor(), -0.75
    t = at - first
    return [
        (first - 1, (((t + 1) - 5) * a * (t + 1) + 8 * a) * (t + 1) - 4 * a),
        (first, ((a + 2) * t - (a + 3)) * t * t + 1),
        (first + 1, ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1),
        (first + 2, (((2 - t) - 5) * a * (2 - t) + 8 * a) * (2 - t) - 4 * a),
    ]


_WEIGHTS = {"nearest": _nearest_weights, "bilinear": _linear_weights, "bicubic": _cubic_weights}


def _sample(input: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool) -> Tensor:
    shape = input.shape[2:]
    at = [_element(grid[..., len(shape) - 1 - d], n, align_corners) for d, n in enumerate(shape)]
    if mode != "bicubic":
        at = [_padded(x, n, padding_mode, align_corners) for x, n in zip(at, shape, strict=True)]
    neighbours = [_WEIGHTS[mode](x) for x in at]
    flats, weights = [], []
    for corner in itertools.product(*neighbours):  # all combinations of neighbours in each dimension
        positions = [position for position, _ in corner]
        if mode == "bicubic":
            positions = [_padded(x, n, padding_mode, align_corners) for x, n in zip(positions, shape, strict=True)]
        flats.append(_flat(positions, shape)._array)
        weights.append(math.prod([share for _, share in corner]))
    read = read_plane if len(shape) == 2 else read_volume
    return read(input, stack(weights), at=array_module(input._array).stack(flats))


@function(namespace="nn.functional")
def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """grid_sample(input, grid, mode='bilinear', padding_mode='zeros', align_corners=None) -> Tensor

    `input` (N, C, H, W) read at the places `grid` (N, h, w, 2) of (x, y) in [-1, 1], or (N, C, D, H, W) at (N, d, h, w,
    3): result (N, C, h, w). mode: 'bilinear', 'nearest', 'bicubic' (4-D only); padding_mode: outside is 'zeros', the
    'border' or the 'reflection'. align_corners: -1 and 1 are the centres of the outer elements, not their edges.

    ValueError for another mode, RuntimeError for shapes that do not fit.

    Source: Jaderberg et al. (2015), arXiv:1506.02025
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please "
            "specify align_corners=True if the old behavior is desired. See the documentation of grid_sample for "
            "details.",
        )
    return _grid_sampler(input, grid, mode, padding_mode, bool(align_corners))


def _grid_sampler(input, grid, mode: str, padding_mode: str, align_corners: bool) -> Tensor:
    _check_sampler(input, grid, mode)
    return _sample(input, grid, mode, padding_mode, align_corners)


def _check_sampler(input, grid, mode: str) -> None:
    sizes = f"but got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, {sizes}")
    if grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}"
        )
    if input.ndim not in (4, 5) or input.ndim != grid.ndim:
        raise RuntimeError(f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, {sizes}")
    for d in range(2, input.ndim):
        if input.shape[d] == 0:
            raise RuntimeError(
                f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {d} being empty"
            )
    if mode == "bicubic" and input.ndim != 4:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.dtype is not grid.dtype:
        raise RuntimeError(f"expected scalar type {kind_name(input)} but found {kind_name(grid)}")


def _numbered(name: str):
    """torch.grid_sampler and its relatives: modes as numbers."""

    def sampler(input, grid, interpolation_mode, padding_mode, align_corners):
        mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
        return _grid_sampler(input, grid, mode, ("zeros", "border", "reflection")[padding_mode], align_corners)

    sampler.__name__ = sampler.__qualname__ = name
    sampler.__doc__ = f"{name}(input, grid, interpolation_mode, padding_mode, align_corners): see grid_sample."
    return function()(sampler)


for _name in ("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"):
    _numbered(_name)


# ---- making places -----------------------------------------------------------------------------------------------


@function(namespace="nn.functional")
def affine_grid(theta, size, align_corners=None):
    """affine_grid(theta, size, align_corners=None) -> Tensor

    The places (N, H, W, 2) that affine maps `theta` (N, 2, 3) give the elements of an image of `size` (N, C, H, W), for
    grid_sample; (N, D, H, W, 3) for theta (N, 3, 4) and five sizes.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.affine_grid.html
    """
    if align_corners is None:
        warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please "
            "specify align_corners=True if the old behavior is desired. See the documentation of grid_sample for "
            "details.",
        )
    size = tuple(size)
    if theta._array.dtype.kind not in "fV":
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{size}."
        )
    if theta.ndim != 3 or theta.shape[-2:] != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {size}. Got "
            f"{theta.shape}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    axes = [_axis(n, theta, bool(align_corners)) for n in size[2:]]
    places = stack([part.reshape(-1) for part in reversed(meshgrid(*axes, indexing="ij"))], -1)
    places = cat([places, ones((places.shape[0], 1), dtype=theta.dtype)], 1)
    made = places.unsqueeze(0).expand(theta.shape[0], -1, -1).matmul(theta.transpose(1, 2))
    return made.view(size[0], *size[2:], dims)


def _axis(n: int, like: Tensor, align_corners: bool) -> Tensor:
    if n <= 1:
        return like.detach().new_zeros((1,))
    axis = linspace(-1, 1, n, dtype=like.dtype)
    return axis if align_corners else axis * ((n - 1) / n)
