"""torchvision.transforms: changes of images, on PIL images and on tensors (…, C, H, W).

`functional` holds them as functions; `v2` the newer names, which also take whole samples such as (image, label).
"""

from . import functional, v2
from .color import ColorJitter, Grayscale, Normalize, RandomErasing, RandomGrayscale
from .container import Compose, Lambda, RandomApply, RandomChoice, RandomOrder
from .effects import GaussianBlur, RandomAdjustSharpness, RandomInvert
from .geometry import (
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
from .interpolation import InterpolationMode
from .kinds import ConvertImageDtype, PILToTensor, ToPILImage, ToTensor
from .random_affine import RandomAffine

__all__ = ["CenterCrop", "ColorJitter", "Compose", "ConvertImageDtype", "FiveCrop", "GaussianBlur", "Grayscale",
           "InterpolationMode", "Lambda", "Normalize", "PILToTensor", "Pad", "RandomAdjustSharpness", "RandomAffine",
           "RandomApply", "RandomChoice", "RandomCrop", "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip",
           "RandomInvert", "RandomOrder", "RandomResizedCrop", "RandomRotation", "RandomVerticalFlip", "Resize",
           "TenCrop", "ToPILImage", "ToTensor", "functional", "v2"]  # fmt: skip
