"""LeNet-5 (LeCun et al. 1998): the convolutional network that read the digits on bank cheques."""

from __future__ import annotations

import course_lib as torch
from course_lib import nn


class LeNet(nn.Module):
    """Two convolutions, each followed by pooling, and three linear layers, for images (N, 1, 28, 28).

    With `in_channels=3` and `image_size=32` it takes CIFAR's images. Gives (N, num_classes). torchvision has no LeNet.

    >>> import course_lib as torch
    >>> from course_lib.vision.models import LeNet
    >>> LeNet()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])

    Source: http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, image_size: int = 28):
        super().__init__()
        padding = 2 if image_size == 28 else 0  # the original saw 32 × 32 pixels
        side = ((image_size + 2 * padding - 4) // 2 - 4) // 2
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, kernel_size=5, padding=padding),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(16 * side * side, 120),
            nn.ReLU(inplace=True),
            nn.Linear(120, 84),
            nn.ReLU(inplace=True),
            nn.Linear(84, num_classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


def lenet(**kwargs) -> LeNet:
    """LeNet-5; arguments as of `LeNet`."""
    return LeNet(**kwargs)


__all__ = ["LeNet", "lenet"]
