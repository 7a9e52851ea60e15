"""Transform: what all transforms derive from. `make_params` draws what is random, `transform` changes one image.

So several images of one sample (an image and its mask, say) are changed alike, and what is no image passes through.
"""

from __future__ import annotations

import course_lib as torch
from course_lib.nn import Module
from course_lib.utils._pytree import tree_flatten, tree_unflatten

from .._pillow import is_pil_image


class Transform(Module):
    """A transform of images: `transform(image)`, or of a sample such as (image, label), which comes back changed.

    In a sample, all PIL images are changed; where there are none, the first tensor is taken for the image. Derive from
    it with a method `transform(image, **params)`, and `make_params(image)` for what is random and drawn once a sample.
    """

    def make_params(self, image) -> dict:
        """What is drawn once for a sample, as keyword arguments of `transform`."""
        return {}

    def transform(self, image, **params):
        """One image, changed."""
        raise NotImplementedError

    def is_skipped(self) -> bool:
        """Whether this sample is left as it is; drawn before all else."""
        return False

    def forward(self, *inputs):
        sample = inputs[0] if len(inputs) == 1 else inputs
        if self.is_skipped():
            return sample
        if isinstance(sample, torch.Tensor) or not isinstance(sample, (tuple, list, dict)):
            return self.transform(sample, **self.make_params(sample))
        leaves, spec = tree_flatten(sample)
        places = _places_of_images(leaves)
        if not places:
            return self.transform(sample)  # says what it takes instead
        params = self.make_params(leaves[places[0]])
        for place in places:
            leaves[place] = self.transform(leaves[place], **params)
        return tree_unflatten(leaves, spec)


def _places_of_images(leaves: list) -> list[int]:
    pictures = [i for i, leaf in enumerate(leaves) if is_pil_image(leaf)]
    return pictures or [i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)][:1]


class RandomTransform(Transform):
    """A transform that is done with probability `p`, and else leaves the sample as it is."""

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p

    def is_skipped(self) -> bool:
        return not torch.rand(1) < self.p

    def extra_repr(self) -> str:
        return f"p={self.p}"


def draw(low: float, high: float) -> float:
    """One random number between two others."""
    return torch.empty(1).uniform_(low, high).item()


def draw_index(count: int) -> int:
    """One random integer from 0 to count - 1."""
    return torch.randint(0, count, size=(1,)).item()


__all__ = ["RandomTransform", "Transform", "draw", "draw_index"]
