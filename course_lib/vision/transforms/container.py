"""Transforms made of transforms: all of them, some, one, or in random order."""

from __future__ import annotations

import random

import course_lib as torch
from course_lib.nn import Module, ModuleList


class Compose:
    """One transform after the other.

    >>> import course_lib as torch
    >>> from course_lib.vision import transforms
    >>> both = transforms.Compose([transforms.CenterCrop(2), transforms.Normalize([0.5], [0.5])])
    >>> both(torch.ones(1, 4, 4))
    tensor([[[1., 1.],
             [1., 1.]]])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Compose.html
    """

    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, *inputs):
        sample = inputs[0] if len(inputs) == 1 else inputs
        for transform in self.transforms:
            sample = transform(sample)
        return sample

    def __repr__(self) -> str:
        return _listed(self, [f"    {transform}" for transform in self.transforms])


def _listed(made, lines: list[str]) -> str:
    return "\n".join([f"{type(made).__name__}(", *lines, ")"])


class Lambda:
    """Any function as a transform; TypeError for what cannot be called.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Lambda.html
    """

    def __init__(self, lambd):
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class RandomApply(Module):
    """All of the transforms with probability `p`, else none. `transforms` may be a ModuleList.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomApply.html
    """

    def __init__(self, transforms, p: float = 0.5):
        super().__init__()
        if not isinstance(transforms, (list, tuple, ModuleList)):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms
        self.p = p

    def forward(self, *inputs):
        sample = inputs[0] if len(inputs) == 1 else inputs
        if self.p < torch.rand(1):
            return sample
        for transform in self.transforms:
            sample = transform(sample)
        return sample

    def __repr__(self) -> str:
        return _listed(self, [f"    p={self.p}", *(f"    {transform}" for transform in self.transforms)])


class _OfSeveral:
    """What holds a sequence of transforms."""

    def __init__(self, transforms):
        if not isinstance(transforms, (list, tuple, ModuleList)):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms

    def __repr__(self) -> str:
        return _listed(self, [f"    {transform}" for transform in self.transforms])


class RandomChoice(_OfSeveral):
    """One of the transforms, chosen by Python's `random` with weights `p`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomChoice.html
    """

    def __init__(self, transforms, p=None):
        super().__init__(transforms)
        if p is not None and not isinstance(p, (list, tuple)):
            raise TypeError("Argument p should be a sequence")
        self.p = p

    def __call__(self, *inputs):
        return random.choices(self.transforms, weights=self.p)[0](*inputs)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class RandomOrder(_OfSeveral):
    """All of the transforms, in an order that Python's `random` shuffles.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomOrder.html
    """

    def order(self) -> list[int]:
        """The numbers of the transforms, shuffled."""
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        return order

    def __call__(self, *inputs):
        sample = inputs[0] if len(inputs) == 1 else inputs
        for i in self.order():
            sample = self.transforms[i](sample)
        return sample


__all__ = ["Compose", "Lambda", "RandomApply", "RandomChoice", "RandomOrder"]
