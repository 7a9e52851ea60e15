"""ChannelShuffle: channels of several groups mixed, so that the next grouped convolution sees all groups."""

from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from .module import Module
from .utils import shown


class ChannelShuffle(Module):
    """ChannelShuffle(groups): channel j of group i of (N, C, …) becomes channel i of group j.

    Source: Zhang et al. (2018), "ShuffleNet"
    """

    __constants__ = ["groups"]

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return shown(self, "groups")
