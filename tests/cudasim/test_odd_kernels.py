"""Kernels that are odd but right give Python's numbers; odd and wrong ones get a sentence with their line."""

import itertools
import math
import random
import re

import numpy as np
import pytest

from course_lib import cudasim as cuda
from course_lib.cudasim import (
    BarrierDivergence,
    KernelError,
    KernelTypeError,
    Race,
    StepLimit,
    Uninitialized,
    UnsupportedSyntax,
    float32,
    float64,
    int32,
    uint8,
)

NUMBERS = itertools.count()


@cuda.jit(device=True)
def sign(v):
    if v < 0:
        return -1
    if v > 0:
        return 1
    return 0


@cuda.jit(device=True)
def signs(v):
    return sign(v) + sign(v * 2)


@cuda.jit(device=True)
def sorted_pair(a, b):
    if a < b:
        return a, b
    return b, a


@cuda.jit(device=True)
def sometimes(v, factor=2):
    if v > 1:
        return v * factor


@cuda.jit(device=True)
def first_of_own(v):
    own = cuda.local.array(2, float64)
    if v == 0:
        own[0] = 1
    return own[0]


@cuda.jit(device=True)
def sum_of_block(v):
    parts = cuda.shared.array(64, float64)
    t = cuda.threadIdx.x
    parts[t] = v
    cuda.syncthreads()
    n = cuda.blockDim.x // 2
    while n > 0:
        if t < n:
            parts[t] += parts[t + n]
        cuda.syncthreads()
        n //= 2
    made = parts[0]
    cuda.syncthreads()
    return made


NAMES = {"cuda": cuda, "np": np, "math": math, "float32": float32, "float64": float64, "int32": int32, "uint8": uint8,
         "signs": signs, "sorted_pair": sorted_pair, "sometimes": sometimes, "sum_of_block": sum_of_block,
         "first_of_own": first_of_own,
         "NOTHING": None, "TABLE": {1: 2}}  # fmt: skip


@pytest.fixture
def kernel(tmp_path):
    """Makes a kernel (x, y, n) of a few lines; `i` is the thread's place. Its line k stands on line k + 3 of a file."""

    def make(text: str):
        lines = ["@cuda.jit", "def kernel(x, y, n):", "i = cuda.grid(1)", *text.split("\n")]
        source = "\n".join(lines[:2] + ["    " + line for line in lines[2:]]) + "\n"
        file = tmp_path / f"kernel_{next(NUMBERS)}.py"
        file.write_text(source, encoding="utf-8")
        names = dict(NAMES)
        exec(compile(source, str(file), "exec"), names)
        return names["kernel"]

    return make


