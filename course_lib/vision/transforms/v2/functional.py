"""torchvision.transforms.v2.functional: the functions of `transforms.functional`, and their newer names."""

from __future__ import annotations

import course_lib as torch

from ..._pillow import is_pil_image
from ..conversion import channels_first
from ..functional import (
    InterpolationMode,
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
    affine,
    center_crop,
    convert_image_dtype,
    crop,
    erase,
    five_crop,
    gaussian_blur,
    get_dimensions,
    get_image_size,
    invert,
    normalize,
    pad,
    pil_to_tensor,
    resize,
    resized_crop,
    rgb_to_grayscale,
    rotate,
    ten_crop,
    to_grayscale,
    to_pil_image,
    to_tensor,
)
from ..functional import hflip as horizontal_flip
from ..functional import vflip as vertical_flip


def to_image(inpt) -> torch.Tensor:
    """A PIL image, an array (H, W, C) or a tensor as a tensor (C, H, W) with the same numbers.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.functional.to_image.html
    """
    if is_pil_image(inpt):
        return pil_to_tensor(inpt)
    if isinstance(inpt, torch.Tensor):
        return inpt
    if hasattr(inpt, "__array__"):
        return channels_first(inpt.__array__())
    raise TypeError(
        f"Input can either be a pure Tensor, a numpy array, or a PIL image, but got {type(inpt)} instead."
    )


def to_dtype(inpt: torch.Tensor, dtype=torch.float, scale: bool = False) -> torch.Tensor:
    """A tensor in another dtype; with `scale`, its values go from black … white of one to that of the other.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.functional.to_dtype.html
    """
    return convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)


def get_size(inpt) -> list[int]:
    """[height, width] of an image."""
    return get_dimensions(inpt)[1:]


hflip, vflip = horizontal_flip, vertical_flip

__all__ = ["InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
           "adjust_saturation", "adjust_sharpness", "affine", "center_crop", "convert_image_dtype",
           "crop", "erase", "five_crop", "gaussian_blur", "get_dimensions", "get_image_size", "get_size",
           "hflip", "horizontal_flip", "invert", "normalize", "pad", "pil_to_tensor", "resize",
           "resized_crop", "rgb_to_grayscale", "rotate", "ten_crop", "to_dtype", "to_grayscale",
           "to_image", "to_pil_image", "to_tensor", "vertical_flip", "vflip"]  # fmt: skip
