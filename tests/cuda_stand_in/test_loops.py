"""The stand-in picks the loops that CuPy picks, and what CuPy refuses is refused."""

import itertools

import cupy_loops
import cupy_on_numpy
import numpy as np
import pytest

xp = cupy_on_numpy.module()
DTYPES = "?bBhHiIqQeEfdFD"
NAMES = cupy_on_numpy._NAMES


def operands(chars: str, numbers) -> list:
    """An array of each dtype, then numbers."""
    return [*[xp.ones(2, cupy_loops.dtype_of(c)) for c in chars], *numbers]


def test_loops_are_cupys_own():
    """CuPy is asked by the way: its choice needs no GPU."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed: pip install cupy-cuda13x")
    weak = {float: 1.5, int: 3, complex: 1j}
    for name in ("add", "power", "true_divide", "sqrt", "equal", "less", "maximum", "arctan2", "logical_and", "floor"):
        function, count = getattr(cupy, name), getattr(xp, name).nin
        cases = [(c, ()) for c in itertools.product(DTYPES, repeat=count)]
        cases += [((c,), (kind,)) for c in DTYPES for kind in weak if count == 2]
        for chars, kinds in cases:
            dtypes = (*map(cupy_loops.dtype_of, chars), *map(np.dtype, kinds))
            weaks = (*[False] * len(chars), *kinds)
            ranks = [cupy_loops._rank(d.type) for d in dtypes]
            if kinds and ranks[0] < ranks[1]:
                weaks = (False,) * len(weaks)
            theirs = function._ops._guess_routine_from_in_types(dtypes, weaks)
            try:
                ours = cupy_loops.chosen(name, NAMES["loops"][name], operands(chars, [weak[k] for k in kinds]),
                                         exact_integers=name in NAMES["exact_integers"])  # fmt: skip
            except TypeError:
                assert theirs is None or theirs.error_func, (name, chars, kinds)
            else:
                assert (ours.takes, ours.gives) == (theirs.in_types, theirs.out_types), (name, chars, kinds)


def array(values, dtype: str):
    return xp.asarray(np.array(values, cupy_loops.dtype_of(dtype)))


@pytest.mark.parametrize(("made", "dtype"), [
    (lambda: xp.where(array([True], "?"), array([1], "E"), 0.0), "float32"),  # where knows no bfloat16
    (lambda: array([1], "E").clip(-1.0, 1.0), "float32"),
    (lambda: xp.tril(array([[1]], "E")), "float32"),
    (lambda: array([1], "E").round(), "float32"),
    (lambda: xp.special.erf(array([1], "e")), "float64"),
    (lambda: xp.special.erf(array([1], "E")), "float32"),
    (lambda: array([1], "E") * 2.5, "float32"),  # as NumPy
    (lambda: array([1], "E") * cupy_loops.BFLOAT16.type(2.5), "bfloat16"),
    (lambda: xp.sqrt(array([4], "b")), "float16"),
    (lambda: array([1], "B") / array([2], "B"), "float64"),
    (lambda: array([1], "B").sum(), "uint64"),
    (lambda: array([1], "E").sum(), "bfloat16"),
    (lambda: array([1], "i").mean(), "float64"),
    (lambda: array([1], "E").argmax(), "int64"),
])  # fmt: skip
def test_dtypes_of_results(made, dtype):
    assert made().dtype.name == dtype


@pytest.mark.parametrize("refused", [
    lambda: array([1], "E").sort(),
    lambda: xp.argsort(array([1], "E")),
    lambda: xp.cumsum(array([1], "E")),
    lambda: array([1], "E").clip(None, 1.0),
    lambda: xp.add.at(array([1], "E"), array([0], "q"), array([1], "E")),
    lambda: xp.maximum.at(array([1], "e"), array([0], "q"), array([1], "e")),
    lambda: -array([True], "?"),
    lambda: array([True], "?") - array([True], "?"),
    lambda: xp.logical_not(array([1], "F")),
    lambda: xp.add([1], array([1], "q")),
    lambda: xp.add(array([1], "q"), array([1.5], "d"), out=array([0], "q")),
    lambda: xp.exp(array([1], "d"), out=(np.zeros(1),)),
])  # fmt: skip
def test_what_cupy_refuses(refused):
    with pytest.raises(TypeError):
        refused()


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(OverflowError):
        array([1], "B") + 300
    assert (array([1], "B") < 300).tolist() == [True]  # comparisons take any number


def test_what_cupy_computes_otherwise():
    assert xp.power(array([2, 1, -1, 3], "i"), -1).tolist() == [0, 1, -1, 0]
    assert (array([7], "i") // array([0], "i")).tolist() == [0]
    assert array([5.0], "f").clip(array([float("nan")], "f"), 9.0).tolist() == [5.0]
    assert array([1.0] * 3000, "E").sum().tolist() == 3008  # added up in float32, rounded once
    x = xp.asarray(np.arange(6.0).reshape(2, 3)).T
    assert (x + 1).flags.c_contiguous and not x.flags.c_contiguous


def test_positions_outside_wrap_around():
    x, five = xp.arange(4), array([5], "q")
    assert x[five].tolist() == x.take(five).tolist() == xp.take_along_axis(x, five, 0).tolist() == [1]
    x[five] = 9
    xp.add.at(x, (five,), 1)
    assert x.tolist() == [0, 10, 2, 3]
    grid = xp.arange(6).reshape(2, 3)
    assert grid[..., array([4], "q")].tolist() == [[1], [4]] and grid[None, array([3], "q"), 0].tolist() == [[3]]
    with pytest.raises(IndexError):
        x[5]
