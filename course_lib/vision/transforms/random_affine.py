"""RandomAffine: turn, move, scale and shear an image at random, in one step."""

from __future__ import annotations

from collections.abc import Sequence

from . import functional as F
from .geometry import NEAREST, symmetric_range
from .interpolation import as_mode
from .transform import Transform, draw


class RandomAffine(Transform):
    """The image turned by an angle from `degrees`, moved, scaled and sheared at random about its middle.

    Args: degrees: a range, or d for -d … d; translate: the largest parts (x, y) of width and height to move by; scale:
    a range of factors; shear: a range of angles along x, d for -d … d, or two ranges (x low, x high, y low, y high).

    >>> from course_lib.vision import transforms
    >>> transforms.RandomAffine(10, translate=(0.1, 0.1))
    RandomAffine(degrees=[-10.0, 10.0], translate=(0.1, 0.1))

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomAffine.html
    """

    def __init__(self, degrees, translate=None, scale=None, shear=None, interpolation=NEAREST, fill=0, center=None):
        super().__init__()
        self.degrees = symmetric_range(degrees, "degrees")
        if translate is not None and any(not 0.0 <= part <= 1.0 for part in translate):
            raise ValueError("translation values should be between 0 and 1")
        if scale is not None and any(factor <= 0 for factor in scale):
            raise ValueError("scale values should be positive")
        self.translate = translate
        self.scale = scale
        if isinstance(shear, Sequence) and len(shear) == 4:
            self.shear = [float(angle) for angle in shear]
        else:
            self.shear = None if shear is None else symmetric_range(shear, "shear")
        self.interpolation = as_mode(interpolation)
        self.fill = fill
        self.center = center

    @staticmethod
    def get_params(degrees, translate, scale_ranges, shears, img_size) -> tuple:
        """(angle, (x, y) to move by, scale, (shear along x, along y)) for an image of img_size = [width, height]."""
        angle = draw(*degrees)
        moves = (0, 0)
        if translate is not None:
            reach = [part * n for part, n in zip(translate, img_size)]
            moves = tuple(round(draw(-most, most)) for most in reach)
        scale = 1.0 if scale_ranges is None else draw(*scale_ranges)
        shear_x = draw(*shears[:2]) if shears is not None else 0.0
        shear_y = draw(*shears[2:]) if shears is not None and len(shears) == 4 else 0.0
        return angle, moves, scale, (shear_x, shear_y)

    def make_params(self, image) -> dict:
        size = F.get_image_size(image)
        return {"change": self.get_params(self.degrees, self.translate, self.scale, self.shear, size)}

    def transform(self, image, change):
        return F.affine(image, *change, self.interpolation, self.fill, self.center)

    def extra_repr(self) -> str:
        settings = {"translate": self.translate, "scale": self.scale, "shear": self.shear}
        given = [f"{name}={value}" for name, value in settings.items() if value is not None]
        given += [f"interpolation={self.interpolation.value}"] if self.interpolation is not NEAREST else []
        given += [f"fill={self.fill}"] if self.fill != 0 else []
        given += [f"center={self.center}"] if self.center is not None else []
        return ", ".join([f"degrees={self.degrees}", *given])


__all__ = ["RandomAffine"]
