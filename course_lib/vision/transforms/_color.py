"""Colours of tensors (…, C, H, W) with one or three channels; floats run from 0 to 1, integers to their largest."""

from __future__ import annotations

import course_lib as torch
from course_lib.nn import functional as F

from .conversion import convert_image_dtype, largest

LUMA = (0.2989, 0.587, 0.114)  # how bright red, green and blue seem: ITU-R BT.601


def _channels(image, permitted: tuple[int, ...]) -> int:
    count = 1 if image.ndim == 2 else image.shape[-3]
    if count not in permitted:
        raise TypeError(f"Input image tensor permitted channel values are {list(permitted)}, but found {count}")
    return count


def _blend(image, other, ratio: float):
    """ratio·image + (1 - ratio)·other, kept between black and white; a ratio above 1 goes beyond the image."""
    return (ratio * image + (1.0 - ratio) * other).clamp(0, largest(image.dtype)).to(image.dtype)


def grayscale(image, channels: int):
    """One channel, or three equal ones, of how bright the pixels are."""
    if _channels(image, (1, 3)) == 3:
        red, green, blue = image.unbind(-3)
        image = (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue).to(image.dtype).unsqueeze(-3)
    return image.expand(*image.shape[:-3], channels, *image.shape[-2:]) if channels == 3 else image.clone()


def adjust_brightness(image, factor: float):
    _channels(image, (1, 3))
    return _blend(image, torch.zeros_like(image), factor)


def adjust_contrast(image, factor: float):
    gray = grayscale(image, 1)
    floats = gray if gray.is_floating_point() else gray.to(torch.float32)
    return _blend(image, floats.mean((-3, -2, -1), keepdim=True), factor)


def adjust_saturation(image, factor: float):
    if _channels(image, (1, 3)) == 1:
        return image
    return _blend(image, grayscale(image, 1), factor)


def adjust_sharpness(image, factor: float):
    """Blend with a smoothed image; a border one pixel wide stays."""
    channels = _channels(image, (1, 3))
    if min(image.shape[-2:]) <= 2:
        return image
    weights = torch.tensor([[1.0, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    floats = image.to(torch.float32).reshape(-1, *image.shape[-3:])
    smooth = F.conv2d(floats, weights.expand(channels, 1, 3, 3), groups=channels)
    blurred = image.clone()
    smooth = smooth.reshape(*image.shape[:-2], *smooth.shape[-2:])
    blurred[..., 1:-1, 1:-1] = (smooth if image.is_floating_point() else smooth.round()).to(image.dtype)
    return _blend(image, blurred, factor)


def adjust_hue(image, factor: float):
    if _channels(image, (1, 3)) == 1:
        return image
    hue, saturation, value = _to_hsv(convert_image_dtype(image, torch.float32))
    return convert_image_dtype(_from_hsv((hue + factor) % 1.0, saturation, value), image.dtype)


def _to_hsv(image):
    """Hue, saturation and value, each from 0 to 1 (Smith 1978)."""
    red, green, blue = image.unbind(-3)
    most, least = image.amax(-3), image.amin(-3)
    spread = most - least
    gray = spread == 0
    below = torch.where(gray, torch.ones_like(spread), spread)
    r, g, b = ((most - channel) / below for channel in (red, green, blue))
    sixths = torch.where(most == red, b - g, torch.where(most == green, 2.0 + r - b, 4.0 + g - r))
    hue = torch.where(gray, torch.zeros_like(sixths), (sixths / 6.0 + 1.0) % 1.0)
    saturation = spread / torch.where(gray, torch.ones_like(most), most)
    return hue, saturation, most


def _from_hsv(hue, saturation, value):
    """Each channel falls from `value` by value·saturation, depending on how far its hue is."""

    def channel(offset: float):
        distance = (offset + hue * 6.0) % 6.0
        return value - value * saturation * torch.minimum(distance, 4.0 - distance).clamp(0.0, 1.0)

    return torch.stack([channel(5.0), channel(3.0), channel(1.0)], -3).clamp(0.0, 1.0)


def adjust_gamma(image, gamma: float, gain: float):
    floats = image if image.is_floating_point() else convert_image_dtype(image, torch.float32)
    return convert_image_dtype((gain * floats**gamma).clamp(0, 1), image.dtype)


def invert(image):
    return largest(image.dtype) - image
