"""Transforms that change what kind of thing an image is: PIL image, tensor, dtype."""

from __future__ import annotations

import course_lib as torch

from . import functional as F
from .transform import Transform


class ToTensor(Transform):
    """A PIL image or an array (H, W, C) becomes a tensor (C, H, W); 8-bit numbers become floats from 0 to 1.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ToTensor.html
    """

    def transform(self, image):
        return F.to_tensor(image)


class PILToTensor(Transform):
    """A PIL image becomes a tensor (C, H, W) with the image's own numbers.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.PILToTensor.html
    """

    def transform(self, image):
        return F.pil_to_tensor(image)


class ToPILImage(Transform):
    """A tensor (C, H, W) or an array (H, W, C) becomes a PIL image.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ToPILImage.html
    """

    def __init__(self, mode: str | None = None):
        super().__init__()
        self.mode = mode

    def transform(self, image):
        return F.to_pil_image(image, self.mode)

    def extra_repr(self) -> str:
        return "" if self.mode is None else f"mode={self.mode}"


class ConvertImageDtype(Transform):
    """A tensor image in another dtype, its values scaled: floats run from 0 to 1, integers to their largest.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ConvertImageDtype.html
    """

    def __init__(self, dtype: torch.dtype):
        super().__init__()
        if not isinstance(dtype, torch.dtype):
            raise TypeError("Argument dtype should be of type torch.dtype")
        self.dtype = dtype

    def transform(self, image):
        return F.convert_image_dtype(image, self.dtype)


__all__ = ["ConvertImageDtype", "PILToTensor", "ToPILImage", "ToTensor"]
