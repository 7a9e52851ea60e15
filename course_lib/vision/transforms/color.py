"""Transforms that change the values of pixels: normalize, colours, gray, erased rectangles."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import course_lib as torch

from . import functional as F
from .transform import RandomTransform, Transform, draw, draw_index


class Normalize(Transform):
    """(image - mean) / std for each channel of a float tensor.

    >>> from course_lib.vision import transforms
    >>> transforms.Normalize((0.1307,), (0.3081,))
    Normalize(mean=(0.1307,), std=(0.3081,))

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Normalize.html
    """

    def __init__(self, mean, std, inplace: bool = False):
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def transform(self, image):
        return F.normalize(image, self.mean, self.std, self.inplace)

    def extra_repr(self) -> str:
        return f"mean={self.mean}, std={self.std}"


def _range(value, name: str, center: float = 1.0, bounds=(0.0, float("inf"))) -> tuple[float, float] | None:
    """The range to draw a factor from: given, or a distance from `center`; None where nothing would change."""
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        low, high = center - float(value), center + float(value)
        low = max(low, 0.0) if bounds[0] == 0 else low
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        low, high = (float(each) for each in value)
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    if not bounds[0] <= low <= high <= bounds[1]:
        raise ValueError(f"{name} values should be between {bounds}, but got {[low, high]}.")
    return None if low == high == center else (low, high)


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed at random, in random order.

    Each is a range of factors, or a number b for the range from max(0, 1 - b) to 1 + b (for hue from -b to b ≤ 0.5).

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ColorJitter.html
    """

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        super().__init__()
        self.brightness = _range(brightness, "brightness")
        self.contrast = _range(contrast, "contrast")
        self.saturation = _range(saturation, "saturation")
        self.hue = _range(hue, "hue", 0.0, (-0.5, 0.5))

    @staticmethod
    def get_params(brightness, contrast, saturation, hue) -> tuple:
        """(order of the four changes, the four factors), None for what stays."""
        order = torch.randperm(4)
        ranges = (brightness, contrast, saturation, hue)
        return order, *(None if each is None else draw(*each) for each in ranges)

    def make_params(self, image) -> dict:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        return {"order": order.tolist(), "factors": factors}

    def transform(self, image, order, factors):
        changes = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in order:
            if factors[i] is not None:
                image = changes[i](image, factors[i])
        return image

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in ("brightness", "contrast", "saturation", "hue"))


class Grayscale(Transform):
    """The image in gray, with one channel or three equal ones.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Grayscale.html
    """

    def __init__(self, num_output_channels: int = 1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, image):
        return F.rgb_to_grayscale(image, self.num_output_channels)

    def extra_repr(self) -> str:
        return f"num_output_channels={self.num_output_channels}"


class RandomGrayscale(RandomTransform):
    """The image in gray with probability `p`; it keeps its number of channels.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomGrayscale.html
    """

    def __init__(self, p: float = 0.1):
        super().__init__(p)

    def transform(self, image):
        return F.rgb_to_grayscale(image, F.get_image_num_channels(image))


class RandomErasing(RandomTransform):
    """With probability `p`, a random rectangle of a tensor image is overwritten (Zhong et al. 2017).

    Its area is between scale[0] and scale[1] of the image's, its height divided by its width between the two ratios.
    `value` is a number, one for each channel, or "random" for normal random numbers.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomErasing.html
    """

    def __init__(self, p: float = 0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace: bool = False):
        super().__init__(p)
        _check_erasing(p, scale, ratio, value)
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(img, scale, ratio, value=None) -> tuple:
        """(top, left, height, width, values) of a rectangle; the image itself where none fits in ten draws."""
        channels, height, width = img.shape[-3:]
        log_ratio = torch.log(torch.tensor(ratio)).tolist()
        for _ in range(10):
            area = height * width * draw(*scale)
            proportion = torch.exp(torch.empty(1).uniform_(*log_ratio)).item()
            h, w = round(math.sqrt(area * proportion)), round(math.sqrt(area / proportion))
            if h >= height or w >= width:
                continue
            if value is None:
                values = torch.empty([channels, h, w], dtype=torch.float32).normal_()
            else:
                values = torch.tensor(value)[:, None, None]
            top = draw_index(height - h + 1)
            left = draw_index(width - w + 1)
            return top, left, h, w, values
        return 0, 0, height, width, img

    def make_params(self, image) -> dict:
        if not isinstance(image, torch.Tensor):
            raise TypeError(f"img should be Tensor Image. Got {type(image)}")
        value = self.value
        if isinstance(value, str):
            value = None
        elif isinstance(value, (int, float)):
            value = [float(value)]
        else:
            value = [float(each) for each in value]
        if value is not None and len(value) not in (1, image.shape[-3]):
            raise ValueError(
                "If value is a sequence, it should have either a single value or "
                f"{image.shape[-3]} (number of input channels)"
            )
        return {"box": self.get_params(image, self.scale, self.ratio, value)}

    def transform(self, image, box):
        return F.erase(image, *box, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, inplace={self.inplace}"


def _check_erasing(p, scale, ratio, value) -> None:
    if not isinstance(value, (int, float, str, tuple, list)):
        raise TypeError("Argument value should be either a number or str or a sequence")
    if isinstance(value, str) and value != "random":
        raise ValueError("If value is str, it should be 'random'")
    if not isinstance(scale, Sequence):
        raise TypeError("Scale should be a sequence")
    if not isinstance(ratio, Sequence):
        raise TypeError("Ratio should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=3)
    if scale[0] < 0 or scale[1] > 1:
        raise ValueError("Scale should be between 0 and 1")
    if not 0 <= p <= 1:
        raise ValueError("Random erasing probability should be between 0 and 1")


__all__ = ["ColorJitter", "Grayscale", "Normalize", "RandomErasing", "RandomGrayscale"]
