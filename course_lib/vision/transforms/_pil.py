"""What transforms do to PIL images, mostly by Pillow itself. `_tensor.py` has the same names for tensors."""

from __future__ import annotations

import numpy as np

from .._pillow import pillow
from .affine import inverse_affine_matrix
from .conversion import pil_to_tensor, to_pil_image
from .interpolation import PIL_NUMBERS, InterpolationMode

_UNCOLOURED = {"L", "1", "I", "F"}


def dimensions(image) -> list[int]:
    """[channels, height, width]."""
    return [len(image.getbands()), image.height, image.width]


def resize(image, size: list[int], interpolation: InterpolationMode, antialias=True):
    if interpolation not in PIL_NUMBERS:
        raise ValueError(f"PIL images cannot be resized by {interpolation.value}")
    return image.resize((size[1], size[0]), PIL_NUMBERS[interpolation])


def crop(image, top: int, left: int, height: int, width: int):
    return image.crop((left, top, left + width, top + height))


def pad(image, padding: list[int], fill, mode: str):
    """`padding` is left, top, right, bottom."""
    from PIL import ImageOps

    if mode == "constant":
        return ImageOps.expand(image, border=tuple(padding), fill=_color(image, fill))
    left, top, right, bottom = padding
    kept = image.crop((max(-left, 0), max(-top, 0), image.width - max(-right, 0), image.height - max(-bottom, 0)))
    array = np.asarray(kept)
    sides = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0)][: array.ndim]
    padded = pillow().Image.fromarray(np.pad(array, sides, mode=mode))
    if image.mode == "P":
        padded.putpalette(image.getpalette())
    return padded


def _color(image, fill):
    """A fill value as Pillow takes it: a number, or one a channel."""
    channels = len(image.getbands())
    if isinstance(fill, (int, float)):
        values = (fill,) * channels
    else:
        values = tuple(fill) * channels if len(fill) == 1 else tuple(fill)
    if len(values) != channels:
        raise ValueError(
            f"The number of elements in 'fill' does not match the number of channels of the image ({len(values)} != "
            f"{channels})"
        )
    if image.mode != "F":
        values = tuple(int(value) for value in values)
    return values[0] if channels == 1 else values


def hflip(image):
    return image.transpose(pillow().Image.Transpose.FLIP_LEFT_RIGHT)


def vflip(image):
    return image.transpose(pillow().Image.Transpose.FLIP_TOP_BOTTOM)


def rotate(image, angle: float, interpolation: InterpolationMode, expand: bool, center, fill):
    number = PIL_NUMBERS[interpolation]
    return image.rotate(angle, number, expand, center, fillcolor=_color(image, 0 if fill is None else fill))


def affine(image, angle: float, translate, scale: float, shear, interpolation: InterpolationMode, fill, center):
    center = (image.width * 0.5, image.height * 0.5) if center is None else center
    matrix = inverse_affine_matrix(center, angle, translate, scale, shear)
    kind = pillow().Image.Transform.AFFINE
    color = _color(image, 0 if fill is None else fill)
    return image.transform(image.size, kind, matrix, PIL_NUMBERS[interpolation], fillcolor=color)


def gaussian_blur(image, kernel_size: list[int], sigma: list[float]):
    from . import _tensor

    blurred = _tensor.gaussian_blur(pil_to_tensor(image), kernel_size, sigma)
    return to_pil_image(blurred, image.mode)


def _enhanced(name: str):
    def adjust(image, factor: float):
        from PIL import ImageEnhance

        return getattr(ImageEnhance, name)(image).enhance(factor)

    return adjust


adjust_brightness = _enhanced("Brightness")
adjust_contrast = _enhanced("Contrast")
adjust_saturation = _enhanced("Color")
adjust_sharpness = _enhanced("Sharpness")


def adjust_hue(image, factor: float):
    if image.mode in _UNCOLOURED:
        return image
    hue, saturation, value = image.convert("HSV").split()
    turned = np.asarray(hue) + np.array(int(factor * 255) % 256, np.uint8)  # a whole turn is 256 steps
    hue = pillow().Image.fromarray(turned)
    return pillow().Image.merge("HSV", (hue, saturation, value)).convert(image.mode)


def adjust_gamma(image, gamma: float, gain: float):
    curve = [int(min((255 + 1 - 1e-3) * gain * pow(level / 255.0, gamma), 255)) for level in range(256)]
    rgb = image.convert("RGB")
    return rgb.point(curve * 3).convert(image.mode)


def invert(image):
    from PIL import ImageOps

    return ImageOps.invert(image)


def grayscale(image, channels: int):
    gray = image.convert("L")
    return gray if channels == 1 else pillow().Image.merge("RGB", (gray, gray, gray))
