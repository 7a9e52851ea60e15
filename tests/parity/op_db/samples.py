"""PyTorch's operator database, run on both libraries.

Each entry of `op_db` brings sample inputs and error inputs. `check(op)` runs them with real PyTorch and with course_lib
and returns the differences, one line an aspect: `forward[float32]`, `gradient`, `second gradient`, `strides`, `errors`.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import warnings

import ml_dtypes
import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_utils import set_default_dtype

import course_lib

FORWARD_DTYPES = (torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64, torch.bfloat16)
MOST_SAMPLES = 60  # of one dtype; a few ops have thousands
TOLERANCE = {"float32": (2e-4, 2e-5), "float64": (1e-7, 1e-9), "complex64": (2e-4, 2e-5),
             "complex128": (1e-7, 1e-9), "bfloat16": (3e-2, 1e-2)}  # fmt: skip
UNINITIALISED = {"empty", "empty_like", "new_empty", "new_empty_strided", "empty_strided", "empty_permuted"}
ANY_ORDER_OF_TIES = {"sort", "argsort", "topk", "msort", "kthvalue", "mode", "median", "nanmedian"}


def variants():
    """(name, entry) of the database; an entry with a variant is called `name/variant`."""
    for op in op_db:
        yield f"{op.name}/{op.variant_test_name}" if op.variant_test_name else op.name, op


ADAPTED = {  # where the database calls something else than the function of that name
    "where": lambda input, condition, other: course_lib.where(condition, input, other),
    "rand_like": lambda *args, **named: course_lib.randn_like(*args, **named),
    "normal/number_mean": lambda std, mean, *args, **named: course_lib.normal(mean, std, *args, **named),
    "normal/in_place": lambda *args, **named: course_lib.Tensor.normal_(*args, **named),
    "nn.functional.embedding": lambda weight, input, *args, **named: course_lib.nn.functional.embedding(
        input, weight, *args, **named
    ),
    "nn.functional.embedding_bag": lambda weight, input, *args, **named: course_lib.nn.functional.embedding_bag(
        input, weight, *args, **named
    ),
    "zero_": lambda tensor: tensor.clone().zero_(),
    "einsum": lambda tensors, equation: course_lib.einsum(equation, tensors),
    "linalg.lstsq/grad_oriented": lambda a, b, driver: course_lib.linalg.lstsq(a, b, driver=driver)[:2],
    "linalg.pinv/singular": lambda a, b: course_lib.linalg.pinv(a @ b.mT, hermitian=False),
    "svd_lowrank": lambda a, b, **named: course_lib.svd_lowrank(a @ b.mT, **named),
    "pca_lowrank": lambda a, b, **named: course_lib.pca_lowrank(a @ b.mT, **named),
    **{
        name: (lambda tensor, *args, name=name, **named: getattr(tensor, name + "_")(*args, **named))
        for name in ("cauchy", "exponential", "geometric", "log_normal", "uniform")
    },
    **{name: (lambda tensor, name=name: getattr(tensor, name)) for name in ("T", "H", "mT", "mH")},
}


def function_of(name: str, variant: str = ""):
    """The library's function of this name, a property as a function, or None if there is none."""
    adapted = ADAPTED.get(f"{name}/{variant}") or ADAPTED.get(name)
    if adapted is not None:
        return adapted
    found = course_lib
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None or isinstance(found, course_lib.dtype):
        found = getattr(course_lib.Tensor, name, None)
    return found


# ---- from PyTorch's values to the library's ------------------------------------------------------------------------


def convert(value):
    """The library's twin of a PyTorch value: same numbers, strides, dtype and requires_grad."""
    if isinstance(value, torch.Tensor):
        return _convert_tensor(value)
    if isinstance(value, torch.dtype):
        return getattr(course_lib, str(value).removeprefix("torch."), value)
    if isinstance(value, torch.device):
        return course_lib.device(str(value))
    if isinstance(value, torch.Size):
        return course_lib.Size(value)
    if isinstance(value, torch.memory_format):
        return getattr(course_lib, str(value).removeprefix("torch."))
    if isinstance(value, torch.layout):
        return course_lib.strided
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(convert(item) for item in value)
    if isinstance(value, dict):
        return {key: convert(item) for key, item in value.items()}
    if isinstance(value, torch.nn.PairwiseDistance):
        return course_lib.nn.functional.pairwise_distance
    return value




