"""Small programs that hypothesis writes, run with PyTorch and with course_lib: what they leave behind must be equal.

A strategy draws one program as text (it may run the first lines with PyTorch to know the shape it continues from). It
names the library `T` and puts what is to be compared into `out`. A failing program is read, and kept, as it stands.
"""

from __future__ import annotations

import math
import os
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with (extra `parity`)")

# GENERATED_EXAMPLES=5000 looks at many more programs, at other ones in each run
MORE = int(os.environ.get("GENERATED_EXAMPLES", "0"))


def programs(strategy, count: int):
    """A test of `count` programs of a strategy; always the same ones, so that a commit cannot fail by chance."""
    chosen = settings(
        max_examples=MORE or count,
        derandomize=not MORE,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: chosen(given(program=strategy)(test))


# ---- running and comparing ---------------------------------------------------------------------------------------


def run(library, program: str):
    """What the program leaves in `out`, or the error that ended it."""
    names = {"T": library, "nan": math.nan, "inf": math.inf}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(program, names)
        except Exception as error:
            return error
    return names["out"]


def same(program: str) -> None:
    theirs, ours = run(torch, program), run(course_lib, program)
    try:
        compare(theirs, ours)
    except AssertionError as error:
        text = f"{error}\n--- PyTorch\n{theirs!r}\n--- course_lib\n{ours!r}\n--- program\n{program}"
        raise AssertionError(text) from None


def compare(theirs, ours) -> None:
    if isinstance(ours, NotImplementedError) and is_trivial(theirs):
        return  # PyTorch looks for a kernel only where there is something to compute
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        event(f"ends in {type(theirs).__name__}")
        assert type(ours) is type(theirs) or {type(ours), type(theirs)} <= TWO_MISTAKES
    elif isinstance(theirs, (tuple, list)):
        assert isinstance(ours, (tuple, list))
        assert len(ours) == len(theirs)
        for a, b in zip(theirs, ours, strict=True):
            compare(a, b)
    elif isinstance(theirs, torch.Tensor):
        compare_tensors(theirs, ours)
    elif isinstance(theirs, torch.dtype):
        assert str(ours) == str(theirs)
    elif isinstance(theirs, float):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    else:
        assert ours == theirs


# Where a call holds two mistakes, such as a wrong dtype and an empty dimension, either may be told.
TWO_MISTAKES = {IndexError, RuntimeError, NotImplementedError}


def is_trivial(found) -> bool:
    parts = found if isinstance(found, tuple) else (found,)
    return all(isinstance(part, torch.Tensor) and part.numel() <= 1 for part in parts)


TOLERANCE = {torch.float16: 2e-3, torch.bfloat16: 2e-2, torch.float32: 2e-5, torch.complex64: 2e-5}


def compare_tensors(theirs, ours) -> None:
    assert isinstance(ours, course_lib.Tensor)
    assert str(ours.dtype) == str(theirs.dtype)
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert ours.requires_grad == theirs.requires_grad
    a, b = np.array(theirs.tolist()), np.array(ours.tolist())
    if theirs.is_floating_point() or theirs.is_complex():
        tolerance = TOLERANCE.get(theirs.dtype, 1e-10)
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(b, a)


# ---- pieces of programs ------------------------------------------------------------------------------------------

SIZES = st.sampled_from([0, 1, 1, 2, 2, 3, 3, 4])
SHAPES = st.lists(SIZES, max_size=4).filter(lambda shape: math.prod(shape) <= 64)
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
DTYPES = ("bool", *INTEGERS, *FLOATS, "complex64", "complex128")


def value_of(lines: str, name: str = "x"):
    """A variable of a program's first lines, computed with PyTorch."""
    return run(torch, f"{lines}\nout = {name}")


def range_tensor(shape, dtype: str) -> str:
    return f"T.arange({math.prod(shape)}).reshape({tuple(shape)}).to(T.{dtype})"


@st.composite
def view_step(draw, x) -> str:
    """One view of `x`, as text after `x`; nearly always a possible one."""
    ndim, shape = x.ndim, tuple(x.shape)
    dims = st.integers(-ndim, ndim - 1) if ndim else st.just(0)
    kind = draw(st.sampled_from(STEPS if ndim else STEPS_OF_A_NUMBER))
    if kind == "transpose":
        return f".transpose({draw(dims)}, {draw(dims)})"
    if kind == "permute":
        return f".permute({draw(st.permutations(range(ndim)))})"
    if kind == "movedim":
        return f".movedim({draw(dims)}, {draw(dims)})"
    if kind == "slice":
        return f"[{draw(st.lists(slices(), min_size=1, max_size=ndim).map(', '.join))}]"
    if kind == "basic":
        return f"[{draw(basic_key(shape))}]"
    if kind == "select":
        dim = draw(dims)
        return f".select({dim}, {draw(positions(shape[dim]))})"
    if kind == "narrow":
        dim = draw(dims)
        start = draw(st.integers(0, shape[dim]))
        return f".narrow({dim}, {start}, {draw(st.integers(0, shape[dim] - start))})"
    if kind == "squeeze":
        return draw(st.sampled_from([".squeeze()", f".squeeze({draw(dims)})"]))
    if kind == "unsqueeze":
        return f".unsqueeze({draw(st.integers(-ndim - 1, ndim))})"
    if kind == "expand":
        sizes = [draw(st.sampled_from([-1, 3, 0, 1])) if n == 1 else draw(st.sampled_from([-1, n])) for n in shape]
        lead = draw(st.lists(st.integers(0, 3), max_size=2)) if math.prod(shape) <= 16 else []
        return f".expand({[*lead, *sizes]})"
    if kind in ("view", "reshape"):
        return f".{kind}({draw(shape_of_count(math.prod(shape)))})"
    if kind == "flatten":
        return f".flatten({draw(dims)}, {draw(dims)})"
    if kind == "unflatten":
        dim = draw(dims)
        return f".unflatten({dim}, {draw(shape_of_count(shape[dim]).filter(bool))})"
    if kind == "diagonal":
        return f".diagonal({draw(st.integers(-3, 3))}, {draw(dims)}, {draw(dims)})"
    if kind == "unfold":
        dim = draw(dims)
        size = draw(st.integers(0, shape[dim] if ndim else 1))
        return f".unfold({dim}, {size}, {draw(st.integers(1, 3))})"
    if kind == "as_strided" and not x.numel():
        return ".contiguous()"  # an empty view keeps no place in memory to start from
    if kind == "as_strided":
        size = draw(st.lists(st.integers(0, 3), max_size=3))
        strides = [draw(st.integers(0, 4)) for _ in size]
        offset = draw(st.sampled_from(["", "", ", 0", ", 1", ", 2", ", 5", ", -1"]))
        return f".as_strided({tuple(size)}, {tuple(strides)}{offset})"
    return kind


STEPS = ("transpose", "permute", "movedim", "slice", "slice", "basic", "select", "narrow", "squeeze", "unsqueeze",
         "expand", "view", "reshape", "flatten", "unflatten", "diagonal", "unfold", "as_strided", ".mT", ".T",
         ".detach()", ".unbind(-1)[-1]", ".chunk(2, 0)[0]", ".split(2, -1)[-1]", ".flip(0)", ".contiguous()",
         ".tensor_split(2)[1]")  # fmt: skip
STEPS_OF_A_NUMBER = ("unsqueeze", "expand", "view", "reshape", "as_strided", "squeeze", "unfold", ".T")


@st.composite
def shape_of_count(draw, count: int) -> list[int]:
    """Sizes with that product, perhaps one of them -1, rarely wrong ones."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.lists(st.sampled_from([-1, 0, 1, 2, 3, -2]), max_size=3))
    sizes, rest = [], count
    while rest > 1 and draw(st.booleans()):
        divisor = draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0]))
        sizes.append(divisor)
        rest //= divisor
    sizes.append(rest)
    sizes = draw(st.permutations([*sizes, *[1] * draw(st.integers(0, 1))]))
    if draw(st.integers(0, 2)) == 0:
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    return sizes


@st.composite
def sources(draw, steps: int = 3, dtypes=("int64",)) -> str:
    """Lines that make `base` and a view or copy of it, `x`."""
    shape = draw(SHAPES)
    lines = f"base = {range_tensor(shape, draw(st.sampled_from(dtypes)))}\nx = base"
    for _ in range(draw(st.integers(0, steps))):
        x = value_of(lines)
        if isinstance(x, Exception):
            break
        if x.numel() > 64:
            break
        lines += f"\nx = x{draw(view_step(x))}"
    return lines


# ---- keys --------------------------------------------------------------------------------------------------------


def inside(length: int):
    """Positions of a dimension (0 where it has none)."""
    return st.integers(-length, max(length - 1, -length))


def positions(length: int):
    """Positions of a dimension, very rarely one outside."""
    return st.one_of(*[inside(length)] * 12, st.sampled_from([length, -length - 1]))


def slices():
    part, step = st.sampled_from(["", "", "0", "1", "2", "-1", "-2", "5"]), st.sampled_from(["", "", "1", "2", "3"])
    return st.builds(lambda a, b, c: f"{a}:{b}:{c}".removesuffix(":"), part, part, step)


@st.composite
def basic_key(draw, shape) -> str:
    entries, dim = [], 0
    while dim < len(shape) and draw(st.integers(0, 3)):
        kind = draw(st.sampled_from(["int", "slice", "None"]))
        if kind == "None" and len(entries) < 6:
            entries.append("None")
            continue
        entries.append(str(draw(positions(shape[dim]))) if kind == "int" else draw(slices()))
        dim += 1
    if draw(st.integers(0, 2)) == 0 or not entries:
        entries.insert(draw(st.integers(0, len(entries))), "...")
    return ", ".join(entries)


@st.composite
def key(draw, shape) -> str:
    """Any mixture of numbers, slices, None, `...`, lists, masks and index tensors over some dimensions of `shape`."""
    covered = draw(st.integers(0, len(shape)))
    in_front = draw(st.booleans())  # the key is about the first dimensions, or, after `...`, about the last ones
    shape, rest = (shape[:covered], shape[covered:]) if in_front else (shape[-covered:] if covered else (), shape)
    entries, dim, common = [], 0, draw(st.lists(st.integers(0, 3), max_size=2))
    while dim < len(shape):
        kind = draw(st.sampled_from(KEYS if len(entries) < 6 else KEYS[:2]))
        length = shape[dim]
        if length == 0 and kind in ("list", "tensor"):  # where nothing is picked, PyTorch does not look at positions
            kind = "slice"
        if kind in ("None", "True", "False"):
            entries.append(kind)
            continue
        if kind == "int":
            entries.append(str(draw(positions(length))))
        elif kind == "number":
            entries.append(f"T.tensor({draw(positions(length))})")
        elif kind == "slice":
            entries.append(draw(slices()))
        elif kind == "list":
            entries.append(str(draw(st.lists(inside(length), min_size=1, max_size=3))))
        elif kind == "mask":
            covered = tuple(shape[dim : dim + draw(st.integers(1, 2))])
            bits = draw(st.lists(st.booleans(), min_size=math.prod(covered), max_size=math.prod(covered)))
            entries.append(f"T.tensor({bits}, dtype=T.bool).reshape({covered})")
            dim += len(covered) - 1
        else:
            shape_here = common[draw(st.integers(0, len(common))) :]
            shape_here = [draw(st.sampled_from([n, n, n, 1])) for n in shape_here]
            count = math.prod(shape_here)
            picks = draw(st.lists(inside(length), min_size=count, max_size=count))
            dtype = draw(st.sampled_from(["int64", "int64", "int32"]))
            entries.append(f"T.tensor({picks}, dtype=T.{dtype}).reshape({tuple(shape_here)})")
        dim += 1
    if not in_front or not entries:
        entries.insert(0, "...")
    elif draw(st.integers(0, 2)) == 0:
        entries.insert(len(entries) if rest else draw(st.integers(0, len(entries))), "...")
    return ", ".join(entries)


KEYS = ("int", "slice", "None", "list", "mask", "tensor", "tensor", "number", "True", "False")


@st.composite
def shape_that_broadcasts_to(draw, shape) -> list[int]:
    """Some dimensions left out in front, some of size 1; rarely a dimension that does not fit."""
    shape = list(shape)[draw(st.integers(0, len(shape))) :]
    odd = draw(st.integers(0, 19)) == 0
    return [draw(st.sampled_from([n, n, 1] + [2] * odd)) for n in shape]


# ---- views: values, strides, or the error ------------------------------------------------------------------------

GEOMETRY = """
def steps(t):  # a dimension of size 1 takes no step
    return [step for n, step in zip(t.shape, t.stride()) if n != 1]


def geometry(t):  # where nothing lies, no place counts
    place = (steps(t), t.storage_offset(), t.data_ptr() == base.data_ptr()) if t.numel() else ()
    return tuple(t.shape), t.is_contiguous(), t._is_view(), place


"""


@st.composite
def view_programs(draw) -> str:
    lines = draw(sources(steps=4, dtypes=("int64", "float32", "uint8", "complex64")))
    write = draw(st.sampled_from(["", "x.mul_(2)", "x.fill_(7)", "x += 1", "x.zero_()", "x.copy_(x + 1)", "x.sub_(x)"]))
    if ".unfold" in lines or ".as_strided" in lines:  # where elements overlap, only equal numbers have one meaning
        write = "x.fill_(7)"
    return GEOMETRY + lines + f"\nout = [x.clone(), geometry(x)]\n{write}\nout += [x, base, x._version, base._version]"


@programs(view_programs(), 700)
def test_views(program):
    same(program)


# ---- indexing ----------------------------------------------------------------------------------------------------


@st.composite
def reading_programs(draw) -> str:
    lines = draw(sources(steps=2, dtypes=("int64", "float32", "bool")))
    x = value_of(lines)
    if isinstance(x, Exception):
        return f"{lines}\nout = x"
    lines += f"\ny = x[{draw(key(tuple(x.shape)))}]\nout = [y]"
    lines += "\nif y.numel():\n    out += [steps(y) if y._is_view() else None, y.data_ptr() == x.data_ptr()]"
    return GEOMETRY + lines


@programs(reading_programs(), 700)
def test_indexing(program):
    same(program)


@st.composite
def writing_programs(draw) -> str:
    lines = draw(sources(steps=2, dtypes=("int64", "float32", "uint8", "bool")))
    if ".expand" in lines or ".as_strided" in lines:  # PyTorch writes where elements overlap, with a warning
        lines += "\nx = x.clone()"
    x = value_of(lines)
    if isinstance(x, Exception):
        return f"{lines}\nout = x"
    where = draw(key(tuple(x.shape)))
    part = value_of(f"{lines}\npart = x[{where}]", "part")
    if isinstance(part, Exception) or draw(st.booleans()):
        value = draw(st.sampled_from(["5", "-3", "True", "2.5", "T.tensor(9)",
                                      "T.tensor(2.5)", "T.tensor([])", "x + x"]))  # fmt: skip
    else:
        shape = draw(shape_that_broadcasts_to(part.shape))
        value = f"T.arange({math.prod(shape)}).add({draw(st.integers(0, 100))}).reshape({tuple(shape)}).to(x.dtype)"
    how = draw(st.sampled_from([f"x[{where}] = {value}", f"x[{where}] = {value}", f"x[{where}] += {value}"]))
    return f"{lines}\n{how}\nout = x, base, x._version"


@programs(writing_programs(), 700)
def test_writing_at_an_index(program):
    same(program)


# ---- reductions --------------------------------------------------------------------------------------------------

SOME_DIMS = ("sum", "mean", "amax", "amin", "std", "var", "logsumexp", "nansum", "count_nonzero", "any", "all", "norm")
ONE_DIM = ("prod", "max", "min", "argmax", "argmin", "median", "cumsum", "cumprod", "logcumsumexp", "softmax",
           "cummax", "cummin", "any", "all", "flip", "unbind", "diff", "argsort", "sort")  # fmt: skip


@st.composite
def reduction_programs(draw) -> str:
    lines = draw(sources(steps=2, dtypes=DTYPES))
    x = value_of(lines)
    ndim = 0 if isinstance(x, Exception) else x.ndim
    dims = st.integers(-ndim, ndim - 1) if ndim else st.sampled_from([0, -1])
    arguments: list[str] = []
    if draw(st.booleans()):
        name = draw(st.sampled_from(SOME_DIMS))
        if draw(st.booleans()):
            dim = draw(st.one_of(dims, st.lists(dims, min_size=1, max_size=3), st.just(ndim)))
            arguments.append(f"dim={dim}")
            if name != "count_nonzero":
                arguments += draw(st.sampled_from([[], ["keepdim=True"]]))
        if name in ("sum", "mean"):
            arguments += draw(st.sampled_from([[], [], [f"dtype=T.{draw(st.sampled_from(DTYPES))}"]]))
        if name in ("std", "var"):
            arguments += draw(st.sampled_from([[], ["unbiased=False"]]))
    else:
        name = draw(st.sampled_from(ONE_DIM))
        if draw(st.integers(0, 3)) or name not in ("prod", "max", "min", "argmax", "argmin", "median", "any", "all"):
            arguments.append(f"{'dims' if name == 'flip' else 'dim'}={draw(dims) if name != 'flip' else [draw(dims)]}")
            if name in ("prod", "max", "min", "argmax", "argmin", "any", "all", "median"):
                arguments += draw(st.sampled_from([[], ["keepdim=True"]]))
        if name in ("sort", "argsort"):
            arguments += ["stable=True", f"descending={draw(st.booleans())}"]
    if draw(st.integers(0, 3)) == 0:
        lines += "\nx = x * 0" if draw(st.booleans()) else "\nx = x % 2"
    return f"{lines}\nout = x.{name}({', '.join(arguments)})"


@programs(reduction_programs(), 900)
def test_reductions(program):
    same(program)


# ---- arithmetic --------------------------------------------------------------------------------------------------

OPERATORS = ("+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "&", "|", "^", "@", "<<", ">>")
FUNCTIONS = ("maximum", "minimum", "fmod", "remainder", "floor_divide", "true_divide", "atan2", "hypot", "logical_and",
             "logical_xor", "result_type", "where", "lerp", "add", "sub", "copysign", "isclose", "equal", "pow", "gcd",
             "xlogy", "float_power", "nextafter", "bitwise_and", "logaddexp", "dist",
             "allclose", "eq", "outer", "kron", "fmin")  # fmt: skip
NUMBERS = ("0", "1", "2", "3", "-1", "-3", "7", "0.5", "-2.5", "True", "False", "2j", "1+1j", "300", "inf", "nan")


@st.composite
def operand(draw, shape, dtype: str | None = None) -> str:
    """A tensor of some dtype whose shape broadcasts to `shape`, or a Python number."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(NUMBERS))
    shape = draw(shape_that_broadcasts_to(shape))
    dtype = draw(st.sampled_from(DTYPES))
    count = math.prod(shape)
    small = [0, 1, 2, 3, 5, 7] if dtype in ("bool", "uint8") else [-7, -3, -2, -1, 0, 1, 2, 3, 5]
    if dtype in FLOATS:
        small += [0.5, -2.5, math.inf, math.nan]
    numbers = draw(st.lists(st.sampled_from(small), min_size=count, max_size=count))
    made = f"T.tensor({numbers}, dtype=T.{dtype}).reshape({tuple(shape)})"
    return made + draw(st.sampled_from(["", "", ".T.contiguous().T" if len(shape) == 2 else ""]))


@st.composite
def arithmetic_programs(draw) -> str:
    shape = draw(SHAPES.filter(lambda shape: math.prod(shape) <= 24))
    a, b = draw(operand(shape)), draw(operand(shape))
    if "T." not in a and "T." not in b:
        a = f"T.tensor({a})"
    lines = f"a = {a}\nb = {b}\n"
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(FUNCTIONS))
        if name == "where":
            condition = draw(st.sampled_from(["T.tensor(True)", "T.tensor([False])", "T.as_tensor(a) == b"]))
            return lines + f"out = T.where({condition}, a, b)"
        return lines + f"out = T.{name}(a, b{', 0.5' if name == 'lerp' else ''})"
    sign = draw(st.sampled_from(OPERATORS))
    if draw(st.integers(0, 3)) == 0 and sign not in ("==", "!=", "<", "<=", ">", ">=", "@"):
        return lines + f"kept = a\na {sign}= b\nout = a, kept"
    return lines + f"out = a {sign} b"


