"""What `onnx.export` raises."""

from __future__ import annotations


class OnnxExporterError(RuntimeError):
    """The model cannot be exported; the message names the operation and where the model calls it."""


class UnsupportedOperatorError(OnnxExporterError):
    """An operation of the model has no counterpart in ONNX here."""
