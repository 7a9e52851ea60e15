"""torchvision.datasets: readers of image datasets on disk, and small ones that need no download."""

from .cifar import CIFAR10, CIFAR100
from .folder import DatasetFolder, ImageFolder
from .mnist import EMNIST, KMNIST, MNIST, FashionMNIST
from .small import Digits, FakeData
from .vision import VisionDataset

__all__ = ["CIFAR10", "CIFAR100", "DatasetFolder", "Digits", "EMNIST", "FakeData", "FashionMNIST", "ImageFolder",
           "KMNIST", "MNIST", "VisionDataset"]  # fmt: skip
