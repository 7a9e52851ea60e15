"""PyTorch's operator database, run on both libraries.

Each entry of `op_db` brings sample inputs and error inputs. `check(op)` runs them with real PyTorch and with course_lib
and returns the differences, one line an aspect: `forward[float32]`, `gradient`, `second gradient`, `strides`, `errors`.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import warnings

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_utils import set_default_dtype
from twins import convert, difference, flat, gradient_difference, gradients, twin_of_error

import course_lib

FORWARD_DTYPES = (torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64, torch.bfloat16)
MOST_SAMPLES = 60  # of one dtype; a few ops have thousands
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
    return args, named, *convert((args, named))


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
            problem = difference(expected, got, _comparing(op.name))
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


def _comparing(name: str):
    """Which results of the function of this name have numbers that can be compared."""
    if name in UNINITIALISED:
        return lambda position, tensor: False
    if name in ANY_ORDER_OF_TIES:
        return lambda position, tensor: tensor.dtype is not torch.int64 or not (position or name == "argsort")
    return lambda position, tensor: True


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
            problem = gradient_difference(expected, got)
        except Exception as error:
            problem = f"{type(error).__name__}: {str(error)[:80]}"
        if problem:
            problems[problem] += 1
            continue
        if expected_second:
            try:
                problem = gradient_difference(expected_second, gradients(course_lib, got, inputs))
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
                if not issubclass(type(error), twin_of_error(expected)):
                    problems[f"{type(error).__name__} instead of {expected.__name__}"] += 1
            else:
                problems[f"no error instead of {expected.__name__}"] += 1
    if problems:
        found["errors"] = f"{sum(problems.values())} of {total}: {problems.most_common(1)[0][0]}"
