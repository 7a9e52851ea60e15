"""Every module of PyTorch's database as a program: traced, scripted, saved and loaded again, and exported to ONNX."""

from __future__ import annotations

import io
import warnings

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: its module database cannot be run")
pytest.importorskip("expecttest", reason="the module database of PyTorch needs the package expecttest")

import torch as real
from module_db import samples

import course_lib as torch

SAMPLES = 4  # of each module
NO_ONNX = {  # what onnx.export refuses, at least with some arguments
    "nn.CTCLoss": "no ONNX operator",
    "nn.CrossEntropyLoss": "probabilities as targets, label smoothing",
    "nn.FractionalMaxPool2d": "random windows",
    "nn.FractionalMaxPool3d": "random windows",
    "nn.LSTM": "proj_size",
    "nn.LinearCrossEntropyLoss": "probabilities as targets, label smoothing",
}
ENTRIES = [pytest.param(info, id=name) for name, info in samples.variants()
           if hasattr(torch.nn, info.module_cls.__name__)]  # fmt: skip


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def cases(info):
    """(module, args, kwargs, outputs) in eval mode."""
    for sample in samples._samples(info, info.module_inputs_func, real.float32, False)[:SAMPLES]:
        made = sample.constructor_input
        args, kwargs = samples._convert(made.args), samples._convert(made.kwargs)
        module = samples._made(torch, getattr(torch.nn, info.module_cls.__name__), args, kwargs).eval()
        args, kwargs = samples._convert_call((sample.forward_input.args, sample.forward_input.kwargs))
        yield module, args, kwargs, tensors(module(*args, **kwargs))


def tensors(tree) -> list:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        return [t for part in tree for t in tensors(part)]
    return [tree] if isinstance(tree, torch.Tensor) else []


def only_tensors(tree) -> bool:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        return all(map(only_tensors, tree))
    return isinstance(tree, torch.Tensor)


def compare(got, expected, tolerance: float = 0.0) -> None:
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a.detach(), b.detach(), rtol=tolerance, atol=tolerance, equal_nan=True)


def reloaded(program):
    file = io.BytesIO()
    torch.jit.save(program, file)
    file.seek(0)
    return torch.jit.load(file)


@pytest.mark.parametrize("info", ENTRIES)
def test_programs(info):
    for module, args, kwargs, expected in cases(info):
        program = torch.jit.script(module)
        compare(tensors(program(*args, **kwargs)), expected)
        compare(tensors(reloaded(program)(*args, **kwargs)), expected)
        if args and not kwargs and only_tensors(args):
            program = torch.jit.trace(module, args, strict=False)
            compare(tensors(program(*args)), expected)
            compare(tensors(reloaded(program)(*args)), expected)


@pytest.mark.parametrize("info", ENTRIES)
def test_onnx(info):
    pytest.importorskip("onnxruntime")
    for module, args, kwargs, expected in cases(info):
        try:
            program = torch.onnx.export(module, args, kwargs=kwargs)
        except torch.onnx.OnnxExporterError:
            assert f"nn.{info.module_cls.__name__}" in NO_ONNX
            continue
        compare(program(*args, **kwargs), expected, 1e-3)
