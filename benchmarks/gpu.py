"""The library on a GPU, side by side with PyTorch on the same GPU, in one run.

    python benchmarks/gpu.py                 needs a CUDA GPU, CuPy and a PyTorch with CUDA
    python benchmarks/gpu.py --only matmul   the groups whose name contains this

Both libraries run the same programs and take turns. A block of calls is timed from an idle GPU to an idle GPU; a figure
is the median over the blocks. "ratio" is PyTorch's time divided by course_lib's: above 1, course_lib is faster. "of
peak" compares course_lib with what the machine was seen to do in this run: for what moves memory, the bandwidth of a
copy; for matrix products, the fastest product of PyTorch in the same precision. "launches" counts the kernels of one
step, PyTorch's and course_lib's.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import time
from typing import NamedTuple


class Case(NamedTuple):
    """One row: `make(T, device)` gives the step to time, for either library T."""

    group: str
    name: str
    make: object
    bytes: int = 0  # that a step must move
    flops: int = 0
    peak: str = ""  # the precision whose fastest product is the peak
    count_launches: bool = False


# ---- what is measured --------------------------------------------------------------------------------------------

PRECISIONS = {"fp32": "float32", "tf32": "float32", "fp16": "float16", "bf16": "bfloat16"}


def matmul(n: int, precision: str) -> Case:
    def make(T, device):
        T.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        a, b = [T.ones(n, n, dtype=getattr(T, PRECISIONS[precision]), device=device) for _ in "ab"]
        return lambda: a @ b

    return Case("matmul", f"{n} × {n}, {precision}", make, flops=2 * n**3, peak=precision)


def memory_bound(name: str, text: str, moved: int, shape) -> Case:
    """An expression of x (and y) that reads and writes `moved` numbers for each number of x."""
    code = compile(text, name, "eval")
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)

    def make(T, device):
        names = {"T": T, "F": T.nn.functional, "x": T.rand(*shape, device=device), "y": T.rand(*shape, device=device)}
        names["w"] = T.ones(shape[-1], device=device)
        return lambda: eval(code, names)

    return Case("memory", name, make, bytes=4 * moved * count)


def convolution(channels: int, made: int, size: int, kernel: int, groups: int = 1) -> Case:
    def make(T, device):
        x = T.rand(32, channels, size, size, device=device)
        w = T.rand(made, channels // groups, kernel, kernel, device=device)
        return lambda: T.nn.functional.conv2d(x, w, padding=kernel // 2, groups=groups)

    name = f"32 × {channels} × {size}², {kernel} × {kernel} → {made}" + (", depthwise" if groups > 1 else "")
    return Case("conv2d", name, make, flops=2 * 32 * made * size**2 * kernel**2 * channels // groups)


def attention(length: int, precision: str, causal: bool) -> Case:
    def make(T, device):
        dtype = getattr(T, PRECISIONS[precision])
        q, k, v = [T.rand(4, 16, length, 64, dtype=dtype, device=device) for _ in "qkv"]
        return lambda: T.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)

    name = f"64 heads of {length} × 64, {precision}" + (", causal" if causal else "")
    return Case("attention", name, make, flops=4 * 64 * length**2 * 64)


def adam(n: int) -> Case:
    def make(T, device):
        p = T.nn.Parameter(T.rand(n, device=device))
        p.grad = T.rand(n, device=device)
        return T.optim.Adam([p]).step

    return Case("adam", f"{n:,} numbers", make, bytes=4 * 7 * n)  # reads p g m v, writes p m v


# ---- training steps ----------------------------------------------------------------------------------------------


def training_step(T, model, loss_of, device):
    model = model.to(device)
    optimizer = T.optim.AdamW(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()

    return step


def mlp(T, device):
    nn = T.nn
    model = nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    x, y = T.rand(256, 784, device=device), T.arange(256, device=device) % 10
    return training_step(T, model, lambda m: nn.functional.cross_entropy(m(x), y), device)


def cnn(T, device):
    nn, layers = T.nn, []
    for before, after in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, 10))
    x, y = T.rand(128, 3, 32, 32, device=device), T.arange(128, device=device) % 10
    return training_step(T, model, lambda m: nn.functional.cross_entropy(m(x), y), device)


def gpt(T, device, layers: int = 6, width: int = 384, heads: int = 6, length: int = 256, batch: int = 16):
    nn, F = T.nn, T.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x):
            split = self.qkv(self.first(x)).view(batch, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            seen = F.scaled_dot_product_attention(split[0], split[1], split[2], is_causal=True)
            x = x + self.out(seen.transpose(1, 2).reshape(batch, length, width))
            return x + self.mlp(self.second(x))

    model = nn.Sequential(nn.Embedding(512, width), *[Block() for _ in range(layers)], nn.LayerNorm(width),
                          nn.Linear(width, 512))  # fmt: skip
    tokens = T.arange(batch * (length + 1), device=device).view(batch, length + 1) * 7 % 512
    x, y = tokens[:, :-1], tokens[:, 1:].reshape(-1)
    return training_step(T, model, lambda m: F.cross_entropy(m(x).view(-1, 512), y), device)


def small_gpt(T, device):
    """With all the calls of the GPT's step, and little to compute."""
    return gpt(T, device, layers=2, width=48, heads=2, length=16, batch=2)