def run(kernel, threads=4, n=3):
    x, y = np.arange(float(threads)), np.arange(threads)
    kernel[1, threads](x, y, n)
    return x.tolist(), y.tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x[i] = signs(i - 2)", [-2, -2, 0, 2]),
        ("a, b = sorted_pair(x[i], x[x.size - 1 - i])\ncuda.syncthreads()\nx[i] = 10 * a + b", [3, 12, 12, 3]),
        ("x[i] = sometimes(2) + sometimes(3, factor=i)", [4, 7, 10, 13]),
        ("x[i] = sum_of_block(x[i]) + sum_of_block(1)", [10] * 4),
        ("v = 0 < i < 3 and x[i - 1] < x[i] < x[i + 1]\ncuda.syncthreads()\nx[i] = v", [0, 1, 1, 0]),
        ("if i == 0 or x[i - 1] > 1:\n    y[i] = 7\ncuda.syncthreads()\nx[i] = y[i]", [7, 1, 2, 7]),
        ("x[i] = i and 7", [0, 7, 7, 7]),
        ("x[i] = (i - 1) or 0.5", [-1, 0.5, 1, 2]),
        ("x[i] = (i > 1 and i) or 9", [9, 9, 2, 3]),
        ("s = 0\nfor k in range(8, i, -3):\n    s += k\nx[i] = s", [15, 15, 13, 13]),
        ("x[i] = (i - 2) // 2 * 10 + (i - 2) % 3", [-9, -8, 0, 1]),
        ("x[i] = math.pow(2, -i)", [1, 0.5, 0.25, 0.125]),
        ("x[i] = pow(2, -1) + 2 ** -i", [1.5, 1, 0.75, 0.625]),
        ("x[i] = min(i, 1.5) + max(i, 1, 2)", [2, 3, 3.5, 4.5]),
        ("x[i] = min((i, 2))", [0, 1, 2, 2]),
        ("x[i] = int(-1.5 * i) + round(i * 0.5)", [0, -1, -2, -2]),
        ("x[i] = True + i + (i > 1) + bool(i)", [1, 3, 5, 6]),
        ("x[i] = abs(True) + ~i", [0, -1, -2, -3]),
        ("x[i] = int32(i) * int32(2000000000)", [0, 2e9, 4e9, 6e9]),
        ("x[i] = np.uint64(5) << i & 12", [4, 8, 4, 8]),
        ("a = b = x[i]\na += 1\nx[i] = a * b", [0, 2, 6, 12]),
        ("for a, b in ((1, 2), (3, 4)):\n    x[i] += a * b", [14, 15, 16, 17]),
        ("for k in range(9):\n    if k == i: break\n    if k % 2: continue\n    x[i] += k", [0, 1, 2, 5]),
        ("while i < 9:\n    i += 4\n    if i == 6:\n        return\nx[cuda.threadIdx.x] = i", [12, 9, 2, 11]),
        ("x[i] = x[i] if i > 1 else (-1 if i else 100)", [100, -1, 2, 3]),
        ("s = cuda.shared.array(shape=(4, 4), dtype=np.float32)\nx[i] = s.shape[0] + s.ndim + len(s)", [10] * 4),
        ("t = ()\nx[i] = len(t) + len(x)", [4] * 4),
        ("f = sometimes\nx[i] = f(3)", [6] * 4),
        ("x[i]: int = 3", [3] * 4),
        ('"docstring"\n...\npass', [0, 1, 2, 3]),
        ("x[i] = math.isnan(math.sqrt(-1.0)) + math.fmod(i, 2)", [1, 2, 1, 2]),
        ("x[i] = cuda.popc(i) + cuda.ffs(i)", [0, 2, 3, 3]),
        ("cuda.syncwarp(0x0f)\nx[i] = cuda.shfl_down_sync(0x0f, i, 1)", [1, 2, 3, 3]),
        ("x[i] = cuda.atomic.cas(y, 0, 0, 5) + 2 * cuda.syncthreads_count(i > 2)", [2, 7, 7, 7]),
    ],
)
def test_odd_but_right(kernel, text, expected):
    assert run(kernel(text))[0] == expected


