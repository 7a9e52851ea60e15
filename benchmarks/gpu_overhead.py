"""What course_lib's own Python costs a call on its way to a GPU; needs no GPU.

    python benchmarks/gpu_overhead.py            ops, then whole training steps
    python benchmarks/gpu_overhead.py --calls    what each training step asks of the GPU, by the function that asks

The tests' stand-in takes CuPy's place, with kernels that do nothing, and the time inside it is taken off: what is left
is the library's own. A real GPU adds CuPy's time for each launch. Beside it stands the whole call on the CPU, with
tensors so small that computing costs nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from functools import partial
from pathlib import Path

from overhead import chain  # beside this file

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "cuda_stand_in")]

OPS = {
    "a * b": "a * b",
    "a * b with gradient": "r * b",
    "a + 1.5": "a + 1.5",
    "a.exp()": "a.exp()",
    "a @ b": "a @ b",
    "a.sum()": "a.sum()",
    "a[0]": "a[0]",
    "a.view(9)": "a.view(9)",
    "a.t()": "a.t()",
    "a.add_(b)": "a.add_(b)",
    "a.mul_(0.5)": "a.mul_(0.5)",
    "a.to(float16)": "a.to(T.float16)",
    "torch.zeros(3, 3)": "T.zeros(3, 3, device=d)",
    "relu": "F.relu(a)",
    "gelu": "F.gelu(a)",
    "softmax": "T.softmax(a, -1)",
    "layer norm": "F.layer_norm(a, (3,), w, w)",
    "linear": "F.linear(a, b, w)",
    "cross entropy": "F.cross_entropy(a, y)",
    "embedding": "F.embedding(y, a)",
    "dropout": "F.dropout(a, 0.5)",
    "AdamW step, 4 tensors": "adam.step()",
    "20 ops forward and backward": "chain(r, b)",
}


def names_for(T, device: str) -> dict:
    """What the texts of OPS speak of."""
    parameters = [T.nn.Parameter(T.ones(3, 3, device=device)) for _ in range(4)]
    for p in parameters:
        p.grad = T.ones(3, 3, device=device)
    return {"T": T, "F": T.nn.functional, "d": device, "a": T.ones(3, 3, device=device), "w": T.ones(3, device=device),
            "b": T.ones(3, 3, device=device), "r": T.ones(3, 3, device=device, requires_grad=True), "chain": chain,
            "y": T.zeros(3, dtype=T.int64, device=device), "adam": T.optim.AdamW(parameters)}  # fmt: skip


def own_seconds(step, calls: int, blocks: int, seen=None, noting=(0.0, 0.0)) -> float:
    """CPU seconds of a call in the quickest block, without those in the stand-in, nor what noting them costs."""
    found = []
    for _ in range(blocks):
        if seen is not None:
            seen.clear()
        started = time.thread_time()
        for _ in range(calls):
            step()
        spent = time.thread_time() - started
        if seen is not None:
            spent -= seen.inside + noting[0] * len(seen.calls) + noting[1] * seen.reads
        found.append(spent / calls)
    return min(found)


def noting_seconds(seen, xp, array) -> tuple[float, float]:
    """What noting a call, and reading a property, costs outside the time that is measured."""
    return tuple([min([_outside(seen, step) for _ in range(20)]) for step in
                  (lambda: xp.ravel(array), lambda: array.flags)])  # fmt: skip


def _outside(seen, step, calls: int = 500) -> float:
    seen.clear()
    started = time.thread_time()
    for _ in range(calls):
        step()
    return (time.thread_time() - started - seen.inside) / calls


def ops(T, watched, blocks: int) -> None:
    from course_lib.backends import cuda

    print(f"{'3 × 3 float32':30s}{'CPU path':>12s}{'own on GPU':>12s}{'more':>10s}  asked of the GPU")
    on_cpu = names_for(T, "cpu")
    for title, text in OPS.items():
        code = compile(text, title, "eval")
        calls = 10 if "chain" in text else 50
        eval(code, on_cpu)
        plain = own_seconds(partial(eval, code, on_cpu), calls, blocks)
        with watched.watched() as seen:
            on_gpu = names_for(T, "cuda")
            noting = noting_seconds(seen, cuda.cupy(), on_gpu["a"]._array)
            eval(code, on_gpu)
            seen.clear()
            eval(code, on_gpu)
            asked = ", ".join(f"{count} {kind}" for kind, count in sorted(seen.counts.items()))
            own = own_seconds(partial(eval, code, on_gpu), calls, blocks, seen, noting)
        print(f"{title:30s}{plain * 1e6:9.2f} µs{own * 1e6:9.2f} µs{(own - plain) * 1e6:7.2f} µs  {asked}", flush=True)


def steps(T, watched, blocks: int, by_place: bool) -> None:
    import cupy_on_numpy
    from gpu_cases import SMALL_STEPS

    from course_lib.backends import cuda

    cupy_on_numpy._MEMORY = 1 << 33
    for name, make in SMALL_STEPS.items():
        with watched.watched(places=by_place) as seen:
            step = make(T, "cuda")
            step()
            noting = noting_seconds(seen, cuda.cupy(), T.ones(3, 3, device="cuda")._array)
            seen.clear()
            step()
            counts, made = seen.counts, Counter(seen.calls)
            print(f"\n{name}: {seen.launches} launches, {counts}")
            for (kind, call, place), count in made.most_common() if by_place else ():
                if kind != "view":
                    print(f"{count:5d} {kind:8s}{call:32s}{place}")
            if not by_place:
                print(f"{own_seconds(step, 1, blocks, seen, noting) * 1e6:.0f} µs of course_lib's own a step")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=60, help="blocks of calls for each figure (default 60)")
    parser.add_argument("--calls", action="store_true", help="only list the calls of training steps")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    import watched

    import course_lib

    if not chosen.calls:
        ops(course_lib, watched, chosen.blocks)
    steps(course_lib, watched, chosen.blocks, chosen.calls)


if __name__ == "__main__":
    main()
