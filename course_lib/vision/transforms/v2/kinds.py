"""The transforms of v2 that change what kind of thing an image is."""

from __future__ import annotations

import course_lib as torch

from ..transform import Transform
from . import functional as F


class ToImage(Transform):
    """A PIL image or an array (H, W, C) becomes a tensor (C, H, W) with the same numbers.

    torchvision gives a subclass of Tensor named Image; here it is a plain tensor.

    >>> import numpy as np
    >>> from course_lib.vision.transforms import v2
    >>> v2.ToImage()(np.zeros((2, 4, 3), dtype=np.uint8)).shape
    torch.Size([3, 2, 4])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.ToImage.html
    """

    def transform(self, image):
        return F.to_image(image)


class ToDtype(Transform):
    """An image in another dtype; with `scale`, uint8 0 … 255 becomes float 0 … 1, and so on.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.ToDtype.html
    """

    def __init__(self, dtype: torch.dtype, scale: bool = False):
        super().__init__()
        if not isinstance(dtype, torch.dtype):
            raise ValueError(f"dtype must be a torch.dtype, got {type(dtype)} instead")
        self.dtype = dtype
        self.scale = scale

    def transform(self, image):
        return F.to_dtype(image, self.dtype, self.scale)

    def extra_repr(self) -> str:
        return f"scale={self.scale}"


class ToPureTensor(Transform):
    """Tensors are plain tensors here already: nothing to do.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.ToPureTensor.html
    """

    def transform(self, image):
        return image


__all__ = ["ToDtype", "ToImage", "ToPureTensor"]
