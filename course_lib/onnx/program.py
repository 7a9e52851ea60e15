"""What `onnx.export` returns: the ONNX model, ready to save or to run with onnxruntime."""

from __future__ import annotations

import os

import numpy as np

from .. import testing
from ..jit.graph import leaves
from ..serialization.atomic import replacing
from ..tensor import Tensor, wrap
from .errors import OnnxExporterError

_TWO_GIGABYTES = 1 << 31


class ONNXProgram:
    """An exported model. `model_proto` is the ONNX message; calling the program runs it with onnxruntime.

    Source: https://docs.pytorch.org/docs/stable/onnx_export.html
    """

    def __init__(self, model_proto, example_inputs=()):
        self.model_proto = model_proto
        self._session = None
        self._examples = example_inputs

    def save(self, destination, *, include_initializers=True, keep_initializers_as_inputs=False, external_data=None):
        """Write the model into a file (complete or not at all); weights above 2 GB go into a file beside it."""
        import onnx

        if hasattr(destination, "write"):
            destination.write(self.model_proto.SerializeToString())
            return
        path = os.fspath(destination)
        if external_data or self.model_proto.ByteSize() >= _TWO_GIGABYTES:
            onnx.save(self.model_proto, path, save_as_external_data=True, location=os.path.basename(path) + ".data")
            return
        with replacing(path) as file:
            file.write(self.model_proto.SerializeToString())

    def __call__(self, *args, **kwargs) -> list[Tensor]:
        """The outputs, as tensors, that onnxruntime computes for these inputs."""
        session = self._started()
        given = [t for t in leaves((args, kwargs)) if isinstance(t, Tensor)]
        feeds = {i.name: t.detach().cpu().numpy() for i, t in zip(session.get_inputs(), given, strict=True)}
        return [wrap(np.asarray(array)) for array in session.run(None, feeds)]

    def _started(self):
        if self._session is None:
            try:
                import onnxruntime
            except ImportError:
                message = "running an exported model needs the package 'onnxruntime': `pip install onnxruntime`"
                raise ModuleNotFoundError(message) from None
            self._session = onnxruntime.InferenceSession(self.model_proto.SerializeToString())
        return self._session

    def verify(self, model, args: tuple, kwargs: dict) -> None:
        """OnnxExporterError where onnxruntime's outputs differ from the model's."""
        from .modes import TrainingMode, select_model_mode_for_export

        with select_model_mode_for_export(model, TrainingMode.EVAL):
            expected = [t for t in leaves(model(*args, **kwargs)) if isinstance(t, Tensor)]
        for got, wanted in zip(self(*args, **kwargs), expected, strict=True):
            try:
                testing.assert_close(got, wanted.detach(), rtol=1e-3, atol=1e-4)
            except AssertionError as error:
                raise OnnxExporterError(f"onnxruntime gives other numbers than the model: {error}") from error
