"""No view reaches outside its memory, memory lives as long as somebody looks at it, odd inputs do no harm."""

from __future__ import annotations

import gc
import math
import warnings
import weakref

import numpy as np
import pytest

import course_lib as torch

GUARD = 7  # what stands in memory on both sides of the tensor under test


def guarded(count: int = 6):
    """A tensor in the middle of a NumPy array, and the array."""
    memory = np.full(count + 8, GUARD, np.int64)
    memory[4:-4] = np.arange(count)
    return torch.from_numpy(memory[4:-4]), memory


def untouched(memory) -> bool:
    return bool((memory[:4] == GUARD).all() and (memory[-4:] == GUARD).all())


# ---- no view leaves its memory -----------------------------------------------------------------------------------

OUTSIDE = [
    ((2,), (1,), -1, "invalid storage offset -1"),
    ((0,), (1,), -1, "invalid storage offset -1"),
    ((7,), (1,), 0, "out of bounds for storage of size 48"),
    ((2,), (6,), 0, "out of bounds for storage of size 48"),
    ((3, 3), (2, 1), 0, "out of bounds for storage of size 48"),
    ((), (), 6, "out of bounds for storage of size 48"),
    ((2,), (-1,), 1, "Negative strides are not supported"),
    ((-1,), (1,), 0, "overflowed"),
    ((2,), (2**62,), 0, "overflowed"),
    ((2,), (2**80,), 0, "overflowed"),
    ((2**40, 2**40), (0, 0), 0, "multiplication overflow"),
    ((2, 2), (1,), 0, "mismatch in length of strides and shape"),
]


@pytest.mark.parametrize(("size", "stride", "offset", "text"), OUTSIDE)
def test_as_strided_outside_the_memory_is_refused(size, stride, offset, text):
    with pytest.raises(RuntimeError, match=text):
        torch.arange(6).as_strided(size, stride, offset)


def test_as_strided_of_a_view_counts_from_the_start_of_the_memory():
    x = torch.arange(6)
    assert x[4:].as_strided((2,), (1,), 0).tolist() == [0, 1]
    with pytest.raises(RuntimeError, match="out of bounds"):
        x[4:].as_strided((3,), (1,))


def test_as_strided_counts_bytes_after_a_view_as_another_dtype():
    wide = torch.zeros(4).view(torch.float64)
    assert wide.as_strided((2,), (1,)).tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="requiring a storage size of 24 are out of bounds for storage of size 16"):
        wide.as_strided((3,), (1,))


WRITES = {
    "slice": lambda x: x[1:5:2].fill_(9),
    "as_strided": lambda x: x.as_strided((2, 2), (3, 2)).fill_(9),
    "overlapping windows": lambda x: x.as_strided((5, 2), (1, 1)).fill_(9),
    "unfold": lambda x: x.unfold(0, 3, 2).fill_(9),
    "unfold of nothing": lambda x: x.unfold(0, 0, 1).fill_(9),
    "diagonal": lambda x: x.view(2, 3).diagonal(1).fill_(9),
    "diagonal outside": lambda x: x.view(2, 3).diagonal(5).fill_(9),
    "transposed": lambda x: x.view(2, 3).T[1:].mul_(3),
    "expand": lambda x: x[:1].expand(100).zero_(),
    "narrow": lambda x: x.narrow(0, 6, 0).fill_(9),
    "split": lambda x: [part.add_(1) for part in x.split(4)],
    "unbind": lambda x: [part.add_(1) for part in x.unbind()],
    "bytes": lambda x: x.view(torch.uint8)[-1:].fill_(255),
    "mask": lambda x: x.__setitem__(x > 3, -1),
    "positions": lambda x: x.__setitem__(torch.tensor([-6, 5]), -1),
    "storage": lambda x: x.untyped_storage().fill_(1),
    "resize to less": lambda x: x.resize_(3).fill_(9),
    "resize to more": lambda x: x.resize_(60).fill_(9),
    "resize of a view": lambda x: x[4:].resize_(60).fill_(9),
    "set_": lambda x: torch.zeros(0, dtype=torch.int64).set_(x, 2, (2, 2), (2, 1)).fill_(9),
    "as_strided_": lambda x: x.as_strided_((3,), (2,)).fill_(9),
}