def _convert_tensor(tensor):
    values = tensor.detach().resolve_conj().resolve_neg()
    memory = torch.empty(0, dtype=values.dtype).set_(values.untyped_storage())
    if values.dtype is torch.bfloat16:
        array = memory.float().numpy().astype(ml_dtypes.bfloat16)
    else:
        array = memory.numpy().copy()
    if values.numel():
        made = course_lib.from_numpy(array).as_strided(values.shape, values.stride(), values.storage_offset()).detach()
    else:
        made = course_lib.from_numpy(np.zeros(values.shape, array.dtype))
    return made.requires_grad_() if tensor.requires_grad else made


def numbers(tensor) -> np.ndarray:
    if isinstance(tensor, torch.Tensor):
        tensor = tensor.detach().resolve_conj().resolve_neg()
        return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy(force=True)
    array = tensor._array
    return array.astype("f4") if array.dtype.kind == "V" else array


def flat(value) -> list:
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flat(item)]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in flat(item)]
    return [value]


def is_tensor(value) -> bool:
    return isinstance(value, (torch.Tensor, course_lib.Tensor))


# ---- comparing -----------------------------------------------------------------------------------------------------


def difference(expected, got, name: str = "", values: bool = True) -> str | None:
    """What is different between two results, in a few words, or None."""
    expected, got = flat(expected), flat(got)
    if len(expected) != len(got):
        return f"{len(got)} results instead of {len(expected)}"
    for position, (a, b) in enumerate(zip(expected, got, strict=True)):
        if not isinstance(a, torch.Tensor):
            if a != b and a == a and isinstance(a, (bool, int, float, complex)):
                return f"{b!r} instead of {a!r}"
            continue
        if not isinstance(b, course_lib.Tensor):
            return f"a {type(b).__name__} instead of a tensor"
        if str(a.dtype) != repr(b.dtype):
            return f"dtype {b.dtype} instead of {a.dtype}"
        if tuple(a.shape) != tuple(b.shape):
            return f"shape {tuple(b.shape)} instead of {tuple(a.shape)}"
        if not values or (name in ANY_ORDER_OF_TIES and a.dtype is torch.int64 and (position or name == "argsort")):
            continue
        relative, absolute = TOLERANCE.get(str(a.dtype).removeprefix("torch."), (0, 0))
        if not np.allclose(numbers(b), numbers(a), relative, absolute, equal_nan=True):
            return "values"
    return None


def gradients(library, result, inputs, create_graph: bool = False):
    """d(sum of |result|^2) / d(inputs), None where nothing can be differentiated."""
    total = None
    for out in flat(result):
        if is_tensor(out) and out.requires_grad:
            size = out.abs() if out.is_complex() else out
            part = (size * size).sum()
            total = part if total is None else total + part
    if total is None or not inputs:
        return None
    return library.autograd.grad(total, inputs, allow_unused=True, create_graph=create_graph)


def _gradient_difference(expected, got) -> str | None:
    if (expected is None) != (got is None):
        return "requires_grad of the result"
    for a, b in zip(expected or (), got or (), strict=True):
        if a is None or b is None:
            present = a if b is None else b
            if present is not None and numbers(present).any():
                return "no gradient for an input" if b is None else "a gradient that should not be"
        elif found := difference(a, b):
            return found
    return None


# ---- one entry -----------------------------------------------------------------------------------------------------


def check(op) -> dict[str, str]:
    """Every aspect of one database entry that differs, with the difference; 'missing' if there is no such function."""
    function = function_of(op.name, op.variant_test_name)
    if function is None:
        return {"missing": "not implemented"}
    found: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in FORWARD_DTYPES:
            if dtype in op.supported_dtypes("cpu"):
                _check_forward(op, function, dtype, found)
        if op.supports_autograd and torch.float64 in op.supported_dtypes("cpu"):
            _check_gradients(op, function, found)
        _check_errors(op, function, found)
    return found


def _samples(op, dtype, requires_grad: bool = False):
    with contextlib.suppress(Exception):
        yield from itertools.islice(op.sample_inputs("cpu", dtype, requires_grad=requires_grad), MOST_SAMPLES)


def _arguments(sample):
    args, named = (sample.input, *sample.args), dict(sample.kwargs)
    return args, named, convert(args), convert(named)


def _run(function, args, named):
    torch.manual_seed(42)  # the database's own wrapper of random ops uses this seed
    course_lib.manual_seed(42)
    return function(*args, **named)


