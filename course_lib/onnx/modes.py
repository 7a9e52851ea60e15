"""How a model is exported: in which mode, and whether an export is running."""

from __future__ import annotations

import contextlib
import enum

from ..nn.modules.module import Module


class TrainingMode(enum.IntEnum):
    """Whether dropout and batch norm are exported as in use, as they are, or as in training."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class OperatorExportTypes(enum.IntEnum):
    """Accepted; only ONNX's own operators are written."""

    ONNX = 0
    ONNX_ATEN = 1
    ONNX_ATEN_FALLBACK = 2
    ONNX_FALLTHROUGH = 3


_running: list[bool] = []


@contextlib.contextmanager
def exporting():
    _running.append(True)
    try:
        yield
    finally:
        _running.pop()


def is_in_onnx_export() -> bool:
    """True while `onnx.export` runs the model."""
    return bool(_running)


@contextlib.contextmanager
def select_model_mode_for_export(model, mode: TrainingMode):
    """Put a model into the mode of the export, and every module of it back into its own mode afterwards."""
    if not isinstance(mode, TrainingMode):
        raise TypeError(f"'mode' should be a torch.onnx.TrainingMode enum, but got '{type(mode)}'.")
    modes = [(m, m.training) for m in model.modules()] if isinstance(model, Module) else []
    if modes and mode is not TrainingMode.PRESERVE:
        model.train(mode is TrainingMode.TRAINING)
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
