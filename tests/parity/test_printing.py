"""Tensors print as PyTorch prints them: the same tensor is made in both libraries and the two texts are compared.

A grid (values x dtypes x shapes x options), generated cases, and every text that tests/unit/test_printing.py recorded.
"""

import itertools
import math
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import course_lib as ours
from course_lib import printing

theirs = pytest.importorskip(
    "torch", reason="PyTorch is not installed: texts are not compared with it (extra `parity`)"
)

LIBRARIES = (ours, theirs)
FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
UNIT = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "test_printing.py"), run_name="recorded_texts")


@pytest.fixture(autouse=True)
def default_options():
    yield
    for library in LIBRARIES:
        library.set_printoptions(profile="default")


def both(array: np.ndarray, dtype: str) -> tuple:
    """The same tensor in both libraries. `array` holds float32 numbers where NumPy has no such dtype."""
    return tuple(library.from_numpy(array).to(getattr(library, dtype)) for library in LIBRARIES)


def assert_same_text(mine, reference) -> None:
    assert repr(mine) == repr(reference)


def in_both(expression: str, **names) -> tuple:
    return tuple(
        eval(expression, {"torch": library, "nan": math.nan, "inf": math.inf, **names}) for library in LIBRARIES
    )


# ---- the recorded texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("expression", "text"), UNIT["recorded"]())
def test_the_recorded_texts_are_pytorchs(expression, text):
    assert repr(eval(expression, {**UNIT["NAMES"], "torch": theirs})) == text


@pytest.mark.parametrize(("options", "expression", "text"), UNIT["OPTIONS"])
def test_the_recorded_option_texts_are_pytorchs(options, expression, text):
    names = {**UNIT["NAMES"], "torch": theirs}
    eval(f"torch.set_printoptions({options})", names)
    assert repr(eval(expression, names)) == text


# ---- the grid ----------------------------------------------------------------------------------------------------

VALUES = {
    "zeros": [0.0, -0.0, 0.0],
    "whole": [1.0, -2.0, 30.0, 0.0],
    "whole and not finite": [1.0, math.nan, -math.inf, 2.0],
    "not finite": [math.nan, math.inf, -math.inf],
    "zero and not finite": [0.0, math.inf],
    "fractions": [0.5, -0.25, 0.3333333, 12.75],
    "fractions and not finite": [0.1, -math.inf, math.nan, -0.0],
    "ratio of 1000": [1000.0, 1.0],
    "ratio over 1000": [1001.0, 1.0],
    "ratio over 1000 in fractions": [1500.5, -1.25],
    "large whole": [1e8, 1e6],
    "larger whole": [-1.1e8, 1e8],
    "limit of small": [1e-4, 1.0001e-4],
    "small": [9e-5, 0.0],
    "extremes": [3e38, 1e-45, -6e4],
    "rounding": [0.00005, 0.12345, 2.5, 0.99995],
}
SHAPES = [
    (),
    (0,),
    (1,),
    (5,),
    (23,),
    (2, 3),
    (2, 0),
    (1, 0, 2),
    (2, 1, 3),
    (2, 2, 1, 2),
    (1001,),
    (1, 1001),
    (9, 2, 60),
]
OPTIONS = [
    {},
    {"precision": 2, "linewidth": 40},
    {"precision": 0},
    {"precision": 9, "sci_mode": True},
    {"sci_mode": False, "linewidth": 100},
    {"threshold": 4, "edgeitems": 1},
    {"threshold": 0, "edgeitems": 2, "linewidth": 25},
    {"edgeitems": 0, "linewidth": 200},
    {"profile": "short"},
    {"linewidth": 1},
]


def id_of(options: dict) -> str:
    return ",".join(f"{name}={value}" for name, value in options.items()) or "default"


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize("options", OPTIONS, ids=id_of)
@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
def test_floats(dtype, options):
    for library in LIBRARIES:
        library.set_printoptions(**options)
    for values, shape in itertools.product(VALUES.values(), SHAPES):
        array = np.resize(np.array(values), shape)
        if dtype in COMPLEX:
            array = array.astype(dtype)
            array.imag = np.resize([*values[::-1], 1.0], shape)
        assert_same_text(*both(array.astype("float32" if dtype == "bfloat16" else dtype), dtype))


