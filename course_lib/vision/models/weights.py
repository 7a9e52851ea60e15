"""Weights: names for sets of trained weights, where they lie, and how to get them into a model.

A file is looked for where PyTorch keeps it (`checkpoints` in the folder of torch.hub), and downloaded where it is
missing. The name of a file ends in the first digits of its SHA-256, which is checked.
"""

from __future__ import annotations

import os
from enum import Enum
from typing import NamedTuple

import course_lib as torch

from ..datasets.files import RemoteFile, fetch

_SITE = "https://download.pytorch.org/models/"


class Weights(NamedTuple):
    """One set of weights: its file, and the size that images are brought to before the middle of 224 is cut out."""

    file: str
    resize: int = 256

    @property
    def url(self) -> str:
        return _SITE + self.file


class WeightsEnum(Enum):
    """The sets of weights of one model, IMAGENET1K_V1 and perhaps IMAGENET1K_V2; DEFAULT is the best of them.

    Source: https://docs.pytorch.org/vision/stable/models.html
    """

    @classmethod
    def verify(cls, weights) -> WeightsEnum | None:
        """The member for a member, its name, or None."""
        if isinstance(weights, str):
            return cls[weights.rsplit(".", 1)[-1]]
        if weights is not None and not isinstance(weights, cls):
            raise TypeError(
                f"Invalid Weight class provided; expected {cls.__name__} but received {type(weights).__name__}."
            )
        return weights

    @property
    def url(self) -> str:
        return self.value.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def transforms(self):
        """What an image has to go through before this model sees it."""
        from .. import transforms as T

        return T.Compose([
            T.Resize(self.value.resize),
            T.CenterCrop(224),
            T.PILToTensor(),
            T.ConvertImageDtype(torch.float),
            T.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
        ])  # fmt: skip

    def get_state_dict(self, progress: bool = True, check_hash: bool = True) -> dict:
        """The weights, from the file that is there or from a download; RuntimeError says where to put the file."""
        name = self.value.file
        folder = os.path.join(torch.hub.get_dir(), "checkpoints")
        digits = name.removesuffix(".pth").rsplit("-", 1)[-1]
        (path,) = fetch(folder, [RemoteFile(name, digits, (self.url,), "sha256")])
        return torch.load(path)


def weighted(make, members: type[WeightsEnum], weights, kwargs: dict):
    """make(**kwargs) with `weights` loaded into it; they say how many classes it has."""
    chosen = members.verify(_from_pretrained(members, weights, kwargs))
    if chosen is None:
        return make(**kwargs)
    if kwargs.get("num_classes", 1000) != 1000:
        raise ValueError(f"The parameter 'num_classes' expected value 1000 but got {kwargs['num_classes']} instead.")
    model = make(**kwargs)
    model.load_state_dict(chosen.get_state_dict())
    return model


def _from_pretrained(members, weights, kwargs: dict):
    """The older spelling: pretrained=True asks for the first weights."""
    if "pretrained" not in kwargs:
        return weights
    return next(iter(members)) if kwargs.pop("pretrained") else None


__all__ = ["Weights", "WeightsEnum", "weighted"]
