"""CIFAR-10 and CIFAR-100: small colour images in pickled batches.

A pickle is a program, so the batches are read by an unpickler that can build nothing but NumPy arrays and plain values.
"""

from __future__ import annotations

import io
import os
import pickle

import numpy as np

from .._pillow import pillow
from .files import RemoteFile, extract, fetch
from .vision import VisionDataset

_ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
            ("numpy._core.multiarray", "_reconstruct"), ("numpy._core.numeric", "_frombuffer")}  # fmt: skip


class _ArrayUnpickler(pickle.Unpickler):
    """Reads dictionaries of plain values and arrays; refuses to call anything else."""

    def find_class(self, module: str, name: str):
        module = module.replace("numpy.core", "numpy._core")  # where older NumPys had it
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"a batch of images may not ask for {module}.{name}")
        return super().find_class(module, name)


def read_batch(path) -> dict:
    """The dictionary in a pickled batch; ValueError where the file holds anything else, and nothing of it is run."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        batch = _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:
        raise ValueError(f"{path} is no batch of images: {error}") from None
    if not isinstance(batch, dict):
        raise ValueError(f"{path} is no batch of images: it holds {type(batch).__name__}")
    return batch


class CIFAR10(VisionDataset):
    """Ten kinds of things (Krizhevsky 2009): 50,000 images to train on, 10,000 to test on; samples (image, label).

    `data` is a uint8 array (N, 32, 32, 3), `targets` a list; a sample's image is a PIL image unless there is a
    transform. RuntimeError where files are missing (it says which), or cannot be downloaded.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.CIFAR10.html
    """

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list = ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"]
    test_list = ["test_batch"]
    meta = {"filename": "batches.meta", "key": "label_names"}
    labels_key = "labels"

    def __init__(self, root, train: bool = True, transform=None, target_transform=None, download: bool = False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        missing = self._missing()
        if missing:
            names = "\n".join(f"  {name}" for name in missing)
            raise RuntimeError(
                "Dataset not found or corrupted. You can use download=True to download it, or put these files into "
                f"{os.path.abspath(self._folder)}\n{names}"
            )
        batches = [self._batch(name) for name in (self.train_list if train else self.test_list)]
        self.data = np.concatenate([images for images, _ in batches])
        self.targets = [label for _, labels in batches for label in labels]
        self.classes = list(read_batch(os.path.join(self._folder, self.meta["filename"]))[self.meta["key"]])
        self.class_to_idx = {name: label for label, name in enumerate(self.classes)}

    @property
    def _folder(self) -> str:
        return os.path.join(self.root, self.base_folder)

    def _missing(self) -> list[str]:
        names = [*self.train_list, *self.test_list, self.meta["filename"]]
        return [name for name in names if not os.path.isfile(os.path.join(self._folder, name))]

    def _batch(self, name: str):
        """(images (N, 32, 32, 3), labels) of one file; it holds the red, then the green, then the blue pixels."""
        path = os.path.join(self._folder, name)
        batch = read_batch(path)
        images, labels = batch.get("data"), batch.get(self.labels_key)
        if not (isinstance(images, np.ndarray) and images.dtype == np.uint8 and images.shape[1:] == (3 * 32 * 32,)
                and isinstance(labels, list) and len(labels) == len(images)):  # fmt: skip
            raise ValueError(f"{path} is no batch of images: it lacks rows of 3072 pixels, or their labels")
        return images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels

    def download(self) -> None:
        """Download the archive and unpack it, where files are not there."""
        missing = self._missing()
        if missing:
            (archive,) = fetch(self.root, [RemoteFile(self.filename, self.tgz_md5, (self.url,))])
            extract(archive, self.root, [f"{self.base_folder}/{name}" for name in missing])

    def __getitem__(self, index: int):
        return self._transformed(pillow().Image.fromarray(self.data[index]), self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """A hundred kinds of things, in the same form.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.CIFAR100.html
    """

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = ["train"]
    test_list = ["test"]
    meta = {"filename": "meta", "key": "fine_label_names"}
    labels_key = "fine_labels"


__all__ = ["CIFAR10", "CIFAR100", "read_batch"]