@pytest.mark.parametrize("options", OPTIONS, ids=id_of)
@pytest.mark.parametrize("dtype", (*INTEGERS, "bool"))
def test_integers(dtype, options):
    for library in LIBRARIES:
        library.set_printoptions(**options)
    limits = np.iinfo("uint8" if dtype == "bool" else dtype)
    for values, shape in itertools.product(([0, 1], [7, 100, 12], [limits.min, 0], [limits.max]), SHAPES):
        assert_same_text(*both(np.resize(np.array(values, dtype), shape), dtype))


@pytest.mark.parametrize("default", ("float16", "bfloat16", "float32", "float64"))
def test_which_dtypes_are_told(default):
    try:
        for library in LIBRARIES:
            library.set_default_dtype(getattr(library, default))
        for dtype, shape in itertools.product((*FLOATS, *COMPLEX, *INTEGERS, "bool"), ((), (0,), (2,), (0, 2))):
            assert_same_text(*both(np.ones(shape, "float32" if dtype == "bfloat16" else dtype), dtype))
    finally:
        for library in LIBRARIES:
            library.set_default_dtype(library.float32)


# ---- generated cases ---------------------------------------------------------------------------------------------

SEARCH = settings(max_examples=120, deadline=None, derandomize=True)
print_options = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 17),
        "threshold": st.integers(0, 60) | st.just(math.inf),
        "edgeitems": st.integers(0, 3),
        "linewidth": st.integers(-3, 160),
        "profile": st.sampled_from(["default", "short", "full", "unknown"]),
        "sci_mode": st.booleans(),
    },
)
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=7)
any_float = st.floats() | st.integers(-3000, 3000).map(float) | st.floats(-10, 10, width=16)


def compare_generated(array: np.ndarray, options: dict) -> None:
    for library in LIBRARIES:
        library.set_printoptions(**options)
    mine, reference = both(array, str(array.dtype))
    assert_same_text(mine, reference)
    if array.ndim > 1:
        assert_same_text(mine.transpose(0, -1), reference.transpose(0, -1))


@SEARCH
@given(array=hnp.arrays("float64", shapes, elements=any_float), options=print_options)
def test_any_float64(array, options):
    compare_generated(array, options)


@SEARCH
@given(array=hnp.arrays("float32", shapes, elements=st.floats(width=32)), options=print_options)
def test_any_float32(array, options):
    compare_generated(array, options)


@SEARCH
@given(array=hnp.arrays("complex128", shapes, elements=st.builds(complex, any_float, any_float)), options=print_options)
def test_any_complex(array, options):
    compare_generated(array, options)


@SEARCH
@given(array=st.sampled_from((*INTEGERS, "bool")).flatmap(lambda d: hnp.arrays(d, shapes)), options=print_options)
def test_any_integer(array, options):
    compare_generated(array, options)


@SEARCH
@given(small=st.floats(2.0**-100, 2.0**100, width=32), steps=st.integers(-2, 2))
def test_the_limit_between_the_styles(small, steps):
    """Pairs of float32 whose ratio is 1000 or a rounding error beside it."""
    large = np.float32(small) * np.float32(1000)
    for _ in range(abs(steps)):
        large = np.nextafter(large, np.float32(math.copysign(math.inf, steps)))
    assert_same_text(*both(np.array([small, large], np.float32), "float32"))


# ---- suffixes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "torch.zeros(9, dtype=torch.float64, requires_grad=True)",
        "torch.zeros(0, 2, dtype=torch.float64, requires_grad=True)",
        "torch.zeros(3, 3, dtype=torch.float64, requires_grad=True) * 2",
        "torch.zeros(0, 2, dtype=torch.float64, requires_grad=True) * 2",
        "torch.tensor(1.5, dtype=torch.bfloat16, requires_grad=True) * 2",
        "torch.zeros(2, 2, dtype=torch.complex128)",
    ],
)
def test_suffixes_wrap_at_every_linewidth(expression):
    mine, reference = in_both(expression)
    for linewidth in range(1, 100):
        for library in LIBRARIES:
            library.set_printoptions(linewidth=linewidth)
        assert_same_text(mine, reference)


