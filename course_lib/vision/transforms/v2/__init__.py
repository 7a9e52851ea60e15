"""torchvision.transforms.v2: the newer names. All transforms here also take a sample, `image, label = transform(image,
label)`, and change each PIL image in it alike (the first tensor where there is none); all else passes through.

What `transforms` has is the same class here; only what has another name or draws its numbers otherwise is defined anew.
"""

from __future__ import annotations

from ..color import ColorJitter, Grayscale, Normalize, RandomErasing, RandomGrayscale
from ..container import Compose, Lambda, RandomApply
from ..effects import GaussianBlur, RandomAdjustSharpness, RandomInvert
from ..geometry import (
    CenterCrop,
    FiveCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
    TenCrop,
)
from ..interpolation import InterpolationMode
from ..kinds import ConvertImageDtype, PILToTensor, ToPILImage, ToTensor
from ..random_affine import RandomAffine
from ..transform import Transform
from . import functional
from .choices import RandomChoice, RandomOrder
from .kinds import ToDtype, ToImage, ToPureTensor

__all__ = ["CenterCrop", "ColorJitter", "Compose", "ConvertImageDtype", "FiveCrop", "GaussianBlur",
           "Grayscale", "InterpolationMode", "Lambda", "Normalize", "PILToTensor", "Pad",
           "RandomAdjustSharpness", "RandomAffine", "RandomApply", "RandomChoice", "RandomCrop",
           "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip", "RandomInvert", "RandomOrder",
           "RandomResizedCrop", "RandomRotation", "RandomVerticalFlip", "Resize", "TenCrop", "ToDtype",
           "ToImage", "ToPILImage", "ToPureTensor", "ToTensor", "Transform", "functional"]  # fmt: skip
