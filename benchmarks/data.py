"""What an epoch of a DataLoader costs, side by side with PyTorch in one process.

    python benchmarks/data.py                needs PyTorch: pip install torch==2.13.0

The data is MNIST's size: 60,000 rows of 784 float32 numbers and a label, in batches of 64. Both libraries take turns;
each figure is the median of several epochs in wall seconds. A ratio below 1 means that course_lib is faster.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time

ROWS, COLUMNS, BATCH = 60_000, 784, 64


def make_datasets(T):
    """A TensorDataset, and the same rows from a dataset with nothing but `__getitem__`."""
    T.manual_seed(0)
    x, y = T.rand(ROWS, COLUMNS), T.randint(0, 10, (ROWS,))

    class Plain(T.utils.data.Dataset):
        def __len__(self):
            return ROWS

        def __getitem__(self, i):
            return x[i], y[i]

    class Numbers(T.utils.data.Dataset):
        def __len__(self):
            return ROWS

        def __getitem__(self, i):
            return float(i), i

    return {"tensors": T.utils.data.TensorDataset(x, y), "plain": Plain(), "numbers": Numbers()}


CASES = {
    "TensorDataset": ("tensors", {}),
    "TensorDataset, shuffled": ("tensors", {"shuffle": True}),
    "own __getitem__, tensors": ("plain", {}),
    "own __getitem__, numbers": ("numbers", {}),
    "own __getitem__, tensors, 2 workers": ("plain", {"num_workers": 2}),
    "TensorDataset, batches of 2,048, 2 workers": ("tensors", {"num_workers": 2, "batch_size": 2048}),
}


def epoch(T, dataset, settings: dict) -> float:
    """Wall seconds of one epoch that reads one number of each batch."""
    loader = T.utils.data.DataLoader(dataset, **{"batch_size": BATCH, **settings})
    started = time.perf_counter()
    for x, _ in loader:
        x[0]
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5, help="epochs of each library and case (default 5)")
    epochs = parser.parse_args().epochs
    import torch

    import course_lib

    torch.set_num_threads(1)
    libraries = {"PyTorch": torch, "course_lib": course_lib}
    datasets = {name: make_datasets(T) for name, T in libraries.items()}
    versions = f"Python {platform.python_version()}, PyTorch {torch.__version__}"
    print(f"{platform.platform()}, {os.cpu_count()} cores, {versions}")
    print(f"{ROWS} × {COLUMNS}, one epoch{'':20s}{'PyTorch':>12s}{'course_lib':>12s}{'ratio':>8s}")
    for title, (which, settings) in CASES.items():
        times: dict[str, list[float]] = {name: [] for name in libraries}
        for turn in range(epochs):
            for name in list(libraries) if turn % 2 else reversed(libraries):
                times[name].append(epoch(libraries[name], datasets[name][which], settings))
        theirs, ours = (statistics.median(times[name]) for name in libraries)
        print(f"{title:45s}{theirs:10.3f} s{ours:10.3f} s{ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