@pytest.mark.parametrize(
    "expression",
    [
        "torch.ones(3, requires_grad=True)",
        "torch.ones(3, requires_grad=True).sum()",
        "torch.ones(2, 3, requires_grad=True).t()",
        "torch.ones(2, 3, requires_grad=True)[0]",
        "torch.ones(2, 3, requires_grad=True).detach()",
        "[torch.ones(2), torch.zeros(1, 2)]",
        "{'a': torch.tensor(1), 'b': (torch.tensor(2.5),)}",
        "torch.Size([2, 3]), torch.Size([]), torch.zeros(4).shape",
        "torch.float32, torch.int64, torch.bool, torch.complex64, torch.bfloat16, torch.float, torch.long",
        "torch.device('cpu'), torch.device('cuda:1'), torch.device('cuda', 0), torch.device('cuda')",
        "str(torch.device('cpu')), str(torch.device('cuda:1'))",
        "torch.max(torch.tensor([[1.0, 5.0], [7.0, 2.0]]), 1)",
        "torch.sort(torch.tensor([[3, 1], [2, 5]]))",
    ],
)
def test_texts_of_objects(expression):
    assert_same_text(*in_both(expression))
    assert_same_text(*in_both(f"str(({expression}))"))


def test_in_place_on_a_view_is_told():
    def program(torch):
        x = torch.ones(3, requires_grad=True) * 1
        x[0] = 2
        return x

    assert_same_text(*map(program, LIBRARIES))


# ---- subclasses and parameters -----------------------------------------------------------------------------------


def test_a_subclass():
    def program(torch):
        class Tagged(torch.Tensor):
            pass

        return [Tagged([[1.5] * 30] * 2), Tagged([]), Tagged([2.0]).requires_grad_()]

    for mine, reference in zip(*map(program, LIBRARIES), strict=True):
        assert_same_text(mine, reference)


@pytest.mark.parametrize("shape", [(2, 30), (), (0, 2)])
def test_parameters(shape):
    class Scale(theirs.nn.Parameter):
        pass

    for mine, reference in ((UNIT["Parameter"], theirs.nn.Parameter), (UNIT["Scale"], Scale)):
        text = printing.tensor_repr(mine(np.full(shape, 1.5, np.float32), requires_grad=True))
        assert text == repr(reference(theirs.full(shape, 1.5)))


# ---- format ------------------------------------------------------------------------------------------------------

ONE_VALUE = ["1.5", "-0.0", "nan", "3", "True", "1 + 2j", "1.5, dtype=torch.bfloat16", "0.1, requires_grad=True"]


def outcome(call) -> str:
    try:
        return call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("spec", ["", ".3f", "8.2e", "g", "+", "d", "x", "08.2f", "s", "%"])
@pytest.mark.parametrize("value", [*ONE_VALUE, "[1.5]", "[1, 2]"])
def test_format(value, spec):
    mine, reference = in_both(f"torch.tensor({value})")
    assert outcome(lambda: format(mine, spec)) == outcome(lambda: format(reference, spec))


# ---- options -----------------------------------------------------------------------------------------------------


@SEARCH
@given(calls=st.lists(print_options, max_size=3))
def test_options_add_up_as_pytorchs_do(calls):
    for library in LIBRARIES:
        library.set_printoptions(profile="default")
    for options in calls:
        for library in LIBRARIES:
            library.set_printoptions(**options)
    assert printing.get_printoptions() == theirs._tensor_str.get_printoptions()


@pytest.mark.parametrize(
    "options", [{"precision": -1}, {"precision": "two"}, {"threshold": "all"}, {"linewidth": "wide"}]
)
def test_options_that_make_no_sense_fail_alike(options):
    texts = []
    for library in LIBRARIES:
        library.set_printoptions(**options)
        texts.append(outcome(lambda library=library: repr(library.tensor([1.5, 2.0]))))
    assert texts[0] == texts[1]
