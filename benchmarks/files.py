"""Saving and loading weights, side by side with PyTorch in one process.

    python benchmarks/files.py               needs PyTorch: pip install torch==2.13.0

The weights (1 GB unless `--megabytes` says otherwise) lie in a temporary folder, which is removed afterwards. Both
libraries take turns on the same file; each figure is the best of the rounds, in wall seconds, as the disk and other
programs only ever make one slower. The ratio is PyTorch's time by course_lib's: above 1, course_lib is faster. What the
two do is not quite the same: course_lib compares check sums when it loads, and waits for the disk when it saves.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import platform
import tempfile
import time


def weights(T, megabytes: int, parts: int) -> dict:
    """A state dict of `parts` equal tensors."""
    count = megabytes * 2**20 // 4 // parts
    return {f"layers.{i}.weight": T.arange(count).to(T.float32) for i in range(parts)}


def seconds(call) -> float:
    gc.collect()
    started = time.perf_counter()
    result = call()
    elapsed = time.perf_counter() - started
    del result
    return elapsed


def cases(folder: str, megabytes: int):
    """(title, library → call)"""
    import torch

    import course_lib

    libraries = {"torch": torch, "course_lib": course_lib}
    big = {name: weights(T, megabytes, 64) for name, T in libraries.items()}
    small = {name: weights(T, 4, 1000) for name, T in libraries.items()}
    path, written = os.path.join(folder, "weights.pt"), os.path.join(folder, "written.pt")
    torch.save(big["torch"], path)
    buffer = io.BytesIO()
    torch.save(small["torch"], buffer)

    def each(make):
        return {name: make(T, name) for name, T in libraries.items()}

    yield f"load {megabytes} MB", each(lambda T, name: lambda: T.load(path))
    yield f"load {megabytes} MB, mmap", each(lambda T, name: lambda: T.load(path, mmap=True))
    yield f"save {megabytes} MB", each(lambda T, name: lambda: T.save(big[name], written))
    yield "save 1000 tensors", each(lambda T, name: lambda: T.save(small[name], io.BytesIO()))
    yield "load 1000 tensors", each(lambda T, name: lambda: (buffer.seek(0), T.load(buffer)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1024, help="size of the weights (default 1024)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each case (default 5)")
    options = parser.parse_args()
    import torch

    versions = f"Python {platform.python_version()}, PyTorch {torch.__version__}"
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, {versions}")
    print(f"{'':24s}{'PyTorch':>12s}{'course_lib':>12s}{'ratio':>8s}")
    with tempfile.TemporaryDirectory() as folder:
        for title, calls in cases(folder, options.megabytes):
            best = dict.fromkeys(calls, float("inf"))
            for turn in range(options.rounds):
                for name in list(calls) if turn % 2 else reversed(calls):
                    best[name] = min(best[name], seconds(calls[name]))
            theirs, ours = best["torch"], best["course_lib"]
            print(f"{title:24s}{theirs:10.4f} s{ours:10.4f} s{theirs / ours:8.2f}")


if __name__ == "__main__":
    main()
