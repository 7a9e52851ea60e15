"""Transforms that blur and sharpen, and the negative."""

from __future__ import annotations

from . import functional as F
from .transform import RandomTransform, Transform, draw


class GaussianBlur(Transform):
    """The image blurred by a normal curve whose width is drawn from the range `sigma` (or is that number).

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.GaussianBlur.html
    """

    def __init__(self, kernel_size, sigma=(0.1, 2.0)):
        super().__init__()
        self.kernel_size = tuple(F.pair(kernel_size))
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        if isinstance(sigma, (int, float)):
            if sigma <= 0:
                raise ValueError("If sigma is a single number, it must be positive.")
            sigma = (sigma, sigma)
        if not 0.0 < sigma[0] <= sigma[1]:
            raise ValueError(f"sigma values should be positive and of the form (min, max). Got {sigma}")
        self.sigma = sigma

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """A random width."""
        return draw(sigma_min, sigma_max)

    def make_params(self, image) -> dict:
        return {"sigma": self.get_params(*self.sigma)}

    def transform(self, image, sigma):
        return F.gaussian_blur(image, self.kernel_size, [sigma, sigma])

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, sigma={self.sigma}"


class RandomInvert(RandomTransform):
    """The negative of the image, with probability `p`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomInvert.html
    """

    def transform(self, image):
        return F.invert(image)


class RandomAdjustSharpness(RandomTransform):
    """The image made sharper (a factor above 1) or softer, with probability `p`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomAdjustSharpness.html
    """

    def __init__(self, sharpness_factor: float, p: float = 0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def transform(self, image):
        return F.adjust_sharpness(image, self.sharpness_factor)

    def extra_repr(self) -> str:
        return f"sharpness_factor={self.sharpness_factor},p={self.p}"


__all__ = ["GaussianBlur", "RandomAdjustSharpness", "RandomInvert"]
