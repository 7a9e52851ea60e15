"""Every operator of PyTorch's database, traced and read back from a file, gives what the call itself gives."""

from __future__ import annotations

import io
import itertools
import warnings

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: its operator database cannot be run")
pytest.importorskip("expecttest", reason="the operator database of PyTorch needs the package expecttest")

import torch as real
from op_db import samples
from op_db.status import DATABASE

import course_lib as torch
from course_lib.jit.graph import leaves, replaced

OF_EACH = 2  # samples
NOT_COMPARED = {*samples.UNINITIALISED, "as_strided/partial_views"}  # no numbers; memory beside the tensor itself
ENTRIES = [pytest.param(name, op, id=name) for name, op in samples.variants()
           if not {op.name, name} & NOT_COMPARED and not DATABASE.out_of_scope(op.name)
           and samples.function_of(op.name, op.variant_test_name)]  # fmt: skip


def tensors(tree) -> list:
    tree = list(tree.values()) if isinstance(tree, dict) else tree
    return [leaf for leaf in leaves(tree) if isinstance(leaf, torch.Tensor)]


def some_samples(op) -> list:
    try:
        found = list(itertools.islice(op.sample_inputs("cpu", real.float32), 12))
    except Exception:  # the database has no samples of this dtype
        return []
    return found[:: max(1, len(found) // OF_EACH)][:OF_EACH]


def reloaded(program):
    file = io.BytesIO()
    torch.jit.save(program, file)
    file.seek(0)
    return torch.jit.load(file)


@pytest.mark.parametrize(("name", "op"), ENTRIES)
def test_trace(name, op):
    function = samples.function_of(op.name, op.variant_test_name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in some_samples(op):
            _, _, args, kwargs = samples._arguments(sample)
            torch.manual_seed(1)
            try:
                expected = tensors(function(*args, **kwargs))
            except Exception:  # op_db's own test says which samples run
                continue
            inputs = tensors((list(args), list(kwargs.values())))
            if inputs and expected:
                compare(function, args, kwargs, inputs, expected)


def compare(function, args, kwargs, inputs, expected) -> None:
    def of_tensors(*given):
        parts = iter(given)
        fill = lambda leaf: next(parts) if isinstance(leaf, torch.Tensor) else leaf
        return tuple(tensors(function(*replaced(args, fill), **replaced(kwargs, fill))))

    program = reloaded(torch.jit.trace(of_tensors, tuple(inputs), check_trace=False))
    torch.manual_seed(1)
    got = program(*inputs)
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a.detach(), b.detach(), rtol=0, atol=0, equal_nan=True)
