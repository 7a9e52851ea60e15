"""What one optimizer step costs, side by side with PyTorch in one process.

    python benchmarks/optim.py               needs PyTorch: pip install torch==2.13.0

The parameters are those of an MLP, 100 small tensors, one large matrix, and three numbers. PyTorch runs as it does by
itself, and with `foreach=True` and `fused=True` where it has them; course_lib with NumPy alone, and with its kernels
compiled by Numba, which a program loads as soon as they pay. Both libraries use one thread and take turns; each figure
is the median over the blocks of the CPU time of one step. The ratios are to PyTorch as it runs by itself; below 1 means
that course_lib is faster.
"""

from __future__ import annotations

import argparse
import statistics

from overhead import block

SHAPES = {
    "MLP 784-128-10": [(128, 784), (128,), (10, 128), (10,)],
    "100 tensors of 8 × 8": [(8, 8)] * 100,
    "one of 1000 × 1000": [(1000, 1000)],
    "one of 3": [(3,)],
}
RULES = {"SGD": {"lr": 0.1}, "SGD, momentum": {"lr": 0.1, "momentum": 0.9}, "Adam": {}, "AdamW": {}, "RMSprop": {},
         "Adagrad": {}}  # fmt: skip
COLUMNS = ("PyTorch", "foreach", "fused", "NumPy", "kernels")
FUSED = ("SGD", "Adam", "AdamW", "Adagrad")


def optimizer(library, rule: str, shapes, **flags):
    """An optimizer whose parameters have gradients."""
    params = [library.ones(*shape, requires_grad=True) for shape in shapes]
    for p in params:
        p.grad = library.full(p.shape, 0.01)
    return getattr(library.optim, rule.split(",")[0])(params, **RULES[rule], **flags)


def compare(torch, course_lib, rule: str, shapes, blocks: int) -> dict[str, float]:
    """Seconds of a step: of PyTorch's ways to compute it, and of the library's."""
    from course_lib.backends.compiled import load_kernels

    made = {"PyTorch": optimizer(torch, rule, shapes), "foreach": optimizer(torch, rule, shapes, foreach=True)}
    if rule.split(",")[0] in FUSED:
        made["fused"] = optimizer(torch, rule, shapes, fused=True)
    made["NumPy"] = made["kernels"] = optimizer(course_lib, rule, shapes)
    code, calls = compile("o.step()", rule, "eval"), 5 if shapes[0] == (1000, 1000) else 40
    times: dict[str, list[float]] = {name: [] for name in made}
    for turn in range(blocks + 1):
        for name in list(made) if turn % 2 else reversed(made):
            load_kernels("at once" if name == "kernels" else "never")
            made[name].step()
            seconds = block(code, {"o": made[name]}, calls)
            if turn:  # the first block warms up
                times[name].append(seconds)
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=15, help="blocks of each library and case (default 15)")
    blocks = parser.parse_args().blocks
    import torch

    import course_lib

    torch.set_num_threads(1)
    for title, shapes in SHAPES.items():
        print(f"{title:24s}" + "".join(f"{name:>11s}" for name in (*COLUMNS, "ratios")))
        for rule in RULES:
            found = compare(torch, course_lib, rule, shapes, blocks)
            cells = [f"{found[name] * 1e6:8.1f} µs" if name in found else " " * 11 for name in COLUMNS]
            ratios = [f"{found[name] / found['PyTorch']:6.2f}" for name in COLUMNS[-2:]]
            print(f"  {rule:22s}{''.join(cells)}{''.join(ratios)}")


if __name__ == "__main__":
    main()
