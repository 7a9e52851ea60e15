"""VisionDataset: a dataset of images with a `root` folder and transforms of image and target."""

from __future__ import annotations

import os

from course_lib.utils.data import Dataset


class StandardTransform:
    """Two transforms as one: of the image, and of the target."""

    def __init__(self, transform=None, target_transform=None):
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input, target):
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self) -> str:
        lines = [type(self).__name__]
        for title, transform in (("Transform: ", self.transform), ("Target transform: ", self.target_transform)):
            if transform is not None:
                first, *rest = repr(transform).splitlines()
                lines += [title + first, *(" " * len(title) + line for line in rest)]
        return "\n".join(lines)


class VisionDataset(Dataset):
    """What datasets of images derive from: implement `__getitem__` and `__len__`.

    Give `transforms` (of image and target together) or `transform` and `target_transform`; ValueError for both.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.VisionDataset.html
    """

    _repr_indent = 4

    def __init__(self, root=None, transforms=None, transform=None, target_transform=None):
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def __getitem__(self, index: int):
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def _transformed(self, image, target):
        """The sample as the user gets it."""
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transforms is not None:
            lines.append(repr(self.transforms))
        indent = " " * self._repr_indent
        return "\n".join([f"Dataset {type(self).__name__}", *(indent + line for line in lines)])

    def extra_repr(self) -> str:
        """Lines of a class of one's own in the repr."""
        return ""


__all__ = ["StandardTransform", "VisionDataset"]
