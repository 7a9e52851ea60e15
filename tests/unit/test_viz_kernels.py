"""The pictures of kernels: the grid of a launch, and what its warps did, in words beside the drawing."""

import re

import numpy as np
import pytest

from course_lib import cudasim as cuda
from course_lib.cudasim import float32

viz = pytest.importorskip("course_lib.viz", reason="the figures need matplotlib and anywidget", exc_type=ImportError)


@cuda.jit
def transpose(x, out):
    tile = cuda.shared.array((32, 32), float32)
    i, j = cuda.grid(2)
    tile[cuda.threadIdx.y, cuda.threadIdx.x] = x[j, i]
    cuda.syncthreads()
    if i % 2 == 0:
        out[j, i] = tile[cuda.threadIdx.x, cuda.threadIdx.y] * 2.0


@cuda.jit
def spread(x, out, stride):
    i = cuda.grid(1)
    cuda.atomic.add(out, 0, x[i * stride] + x[0])


def launched(kernel, grid, block, *args):
    kernel[grid, block](*args)
    return kernel.report


def test_a_launch_in_words():
    x = np.zeros((64, 64), np.float32)
    figure = launched(transpose, (2, 2), (32, 32), x, x.copy()).show()
    for words in (
        "transpose, 4 blocks of 1024 threads.",
        "reads x[j, i] (global): 4 sectors of 32 bytes for 32 lanes, coalesced; whole launch: 512 sectors",
        "writes tile[cuda.threadIdx.y, cuda.threadIdx.x] (shared): 1 pass for 32 lanes, no bank conflict",
        "reads tile[cuda.threadIdx.x, cuda.threadIdx.y] (shared): 16 passes for 16 lanes, bank conflict",
        "writes out[j, i] (global): 4 sectors of 32 bytes for 16 lanes, not coalesced",
        "128 of 128 warps split",
        "barriers 4",
        "1920 of them for bank conflicts",
        "on a machine with 4 multiprocessors, each 4 instructions, 16 bytes a cycle",
        "computes in float64",
    ):
        assert words in figure.alt
    assert figure.width <= 748 and figure.alt.endswith(".")
    lines = [int(number) for number in re.findall(r"Line (\d+)", figure.alt)]
    assert lines == sorted(lines)


def test_each_access_of_a_line_is_counted_for_itself():
    report = launched(spread, 1, 32, np.zeros(1024, np.float32), np.zeros(1, np.float32), 32)
    alt = report.show().alt
    assert "reads x[i * stride] (global): 32 sectors of 32 bytes for 32 lanes, not coalesced" in alt
    assert "reads x[0] (global): 1 sector of 32 bytes for 32 lanes, coalesced" in alt
    assert "changes (atomic) cuda.atomic.add(" in alt


def test_the_machine_is_named():
    report = launched(spread, 1, 32, np.zeros(1024, np.float32), np.zeros(1, np.float32), 32)
    machine = cuda.Machine(multiprocessors=1, bytes_a_cycle=1)
    assert "1 multiprocessor, each 4 instructions, 1 byte a cycle" in report.show(machine).alt
    assert f"about {report.cycles(machine)}" in report.show(machine).alt


@cuda.jit
def empty_kernel(x):
    pass


@cuda.jit
def many_lines(x):
    i = cuda.grid(1)
    a = x[i] + x[i] + x[i] + x[i] + x[i]
    b = x[i] + x[i] + x[i] + x[i] + x[i]
    x[i] = a + b


def test_kernels_with_nothing_and_with_much_to_draw():
    assert "0 sectors" in launched(empty_kernel, 1, 1, np.zeros(1)).show().alt
    figure = launched(many_lines, 1, 8, np.zeros(8)).show()
    assert figure.alt.count("reads x[i]") == 8 and figure.height < 2000


@pytest.mark.parametrize(
    ("grid", "block", "words"),
    [
        (3, 8, ["3 blocks of 8 threads: 24 threads in all", "1 * 8 + 1 = 9", "threadIdx.x"]),
        (1, 1, ["1 block of 1 thread: 1 threads in all", "0 * 1 + 0 = 0"]),
        ((3, 2), (4, 4), ["kernel[(3, 2), (4, 4)]", "6 blocks of 16 threads", "blockIdx.y * blockDim.y", "= 5"]),
        ((40, 40), (16, 16), ["1600 blocks", "39 * 16 + 1 = 625"]),
        (100, 256, ["25600 threads", "1 * 256 + 1 = 257"]),
        (4, (2, 2, 2), ["4 blocks of 8 threads"]),
        ((1, 5, 2), (1, 64), ["10 blocks of 64 threads"]),
        ([2], [3], ["2 blocks of 3 threads"]),
    ],
)
def test_the_grid_of_a_launch(grid, block, words):
    figure = viz.show_grid(grid, block)
    for each in words:
        assert each in figure.alt
    assert figure.width <= 748 and figure.alt.endswith(".")


def test_the_grid_names_the_kernel_and_refuses_what_is_no_grid():
    assert "transpose[2, 4]" in viz.show_grid(2, 4, transpose).alt
    for wrong in (0, 1.5, (1, 2, 3, 4), ()):
        with pytest.raises(ValueError, match="the grid must be one to three positive integers"):
            viz.show_grid(wrong, 4)


def test_the_bytes_are_the_same_every_time():
    report = launched(spread, 1, 32, np.zeros(1024, np.float32), np.zeros(1, np.float32), 3)
    assert report.show().png == report.show().png
    assert viz.show_grid(3, 8).png == viz.show_grid(3, 8).png
