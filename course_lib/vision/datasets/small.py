"""Datasets that need no download: random images, and the digits that come with scikit-learn."""

from __future__ import annotations

import numpy as np

import course_lib as torch

from .._pillow import pillow
from ..transforms.functional import to_pil_image
from .vision import VisionDataset


class FakeData(VisionDataset):
    """Random images with random labels, the same for an index every time.

    Args: size: number of images; image_size: (channels, height, width); random_offset: another one gives other images.

    >>> from course_lib.vision.datasets import FakeData
    >>> len(FakeData(size=10, image_size=(3, 8, 8)))
    10

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.FakeData.html
    """

    def __init__(self, size: int = 1000, image_size=(3, 224, 224), num_classes: int = 10, transform=None,
                 target_transform=None, random_offset: int = 0):  # fmt: skip
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.num_classes = num_classes
        self.image_size = image_size
        self.random_offset = random_offset

    def __getitem__(self, index: int):
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        with torch.random.fork_rng():
            torch.manual_seed(index + self.random_offset)
            image = torch.randn(*self.image_size)
            target = torch.randint(0, self.num_classes, size=(1,), dtype=torch.long)[0]
        return self._transformed(to_pil_image(image), target.item())

    def __len__(self) -> int:
        return self.size


class Digits(VisionDataset):
    """1,797 handwritten digits of 8 × 8 pixels (Alpaydin & Kaynak 1998), from scikit-learn: no download.

    `train` chooses the first 1,437 images (True), the last 360 (False), or all (None). `data` is a uint8 tensor
    (N, 8, 8), `targets` an int64 tensor (N,). torchvision has no such dataset. ImportError where scikit-learn is
    missing.

        train, test = Digits(train=True, transform=ToTensor()), Digits(train=False, transform=ToTensor())

    Source: https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_digits.html
    """

    classes = [str(digit) for digit in range(10)]
    FOR_TRAINING = 1437

    def __init__(self, root=None, train: bool | None = None, transform=None, target_transform=None):
        super().__init__(root, transform=transform, target_transform=target_transform)
        try:
            from sklearn.datasets import load_digits
        except ImportError:
            message = "scikit-learn, which brings the digits along, is missing: pip install scikit-learn"
            raise ImportError(message) from None
        found = load_digits()
        part = {None: slice(None), True: slice(self.FOR_TRAINING), False: slice(self.FOR_TRAINING, None)}[train]
        self.train = train
        white = 16  # the brightest value there
        self.data = torch.from_numpy(np.round(found.images[part] * (255 / white)).astype(np.uint8))
        self.targets = torch.from_numpy(found.target[part].astype(np.int64))

    def __getitem__(self, index: int):
        return self._transformed(pillow().Image.fromarray(self.data[index].numpy()), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)


__all__ = ["Digits", "FakeData"]
