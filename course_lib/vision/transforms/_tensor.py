"""What transforms do to tensors (…, C, H, W): geometry here, colours in `_color.py`. `_pil.py` has the same names.

Integer images are computed as floats and rounded.
"""

from __future__ import annotations

import math

import course_lib as torch
from course_lib.nn import functional as F

from ._color import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
    grayscale,
    invert,
)
from .affine import inverse_affine_matrix
from .interpolation import InterpolationMode

_RESIZING = {"nearest", "nearest-exact", "bilinear", "bicubic"}


def dimensions(image) -> list[int]:
    """[channels, height, width]; a tensor of two dimensions has one channel."""
    return [1 if image.ndim == 2 else image.shape[-3], *image.shape[-2:]]


def _as_floats(image, compute):
    """compute(float batch (N, C, H, W)), back in the image's own number of dimensions and dtype."""
    floats = image if image.dtype in (torch.float32, torch.float64) else image.to(torch.float32)
    batch = floats.reshape(-1, *dimensions(image))
    found = compute(batch)
    found = found.reshape(*image.shape[:-3], *found.shape[-3:]) if image.ndim > 2 else found[0, 0]
    if found.dtype is image.dtype:
        return found
    return (found if image.is_floating_point() else found.round()).to(image.dtype)


def resize(image, size: list[int], interpolation: InterpolationMode, antialias=True):
    mode = interpolation.value
    if mode not in _RESIZING:
        raise ValueError("This interpolation mode is unsupported with Tensor input")
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    smooth = mode in {"bilinear", "bicubic"}

    def resized(batch):
        settings = {"align_corners": False, "antialias": bool(antialias)} if smooth else {}
        found = F.interpolate(batch, size=tuple(size), mode=mode, **settings)
        # cubic curves overshoot: integers would wrap around
        return found.clamp(0, 255) if mode == "bicubic" and image.dtype is torch.uint8 else found

    return _as_floats(image, resized)