@pytest.mark.parametrize("write", WRITES)
def test_writes_stay_inside_the_memory(write):
    x, memory = guarded()
    WRITES[write](x)
    assert untouched(memory)


REFUSED = {
    "position behind the end": lambda x: x.__setitem__(torch.tensor([6]), 1),
    "position before the start": lambda x: x.__setitem__(torch.tensor([-7]), 1),
    "number": lambda x: x.__setitem__(6, 1),
    "index_fill_": lambda x: x.index_fill_(0, torch.tensor([6]), 1),
    "index_add_": lambda x: x.index_add_(0, torch.tensor([6]), torch.tensor([1])),
    "index_copy_": lambda x: x.index_copy_(0, torch.tensor([6]), torch.tensor([1])),
    "scatter_": lambda x: x.scatter_(0, torch.tensor([6]), 1),
    "scatter_ before the start": lambda x: x.scatter_(0, torch.tensor([-1]), 1),
    "put_": lambda x: x.put_(torch.tensor([6]), torch.tensor([1])),
    "narrow": lambda x: x.narrow(0, 3, 4),
    "unfold too long": lambda x: x.unfold(0, 7, 1),
    "unfold of negative size": lambda x: x.unfold(0, -1, 1),
    "unfold backwards": lambda x: x.unfold(0, 2, -1),
    "expand to a negative size": lambda x: x[:1].expand(-2, 1),
    "wider elements than the memory": lambda x: x[1:4].view(torch.complex128),
    "set_ before the start": lambda x: torch.zeros(0, dtype=torch.int64).set_(x, -1, (2,), (1,)),
    "set_ behind the end": lambda x: torch.zeros(0, dtype=torch.int64).set_(x, 5, (2,), (1,)),
    "storage": lambda x: x.untyped_storage().__setitem__(48, 1),
    "overlapping places": lambda x: x[:1].expand(3).add_(1),
}


@pytest.mark.parametrize("write", REFUSED)
def test_what_would_leave_the_memory_is_refused(write):
    x, memory = guarded()
    with pytest.raises((IndexError, RuntimeError)):
        REFUSED[write](x)
    assert untouched(memory)
    assert x.tolist() == list(range(6))


def test_a_resized_view_starts_where_the_view_starts():
    x = torch.arange(6)
    assert x[2:4].resize_(4).tolist() == [2, 3, 4, 5]
    view = x[2:4].resize_(3)
    view[0] = 9
    assert x.tolist() == [0, 1, 9, 3, 4, 5]


# ---- memory lives as long as somebody looks ----------------------------------------------------------------------

