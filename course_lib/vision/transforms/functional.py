"""Functions on images: PIL images and tensors (…, C, H, W). `_pil.py` and `_tensor.py` do the work, by the same names.

    from course_lib.vision.transforms import functional as F
"""

from __future__ import annotations

import functools

import course_lib as torch

from .._pillow import is_pil_image
from .conversion import convert_image_dtype, pil_to_tensor, to_pil_image, to_tensor
from .interpolation import InterpolationMode, as_mode


def kernels_of(img):
    """The module that works on this kind of image; TypeError for what is no image."""
    if isinstance(img, torch.Tensor):
        if img.ndim < 2:
            raise TypeError("Tensor is not a torch image.")
        from . import _tensor

        return _tensor
    if is_pil_image(img):
        from . import _pil

        return _pil
    raise TypeError(f"img should be PIL Image. Got {type(img)}")


def get_dimensions(img) -> list[int]:
    """[channels, height, width] of an image.

    Source: https://docs.pytorch.org/vision/stable/transforms.html
    """
    return kernels_of(img).dimensions(img)


def get_image_size(img) -> list[int]:
    """[width, height] of an image."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img) -> int:
    """The number of channels of an image."""
    return get_dimensions(img)[0]


# ---- numbers -----------------------------------------------------------------------------------------------------


def normalize(tensor, mean, std, inplace: bool = False):
    """(tensor - mean) / std for each channel of a float tensor (…, C, H, W).

    TypeError for other dtypes, ValueError for less than three dimensions or where std is zero.

    >>> import course_lib as torch
    >>> from course_lib.vision.transforms import functional as F
    >>> F.normalize(torch.ones(1, 1, 2), mean=[0.5], std=[0.25])
    tensor([[[2., 2.]]])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.normalize.html
    """
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}"
        )
    mean, std = (_a_channel(values, tensor.dtype) for values in (mean, std))
    if not std.all():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    return tensor.sub_(mean).div_(std) if inplace else (tensor - mean).div_(std)


def _a_channel(values, dtype):
    """Numbers as a tensor (C, 1, 1); those given as list or tuple are the same for each image, and kept."""
    if isinstance(values, (list, tuple)):
        return _kept(tuple(values), dtype)
    values = torch.as_tensor(values, dtype=dtype)
    return values.view(-1, 1, 1) if values.ndim == 1 else values


@functools.lru_cache(maxsize=64)
def _kept(values: tuple, dtype):
    return torch.tensor(values, dtype=dtype).view(-1, 1, 1)


def erase(img, i: int, j: int, h: int, w: int, v, inplace: bool = False):
    """The tensor image with `v` in the rectangle of height h and width w whose upper left corner is (i, j).

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.erase.html
    """
    if not isinstance(img, torch.Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    img = img if inplace else img.clone()
    img[..., i : i + h, j : j + w] = v
    return img


# ---- geometry ----------------------------------------------------------------------------------------------------


def resize(img, size, interpolation=InterpolationMode.BILINEAR, max_size: int | None = None, antialias=True):
    """The image in another size: `size` is (height, width), or the length of the shorter edge.

    The longer edge is then at most `max_size`. With antialias, a tensor is smoothed where it shrinks; PIL images always
    are. ValueError where max_size is given together with two lengths or is not above `size`.

    >>> import course_lib as torch
    >>> from course_lib.vision.transforms import functional as F
    >>> F.resize(torch.zeros(3, 40, 80), 20).shape
    torch.Size([3, 20, 40])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.resize.html
    """
    _, height, width = get_dimensions(img)
    sizes = [size] if isinstance(size, int) else list(size)
    if len(sizes) > 2:
        raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(sizes)} element tuple/list")
    if max_size is not None and len(sizes) != 1:
        raise ValueError(
            "max_size should only be passed if size specifies the length of the smaller edge, i.e. size should be an "
            "int or a sequence of length 1 in torchscript mode."
        )
    new_size = _size_by_edge(height, width, sizes[0], max_size) if len(sizes) == 1 else sizes
    if [height, width] == new_size:
        return img
    return kernels_of(img).resize(img, new_size, as_mode(interpolation), antialias)


def _size_by_edge(height: int, width: int, shorter: int, max_size: int | None) -> list[int]:
    """[height, width] in the same proportion, where the shorter edge has the given length."""
    longer = int(shorter * max(height, width) / min(height, width))
    if max_size is not None:
        if max_size <= shorter:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge size = "
                f"{shorter}"
            )
        if longer > max_size:
            shorter, longer = int(max_size * shorter / longer), max_size
    return [longer, shorter] if width <= height else [shorter, longer]


def crop(img, top: int, left: int, height: int, width: int):
    """The rectangle of the image whose upper left corner is (top, left); black where it reaches beyond the image.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.crop.html
    """
    return kernels_of(img).crop(img, top, left, height, width)


def pair(size) -> list[int]:
    """[height, width] for a number or a sequence of one or two."""
    sizes = [size] if isinstance(size, (int, float)) else list(size)
    return [int(n) for n in (sizes * 2 if len(sizes) == 1 else sizes)]


def center_crop(img, output_size):
    """The middle of the image; an image that is smaller is padded with black first.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.center_crop.html
    """
    wanted_height, wanted_width = pair(output_size)
    _, height, width = get_dimensions(img)
    more_height, more_width = max(wanted_height - height, 0), max(wanted_width - width, 0)
    if more_height or more_width:
        img = pad(img, [more_width // 2, more_height // 2, (more_width + 1) // 2, (more_height + 1) // 2])
        _, height, width = get_dimensions(img)
        if (height, width) == (wanted_height, wanted_width):
            return img
    top, left = round((height - wanted_height) / 2.0), round((width - wanted_width) / 2.0)
    return crop(img, top, left, wanted_height, wanted_width)


def resized_crop(img, top, left, height, width, size, interpolation=InterpolationMode.BILINEAR, antialias=True):
    """A rectangle of the image, resized.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.resized_crop.html
    """
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def pad(img, padding, fill=0, padding_mode: str = "constant"):
    """The image with a border: `padding` is one number, (left and right, top and bottom), or one for each side.

    The order of four is left, top, right, bottom. padding_mode: "constant" (of `fill`), "edge", "reflect", "symmetric".

    >>> import course_lib as torch
    >>> from course_lib.vision.transforms import functional as F
    >>> F.pad(torch.tensor([[[1, 2, 3]]]), [2, 0], padding_mode="symmetric")
    tensor([[[2, 1, 1, 2, 3, 3, 2]]])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.pad.html
    """
    if padding_mode not in {"constant", "edge", "reflect", "symmetric"}:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    return kernels_of(img).pad(img, four_sides(padding), fill, padding_mode)


def four_sides(padding) -> list[int]:
    """[left, top, right, bottom] of a padding given as one number, two or four."""
    sides = [padding] if isinstance(padding, int) else list(padding)
    if len(sides) not in {1, 2, 4}:
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(sides)} element tuple")
    return sides * (4 // len(sides))


def hflip(img):
    """The image mirrored left to right."""
    return kernels_of(img).hflip(img)


def vflip(img):
    """The image mirrored top to bottom."""
    return kernels_of(img).vflip(img)


def rotate(img, angle: float, interpolation=InterpolationMode.NEAREST, expand=False, center=None, fill=None):
    """The image turned counter-clockwise by `angle` degrees about its centre, or about `center` = (x, y).

    `expand` makes the image large enough to hold all of it; `fill` is the colour outside.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.rotate.html
    """
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    return kernels_of(img).rotate(img, angle, as_mode(interpolation), expand, center, fill)


def affine(img, angle: float, translate, scale: float, shear, interpolation=InterpolationMode.NEAREST, fill=None,
           center=None):  # fmt: skip
    """The image turned clockwise by `angle` degrees, moved by `translate` = (x, y) pixels, scaled and sheared.

    `shear` is an angle along x, or one along x and one along y. ValueError unless scale is positive.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.affine.html
    """
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, (int, float, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shears = [float(shear), 0.0] if isinstance(shear, (int, float)) else [float(each) for each in shear]
    shears = shears * 2 if len(shears) == 1 else shears
    if len(shears) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    mode = as_mode(interpolation)
    return kernels_of(img).affine(img, float(angle), list(translate), scale, shears, mode, fill, center)


def gaussian_blur(img, kernel_size, sigma=None):
    """The image blurred by a normal curve of width `sigma` over `kernel_size` pixels, each a number or (x, y).

    The sizes must be odd. Without sigma, it is 0.3 · ((kernel_size - 1) · 0.5 - 1) + 0.8.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.gaussian_blur.html
    """
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(sizes)}")
    for size in sizes:
        if size % 2 == 0 or size < 0:
            raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    if sigma is None:
        sigma = [0.15 * size + 0.35 for size in sizes]
    widths = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else [float(width) for width in sigma]
    widths = widths * 2 if len(widths) == 1 else widths
    if len(widths) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(widths)}")
    if min(widths) <= 0.0:
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    return kernels_of(img).gaussian_blur(img, sizes, widths)


def five_crop(img, size) -> tuple:
    """The four corners and the middle of the image; ValueError where the image is smaller."""
    crop_height, crop_width = pair(size)
    _, height, width = get_dimensions(img)
    if crop_width > width or crop_height > height:
        raise ValueError(f"Requested crop size {(crop_height, crop_width)} is bigger than input size {(height, width)}")
    corners = [crop(img, top, left, crop_height, crop_width)
               for top in (0, height - crop_height) for left in (0, width - crop_width)]  # fmt: skip
    return (*corners, center_crop(img, [crop_height, crop_width]))


def ten_crop(img, size, vertical_flip: bool = False) -> tuple:
    """The five crops of the image and of its mirror image."""
    return five_crop(img, size) + five_crop((vflip if vertical_flip else hflip)(img), size)


# ---- colours -----------------------------------------------------------------------------------------------------


def _refuse_negative(name: str, factor: float) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def adjust_brightness(img, brightness_factor: float):
    """0 gives black, 1 the image itself, 2 twice as bright.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.adjust_brightness.html
    """
    _refuse_negative("brightness_factor", brightness_factor)
    return kernels_of(img).adjust_brightness(img, brightness_factor)


def adjust_contrast(img, contrast_factor: float):
    """0 gives plain gray, 1 the image itself."""
    _refuse_negative("contrast_factor", contrast_factor)
    return kernels_of(img).adjust_contrast(img, contrast_factor)


def adjust_saturation(img, saturation_factor: float):
    """0 gives the image in gray, 1 the image itself."""
    _refuse_negative("saturation_factor", saturation_factor)
    return kernels_of(img).adjust_saturation(img, saturation_factor)


def adjust_hue(img, hue_factor: float):
    """Turn the circle of colours; 0 gives the image itself, ±0.5 the opposite colours.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.adjust_hue.html
    """
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    return kernels_of(img).adjust_hue(img, hue_factor)


def adjust_gamma(img, gamma: float, gain: float = 1):
    """gain · image^gamma, where white is 1: a gamma above 1 makes shadows darker."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    return kernels_of(img).adjust_gamma(img, gamma, gain)


def adjust_sharpness(img, sharpness_factor: float):
    """0 gives a blurred image, 1 the image itself, 2 a sharper one."""
    _refuse_negative("sharpness_factor", sharpness_factor)
    return kernels_of(img).adjust_sharpness(img, sharpness_factor)


def invert(img):
    """The negative of the image."""
    return kernels_of(img).invert(img)


def rgb_to_grayscale(img, num_output_channels: int = 1):
    """The image in gray, with one channel or three equal ones: 0.2989 red + 0.587 green + 0.114 blue.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.rgb_to_grayscale.html
    """
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    return kernels_of(img).grayscale(img, num_output_channels)


to_grayscale = rgb_to_grayscale

__all__ = ["InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
           "adjust_saturation", "adjust_sharpness", "affine", "center_crop", "convert_image_dtype", "crop", "erase",
           "five_crop", "gaussian_blur", "get_dimensions", "get_image_num_channels", "get_image_size", "hflip",
           "invert", "normalize", "pad", "pil_to_tensor", "resize", "resized_crop", "rgb_to_grayscale", "rotate",
           "ten_crop", "to_grayscale", "to_pil_image", "to_tensor", "vflip"]  # fmt: skip
