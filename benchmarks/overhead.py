"""What one call costs on small tensors, side by side with PyTorch in one process.

    python benchmarks/overhead.py            needs PyTorch: pip install torch==2.13.0

Both libraries take turns, in blocks of many calls; each figure is the median over the blocks of the CPU time of one
call, so that other programs on the machine disturb it little. A ratio below 1 means that course_lib is faster.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time

CASES = {
    "a * b": "a * b",
    "a * b with gradient": "r * b",
    "a + 1": "a + 1",
    "a @ b": "a @ b",
    "a.sum()": "a.sum()",
    "a[0]": "a[0]",
    "a.view(9)": "a.view(9)",
    "a.exp()": "a.exp()",
    "a.add_(b)": "a.add_(b)",
    "20 ops forward and backward": "chain(r, b)",
}


def chain(x, b):
    """Ten times `y * b + b`, summed, and back."""
    y = x
    for _ in range(10):
        y = (y * b) + b
    y.sum().backward()


def block(code, names: dict, calls: int) -> float:
    """CPU seconds of one call, over `calls` calls."""
    started = time.thread_time()
    for _ in range(calls):
        eval(code, names)
    return (time.thread_time() - started) / calls


def compare(libraries: dict, blocks: int) -> list[tuple[str, dict[str, float]]]:
    rows = []
    for title, text in CASES.items():
        code = compile(text, title, "eval")
        names = {
            name: {"a": T.ones(3, 3), "b": T.ones(3, 3), "r": T.ones(3, 3, requires_grad=True), "chain": chain}
            for name, T in libraries.items()
        }
        calls = 40 if "chain" in text else 1000
        times: dict[str, list[float]] = {name: [] for name in libraries}
        for name in libraries:
            block(code, names[name], calls)  # warm-up
        for turn in range(blocks):
            for name in list(libraries) if turn % 2 else reversed(libraries):
                times[name].append(block(code, names[name], calls))
        rows.append((title, {name: statistics.median(found) for name, found in times.items()}))
    return rows


def import_seconds(runs: int = 7) -> tuple[float, float]:
    """Median wall seconds of `import course_lib` in a fresh process, and of the `import numpy` inside it."""
    program = "import time; s = time.perf_counter(); import numpy; n = time.perf_counter(); import course_lib; " \
              "e = time.perf_counter(); print(e - s, n - s)"  # fmt: skip
    found = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
             for _ in range(runs)]  # fmt: skip
    return tuple(statistics.median(float(pair[i]) for pair in found) for i in (0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=61, help="blocks of each library and case (default 61)")
    blocks = parser.parse_args().blocks
    import torch

    import course_lib

    torch.set_num_threads(1)
    versions = f"Python {platform.python_version()}, PyTorch {torch.__version__}"
    print(f"{platform.platform()}, {platform.machine()}, {versions}")
    print(f"{'3 × 3 float32':30s}{'PyTorch':>12s}{'course_lib':>12s}{'ratio':>8s}")
    for title, times in compare({"torch": torch, "course_lib": course_lib}, blocks):
        ours, theirs = times["course_lib"], times["torch"]
        print(f"{title:30s}{theirs * 1e9:9.0f} ns{ours * 1e9:9.0f} ns{ours / theirs:8.2f}")
    whole, numpy_part = import_seconds()
    print(f"import course_lib: {whole:.3f} s, of which NumPy {numpy_part:.3f} s")


if __name__ == "__main__":
    main()