VIEWS = {
    "slice": lambda x: x[1:],
    "as_strided": lambda x: x.as_strided((2,), (2,), 1),
    "bfloat16": lambda x: x.to(torch.bfloat16).as_strided((2,), (2,), 1),
    "unfold": lambda x: x.unfold(0, 2, 1),
    "bytes": lambda x: x.view(torch.uint8),
    "detach": lambda x: x.detach(),
    "storage": lambda x: x.untyped_storage(),
    "numpy": lambda x: x.numpy(),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_keeps_the_memory_alive(view):
    x = torch.full((1000,), 3.0)
    kept = VIEWS[view](x)
    before = np.array(kept.tolist())
    del x
    gc.collect()
    torch.zeros(1000).fill_(-1)  # would take the place of freed memory
    np.testing.assert_array_equal(np.array(kept.tolist()), before)


def test_from_numpy_keeps_the_array_alive_and_lets_it_go():
    class Array(np.ndarray):  # a NumPy array with a weak reference
        pass

    array = np.arange(4.0).view(Array)
    gone = weakref.ref(array)
    x = torch.from_numpy(array)
    view = x[1:]
    del array, x
    gc.collect()
    assert view.tolist() == [1, 2, 3]
    del view
    gc.collect()
    assert gone() is None


def test_from_numpy_shares_both_ways():
    array = np.arange(6).reshape(2, 3)
    x = torch.from_numpy(array.T)
    x[0, 1] = 50
    array[0, 0] = 40
    assert array.tolist() == [[40, 1, 2], [50, 4, 5]]
    assert x.tolist() == [[40, 50], [1, 4], [2, 5]]
    assert np.shares_memory(x.numpy(), array)


def test_an_array_that_may_not_be_written_is_not_written():
    array = np.arange(3.0)
    array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = torch.from_numpy(array)
    with pytest.raises(ValueError, match="read-only"):
        x.add_(1)
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 1
    assert array.tolist() == [0, 1, 2]
    assert (x + 1).tolist() == [1, 2, 3]


def test_an_array_that_repeats_one_place_is_not_written():
    array = np.broadcast_to(np.zeros(1), (3,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = torch.from_numpy(array)
    with pytest.raises(RuntimeError, match="refers to a single memory location"):
        x.add_(1)
    assert array.tolist() == [0, 0, 0]


# ---- version counters --------------------------------------------------------------------------------------------


def test_views_and_detached_tensors_count_changes_together():
    x = torch.zeros(4)
    view, detached = x[1:], x.detach()
    view.add_(1)
    detached.add_(1)
    assert x._version == view._version == detached._version == 2


@pytest.mark.parametrize("copy", ["clone", "contiguous of a transposed", "data", "to"])
def test_copies_and_data_count_for_themselves(copy):
    x = torch.zeros(2, 3)
    made = {"clone": x.clone, "contiguous of a transposed": x.T.contiguous, "data": lambda: x.data,
            "to": lambda: x.to(torch.float64)}[copy]()  # fmt: skip
    made.add_(1)
    assert (x._version, made._version) == (0, 1)


# ---- odd inputs --------------------------------------------------------------------------------------------------

INPUTS = {
    "nan": lambda: torch.tensor([[math.nan, 1.0], [2.0, math.nan]]),
    "inf": lambda: torch.tensor([[math.inf, -math.inf], [0.0, 1.0]]),
    "empty": lambda: torch.zeros(0, 3),
    "empty inside": lambda: torch.zeros(2, 0, 3),
    "zero-dim": lambda: torch.tensor(2.0),
    "transposed": lambda: torch.arange(6.0).view(2, 3).T,
    "stepped": lambda: torch.arange(24.0).view(4, 6)[::2, 1::3],
    "expanded": lambda: torch.tensor([[1.0], [2.0]]).expand(2, 1000),
    "far apart": lambda: torch.zeros(1_000_001)[::1_000_000],
    "tiny": lambda: torch.tensor([1e-45, -1e-45, 3e38, -3e38]),
}
OPS = ["abs", "exp", "log", "sqrt", "sin", "sigmoid", "tanh", "relu", "floor", "sum", "mean", "prod", "std", "var",
       "argsort", "cumsum", "logsumexp", "softmax", "max", "min", "sort", "norm", "flip", "clone", "isnan",
       "nan_to_num", "neg", "reciprocal", "sign", "any", "all", "unique", "median", "square"]  # fmt: skip
WITH_DIM = {"cumsum", "logsumexp", "softmax", "sort", "argsort"}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("op", OPS)
def test_odd_inputs_are_left_alone_and_give_no_warnings(op, name):
    x = INPUTS[name]()
    before = x.clone()
    arguments = ([0],) if op == "flip" and x.ndim else ([],) if op == "flip" else (-1,) if op in WITH_DIM else ()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"course_lib\.")  # as the library itself does
        warnings.filterwarnings("ignore", category=UserWarning)
        if op in ("max", "min") and not x.numel():
            with pytest.raises(RuntimeError, match="input.numel\\(\\) == 0"):
                getattr(x, op)()
        else:
            made = getattr(x, op)(*arguments)
            made = made[0] if isinstance(made, tuple) else made
            contiguous = getattr(x.contiguous(), op)(*arguments)
            contiguous = contiguous[0] if isinstance(contiguous, tuple) else contiguous
            np.testing.assert_allclose(made.numpy(), contiguous.numpy(), rtol=1e-5)
    np.testing.assert_array_equal(x.numpy(), before.numpy())
