"""The library on a GPU, side by side with PyTorch on the same GPU, in one run.

    python benchmarks/gpu.py                        needs a CUDA GPU, CuPy and a PyTorch with CUDA
    python benchmarks/gpu.py --only matmul          the groups whose name contains this
    python benchmarks/gpu.py --markdown FILE        also write the tables, with the chip, the versions and the date

Both libraries run the same programs (gpu_cases.py) and take turns. A block of calls takes a tenth of a second and more,
and is timed from an idle GPU to an idle GPU, so what the host costs counts where it is the slower one; a step as a CUDA
graph shows the GPU's own time. A figure is the median over the blocks, after a warm-up. "ratio" is PyTorch's time
divided by course_lib's: above 1, course_lib is faster; ± is half of the middle half of the ratios of single turns, and
differences below it mean nothing. Inputs are random, and what is bound by memory is larger than any cache. The clocks
and all other settings of the GPU stay as they were found.

"of peak" compares course_lib with what the machine was seen to do in this run: for what moves memory, the bandwidth of
a copy; for products of matrices, the fastest product of PyTorch in the same precision. "launches" counts the kernels of
one step, as PyTorch's profiler sees them; "memory" is the most that the tensors of a step occupied.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import platform
import statistics
import time
from typing import NamedTuple

from gpu_cases import Case, cases


class Row(NamedTuple):
    """What was measured of a case; by library where it says so."""

    case: Case
    seconds: dict[str, float]
    ratio: float = 0.0
    spread: float = 0.0
    launches: dict[str, int] = {}
    memory: dict[str, int] = {}


# ---- measuring ---------------------------------------------------------------------------------------------------


def seconds(step, finish, budget: float) -> float:
    """Of one call in a block of as many as fit into the budget, from idle to idle."""
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


def measure(case: Case, libraries: dict, device: str, blocks: int, budget: float) -> Row:
    """Median seconds of a step, by library; a library that cannot run it has none."""
    on_gpu, steps, times = device == "cuda", {}, {}
    for name, T in libraries.items():
        finish = T.cuda.synchronize if on_gpu else lambda: None
        try:
            step = case.make(T, device)
            for _ in range(3):
                step()  # compiles, allocates
            steps[name], times[name] = (step, finish), []
        except (T.cuda.OutOfMemoryError, RuntimeError) as error:
            print(f"{case.group}: {case.name}: {name} says: {str(error).splitlines()[0]}")
    for turn in range(blocks):
        for name in list(steps) if turn % 2 else reversed(list(steps)):
            if case.group == "matmul":  # both libraries set their own handle's mode; it must be this case's
                libraries[name].backends.cuda.matmul.allow_tf32 = case.peak == "tf32"
            times[name].append(seconds(*steps[name], budget))
    row = Row(case, {name: statistics.median(found) for name, found in times.items()})
    if len(times) == 2:
        ratios = [theirs / ours for theirs, ours in zip(times["PyTorch"], times["course_lib"], strict=True)]
        quarters = statistics.quantiles(ratios, n=4) if blocks > 1 else (0, 0, 0)
        row = row._replace(ratio=row.seconds["PyTorch"] / row.seconds["course_lib"],
                           spread=(quarters[2] - quarters[0]) / 2)  # fmt: skip
    if case.is_training and on_gpu:
        torch = libraries["PyTorch"]
        row = row._replace(launches={name: launches(torch, step) for name, (step, _) in steps.items()},
                           memory={name: peak_memory(libraries[name], step) for name, (step, _) in steps.items()})
    return row


def launches(torch, step) -> int:
    """How many kernels a step launches, as PyTorch's profiler sees them, whichever library they belong to."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        step()
        torch.cuda.synchronize()
    names = [e.name for e in profile.events() if e.device_type == torch.autograd.DeviceType.CUDA]
    return sum(not name.startswith(("Memcpy", "Memset")) for name in names)


def peak_memory(T, step) -> int:
    """The most bytes that the library's tensors occupied during a step."""
    T.cuda.synchronize()
    T.cuda.reset_peak_memory_stats()
    step()
    T.cuda.synchronize()
    return T.cuda.max_memory_allocated()


def run(libraries: dict, device: str, scale: int, only: str, blocks: int, budget: float) -> list[Row]:
    print(f"{'':56s}{'PyTorch':>12s}{'course_lib':>12s}{'ratio':>8s}")
    rows = []
    for case in cases(scale):
        if only not in case.group or (case.needs_gpu and device != "cuda"):
            continue
        row = measure(case, libraries, device, blocks, budget)
        print(f"{case.group + ': ' + case.name:56s}" + "  ".join(cells(row)[1:]), flush=True)
        rows.append(row)
        if device == "cuda":
            for T in libraries.values():
                with contextlib.suppress(RuntimeError):
                    T.cuda.empty_cache()
    return rows


# ---- reporting ---------------------------------------------------------------------------------------------------


