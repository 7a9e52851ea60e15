"""AdaptiveLogSoftmaxWithLoss: a softmax over very many classes that spends little on the rare ones.

The classes are sorted from frequent to rare. The head decides among the frequent ones and one entry for each cluster
of rare ones; only samples of a cluster reach its tail, two narrow layers that decide within it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence

from ...ops.joining import cat
from ...tensor import Tensor
from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """AdaptiveLogSoftmaxWithLoss(in_features, n_classes, cutoffs, div_value=4., head_bias=False)

    `cutoffs` are the class numbers at which clusters begin, the frequent classes lying below the first. Cluster i is
    decided on `in_features / div_value^(i + 1)` features. Call it with (N, in_features) and targets (N,), or with one
    sample; it gives `output`, the log-probability of each target, and `loss`, minus their mean. ValueError for cutoffs
    that are not increasing within the classes.

    >>> import course_lib as torch
    >>> layer = torch.nn.AdaptiveLogSoftmaxWithLoss(32, 100, cutoffs=[10, 40])
    >>> output, loss = layer(torch.zeros(3, 32), torch.tensor([1, 20, 99]))
    >>> layer.log_prob(torch.zeros(3, 32)).shape
    torch.Size([3, 100])

    Source: Grave et al. (2017), "Efficient softmax approximation for GPUs"
    """

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0,
        head_bias: bool = False, device=None, dtype=None,
    ) -> None:  # fmt: skip
        super().__init__()
        cutoffs = list(cutoffs)
        _check_cutoffs(cutoffs, n_classes)
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        where = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **where)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width, size = int(in_features // div_value ** (i + 1)), self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(Linear(in_features, width, bias=False, **where), Linear(width, size, bias=False, **where))
            )

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for narrow, wide in self.tail:
            narrow.reset_parameters()
            wide.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        _check_target(input_, target_, self.n_classes)
        input = input_ if target_.ndim else input_.unsqueeze(0)
        target = target_ if target_.ndim else target_.unsqueeze(0)
        output = F.log_softmax(self.head(input), dim=1).gather(1, self._in_head(target).unsqueeze(1)).squeeze(1)
        for i, tail in enumerate(self.tail):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            samples = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if samples.numel():
                within = F.log_softmax(tail(input.index_select(0, samples)), dim=1)
                chosen = (target.index_select(0, samples) - low).unsqueeze(1)
                output = output.index_add(0, samples, within.gather(1, chosen).squeeze(1))
        loss = (-output).mean()
        return _ASMoutput(output if target_.ndim else output.squeeze(0), loss)

    def _in_head(self, target: Tensor) -> Tensor:
        """For every target its place in the head: the class itself, or the entry of its cluster."""
        place = target
        for i in range(self.n_clusters):
            place = place.masked_fill((target >= self.cutoffs[i]) & (target < self.cutoffs[i + 1]), self._entry(i))
        return place

    def _entry(self, cluster: int) -> int:
        return self.shortlist_size + cluster

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes, (N, n_classes)."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            parts.append(F.log_softmax(tail(input), dim=1) + head[:, self._entry(i)].unsqueeze(1))
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of every sample, (N,); a tail is only asked where the head chose its cluster."""
        head = self.head(input)
        output = head.argmax(dim=1)
        beyond = output >= self.shortlist_size
        if not beyond.any():
            return output
        if beyond.all():
            return self.log_prob(input).argmax(dim=1)
        output[beyond] = self.log_prob(input[beyond]).argmax(dim=1)
        return output


def _check_cutoffs(cutoffs: list, n_classes: int) -> None:
    if not cutoffs:
        raise ValueError("cutoffs should be a sequence of length larger than 0")
    increasing = cutoffs == sorted(set(cutoffs)) and min(cutoffs) > 0 and max(cutoffs) <= n_classes - 1
    if not increasing or any(int(c) != c for c in cutoffs):
        raise ValueError(
            "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value "
            "is between 1 and n_classes-1"
        )


def _check_target(input: Tensor, target: Tensor, n_classes: int) -> None:
    if target.ndim == 1:
        if input.shape[0] != target.shape[0]:
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
    elif target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    elif input.ndim != 1:
        raise RuntimeError(f"0D target tensor expects 1D input tensors, but found inputs with size {input.shape}")
    if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < n_classes:
        raise RuntimeError(
            f"Target values should be in [0, {n_classes - 1}], but values in range [{int(target.min())}, "
            f"{int(target.max())}] were found. "
        )
