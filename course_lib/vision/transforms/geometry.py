"""Transforms that move pixels: resize, crop, pad, flip, turn."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import course_lib as torch

from . import functional as F
from .interpolation import InterpolationMode, as_mode
from .transform import RandomTransform, Transform, draw, draw_index

BILINEAR, NEAREST = InterpolationMode.BILINEAR, InterpolationMode.NEAREST


def _two(size, message: str) -> tuple[int, int]:
    """(height, width) of a size given as a number or a sequence of one or two."""
    if isinstance(size, Sequence) and len(size) not in {1, 2}:
        raise ValueError(message)
    return tuple(F.pair(size))


class Resize(Transform):
    """The image in another size: (height, width), or the length of the shorter edge.

    >>> from course_lib.vision import transforms
    >>> transforms.Resize(256)
    Resize(size=256, interpolation=bilinear, max_size=None, antialias=True)

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Resize.html
    """

    def __init__(self, size, interpolation=BILINEAR, max_size: int | None = None, antialias: bool | None = True):
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in {1, 2}:
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size = size
        self.max_size = max_size
        self.interpolation = as_mode(interpolation)
        self.antialias = antialias

    def transform(self, image):
        return F.resize(image, self.size, self.interpolation, self.max_size, self.antialias)

    def extra_repr(self) -> str:
        mode = self.interpolation.value
        return f"size={self.size}, interpolation={mode}, max_size={self.max_size}, antialias={self.antialias}"


class CenterCrop(Transform):
    """The middle of the image; a smaller image is padded with black.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.CenterCrop.html
    """

    def __init__(self, size):
        super().__init__()
        self.size = _two(size, "Please provide only two dimensions (h, w) for size.")

    def transform(self, image):
        return F.center_crop(image, self.size)

    def extra_repr(self) -> str:
        return f"size={self.size}"


class FiveCrop(CenterCrop):
    """A tuple of five images: the corners and the middle.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.FiveCrop.html
    """

    def transform(self, image):
        return F.five_crop(image, self.size)


class TenCrop(CenterCrop):
    """A tuple of ten images: five crops of the image and of its mirror image.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.TenCrop.html
    """

    def __init__(self, size, vertical_flip: bool = False):
        super().__init__(size)
        self.vertical_flip = vertical_flip

    def transform(self, image):
        return F.ten_crop(image, self.size, self.vertical_flip)

    def extra_repr(self) -> str:
        return f"size={self.size}, vertical_flip={self.vertical_flip}"


class Pad(Transform):
    """The image with a border; see `functional.pad`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Pad.html
    """

    def __init__(self, padding, fill=0, padding_mode: str = "constant"):
        super().__init__()
        if not isinstance(padding, (int, tuple, list)):
            raise TypeError("Got inappropriate padding arg")
        if not isinstance(fill, (int, float, str, tuple, list)):
            raise TypeError("Got inappropriate fill arg")
        if padding_mode not in {"constant", "edge", "reflect", "symmetric"}:
            raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
        if isinstance(padding, Sequence) and len(padding) not in {1, 2, 4}:
            raise ValueError(
                f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple"
            )
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def transform(self, image):
        return F.pad(image, self.padding, self.fill, self.padding_mode)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode}"


class RandomCrop(Transform):
    """A rectangle of the given size from anywhere in the image, which is padded first where `padding` says so.

    With pad_if_needed, an image that is too small is padded on all sides; without it, ValueError.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomCrop.html
    """

    def __init__(self, size, padding=None, pad_if_needed: bool = False, fill=0, padding_mode: str = "constant"):
        super().__init__()
        self.size = _two(size, "Please provide only two dimensions (h, w) for size.")
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img, output_size) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a random crop."""
        return RandomCrop._box(*F.get_dimensions(img)[1:], *output_size)

    @staticmethod
    def _box(height: int, width: int, wanted_height: int, wanted_width: int) -> tuple[int, int, int, int]:
        if height < wanted_height or width < wanted_width:
            raise ValueError(
                f"Required crop size {(wanted_height, wanted_width)} is larger than input image size {(height, width)}"
            )
        if (height, width) == (wanted_height, wanted_width):
            return 0, 0, height, width
        top = draw_index(height - wanted_height + 1)
        left = draw_index(width - wanted_width + 1)
        return top, left, wanted_height, wanted_width

    def make_params(self, image) -> dict:
        _, height, width = F.get_dimensions(image)
        if self.padding is not None:
            left, top, right, bottom = F.four_sides(self.padding)
            height, width = height + top + bottom, width + left + right
        if self.pad_if_needed:  # the missing pixels come on both sides
            height, width = (max(n, 2 * wanted - n) for n, wanted in zip((height, width), self.size))
        return {"box": self._box(height, width, *self.size)}

    def transform(self, image, box):
        return F.crop(self._padded(image), *box)

    def _padded(self, image):
        if self.padding is not None:
            image = F.pad(image, self.padding, self.fill, self.padding_mode)
        _, height, width = F.get_dimensions(image)
        if self.pad_if_needed and width < self.size[1]:
            image = F.pad(image, [self.size[1] - width, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and height < self.size[0]:
            image = F.pad(image, [0, self.size[0] - height], self.fill, self.padding_mode)
        return image

    def extra_repr(self) -> str:
        return f"size={self.size}, padding={self.padding}"


class RandomResizedCrop(Transform):
    """A rectangle of random area and proportions from anywhere in the image, resized.

    Its area is between scale[0] and scale[1] of the image's, its width divided by its height between the two ratios.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomResizedCrop.html
    """

    def __init__(self, size, scale=(0.08, 1.0), ratio=(3.0 / 4.0, 4.0 / 3.0), interpolation=BILINEAR,
                 antialias: bool | None = True):  # fmt: skip
        super().__init__()
        self.size = _two(size, "Please provide only two dimensions (h, w) for size.")
        for name, value in (("Scale", scale), ("Ratio", ratio)):
            if not isinstance(value, Sequence):
                raise TypeError(f"{name} should be a sequence")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=2)
        self.interpolation = as_mode(interpolation)
        self.antialias = antialias
        self.scale = scale
        self.ratio = ratio

    @staticmethod
    def get_params(img, scale, ratio) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a random crop; of the largest possible one in the middle where ten fail."""
        _, height, width = F.get_dimensions(img)
        log_ratio = torch.log(torch.tensor(ratio)).tolist()
        for _ in range(10):
            area = height * width * draw(*scale)
            proportion = torch.exp(torch.empty(1).uniform_(*log_ratio)).item()
            w, h = round(math.sqrt(area * proportion)), round(math.sqrt(area / proportion))
            if 0 < w <= width and 0 < h <= height:
                top = draw_index(height - h + 1)
                left = draw_index(width - w + 1)
                return top, left, h, w
        w, h = width, height
        if width / height < min(ratio):
            h = round(width / min(ratio))
        elif width / height > max(ratio):
            w = round(height * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def make_params(self, image) -> dict:
        return {"box": self.get_params(image, self.scale, self.ratio)}

    def transform(self, image, box):
        return F.resized_crop(image, *box, self.size, self.interpolation, self.antialias)

    def extra_repr(self) -> str:
        scale, ratio = (tuple(round(value, 4) for value in both) for both in (self.scale, self.ratio))
        mode = self.interpolation.value
        return f"size={self.size}, scale={scale}, ratio={ratio}, interpolation={mode}, antialias={self.antialias}"


class RandomHorizontalFlip(RandomTransform):
    """The image mirrored left to right, with probability `p`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomHorizontalFlip.html
    """

    def transform(self, image):
        return F.hflip(image)


class RandomVerticalFlip(RandomTransform):
    """The image mirrored top to bottom, with probability `p`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomVerticalFlip.html
    """

    def transform(self, image):
        return F.vflip(image)


def symmetric_range(value, name: str) -> list[float]:
    """[-value, value] for a number, or the two numbers of a sequence."""
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        return [-float(value), float(value)]
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be a sequence of length 2.")
    if len(value) != 2:
        raise ValueError(f"{name} should be a sequence of length 2.")
    return [float(each) for each in value]


class RandomRotation(Transform):
    """The image turned by a random angle from the range `degrees`, or from -degrees to degrees.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomRotation.html
    """

    def __init__(self, degrees, interpolation=NEAREST, expand: bool = False, center=None, fill=0):
        super().__init__()
        self.degrees = symmetric_range(degrees, "degrees")
        self.interpolation = as_mode(interpolation)
        self.expand = expand
        self.center = center
        self.fill = 0 if fill is None else fill

    @staticmethod
    def get_params(degrees) -> float:
        """A random angle."""
        return draw(float(degrees[0]), float(degrees[1]))

    def make_params(self, image) -> dict:
        return {"angle": self.get_params(self.degrees)}

    def transform(self, image, angle):
        return F.rotate(image, angle, self.interpolation, self.expand, self.center, self.fill)

    def extra_repr(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        mode = self.interpolation.value
        return f"degrees={self.degrees}, interpolation={mode}, expand={self.expand}{center}, fill={self.fill}"


__all__ = ["CenterCrop", "FiveCrop", "Pad", "RandomCrop", "RandomHorizontalFlip", "RandomResizedCrop", "RandomRotation",
           "RandomVerticalFlip", "Resize", "TenCrop", "symmetric_range"]  # fmt: skip
