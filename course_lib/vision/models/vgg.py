"""VGG (Simonyan & Zisserman 2014): stacks of 3 × 3 convolutions between poolings, 11 to 19 layers deep."""

from __future__ import annotations

import functools

import course_lib as torch
from course_lib import nn

from .weights import Weights, WeightsEnum, weighted

# How many channels each convolution gives, in the five parts between the poolings.
PLANS = {
    11: ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    13: ((64, 64), (128, 128), (256, 256), (512, 512), (512, 512)),
    16: ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3),
    19: ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4),
}


def make_layers(plan, batch_norm: bool = False) -> nn.Sequential:
    """The convolutions of a plan, each with ReLU (and batch norm), a pooling after each part."""
    layers: list[nn.Module] = []
    channels = 3
    for part in plan:
        for width in part:
            layers.append(nn.Conv2d(channels, width, kernel_size=3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
            channels = width
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """Convolutions (`features`) and three linear layers, for images (N, 3, 224, 224); gives (N, num_classes).

    Source: https://docs.pytorch.org/vision/stable/models/vgg.html
    """

    def __init__(self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5):
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            self._init_weights()

    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.constant_(module.bias, 0)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.constant_(module.weight, 1)
                nn.init.constant_(module.bias, 0)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.constant_(module.bias, 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _vgg(depth: int, batch_norm: bool, **kwargs) -> VGG:
    return VGG(make_layers(PLANS[depth], batch_norm), **kwargs)


class _Trained(WeightsEnum):
    """The trained weights of one VGG."""


def _weights(name: str, file: str) -> type[WeightsEnum]:
    """The enumeration of one model's weights, by its public name."""
    made = _Trained(name, {"IMAGENET1K_V1": Weights(file), "DEFAULT": Weights(file)}, module=__name__)
    made.__doc__ = _Trained.__doc__
    return made


VGG11_Weights = _weights("VGG11_Weights", "vgg11-8a719046.pth")
VGG13_Weights = _weights("VGG13_Weights", "vgg13-19584684.pth")
VGG16_Weights = _weights("VGG16_Weights", "vgg16-397923af.pth")
VGG19_Weights = _weights("VGG19_Weights", "vgg19-dcbb9e9d.pth")
VGG11_BN_Weights = _weights("VGG11_BN_Weights", "vgg11_bn-6002323d.pth")
VGG13_BN_Weights = _weights("VGG13_BN_Weights", "vgg13_bn-abd245e5.pth")
VGG16_BN_Weights = _weights("VGG16_BN_Weights", "vgg16_bn-6c64b313.pth")
VGG19_BN_Weights = _weights("VGG19_BN_Weights", "vgg19_bn-c79401a0.pth")


def vgg11(*, weights=None, progress: bool = True, **kwargs) -> VGG:
    """VGG with 11 layers that learn.

    Source: https://docs.pytorch.org/vision/stable/models/vgg.html
    """
    return weighted(functools.partial(_vgg, 11, False), VGG11_Weights, weights, kwargs)


def vgg13(*, weights=None, progress: bool = True, **kwargs) -> VGG:
    """VGG with 13 layers that learn."""
    return weighted(functools.partial(_vgg, 13, False), VGG13_Weights, weights, kwargs)


def vgg16(*, weights=None, progress: bool = True, **kwargs) -> VGG:
    """VGG with 16 layers that learn."""
    return weighted(functools.partial(_vgg, 16, False), VGG16_Weights, weights, kwargs)


def vgg19(*, weights=None, progress: bool = True, **kwargs) -> VGG:
    """VGG with 19 layers that learn."""
    return weighted(functools.partial(_vgg, 19, False), VGG19_Weights, weights, kwargs)


def vgg11_bn(*, weights=None, progress: bool = True, **kwargs) -> VGG:
    """VGG with 11 layers that learn, and batch norm."""
    return weighted(functools.partial(_vgg, 11, True), VGG11_BN_Weights, weights, kwargs)


def vgg13_bn(*, weights=None, progress: bool = True, **kwargs) -> VGG:
    """VGG with 13 layers that learn, and batch norm."""
    return weighted(functools.partial(_vgg, 13, True), VGG13_BN_Weights, weights, kwargs)


def vgg16_bn(*, weights=None, progress: bool = True, **kwargs) -> VGG:
    """VGG with 16 layers that learn, and batch norm."""
    return weighted(functools.partial(_vgg, 16, True), VGG16_BN_Weights, weights, kwargs)


def vgg19_bn(*, weights=None, progress: bool = True, **kwargs) -> VGG:
    """VGG with 19 layers that learn, and batch norm."""
    return weighted(functools.partial(_vgg, 19, True), VGG19_BN_Weights, weights, kwargs)


__all__ = ["VGG", "VGG11_BN_Weights", "VGG11_Weights", "VGG13_BN_Weights", "VGG13_Weights", "VGG16_BN_Weights",
           "VGG16_Weights", "VGG19_BN_Weights", "VGG19_Weights", "make_layers", "vgg11", "vgg11_bn", "vgg13",
           "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]  # fmt: skip
