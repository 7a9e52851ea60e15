"""Models by their names, for programs that are told which one to use."""

from __future__ import annotations

import fnmatch

from .alexnet import alexnet
from .resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from .vgg import vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn

_BUILDERS = {build.__name__: build for build in (
    alexnet, resnet18, resnet34, resnet50, resnet101, resnet152, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn,
    vgg19, vgg19_bn,
)}  # fmt: skip


def list_models(include: str | None = None) -> list[str]:
    """The names of the models, sorted; with `include`, those that fit a pattern such as "resnet*".

    >>> from course_lib.vision import models
    >>> models.list_models("resnet*")
    ['resnet101', 'resnet152', 'resnet18', 'resnet34', 'resnet50']

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.models.list_models.html
    """
    return sorted(fnmatch.filter(_BUILDERS, include or "*"))


def get_model(name: str, **config):
    """The model of a name, made with the arguments of its function; ValueError for an unknown name.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.models.get_model.html
    """
    if name.lower() not in _BUILDERS:
        raise ValueError(f"Unknown model {name}")
    return _BUILDERS[name.lower()](**config)


__all__ = ["get_model", "list_models"]
