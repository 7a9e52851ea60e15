"""The random choices of v2: they draw from torch's generator, where the older ones draw from Python's `random`."""

from __future__ import annotations

import course_lib as torch

from ..container import RandomChoice as OlderRandomChoice
from ..container import RandomOrder as OlderRandomOrder


class RandomChoice(OlderRandomChoice):
    """One of the transforms, chosen with probabilities proportional to `p`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.RandomChoice.html
    """

    def __init__(self, transforms, p=None):
        super().__init__(transforms, p)
        weights = [1] * len(transforms) if p is None else p
        if len(weights) != len(transforms):
            raise ValueError(
                f"Length of p doesn't match the number of transforms: {len(weights)} != {len(transforms)}"
            )
        self.p = [weight / sum(weights) for weight in weights]

    def __call__(self, *inputs):
        return self.transforms[int(torch.multinomial(torch.tensor(self.p), 1))](*inputs)


class RandomOrder(OlderRandomOrder):
    """All of the transforms in random order.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.RandomOrder.html
    """

    def order(self) -> list[int]:
        return torch.randperm(len(self.transforms)).tolist()


__all__ = ["RandomChoice", "RandomOrder"]
