"""InterpolationMode: how pixels between the pixels are computed when an image is resized or turned."""

from __future__ import annotations

from enum import Enum


class InterpolationMode(Enum):
    """The ways to interpolate; BOX, HAMMING and LANCZOS are for PIL images only.

    >>> from course_lib.vision.transforms import InterpolationMode
    >>> InterpolationMode.BILINEAR.value
    'bilinear'

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.InterpolationMode.html
    """

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


PIL_NUMBERS = {
    InterpolationMode.NEAREST: 0,
    InterpolationMode.LANCZOS: 1,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
    InterpolationMode.BOX: 4,
    InterpolationMode.HAMMING: 5,
}
_MODES = {number: mode for mode, number in PIL_NUMBERS.items()}


def as_mode(interpolation) -> InterpolationMode:
    """The mode for a mode or for Pillow's number of it; TypeError for anything else."""
    if isinstance(interpolation, int):
        interpolation = _MODES.get(interpolation)
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError(
            "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant"
        )
    return interpolation


__all__ = ["InterpolationMode", "as_mode"]