@pytest.mark.parametrize(
    ("text", "error", "line", "words"),
    [
        ("x[i] = int()", KernelTypeError, 1, "int(): missing a required argument"),
        ("x[i] = float(1, 2)", KernelTypeError, 1, "float(): too many positional arguments"),
        ("x[i] = abs()", KernelTypeError, 1, "abs(): missing a required argument"),
        ("x[i] = min()", KernelTypeError, 1, "min(): missing a required argument"),
        ("x[i] = math.sqrt(x[i], 2)", KernelTypeError, 1, "sqrt() takes 1 number, but 2 were given"),
        ("x[i] = math.floor()", KernelTypeError, 1, "floor() takes 1 number, but 0 were given"),
        ("x[i] = round(x[i], i)", KernelTypeError, 1, "the same for all threads"),
        ("x[i] = len(i)", KernelTypeError, 1, "len() needs an array or a tuple"),
        ("x[i] = x", KernelTypeError, 1, "not a whole array (choose an element of it: array[index])"),
        ("print(x)", KernelTypeError, 1, "not whole arrays"),
        ("x[i] = NOTHING", KernelTypeError, 1, "not a missing value (None)"),
        ("\nx[i] = i[0]", KernelTypeError, 2, "a number cannot be indexed"),
        ("a = (1, 2)\nx[i] = a['b']", KernelTypeError, 2, "a tuple can be indexed by one number"),
        ("x['a'] = 1", KernelTypeError, 1, "is a str, but only integers can index"),
        ("x[i] = ~x[i]", KernelTypeError, 1, "`~` needs an integer"),
        ("x[i] = i << -1", KernelError, 1, "shifts by -1 bits"),
        ("x[i] = 1 >> (62 + i)", KernelError, 1, "thread (2, 0, 0) of block (0, 0, 0) shifts by 64 bits"),
        ("x[i] = 10 // i", KernelError, 1, "thread (0, 0, 0) of block (0, 0, 0) divides an integer by zero"),
        ("x[i] = 99999999999999999999", KernelTypeError, 1, "cannot be computed in a kernel"),
        ("cuda.atomic.and_(x, 0, 1)", KernelTypeError, 1, "needs an array of integers, not of float64"),
        ("cuda.shared.array((2, -1), float32)", KernelTypeError, 1, "cannot have the shape (2, -1)"),
        ("cuda.shared.array(n, float32)", KernelTypeError, 1, "but `n` is an argument: use a constant"),
        ("cuda.local.array((2, x.size), float32)", KernelTypeError, 1, "but `x` is an argument: use a constant"),
        (
            "if i < 2:\n    x[i] = cuda.shfl_down_sync(3, i, 1)",
            KernelError,
            2,
            "from lane 2 of its warp, which does not",
        ),
        ("while i < 9:\n    i = i % 3", StepLimit, 2, "A kernel that is right and long needs @cuda.jit(step_limit=…)"),
        ("cuda.const.array_like()", KernelTypeError, 1, "missing a required argument"),
        ("x[i] = sometimes(i)", KernelTypeError, 1, "nothing for thread (0, 0, 0) of block (0, 0, 0): let every way"),
        ("x[i] = math.foo(3)", KernelError, 1, "math has no `foo`"),
        ("cuda.atomic.foo(x, 0, 1)", KernelError, 1, "cuda.atomic has no `foo`"),
        ("x[i] = i in (1, 2)", UnsupportedSyntax, 1, "`in` cannot be used in a kernel"),
        ("x.size = 3", UnsupportedSyntax, 1, "cannot assign to `x.size`"),
        ("for k in x:\n    x[i] = k", UnsupportedSyntax, 1, "loops over `range(…)` or a tuple only"),
        ("while i < 9:\n    i += 1\nelse:\n    x[i] = 1", UnsupportedSyntax, 1, "cannot have an `else`"),
        ("z = x\nif i > 1:\n    z = y\nz[i] = 2", KernelTypeError, 3, "different kind of thing"),
        ("for k in range(i):\n    pass\nx[i] = k", Uninitialized, 3, "uses the variable `k`"),
        ("if i > 0: return\ncuda.syncthreads()", BarrierDivergence, 2, "it has returned on line 4"),
        ("\nwhile i < n:\n    x[i] = 1", StepLimit, 2, "nothing in it changes `i` or `n`"),
        ("while True:\n    i += 1", StepLimit, 1, "this loop never ends"),
        ("x[i] = TABLE[1]", KernelTypeError, 1, "a dict cannot be indexed"),
    ],
)
def test_odd_and_wrong(kernel, text, error, line, words):
    with pytest.raises(error) as caught:
        run(kernel(text))
    assert words in str(caught.value) and caught.value.line == line + 3
    assert re.search(rf"\n    {line + 3} \| \S", str(caught.value))


def test_a_local_array_is_new_in_each_call(kernel):
    with pytest.raises(Uninitialized, match=re.escape("thread (1, 0, 0) of block (0, 0, 0) reads own[0]")) as caught:
        run(kernel("x[i] = first_of_own(0) + first_of_own(i)"))
    assert "return own[0]" in str(caught.value)


def test_an_argument_that_no_gpu_can_take(kernel):
    with pytest.raises(KernelError, match="the argument `n` of kernel does not fit into 64 bits"):
        run(kernel("x[i] = n"), n=10**30)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("y[i] = math.nan", "stores floats in the int64 array `y`: nan becomes"),
        ("y[i] = 1e30", "stores floats in the int64 array `y`: 1e+30 becomes"),
        ("x[i] = uint8(i) - uint8(2)", "unsigned integers, which have no negative numbers: 0 - 2 becomes 1844"),
    ],
)
def test_surprises_are_noted(kernel, text, words):
    made = kernel(text)
    run(made)
    assert words in " ".join(made.report.notes)


