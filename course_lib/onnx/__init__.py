"""torch.onnx: models as ONNX files, for onnxruntime and other engines. See export.py."""

from .errors import OnnxExporterError, UnsupportedOperatorError
from .export import export
from .modes import OperatorExportTypes, TrainingMode, is_in_onnx_export, select_model_mode_for_export
from .program import ONNXProgram

__all__ = ["ONNXProgram", "OnnxExporterError", "OperatorExportTypes", "TrainingMode", "UnsupportedOperatorError",
           "export", "is_in_onnx_export", "select_model_mode_for_export"]  # fmt: skip
