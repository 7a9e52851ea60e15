"""The models of the training programs as programs of their own: traced, scripted, read back from a file, and as ONNX.

Each program runs until its models have been called a few times; then every model is deployed in each way and compared
with itself in eval mode, ONNX also with one more row in its inputs.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import warnings
from pathlib import Path

import pytest

import course_lib as torch
from course_lib import nn
from course_lib.jit.graph import leaves

pytest.importorskip("sklearn", reason="the programs train on data of scikit-learn")
pytest.importorskip("onnxruntime", reason="what is exported runs in onnxruntime (extra `parity`)")

LEFT_OUT = {
    "vae": "it draws numbers in forward",
    "gaussian_process": "its weights are drawn in forward",
    "low_rank_adaptation": "a script cannot keep weights that are computed from others in an archive",
}
PROGRAMS = [p for p in sorted((Path(__file__).parent / "training").glob("*.py")) if p.stem not in LEFT_OUT]
CALLS = 8
REFUSED = {  # (program, way): what the refusal says
    ("graph_network", "script"): "the name 'edges'",  # a tensor from outside
    ("speech_ctc", "script"): "the name 'iter'",  # parametrizations
    ("speech_ctc", "onnx"): "proj_size|ctc_loss",
    ("seq2seq_packed", "onnx"): "packed sequences",
    ("word_vectors", "onnx"): "max_norm",
    ("wasserstein_gan", "script"): "the name '_normalize'",  # spectral norm
    ("wasserstein_gan", "onnx"): "torch.vdot",
}
# Dimension 0 of their inputs has one size.
FIXED_ROWS = {"char_rnn", "clipped_policy", "graph_network", "policy_gradient", "seq2seq_packed"}


class Enough(Exception):
    pass


def models_of(path, monkeypatch) -> list:
    """(module, args) of the models that a program calls."""
    found, depth, count = {}, [], []
    plain = nn.Module.__call__

    def call(self, *args, **kwargs):
        if not depth and not kwargs and all(isinstance(a, torch.Tensor) for a in args):
            count.append(self)
            if id(self) not in found and not type(self).__name__.endswith("Loss"):
                found[id(self)] = self, args
            if len(count) > CALLS:
                raise Enough
        depth.append(self)
        try:
            return plain(self, *args, **kwargs)
        finally:
            depth.pop()

    with monkeypatch.context() as patch, contextlib.suppress(Enough):
        patch.setattr(nn.Module, "__call__", call)
        runpy.run_path(str(path))["train"](torch)
    return list(found.values())


def tensors(outputs) -> list:
    outputs = list(outputs.values()) if isinstance(outputs, dict) else outputs
    return [leaf.detach() for leaf in leaves(outputs) if isinstance(leaf, torch.Tensor)]


def compare(got, expected, tolerance: float = 0.0) -> None:
    torch.testing.assert_close(tensors(got), tensors(expected), rtol=tolerance, atol=tolerance)


def reloaded(program):
    file = io.BytesIO()
    torch.jit.save(program, file)
    file.seek(0)
    return torch.jit.load(file)


def traced(model, args, fixed: bool) -> None:
    compare(reloaded(torch.jit.trace(model, args, strict=False, check_trace=False))(*args), model(*args))


def scripted(model, args, fixed: bool) -> None:
    compare(reloaded(torch.jit.script(model))(*args), model(*args))


def as_onnx(model, args, fixed: bool) -> None:
    shapes = None if fixed else tuple([{0: "rows"} if x.ndim else None for x in args])
    program = torch.onnx.export(model, args, dynamic_shapes=shapes)
    more = args if fixed else [torch.cat([x, x[:1]]) if x.ndim else x for x in args]
    for given in (args, more):
        compare(program(*given), model(*given), 1e-3)


WAYS = {"trace": traced, "script": scripted, "onnx": as_onnx}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_models(path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "programs"))
    refusals = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = models_of(path, monkeypatch)
        for (model, args), (way, deploy) in [(m, w) for m in models for w in WAYS.items()]:
            model.eval().requires_grad_(False)
            try:
                deploy(model, args, path.stem in FIXED_ROWS)
            except (torch.jit.UnsupportedNodeError, torch.onnx.OnnxExporterError) as error:
                refusals.add((path.stem, way))
                with pytest.raises(type(error), match=REFUSED.get((path.stem, way), "(no refusal is expected)")):
                    raise
    assert refusals == {key for key in REFUSED if key[0] == path.stem}