def test_a_print_shows_numbers(kernel, capsys):
    run(kernel('print(i, "a", x[i], (1, i))'), threads=2)
    assert capsys.readouterr().out == "0 a 0.0 (1, 0)\n1 a 1.0 (1, 1)\n"


# ---- arrays --------------------------------------------------------------------------------------------------------


@cuda.jit
def add_place(x):
    i, j = cuda.grid(2)
    x[i, j] += i * 10 + j


def test_strided_and_empty_arrays():
    x = np.zeros((8, 6))
    add_place[(2, 1), (2, 3)](x[::2, ::2])
    add_place[1, (3, 4)](x.T[::2, 1:5])
    expected = np.zeros((8, 6))
    places = np.add.outer(np.arange(4) * 10, np.arange(3))
    expected[::2, ::2] += places
    expected.T[::2, 1:5] += np.add.outer(np.arange(3) * 10, np.arange(4))
    assert (x == expected).all()
    read_guarded[1, 4](np.zeros(0), out := np.zeros(1))
    assert out[0] == 0


@cuda.jit
def read_guarded(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i]


@cuda.jit
def flip(mask, x, out):
    i = cuda.grid(1)
    if mask[i]:
        out[i] = x[i]
    mask[i] = not mask[i]
    if mask[i] == True and i != 3:  # noqa: E712 — what students write
        out[i] -= 1


def test_arrays_of_bools():
    mask, out = np.array([1, 0, 1, 0], bool), np.zeros(4)
    flip[1, 4](mask, np.arange(4.0), out)
    assert mask.tolist() == [False, True, False, True] and out.tolist() == [0, -1, 2, 0]


@cuda.jit
def local_table(x, out):
    i = cuda.grid(1)
    table = cuda.local.array((2, 3), float64)
    for a in range(2):
        for b in range(3):
            table[a, b] = x[i] * a + b
    s = 0.0
    for a in range(2):
        for b in range(3):
            s += table[a, b]
    out[i] = s


@cuda.jit
def histogram_of_pairs(x, h):
    i, j = cuda.grid(2)
    if i < x.shape[0] and j < x.shape[1]:
        cuda.atomic.add(h, (x[i, j] % 3, j % 2), 1)
        cuda.atomic.max(h, (3, 0), x[i, j])


def test_arrays_of_two_dimensions_local_and_atomic():
    out = np.zeros(5)
    local_table[1, 5](np.arange(5.0), out)
    assert out.tolist() == [6, 9, 12, 15, 18]
    x, h = np.arange(30).reshape(5, 6), np.zeros((4, 2), np.int64)
    histogram_of_pairs[(2, 2), (4, 4)](x, h)
    assert h.sum() - 29 == 30 and h[3, 0] == 29


@cuda.jit
def first_above(x, out, limit):
    start = cuda.grid(1)
    found = -1
    for i in range(start, x.size, cuda.gridsize(1)):
        if x[i] > limit:
            found = i
            break
    out[start] = found


def test_a_grid_stride_loop_with_break():
    out = np.zeros(8, np.int64)
    first_above[2, 4](np.arange(37.0), out, 31)
    assert out.tolist() == [32, 33, 34, 35, 36, -1, -1, -1]


@cuda.jit
def difference(x, y, out):
    i = cuda.grid(1)
    out[i] = x[i] - y[i]


def test_small_integers_are_computed_with_64_bits():
    out = np.zeros(1)
    difference[1, 1](np.array([-100], np.int8), np.array([100], np.int8), out)
    assert out[0] == -200
    difference[1, 1](np.array([3], np.uint8), np.array([5], np.uint8), out)  # unsigned, as numba's compiler does
    assert out[0] == 2.0**64 - 2


# ---- races ---------------------------------------------------------------------------------------------------------


