"""DistributedSampler: each of several processes reads its own share of a dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeVar

from ...ops.sampling import randperm
from ...random import Generator
from .dataset import Dataset
from .sampler import Sampler

T_co = TypeVar("T_co", covariant=True)


class DistributedSampler(Sampler[T_co]):
    """The indices rank, rank + num_replicas, rank + 2·num_replicas, … of an order that all processes share.

    The order is shuffled anew in each epoch that `set_epoch` announces; without that call it stays the same. To give
    each process the same number of indices, some come twice (with `drop_last`: some are left out). This library runs on
    one machine without process groups, so `num_replicas` and `rank` must be given.

    Args: num_replicas: number of processes; rank: which one this is, 0 ≤ rank < num_replicas (else ValueError); seed:
    the same in all processes.

    >>> from course_lib.utils.data import DistributedSampler
    >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler
    """

    def __init__(
        self,
        dataset: Dataset,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ):
        if num_replicas is None or rank is None:
            raise RuntimeError("Requires distributed package to be available")
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[T_co]:
        n = len(self.dataset)
        if self.shuffle:
            order = randperm(n, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        else:
            order = list(range(n))
        if not self.drop_last and n:
            order = order * math.ceil(self.total_size / n)  # from the start again, as often as it takes
        return iter(order[: self.total_size][self.rank :: self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins, so that its order differs from that of the others."""
        self.epoch = epoch


__all__ = ["DistributedSampler"]
