"""How long a million random numbers take, side by side with PyTorch in one process.

    python benchmarks/random_numbers.py            needs PyTorch: pip install torch==2.13.0

Both libraries take turns, on one thread each; a figure is the least CPU time of all turns, because other programs on
the machine can only add to it. Speed is PyTorch's time over course_lib's: 1 means equally fast, more means faster. The
numbers themselves are compared first. Compiled kernels (Numba, if it is installed) are loaded before the timing;
`--numpy` leaves them out.
"""

from __future__ import annotations

import argparse
import platform
import time

N = 1_000_000
FEW = N // 10  # of the numbers that are drawn one by one

CASES = {
    "rand(n)": lambda T, given: T.rand(N),
    "rand(n, float64)": lambda T, given: T.rand(N, dtype=T.float64),
    "rand(n, bfloat16)": lambda T, given: T.rand(N, dtype=T.bfloat16),
    "randn(n)": lambda T, given: T.randn(N),
    "randn(n, float64)": lambda T, given: T.randn(N, dtype=T.float64),
    "uniform_(-1, 2)": lambda T, given: T.empty(N).uniform_(-1, 2),
    "normal_(1, 2)": lambda T, given: T.empty(N).normal_(1, 2),
    "randint(10, n)": lambda T, given: T.randint(10, (N,)),
    "randint(2**40, n)": lambda T, given: T.randint(2**40, (N,)),
    "random_()": lambda T, given: T.empty(N, dtype=T.int64).random_(),
    "randperm(n)": lambda T, given: T.randperm(N),
    "bernoulli_(0.3)": lambda T, given: T.empty(N).bernoulli_(0.3),
    "bernoulli(p)": lambda T, given: T.bernoulli(given["uniform"]),
    "dropout(x, 0.3)": lambda T, given: T.dropout(given["uniform"], 0.3, True),
    "exponential_()": lambda T, given: T.empty(N).exponential_(),
    "cauchy_()": lambda T, given: T.empty(N).cauchy_(),
    "log_normal_()": lambda T, given: T.empty(N).log_normal_(),
    "geometric_(0.3)": lambda T, given: T.empty(N).geometric_(0.3),
    "multinomial(1000 weights, n)": lambda T, given: T.multinomial(given["uniform"][:1000], N, True),
    "multinomial(n weights, 1000)": lambda T, given: T.multinomial(given["uniform"], 1000),
    "poisson(n / 10)": lambda T, given: T.poisson(given["few"] * 20),
    "binomial(n / 10)": lambda T, given: T.binomial(given["forty"], given["few"]),
    "gamma(n / 10)": lambda T, given: T._standard_gamma(given["few"] * 3),
}


def inputs(T) -> dict:
    T.manual_seed(0)
    return {"uniform": T.rand(N), "few": T.rand(FEW), "forty": T.full((FEW,), 40.0)}


def compare(libraries: dict, turns: int) -> list[tuple[str, dict[str, float]]]:
    rows, given = [], {name: inputs(T) for name, T in libraries.items()}
    for title, draw in CASES.items():
        first = []
        for name, T in libraries.items():  # also a warm-up
            T.manual_seed(1)
            first.append(draw(T, given[name]).double().numpy())
        differ = (first[0] != first[1]).mean()
        if differ:
            title += f" [{differ:.1%} differ]"
        least = dict.fromkeys(libraries, float("inf"))
        for _ in range(turns):
            for name, T in libraries.items():
                started = time.thread_time()
                draw(T, given[name])
                least[name] = min(least[name], time.thread_time() - started)
        rows.append((title, least))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=25, help="turns of each library and case (default 25)")
    parser.add_argument("--numpy", action="store_true", help="without compiled kernels")
    arguments = parser.parse_args()
    import torch

    import course_lib
    from course_lib.backends import compiled

    torch.set_num_threads(1)
    compiled.load_kernels("never" if arguments.numpy else "at once")
    versions = f"Python {platform.python_version()}, PyTorch {torch.__version__}"
    print(f"{platform.platform()}, {platform.machine()}, {versions}")
    print(f"{'n = 1 000 000':40s}{'PyTorch':>12s}{'course_lib':>12s}{'speed':>8s}")
    for title, times in compare({"torch": torch, "course_lib": course_lib}, arguments.turns):
        ours, theirs = times["course_lib"], times["torch"]
        print(f"{title:40s}{theirs * 1e3:9.2f} ms{ours * 1e3:9.2f} ms{theirs / ours:8.2f}")


if __name__ == "__main__":
    main()