@cuda.jit
def reduce_warp_and_scale(x, out):
    s, t = cuda.shared.array(32, float32), cuda.threadIdx.x
    s[t] = x[t]
    cuda.syncwarp()
    offset = 16
    while offset > 0:
        v = s[t]
        if t + offset < 32:
            v += s[t + offset]
        cuda.syncwarp()
        s[t] = v
        cuda.syncwarp()
        offset //= 2
    s[t] = s[t] * float32(2)
    out[t] = s[t]


def test_readers_that_a_warp_left_behind_raise_no_alarm():
    out = np.zeros(32, np.float32)
    reduce_warp_and_scale[1, 32](np.ones(32, np.float32), out)
    assert out[0] == 64


@cuda.jit
def read_by_another_warp(out):
    s, t = cuda.shared.array(64, float32), cuda.threadIdx.x
    s[t] = t
    cuda.syncthreads()
    if t == 40:
        out[t] = s[0]
    if t == 0:
        out[t] = s[0]
    cuda.syncwarp()
    if t == 0:
        s[0] = 5


@cuda.jit
def read_twice_then_atomic(x, out):
    t = cuda.threadIdx.x
    if t == 1:
        out[t] = x[0]
    if t == 0:
        out[t] = x[0]
        cuda.atomic.add(x, 0, 1)


@cuda.jit
def fence_without_a_signal(x, out):
    if cuda.blockIdx.x == 0:
        x[0] = 3
        cuda.threadfence()
    else:
        out[0] = x[0]


@cuda.jit
def atomics_then_write(x):
    t = cuda.threadIdx.x
    if t == 4:
        cuda.atomic.add(x, 5, 1)
    if t == 5:
        cuda.atomic.add(x, 5, 1)
        x[5] = 0


@pytest.mark.parametrize(
    ("launch", "words"),
    [
        (lambda: atomics_then_write[1, 8](np.zeros(8)), "which thread (4, 0, 0) of the same block changed on line"),
        (lambda: read_by_another_warp[1, 64](np.zeros(64)), "which thread (40, 0, 0) of the same block read"),
        (lambda: read_twice_then_atomic[1, 4](np.zeros(1), np.zeros(4)), "thread (1, 0, 0) of the same block read"),
        (lambda: fence_without_a_signal[2, 1](np.zeros(1), np.zeros(1)), "thread (0, 0, 0) of block (0, 0, 0) wrote"),
    ],
)
def test_races_behind_a_later_access(launch, words):
    with pytest.raises(Race, match=re.escape(words)):
        launch()


@cuda.jit
def copy_elements(x, out):
    i = cuda.grid(1)
    out[i] = x[i]


def overlapping_views():
    x, y = np.arange(20.0), cuda.to_device(np.arange(10.0))
    return {
        "neighbours": (
            x[:9],
            x[1:10],
            "block read on the same line (`out` shares its memory with another argument)",
        ),
        "every second": (x[0:18:2], x[2:20:2], "writes out[0], which thread (1, 0, 0) of the same block read"),
        "backwards": (x[:9], x[8::-1], "writes out[0], which thread (8, 0, 0) of the same block read"),
        "on the device": (y[:9], y[1:], "writes out[0], which thread (1, 0, 0) of the same block read"),
    }


@pytest.mark.parametrize("name", overlapping_views())
def test_views_of_one_memory_race(name):
    x, out, words = overlapping_views()[name]
    with pytest.raises(Race, match=re.escape(words)):
        copy_elements[1, 9](x, out)


def test_views_that_do_not_meet_are_read_and_written_where_they_lie():
    x = np.arange(12.0)
    copy_elements[1, 6](x[::2], x[1::2])
    assert x.tolist() == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10]
    table = np.zeros((32, 32), np.float32)
    copy_elements[1, 32](np.zeros(32, np.float32), table[:, 5])
    load, store = copy_elements.report.counts.accesses.values()
    assert (load.transactions, store.transactions) == (4, 32)  # a column lies far apart
    copy_elements[1, 3](np.broadcast_to(7.0, 3), out := np.zeros(3)[::-1])
    assert out.tolist() == [7, 7, 7]
    part = cuda.device_array(6)[::2]
    with pytest.raises(Uninitialized, match=re.escape("reads x[0], which nobody has written")):
        copy_elements[1, 3](part, out)
    copy_elements[1, 3](out, part)
    assert part.copy_to_host().tolist() == [7, 7, 7]