def _check_forward(op, function, dtype, found: dict) -> None:
    name = str(dtype).removeprefix("torch.")
    problems: collections.Counter = collections.Counter()
    strides = noisy = 0
    count = 0
    for sample in _samples(op, dtype):
        count += 1
        try:
            args, named, twins, named_twins = _arguments(sample)
            expected = _run(op.op, args, named)
        except Exception:
            continue
        try:
            got, warned = _run_watched(function, twins, named_twins)
            problem = difference(expected, got, op.name, op.name not in UNINITIALISED)
        except Exception as error:
            problem = f"{type(error).__name__}: {str(error)[:80]}"
        if problem:
            problems[problem] += 1
        elif dtype is torch.float32:
            strides += not _same_layout(expected, got, [args, named], [twins, named_twins])
            noisy += warned
    if problems:
        found[f"forward[{name}]"] = f"{sum(problems.values())} of {count}: {problems.most_common(1)[0][0]}"
    if strides:
        found["strides"] = f"{strides} of {count}"
    if noisy:
        found["warnings"] = f"NumPy's warning came through in {noisy} of {count}"


def _run_watched(function, args, named):
    """(result, whether a NumPy warning reached the user)."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"course_lib\.")  # the library's own filter
        result = _run(function, args, named)
    return result, any(issubclass(w.category, (RuntimeWarning, DeprecationWarning)) for w in seen)


def _same_layout(expected, got, inputs, twins) -> bool:
    """Whether the results have PyTorch's strides, and share memory with an input where PyTorch's do."""
    inputs = [t.untyped_storage().data_ptr() for t in flat(inputs) if isinstance(t, torch.Tensor)]
    twins = [t._array for t in flat(twins) if isinstance(t, course_lib.Tensor)]
    for a, b in zip(flat(expected), flat(got), strict=True):
        if isinstance(a, torch.Tensor) and a.numel() > 1:
            steps = [(x, y) for n, x, y in zip(a.shape, a.stride(), b.stride(), strict=True) if n > 1]
            shares = any(np.may_share_memory(b._array, twin) for twin in twins)
            if any(x != y for x, y in steps) or (a.untyped_storage().data_ptr() in inputs) != shares:
                return False
    return True


def _check_gradients(op, function, found: dict) -> None:
    problems: collections.Counter = collections.Counter()
    second: collections.Counter = collections.Counter()
    for position, sample in enumerate(_samples(op, torch.float64, requires_grad=True)):
        try:
            args, named, twins, named_twins = _arguments(sample)
            inputs = [t for t in flat([args, named]) if isinstance(t, torch.Tensor) and t.requires_grad]
            again = op.supports_gradgrad and position < 4
            expected = gradients(torch, _run(op.op, args, named), inputs, again)
            expected_second = gradients(torch, expected, inputs) if again and expected else None
        except Exception:
            continue
        try:
            inputs = [t for t in flat([twins, named_twins]) if isinstance(t, course_lib.Tensor) and t.requires_grad]
            got = gradients(course_lib, _run(function, twins, named_twins), inputs, again)
            problem = _gradient_difference(expected, got)
        except Exception as error:
            problem = f"{type(error).__name__}: {str(error)[:80]}"
        if problem:
            problems[problem] += 1
            continue
        if expected_second:
            try:
                problem = _gradient_difference(expected_second, gradients(course_lib, got, inputs))
            except Exception as error:
                problem = f"{type(error).__name__}: {str(error)[:80]}"
            if problem:
                second[problem] += 1
    for aspect, counted in (("gradient", problems), ("second gradient", second)):
        if counted:
            found[aspect] = f"{sum(counted.values())}: {counted.most_common(1)[0][0]}"


def _check_errors(op, function, found: dict) -> None:
    """Inputs that PyTorch refuses must raise the same type of error (or a more special one)."""
    problems: collections.Counter = collections.Counter()
    total = 0
    if op.error_inputs_func is None:
        return
    with set_default_dtype(torch.float32):
        try:
            cases = list(op.error_inputs("cpu"))
        except Exception:
            return
        for case in cases:
            try:
                args, named, twins, named_twins = _arguments(case.sample_input)
            except Exception:
                continue
            try:
                op.op(*args, **named)
            except Exception as error:
                expected = type(error)
            else:
                continue
            total += 1
            try:
                function(*twins, **named_twins)
            except Exception as error:
                if not issubclass(type(error), _twin_of(expected)):
                    problems[f"{type(error).__name__} instead of {expected.__name__}"] += 1
            else:
                problems[f"no error instead of {expected.__name__}"] += 1
    if problems:
        found["errors"] = f"{sum(problems.values())} of {total}: {problems.most_common(1)[0][0]}"


def _twin_of(error: type) -> type:
    return RuntimeError if error.__module__.startswith("torch") else error