STEPS = {"MLP": mlp, "CNN": cnn, "GPT": gpt}
SMALL_STEPS = {"MLP": mlp, "CNN": cnn, "GPT": small_gpt}  # to try the program on a small machine


def cases(scale: int) -> list[Case]:
    """All rows; `scale` divides the sizes, to try the program itself on a small machine."""
    many = 100_000_000 // scale**2
    table = (many // 4096, 4096)
    sizes = [n // scale for n in (256, 512, 1024, 2048, 4096, 8192)]
    found = [matmul(n, precision) for precision in PRECISIONS for n in sizes]
    found += [
        memory_bound("copy", "x.clone()", 2, (many,)),
        memory_bound("x + y", "x + y", 3, (many,)),
        memory_bound("gelu", "F.gelu(x)", 2, (many,)),
        memory_bound("sum", "x.sum()", 1, (many,)),
        memory_bound("max of rows", "x.amax(1)", 1, table),
        memory_bound("softmax of rows", "T.softmax(x, 1)", 2, table),
        memory_bound("layer norm of rows", "F.layer_norm(x, w.shape, w, w)", 2, table),
    ]
    found += [convolution(64 // scale, 64 // scale, 56, 3), convolution(256 // scale, 256 // scale, 14, 3),
              convolution(256 // scale, 1024 // scale, 14, 1), convolution(3, 64, 64, 7),
              convolution(256 // scale, 256 // scale, 28, 3, groups=256 // scale)]  # fmt: skip
    found += [attention(1024 // scale, precision, causal) for precision in ("fp32", "fp16") for causal in (False, True)]
    found += [adam(many // 4), adam(100_000)]
    steps = STEPS if scale == 1 else SMALL_STEPS
    found += [Case("training step", name, make, count_launches=True) for name, make in steps.items()]
    return found


# ---- measuring ---------------------------------------------------------------------------------------------------


def seconds(step, finish, budget: float) -> float:
    """Of one block: as many calls as fit into the budget, from idle to idle."""
    finish()
    started = time.perf_counter()
    step()
    finish()
    calls = max(1, min(1000, int(budget / max(time.perf_counter() - started, 1e-6))))
    started = time.perf_counter()
    for _ in range(calls):
        step()
    finish()
    return (time.perf_counter() - started) / calls


def measure(case: Case, libraries: dict, device: str, blocks: int, budget: float) -> dict[str, float]:
    """Median seconds of a step, by library; a library that runs out of memory has none."""
    on_gpu, steps, times = device == "cuda", {}, {}
    for name, T in libraries.items():
        finish = T.cuda.synchronize if on_gpu else lambda: None
        try:
            step = case.make(T, device)
            for _ in range(3):
                step()  # compiles, allocates
            steps[name], times[name] = (step, finish), []
        except T.cuda.OutOfMemoryError:
            print(f"{case.name}: {name} has not enough memory")
    for turn in range(blocks):
        for name in list(steps) if turn % 2 else reversed(list(steps)):
            if case.group == "matmul":  # both libraries set their own handle's mode; it must be this case's
                libraries[name].backends.cuda.matmul.allow_tf32 = case.peak == "tf32"
            times[name].append(seconds(*steps[name], budget))
    return {name: statistics.median(found) for name, found in times.items()}


def launches(torch, step, device: str) -> str:
    """How many kernels a step launches, as PyTorch's profiler sees them, whichever library they belong to."""
    if device != "cuda":
        return ""
    step()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        step()
        torch.cuda.synchronize()
    names = [e.name for e in profile.events() if e.device_type == torch.autograd.DeviceType.CUDA]
    count = sum(not name.startswith(("Memcpy", "Memset")) for name in names)
    return str(count) if count else "?"


def shown(amount: float) -> str:
    return f"{amount * 1e3:9.3f} ms" if amount >= 1e-3 else f"{amount * 1e6:9.1f} µs"


def run(libraries: dict, device: str, scale: int, only: str, blocks: int, budget: float) -> None:
    torch, rows = libraries["PyTorch"], []
    print(f"{'':46s}{'PyTorch':>12s}{'course_lib':>12s}{'ratio':>8s}  launches")
    for case in cases(scale):
        if only not in case.group:
            continue
        found = measure(case, libraries, device, blocks, budget)
        counts = ""
        if case.count_launches:
            counts = " and ".join(launches(torch, case.make(T, device), device) for T in libraries.values())
        times = "".join(f"{shown(found[name]) if name in found else '-':>12s}" for name in libraries)
        ratio = f"{found['PyTorch'] / found['course_lib']:8.2f}" if len(found) == 2 else f"{'-':>8s}"
        print(f"{case.group + ': ' + case.name:46s}{times}{ratio}  {counts}", flush=True)
        rows.append((case, found))
        if device == "cuda":
            for T in libraries.values():
                T.cuda.empty_cache()
    peaks(rows)


def peaks(rows) -> None:
    """What part of this machine's bandwidth and of its fastest products course_lib reached."""
    copy = next((case.bytes / found["PyTorch"] for case, found in rows
                 if case.name == "copy" and "PyTorch" in found), None)  # fmt: skip
    fastest: dict[str, float] = {}
    for case, found in rows:
        if case.group == "matmul" and "PyTorch" in found:
            fastest[case.peak] = max(fastest.get(case.peak, 0), case.flops / found["PyTorch"])
    if copy:
        print(f"\nPyTorch copies {copy / 1e9:.0f} GB/s")
    for precision, rate in fastest.items():
        print(f"PyTorch's fastest product in {precision}: {rate / 1e12:.1f} TFLOP/s")
    for case, found in rows:
        own = found.get("course_lib")
        if own and case.bytes and copy:
            print(f"{case.group + ': ' + case.name:46s}{case.bytes / own / copy:8.0%} of the copy's bandwidth")
        elif own and case.peak:
            print(f"{case.group + ': ' + case.name:46s}{case.flops / own / fastest[case.peak]:8.0%} of the peak")


def why_not() -> str:
    """What is missing for a run on a GPU, in a sentence; empty if nothing is."""
    from course_lib.backends import cuda

    if not cuda.device_count():
        return cuda.trouble()
    try:
        import torch
    except ImportError:
        return "PyTorch is not installed: pip install torch==2.13.0"
    return "" if torch.cuda.is_available() else "the installed PyTorch has no CUDA: install a build that has"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="groups whose name contains this: matmul, memory, conv2d, …")
    parser.add_argument("--blocks", type=int, default=11, help="blocks of each library and case (default 11)")
    parser.add_argument("--try-on-cpu", action="store_true", help="run the program itself, small, without a GPU; "
                        "the figures mean nothing")  # fmt: skip
    chosen = parser.parse_args()
    missing = "" if chosen.try_on_cpu else why_not()
    if missing:
        print(f"No benchmark on a GPU here: {missing}.")
        return
    import torch

    import course_lib

    on = "the CPU, to try the program" if chosen.try_on_cpu else torch.cuda.get_device_name()
    print(f"{on}, {datetime.date.today()}, PyTorch {torch.__version__}, course_lib {course_lib.__version__}")
    libraries = {"PyTorch": torch, "course_lib": course_lib}
    if chosen.try_on_cpu:
        run(libraries, "cpu", 16, chosen.only, 1, 1e-3)
    else:
        run(libraries, "cuda", 1, chosen.only, chosen.blocks, 0.1)


if __name__ == "__main__":
    main()
