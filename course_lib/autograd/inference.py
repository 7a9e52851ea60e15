"""inference_mode: nothing is recorded, and tensors made inside can never take part in a recorded operation.

A tensor made in inference mode has an InferenceStorage, whose version cannot be counted outside the mode. The guard
that refuses to save such a tensor for backward is switched on when the mode is first used.
"""

from __future__ import annotations

from ..tensor import Storage
from .grad_mode import GRAD, _Decorator, _GradContext
from .watch import INFERENCE, watch


class _Mode:
    __slots__ = ("enabled",)


_MODE = _Mode()
_MODE.enabled = False


class InferenceStorage(Storage):
    """The memory of a tensor made in inference mode: its version stays 0 and may be moved inside the mode only."""

    __slots__ = ()
    is_inference = True

    def __init__(self, array):
        self.array = array

    @property
    def version(self) -> int:
        return 0

    @version.setter
    def version(self, value: int) -> None:
        self.check_writable(
            "Inplace update to inference tensor outside InferenceMode is not allowed."
            "You can make a clone to get a normal tensor before doing inplace update."
            "See https://github.com/pytorch/rfcs/pull/17 for more details."
        )

    def check_writable(self, message: str) -> None:
        """RuntimeError with this text outside inference mode."""
        if not _MODE.enabled:
            raise RuntimeError(message)


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on."""
    return _MODE.enabled


def is_inference(tensor) -> bool:
    """Whether the tensor was made in inference mode (or is a view of one that was)."""
    return tensor._storage.is_inference


def _set(enabled: bool) -> None:
    _MODE.enabled = enabled
    Storage.marked = InferenceStorage if enabled else None
    if enabled:
        watch(INFERENCE, _refuse_inference_tensors)


def _refuse_inference_tensors(node) -> None:
    for value, _ in node.saved or ():
        if value is not None and type(getattr(value, "_shared", None)) is InferenceStorage:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
                "in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
                "and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )


class inference_mode(_Decorator):
    """Records nothing inside, and forbids for ever to record what is made inside. A context manager and a decorator.

    >>> import course_lib as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.inference_mode():
    ...     y = x * 2
    >>> y.requires_grad, y.is_inference()
    (False, True)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html
    """

    def __new__(cls, mode=True):
        if isinstance(mode, bool):
            return object.__new__(cls)
        return cls()(mode)  # used as a decorator without parentheses

    def __init__(self, mode: bool = True):
        _GradContext.__init__(self, not mode)
        self.inference = mode

    def __enter__(self) -> None:
        self.previous.append((GRAD.enabled, _MODE.enabled))
        GRAD.enabled = not self.inference
        _set(self.inference)

    def __exit__(self, *exception) -> None:
        GRAD.enabled, inference = self.previous.pop()
        _set(inference)

    def clone(self) -> inference_mode:
        return type(self)(self.inference)


__all__ = ["inference_mode", "is_inference", "is_inference_mode_enabled"]
