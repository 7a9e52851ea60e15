"""AlexNet, in the form of Krizhevsky 2014: "One weird trick for parallelizing convolutional neural networks"."""

from __future__ import annotations

import course_lib as torch
from course_lib import nn

from .weights import Weights, WeightsEnum, weighted


class AlexNet(nn.Module):
    """Five convolutions and three linear layers, for images (N, 3, 224, 224); gives (N, num_classes).

    Source: https://docs.pytorch.org/vision/stable/models/alexnet.html
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(64, 192, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(192, 384, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class AlexNet_Weights(WeightsEnum):
    """The trained weights of AlexNet."""

    IMAGENET1K_V1 = Weights("alexnet-owt-7be5be79.pth")
    DEFAULT = IMAGENET1K_V1


def alexnet(*, weights=None, progress: bool = True, **kwargs) -> AlexNet:
    """AlexNet, untrained or with `weights`.

    Source: https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.alexnet.html
    """
    return weighted(AlexNet, AlexNet_Weights, weights, kwargs)


__all__ = ["AlexNet", "AlexNet_Weights", "alexnet"]