def crop(image, top: int, left: int, height: int, width: int):
    """A part of the image; what lies outside is 0."""
    h, w = image.shape[-2:]
    inside = image[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    outside = [min(max(-left, 0), width), max(min(left + width - w, width), 0),
               min(max(-top, 0), height), max(min(top + height - h, height), 0)]  # fmt: skip
    return F.pad(inside, outside) if any(outside) else inside


def pad(image, padding: list[int], fill, mode: str):
    """`padding` is left, top, right, bottom."""
    left, top, right, bottom = padding
    if mode == "constant":
        if isinstance(fill, (list, tuple)):
            if len(set(fill)) > 1:
                raise ValueError("a tensor is padded with one number; `fill` has several")
            fill = fill[0]
        return F.pad(image, [left, right, top, bottom], value=fill)
    h, w = image.shape[-2:]
    rows, columns = _mirrored(h, top, bottom, mode), _mirrored(w, left, right, mode)
    return image[..., rows[:, None], columns]


def _mirrored(n: int, before: int, after: int, mode: str):
    """Which of n rows to read at -before, …, n + after - 1."""
    positions = torch.arange(-before, n + after)
    if mode == "edge":
        return positions.clamp(0, n - 1)
    if mode == "reflect":  # … 2 1 0 1 2 …
        if max(before, after) >= n:
            raise RuntimeError(f"Padding by reflection must be smaller than the image: {max(before, after)} of {n}")
        turn = 2 * (n - 1)
        positions = positions % max(turn, 1)
        return torch.minimum(positions, turn - positions)
    positions = positions % (2 * n)  # symmetric: … 1 0 0 1 …
    return torch.minimum(positions, 2 * n - 1 - positions)


def hflip(image):
    return image.flip(-1)


def vflip(image):
    return image.flip(-2)


def rotate(image, angle: float, interpolation: InterpolationMode, expand: bool, center, fill):
    h, w = image.shape[-2:]
    middle = (0.0, 0.0) if center is None else (center[0] - w * 0.5, center[1] - h * 0.5)
    matrix = inverse_affine_matrix(middle, -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    return _warped(image, matrix, _size_of_all(h, w, matrix) if expand else (h, w), interpolation, fill)


def affine(image, angle: float, translate, scale: float, shear, interpolation: InterpolationMode, fill, center):
    h, w = image.shape[-2:]
    middle = (0.0, 0.0) if center is None else (center[0] - w * 0.5, center[1] - h * 0.5)
    matrix = inverse_affine_matrix(middle, angle, translate, scale, shear)
    return _warped(image, matrix, (h, w), interpolation, fill)


def _warped(image, matrix: list[float], size: tuple[int, int], interpolation: InterpolationMode, fill):
    """Each pixel of the new image asks the matrix where it was before, in pixels from the middle."""
    if interpolation.value not in {"nearest", "bilinear"}:
        raise ValueError(f"Interpolation mode '{interpolation.value}' is unsupported with Tensor input")
    (h, w), (new_h, new_w) = image.shape[-2:], size
    a, b, c, d, e, f = matrix
    x = (torch.arange(new_w) + 0.5 - new_w * 0.5)[None, :]
    y = (torch.arange(new_h) + 0.5 - new_h * 0.5)[:, None]
    was_x, was_y = x * a + y * b + c, x * d + y * e + f
    grid = torch.stack([was_x / (0.5 * w), was_y / (0.5 * h)], -1)  # grid_sample counts from -1 to 1

    def warped(batch):
        return _sampled(batch, grid.to(batch.dtype), interpolation.value, fill)

    return _as_floats(image, warped)


def _size_of_all(h: int, w: int, matrix: list[float]) -> tuple[int, int]:
    """Height and width of the smallest box of whole pixels around the turned image (a rotation about its middle)."""
    cos, sin = matrix[0], matrix[3]
    xs = [sx * w * 0.5 * cos + sy * h * 0.5 * sin for sx in (-1, 1) for sy in (-1, 1)]
    ys = [-sx * w * 0.5 * sin + sy * h * 0.5 * cos for sx in (-1, 1) for sy in (-1, 1)]
    return _whole(ys, h), _whole(xs, w)


def _whole(corners: list[float], n: int) -> int:
    low, high = (round(edge + n * 0.5, 4) for edge in (min(corners), max(corners)))  # sines are not exact
    return math.ceil(high) - math.floor(low)


def _sampled(batch, grid, mode: str, fill):
    """The batch at the places of one grid; outside of the image lies `fill`."""
    grid = grid[None].expand(len(batch), *grid.shape)
    if not fill:
        return F.grid_sample(batch, grid, mode=mode, padding_mode="zeros", align_corners=False)
    with_mask = torch.cat([batch, torch.ones_like(batch[:, :1])], 1)
    found = F.grid_sample(with_mask, grid, mode=mode, padding_mode="zeros", align_corners=False)
    found, inside = found[:, :-1], found[:, -1:]  # inside: 1 in the image, 0 outside, between along the edges
    color = torch.tensor(fill if isinstance(fill, (list, tuple)) else [fill], dtype=batch.dtype).view(1, -1, 1, 1)
    if mode == "nearest":
        return torch.where(inside < 0.5, color, found)
    return found * inside + (1.0 - inside) * color


def gaussian_blur(image, kernel_size: list[int], sigma: list[float]):
    """Each pixel becomes a mean of its neighbours, weighted by a normal curve; the edges are mirrored."""
    columns, rows = (_normal_curve(size, width) for size, width in zip(kernel_size, sigma))
    weights = rows[:, None] * columns[None, :]
    channels = dimensions(image)[0]
    sides = [kernel_size[0] // 2, kernel_size[1] // 2] * 2

    def blurred(batch):
        kernel = weights.to(batch.dtype).expand(channels, 1, *weights.shape)
        return F.conv2d(pad(batch, sides, 0, "reflect"), kernel, groups=channels)

    return _as_floats(image, blurred)


def _normal_curve(size: int, sigma: float):
    """`size` weights around the middle that sum to 1."""
    x = torch.arange(size) - (size - 1) * 0.5
    weights = torch.exp(-0.5 * (x / sigma) ** 2)
    return weights / weights.sum()


__all__ = ["adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation",
           "adjust_sharpness", "affine", "crop", "dimensions", "gaussian_blur", "grayscale", "hflip", "invert", "pad",
           "resize", "rotate", "vflip"]  # fmt: skip
