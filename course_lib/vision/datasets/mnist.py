"""MNIST and the datasets in its format: 28 × 28 gray images and labels, in idx files, plain or compressed (.gz).

An idx file is a header (two zero bytes, a code of the dtype, the number of dimensions, each dimension as a big-endian
32-bit integer) and the numbers. Files are looked for in root/NAME/raw, where a download puts them, and in root itself.
"""

from __future__ import annotations

import gzip
import math
import os
import string

import numpy as np

import course_lib as torch

from .._pillow import pillow
from .files import RemoteFile, extract, fetch
from .vision import VisionDataset

_DTYPES = {8: np.uint8, 9: np.int8, 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path) -> torch.Tensor:
    """The numbers of an idx file as a tensor; ValueError where the file is not one, or not whole."""
    opener = gzip.open if str(path).endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            content = file.read()
    except (EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _DTYPES:
        raise ValueError(f"{path} is no idx file: it begins with {content[:4]!r}")
    dtype, ndim = np.dtype(_DTYPES[content[2]]), content[3]
    start = 4 + 4 * ndim
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{path} is damaged: {len(content)} bytes do not hold numbers of shape {shape}")
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return torch.from_numpy(array.astype(dtype.newbyteorder("=")))


class MNIST(VisionDataset):
    """Handwritten digits (LeCun et al. 1998): 60,000 images to train on, 10,000 to test on; samples (image, label).

    `data` is a uint8 tensor (N, 28, 28), `targets` an int64 tensor (N,); a sample has a PIL image unless there is
    a transform. RuntimeError where files are missing (it says which), or cannot be downloaded.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.MNIST.html
    """

    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven",
               "8 - eight", "9 - nine"]  # fmt: skip

    def __init__(self, root, train: bool = True, transform=None, target_transform=None, download: bool = False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        self.data, self.targets = self._load_data()

    def _load_data(self) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = (self._find(name) for name in self._files())
        if images is None or labels is None:
            names = "\n".join(f"  {name} or {name}.gz" for name in self._files())
            raise RuntimeError(
                "Dataset not found. You can use download=True to download it, or put these files into "
                f"{os.path.abspath(self.raw_folder)}\n{names}"
            )
        data, targets = read_idx(images), read_idx(labels).long()
        if data.dtype is not torch.uint8 or data.ndim != 3 or targets.shape != data.shape[:1]:
            raise ValueError(f"{images} and {labels} hold no images and labels: {data.shape}, {targets.shape}")
        return data, targets

    def _files(self) -> list[str]:
        """The names of the files with images and with labels."""
        part = "train" if self.train else "t10k"
        return [f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"]

    def _find(self, name: str) -> str | None:
        for folder in (self.raw_folder, os.path.dirname(self.raw_folder), self.root):
            for ending in ("", ".gz"):
                path = os.path.join(folder, name + ending)
                if os.path.isfile(path):
                    return path
        return None

    @property
    def raw_folder(self) -> str:
        """Where a download puts the files."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class."""
        return {name: label for label, name in enumerate(self.classes)}

    def download(self) -> None:
        """Download the files that are not there."""
        if any(self._find(name) is None for name in self._files()):
            files = [RemoteFile(name, md5, tuple(mirror + name for mirror in self.mirrors))
                     for name, md5 in self.resources]  # fmt: skip
            fetch(self.raw_folder, files)

    def __getitem__(self, index: int):
        image = pillow().Image.fromarray(self.data[index].numpy())
        return self._transformed(image, int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Ten kinds of clothes (Xiao et al. 2017) in MNIST's format.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.FashionMNIST.html
    """

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
               "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"]  # fmt: skip
    resources = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


class KMNIST(MNIST):
    """Ten characters of old Japanese (Clanuwat et al. 2018) in MNIST's format.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.KMNIST.html
    """

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


_LOOK_ALIKE = set("cijklmopsuvwxyz")  # letters whose small and capital forms count as one class in some splits
_ALL = sorted(string.digits + string.ascii_letters)


class EMNIST(MNIST):
    """Handwritten letters and digits (Cohen et al. 2017); `split` says which, and how small and capital letters count.

    The images are stored with rows and columns exchanged, and are given so. ValueError for other splits.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.EMNIST.html
    """

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    classes_split_dict = {
        "byclass": _ALL,
        "bymerge": sorted(set(_ALL) - _LOOK_ALIKE),
        "balanced": sorted(set(_ALL) - _LOOK_ALIKE),
        "letters": ["N/A", *string.ascii_lowercase],
        "digits": list(string.digits),
        "mnist": list(string.digits),
    }

    def __init__(self, root, split: str, **kwargs):
        if split not in self.splits:
            raise ValueError(
                f"Unknown value '{split}' for argument split. Valid values are {{{str(self.splits)[1:-1]}}}."
            )
        self.split = split
        self.classes = self.classes_split_dict[split]
        super().__init__(root, **kwargs)

    def _files(self) -> list[str]:
        part = "train" if self.train else "test"
        return [f"emnist-{self.split}-{part}-images-idx3-ubyte", f"emnist-{self.split}-{part}-labels-idx1-ubyte"]

    def download(self) -> None:
        """Download the archive, and take this split's files out of it."""
        if any(self._find(name) is None for name in self._files()):
            (archive,) = fetch(self.raw_folder, [RemoteFile("gzip.zip", self.md5, (self.url,))])
            extract(archive, self.raw_folder, [f"gzip/{name}.gz" for name in self._files()])

    def _find(self, name: str) -> str | None:
        unpacked = os.path.join(self.raw_folder, "gzip", f"{name}.gz")
        return unpacked if os.path.isfile(unpacked) else super()._find(name)


__all__ = ["EMNIST", "FashionMNIST", "KMNIST", "MNIST", "read_idx"]