@programs(arithmetic_programs(), 1500)
def test_arithmetic(program):
    same(program)


# ---- in place, with a gradient -----------------------------------------------------------------------------------

IN_PLACE = (".mul_(2)", ".add_(1)", ".mul_(w)", ".add_(w * w)", ".sin_()", ".zero_()", ".fill_(3)", ".copy_(w)",
            ".exp_()", ".pow_(2)", ".sigmoid_()", ".div_(w + 2)", ".neg_()", ".clamp_(min=1)", ".sqrt_()", ".relu_()",
            ".mul_(x.sum())", ".add_(y.detach().sum())",
            "[0] = w", ".masked_fill_(T.tensor(True), w)", ".squeeze_()", ".unsqueeze_(0)",
            ".mul_(v.detach())", ".mul_(v)")  # fmt: skip


KIND = """
def kind(node):  # SqueezeBackward0, SqueezeBackward1, …: the overload does not matter
    return node and node.name().rpartition("::")[2].rstrip("0123456789")
"""


@st.composite
def gradient_programs(draw) -> str:
    """A leaf, a copy y of it, views of y, changes of y and of the views in any order, and the gradients."""
    shape = draw(SHAPES.filter(lambda shape: math.prod(shape) <= 24))
    lines = f"base = T.linspace(0.5, 1.5, {math.prod(shape)}, dtype=T.float64).reshape({tuple(shape)})\n"
    lines += "x = base.clone().requires_grad_()\nw = T.tensor(1.5, dtype=T.float64, requires_grad=True)\n"
    lines += f"y = {draw(st.sampled_from(['x * 1', 'x.clone()', 'x.exp()', 'x', 'x.sigmoid()', 'x * x']))}\nv = y"
    names = ["y", "v"]
    for _ in range(draw(st.integers(1, 5))):
        name = draw(st.sampled_from(names))
        if draw(st.integers(0, 2)) == 0:
            now = value_of(lines, name)
            if isinstance(now, Exception) or now.numel() > 64:
                break
            lines += f"\nv = {name}{draw(view_step(now))}"
        elif len(names) < 4 and draw(st.integers(0, 3)) == 0:
            other = f"u{len(names)}"
            lines += f"\n{other} = {draw(st.sampled_from(['y * y', 'v * 2', 'v.sin()', 'y[...]', 'v.view_as(v)']))}"
            names.append(other)
        elif draw(st.integers(0, 9)) == 0:
            change = draw(st.sampled_from([change for change in IN_PLACE if "squeeze" not in change]))
            lines += f"\nwith T.no_grad():\n    {name}{change}"
        else:
            lines += f"\n{name}{draw(st.sampled_from(IN_PLACE))}"
    total = " + ".join(f"({name} * T.arange(1, {name}.numel() + 1).reshape({name}.shape)).sum()" for name in names)
    about = ", ".join(f"{name}.is_leaf, {name}._version, kind({name}.grad_fn)" for name in names)
    lines = f"{KIND}{lines}\nout = [{', '.join(names)}, {about}]\nloss = {total}"
    return f"{lines}\nout += [loss]\nloss.backward()\nout += [x.grad, w.grad, base]"


@programs(gradient_programs(), 700)
def test_in_place_changes_with_a_gradient(program):
    same(program)
