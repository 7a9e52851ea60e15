"""The simulator of CUDA kernels: it finds every planted bug and no other, and counts what the memory does."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import correct_kernels
import numpy as np
import planted_bugs
import pytest

import course_lib as torch
from course_lib import cudasim as cuda
from course_lib.cudasim import KernelError, UnsupportedSyntax, float32

HERE = Path(__file__).parent


def marked_lines() -> set[int]:
    lines = (HERE / "planted_bugs.py").read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# BUG")}


@pytest.mark.parametrize("name", planted_bugs.BUGS)
def test_a_planted_bug_is_found(name):
    error, words, launch = planted_bugs.BUGS[name]
    with pytest.raises(error) as caught:
        launch()
    text = str(caught.value)
    for word in words:
        assert word in text, text
    assert caught.value.line in marked_lines(), text
    assert text.startswith(f"line {caught.value.line}: ")


def test_there_are_enough_bugs_and_kernels():
    assert len(planted_bugs.BUGS) >= 40 and len(correct_kernels.CASES) >= 40


@pytest.mark.parametrize("name", correct_kernels.CASES)
def test_a_correct_kernel_gives_its_numbers_without_alarm(name):
    correct_kernels.check(name)


WARP_FUNCTIONS = {"sum_of_warp", "butterfly", "votes", "syncwarp", "layer_norm"}  # numba's own simulator lacks them


def test_the_same_source_runs_on_numba():
    pytest.importorskip("numba", reason="numba is not installed")
    names = [name for name in correct_kernels.CASES if name not in WARP_FUNCTIONS]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "CUDA_FROM": "numba", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, HERE / "correct_kernels.py", *names], env=environment, capture_output=True,
                          text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:] + done.stderr[-2000:]
    assert done.stdout.count("ok ") == len(names)


def test_two_runs_are_the_same():
    def run():
        x, out = np.linspace(0, 1, 500, dtype=np.float32), np.zeros(1)
        correct_kernels.dot[3, 64](x, x, out)
        return out[0]

    assert run() == run()


# ---- counting ------------------------------------------------------------------------------------------------------


@cuda.jit
def copy_with_stride(x, out, stride):
    i = cuda.grid(1)
    out[i] = x[i * stride]


@pytest.mark.parametrize(("stride", "sectors", "efficiency"), [(1, 4, 1.0), (2, 8, 0.5), (8, 32, 0.125), (0, 1, 1.0)])
def test_transactions_of_global_memory(stride, sectors, efficiency):
    copy_with_stride[1, 32](np.zeros(512, np.float32), np.zeros(32, np.float32), stride)
    load = next(count for count in copy_with_stride.report.counts.accesses.values() if count.kind == "load")
    assert (load.requests, load.transactions, load.efficiency) == (1, sectors, efficiency)


@cuda.jit
def read_column(out, stride):
    tile = cuda.shared.array(1024, float32)
    t = cuda.threadIdx.x
    tile[t * stride] = t
    out[t] = tile[t * stride]


@pytest.mark.parametrize(("stride", "passes"), [(1, 1), (2, 2), (4, 4), (32, 32), (31, 1)])
def test_bank_conflicts(stride, passes):
    read_column[1, 32](np.zeros(32, np.float32), stride)
    assert read_column.report.shared_transactions == 2 * passes
    assert read_column.report.bank_conflicts == 2 * (passes - 1)


@cuda.jit
def odd_and_even(x, period):
    i = cuda.grid(1)
    if i // period % 2 == 0:
        x[i] = 1
    else:
        x[i] = 2


@pytest.mark.parametrize(("period", "divergent"), [(1, 2), (16, 2), (32, 0), (64, 0)])
def test_divergence_of_warps(period, divergent):
    odd_and_even[1, 64](np.zeros(64), period)
    assert odd_and_even.report.divergent_branches == divergent


def test_coalesced_access_costs_fewer_cycles():
    copy_with_stride[64, 256](np.zeros(16384 * 8, np.float32), np.zeros(16384, np.float32), 8)
    scattered = copy_with_stride.report.cycles()
    copy_with_stride[64, 256](np.zeros(16384, np.float32), np.zeros(16384, np.float32), 1)
    assert copy_with_stride.report.cycles() < scattered / 2
    assert copy_with_stride.report.cycles(cuda.Machine(bytes_a_cycle=64)) < copy_with_stride.report.cycles()


@cuda.jit
def surprising(x, whole):
    i = cuda.grid(1)
    whole[i] = x[i] * 2.5
    x[i] = x[i] * 0.5


def test_notes_of_surprising_numbers():
    surprising[1, 4](np.arange(4, dtype=np.float32), np.zeros(4, np.int32))
    notes = " ".join(surprising.report.notes)
    assert "stores floats in the int32 array `whole`: 2.5 becomes 2" in notes
    assert "computes in float64, because float32 meets float64" in notes


@cuda.jit
def overflowing(out):
    i = cuda.grid(1)
    out[i] = 200 + i


def test_note_of_an_overflow():
    out = np.zeros(100, np.uint8)
    overflowing[1, 100](out)
    assert "stores 256 in the uint8 array `out`, which cannot hold it: it becomes 0" in overflowing.report.notes[0]
    assert out[56] == 0


def test_the_report_is_a_table():
    correct_kernels.check("tiled_matmul")
    text = str(correct_kernels.tiled_matmul.report)
    assert text.startswith("tiled_matmul: 9 blocks of 64 threads, about ")
    assert "shared load" in text and "efficiency" in text and "went both ways" in text


# ---- declaring and launching ---------------------------------------------------------------------------------------


def test_python_that_no_kernel_can_contain():
    with pytest.raises(UnsupportedSyntax, match="list comprehensions cannot be used in a kernel"):

        @cuda.jit
        def kernel(x):
            x[0] = sum([v * v for v in range(3)])

    with pytest.raises(UnsupportedSyntax, match="a kernel cannot return a value"):

        @cuda.jit
        def another(x):
            return x[0]


@cuda.jit
def calls_a_list(x):
    x[0] = sorted(x)


@cuda.jit
def plain(x):
    x[cuda.grid(1)] = 1


def test_what_a_launch_refuses():
    with pytest.raises(UnsupportedSyntax, match="`sorted` cannot be called in a kernel"):
        calls_a_list[1, 1](np.zeros(1))
    with pytest.raises(KernelError, match=r"say how many blocks and threads run it, plain\[blocks, threads\]"):
        plain(np.zeros(1))
    with pytest.raises(KernelError, match="a block of \\(2048, 1, 1\\) has 2048 threads; a GPU allows 1024"):
        plain[1, 2048](np.zeros(2048))
    with pytest.raises(TypeError, match="must be integers, not 1.5"):
        plain[1.5, 32](np.zeros(48))
    with pytest.raises(ValueError, match="one to three positive integers"):
        plain[0, 32](np.zeros(1))
    with pytest.raises(KernelError, match="missing a required argument: 'x'"):
        plain[1, 1]()
    with pytest.raises(KernelError, match="the argument `x` of plain is a list"):
        plain[1, 1]([1, 2])
    with pytest.raises(KernelError, match="only inside a kernel"):
        cuda.syncthreads()
    with pytest.raises(KernelError, match="has a value only inside a kernel"):
        cuda.threadIdx.x  # noqa: B018


def test_device_functions_are_python_functions_too():
    assert correct_kernels.clamp(3, 0, 1) == 1
    assert inspect.getdoc(cuda.syncthreads).startswith("A barrier")


def test_tensors_and_strided_arrays_are_written_in_place():
    x = torch.zeros(4, 4)
    plain[1, 16](x.view(16))
    assert x.sum() == 16
    columns = np.zeros((8, 2))
    plain[1, 8](columns[:, 0])
    assert columns.tolist() == [[1.0, 0.0]] * 8


def test_device_arrays_stay_on_the_device():
    x = cuda.to_device(np.arange(4.0))
    with pytest.raises(TypeError, match="copy_to_host"):
        np.asarray(x)
    assert x.shape == (4,) and x[1:3].copy_to_host().tolist() == [1.0, 2.0]
    target = np.zeros(4)
    assert x.copy_to_host(target) is target and target[3] == 3.0
    with pytest.raises(ValueError, match="cannot copy"):
        x.copy_to_host(np.zeros(3))


def test_many_blocks_run_in_batches():
    x = np.zeros(300_000, np.float32)
    plain[1000, 300](x)
    assert x.sum() == 300_000 and plain.report.blocks == 1000


def transposed(pad: int, far: bool):
    """A transpose of a 64 × 32 matrix through shared memory, with rows padded, or read from far places."""

    @cuda.jit
    def transpose(a, out):
        tile = cuda.shared.array((16, 16 + pad), cuda.float32)
        x, y = cuda.threadIdx.x, cuda.threadIdx.y
        i, j = cuda.blockIdx.x * 16, cuda.blockIdx.y * 16
        if far:
            tile[x, y] = a[i + x, j + y]
        else:
            tile[y, x] = a[i + y, j + x]
        cuda.syncthreads()
        out[j + y, i + x] = tile[x, y]

    a, out = np.arange(64 * 32, dtype="f4").reshape(64, 32), np.zeros((32, 64), "f4")
    transpose[(4, 2), (16, 16)](a, out)
    assert (out == a.T).all()
    return transpose.report


def test_advice_on_wasted_transactions():
    assert transposed(1, False).advice == []
    (banks,) = transposed(0, False).advice
    assert "tile[x, y] takes 8 passes where 1 would do" in banks and "Make the rows of tile one number longer" in banks
    (places,) = transposed(1, True).advice
    assert "a[i + x, j + y] moves 16 sectors of 32 bytes where 4 would do" in places
    assert "far apart in a. Let threadIdx.x count along the last dimension" in str(transposed(1, True))
