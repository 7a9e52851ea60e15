"""From indices to a batch: ask the dataset for the samples, and collate them. A fetcher lives where the work is done,
in the loader's process or in a worker.
"""

from __future__ import annotations

import numpy as np

from ..dataset import Subset, TensorDataset
from .collate import default_collate


class _BaseDatasetFetcher:
    """What both kinds share: `auto_collation` says whether `fetch` is given a list of indices or a single one."""

    def __init__(self, dataset, auto_collation: bool, collate_fn, drop_last: bool):
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last


class _IterableDatasetFetcher(_BaseDatasetFetcher):
    """Takes the next samples from the stream; of the indices only their number counts. StopIteration at the end."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        super().__init__(dataset, auto_collation, collate_fn, drop_last)
        self.samples = iter(dataset)
        self.ended = False

    def fetch(self, index):
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.samples))
        batch = []
        for _ in index:
            try:
                batch.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(index)):
            raise StopIteration
        return self.collate_fn(batch)


class _MapDatasetFetcher(_BaseDatasetFetcher):
    """Asks for the samples at the indices, in one call where the dataset has `__getitems__`."""

    def fetch(self, index):
        if not self.auto_collation:
            return self.collate_fn(self.dataset[index])
        if self.collate_fn is default_collate and (batch := rows(self.dataset, index)) is not None:
            return batch
        whole = getattr(self.dataset, "__getitems__", None)
        return self.collate_fn(whole(index) if whole else [self.dataset[i] for i in index])


class _DatasetKind:
    """The two kinds of datasets, as numbers, and what makes batches of each."""

    Map = 0
    Iterable = 1

    @staticmethod
    def create_fetcher(kind: int, dataset, auto_collation: bool, collate_fn, drop_last: bool):
        """A fetcher; for an iterable dataset it starts a pass."""
        made = _MapDatasetFetcher if kind == _DatasetKind.Map else _IterableDatasetFetcher
        return made(dataset, auto_collation, collate_fn, drop_last)


def rows(dataset, indices):
    """The collated batch of a TensorDataset, or of a Subset of one: one gather a tensor; None for anything else.

    Taking the rows one by one and stacking them gives the same, hundreds of times slower.
    """
    base = dataset
    while type(base) is Subset:
        base = base.dataset
    if type(base) is not TensorDataset:
        return None
    while dataset is not base:
        dataset, indices = dataset.dataset, [dataset.indices[i] for i in indices]
    picked = np.array(indices)
    if picked.dtype != np.int64 or picked.ndim != 1 or not dataset.tensors:
        return None
    n = len(dataset)
    if picked.min() < -n or picked.max() >= n:
        return None  # the plain way names the index that is out of bounds
    return [tensor[picked] for tensor in dataset.tensors]