def test_arrays_of_what_is_no_number_are_refused():
    with pytest.raises(KernelError, match="the argument `x` is an array of object; a kernel takes arrays of numbers"):
        copy_elements[1, 1](np.array([None]), np.zeros(1))


@cuda.jit
def all_write_the_same(x, value):
    x[0] = value


@pytest.mark.parametrize("value", [2**60 + 1, -1])
def test_the_same_value_from_all_threads_is_no_race(value):
    x = np.zeros(1, np.int64)
    all_write_the_same[1, 32](x, value)
    assert x[0] == value
    all_write_the_same[1, 32](y := np.zeros(1), math.nan)
    assert np.isnan(y[0])


# ---- counting ------------------------------------------------------------------------------------------------------


@cuda.jit
def shared_doubles(out, stride):
    s, t = cuda.shared.array(1024, float64), cuda.threadIdx.x
    s[t * stride] = t
    out[t] = s[t * stride]


@pytest.mark.parametrize(("stride", "conflicts"), [(1, 0), (2, 4), (16, 60)])
def test_elements_of_8_bytes_come_half_a_warp_at_a_time(stride, conflicts):
    shared_doubles[1, 32](np.zeros(32), stride)
    assert shared_doubles.report.bank_conflicts == conflicts


# ---- races found in random kernels, compared with every pair of accesses ------------------------------------------


def random_kernel(chance, blocks: int):
    """Lines of a kernel that reads, writes, atomically changes and waits, and whether two of its accesses race."""
    lines, accesses, phase, step = [], [], 0, 0
    for _ in range(chance.randint(2, 6)):
        kind = chance.choice(("read", "read", "write", "atomic", "block", "warp"))
        if kind in ("block", "warp"):
            lines.append("cuda.syncthreads()" if kind == "block" else "cuda.syncwarp()")
            phase, step = phase + (kind == "block"), step + (kind == "warp")
            continue
        first, last = sorted(chance.sample((0, 5, 6, 8, 32, 33, 40, 41, 64), 2))
        index, value = chance.choice(("t", "t + 1", "3", "t // 2", "t % 8", "63 - t", "t ^ 1")), chance.choice("5t")
        access = {"read": f"v += x[{index}]", "write": f"x[{index}] = {value}",
                  "atomic": f"cuda.atomic.add(x, {index}, 1)"}  # fmt: skip
        lines += [f"if {first} <= t and t < {last}:", "    " + access[kind]]
        for block, t in itertools.product(range(blocks), range(first, last)):
            who = {"thread": (block, t), "block": block, "warp": (block, t // 32), "phase": phase, "step": step}
            accesses.append({**who, "kind": kind, "element": eval(index), "line": len(lines), "value": eval(value)})
    return "\n".join(lines), any(races(a, b) for a, b in itertools.combinations(accesses, 2))


def races(a, b) -> bool:
    ordered = (a["block"] == b["block"] and a["phase"] != b["phase"]) or (
        a["warp"] == b["warp"] and a["step"] != b["step"]
    )
    if a["element"] != b["element"] or a["thread"] == b["thread"] or ordered:
        return False
    if a["kind"] == b["kind"] == "write" and a["line"] == b["line"]:
        return a["value"] != b["value"]
    return not a["kind"] == b["kind"] != "write"


@pytest.mark.parametrize("seed", range(60))
def test_races_of_random_kernels(seed, kernel):
    chance = random.Random(seed)
    blocks = chance.choice((1, 1, 2))
    lines, wrong = random_kernel(chance, blocks)
    launch = kernel(f"t = cuda.threadIdx.x\nv = 0.0\n{lines}\ny[i] = v")[blocks, 64]
    if not wrong:
        launch(np.zeros(70), np.zeros(128), 0)
        return
    with pytest.raises(Race):
        launch(np.zeros(70), np.zeros(128), 0)