def shown(amount: float) -> str:
    return f"{amount * 1e3:.3f} ms" if amount >= 1e-3 else f"{amount * 1e6:.1f} µs"


def cells(row: Row) -> list[str]:
    """A row as texts: name, both times, ratio, and for training steps launches and memory."""
    times = [f"{shown(row.seconds[name]) if name in row.seconds else '-':>12s}" for name in ("PyTorch", "course_lib")]
    ratio = f"{row.ratio:.2f} ± {row.spread:.2f}" if row.ratio else "-"
    extra = []
    if row.launches:
        extra = [" and ".join(str(count) for count in row.launches.values()) + " launches",
                 " and ".join(f"{size / 2**20:.0f}" for size in row.memory.values()) + " MiB"]  # fmt: skip
    return [row.case.name, *times, f"{ratio:>12s}", *extra]


def peaks(rows: list[Row]) -> list[str]:
    """What part of this machine's bandwidth and of its fastest products course_lib reached, a line a case."""
    copy = next((row.case.bytes / row.seconds["PyTorch"] for row in rows
                 if row.case.name == "copy" and "PyTorch" in row.seconds), None)  # fmt: skip
    fastest: dict[str, float] = {}
    for row in rows:
        if row.case.group == "matmul" and "PyTorch" in row.seconds:
            rate = row.case.flops / row.seconds["PyTorch"]
            fastest[row.case.peak] = max(fastest.get(row.case.peak, 0), rate)
    lines = [f"PyTorch copies {copy / 1e9:.0f} GB/s"] if copy else []
    lines += [f"PyTorch's fastest product in {precision}: {rate / 1e12:.1f} TFLOP/s"
              for precision, rate in fastest.items()]  # fmt: skip
    for row in rows:
        case, own = row.case, row.seconds.get("course_lib")
        if own and case.bytes and copy:
            lines.append(f"{case.group}: {case.name}: {case.bytes / own / copy:.0%} of the copy's bandwidth")
        elif own and case.peak:
            lines.append(f"{case.group}: {case.name}: {case.flops / own / fastest[case.peak]:.0%} of the peak")
    return lines


def markdown(rows: list[Row], about: str) -> str:
    """The page that is committed after a run."""
    lines = ["# On a GPU", "", f"Recorded by `benchmarks/gpu.py` on {about}.", "", " ".join(__doc__.split("\n\n")[2:4])]
    for group in dict.fromkeys(row.case.group for row in rows):
        found = [cells(row) for row in rows if row.case.group == group]
        width = max(map(len, found))
        titles = ["", "PyTorch", "course_lib", "ratio", "launches", "memory"][:width]
        lines += ["", f"## {group}", "", "| " + " | ".join(titles) + " |", "|---" * width + "|"]
        lines += ["| " + " | ".join(cell.strip() for cell in row + [""] * (width - len(row))) + " |" for row in found]
    return "\n".join([*lines, "", "## Of what the machine can do", "", *[f"- {line}" for line in peaks(rows)], ""])


def about(torch, course_lib) -> str:
    """The chip, its driver, the versions and the date."""
    import cupy

    runtime = cupy.cuda.runtime
    return (
        f"{torch.cuda.get_device_name()} (driver for CUDA {runtime.driverGetVersion() // 10 / 100:.1f}), "
        f"{datetime.date.today()}, {platform.system()}, Python {platform.python_version()}, PyTorch "
        f"{torch.__version__}, course_lib {course_lib.__version__}, CuPy {cupy.__version__} with CUDA "
        f"{runtime.runtimeGetVersion() // 10 / 100:.1f}"
    )


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


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="groups whose name contains this: matmul, memory, conv2d, …")
    parser.add_argument("--blocks", type=int, default=11, help="blocks of each library and case (default 11)")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there, too; only after a run on a GPU")
    parser.add_argument("--try-on-cpu", action="store_true", help="run the program itself, small, without a GPU; "
                        "the figures mean nothing")  # fmt: skip
    chosen = parser.parse_args(arguments)
    missing = "" if chosen.try_on_cpu else why_not()
    if missing:
        print(f"No benchmark on a GPU here: {missing}.")
        return
    import torch

    import course_lib

    libraries = {"PyTorch": torch, "course_lib": course_lib}
    if chosen.try_on_cpu:
        print(f"The CPU, to try the program; PyTorch {torch.__version__}, course_lib {course_lib.__version__}")
        print("\n" + "\n".join(peaks(run(libraries, "cpu", 16, chosen.only, 1, 1e-3))))
        return
    text = about(torch, course_lib)
    print(text)
    rows = run(libraries, "cuda", 1, chosen.only, chosen.blocks, 0.1)
    print("\n" + "\n".join(peaks(rows)))
    if chosen.markdown:
        with open(chosen.markdown, "w", encoding="utf-8") as file:
            file.write(markdown(rows, text))


if __name__ == "__main__":
    main()
