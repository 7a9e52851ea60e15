"""Views in place: `squeeze_`, `transpose_`, … change a tensor's own shape and strides; `set_` its place in memory.

No number moves. The tensor becomes what the view function would return: its array, and where history is recorded, the
view's node. The version counter goes up, since what the tensor is has changed for whoever saved it.
"""

from __future__ import annotations

from ..autograd.grad_mode import GRAD
from ..autograd.inplace import check_inplace
from ..dtypes import c_name
from ..storage import TypedStorage, UntypedStorage
from ..tensor import Storage, Tensor, wrap
from ._op import function
from .strides import as_strided
from .views import squeeze, t, transpose, unsqueeze


def _in_place(view, *names: str) -> None:
    def call_(self, *args, **named):
        if GRAD.enabled and self.requires_grad:
            check_inplace(self)
        before = wrap(self._array)  # the tensor as it is now, with its history
        before._storage = self._storage
        before._requires_grad, before._node, before._nr = self.requires_grad, self.grad_fn, self._nr
        made = view(before, *args, **named)
        self._array = made._array
        self._storage.version += 1
        if made._node is not None:
            self._node, self._nr, self._requires_grad = made._node, made._nr, True
        if self._base is not None:
            self._seen_version = self._storage.version
        return self

    for name in names:
        call_.__name__ = name
        call_.__doc__ = (
            f"In-place version of `{view.__name__}`: changes this tensor's own shape and strides; returns it."
        )
        setattr(Tensor, name, call_)


_in_place(squeeze, "squeeze_")
_in_place(unsqueeze, "unsqueeze_")
_in_place(transpose, "swapaxes_", "swapdims_", "transpose_")
_in_place(t, "t_")
_in_place(as_strided, "as_strided_")


@function(method=True, namespace=None)
def resize_as_(self, other, *, memory_format=None):
    """resize_as_(other) -> Tensor: `resize_` to `other`'s shape.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.resize_as_.html
    """
    return self.resize_(other.shape)


@function(method=True, namespace=None)
def set_(self, source=None, storage_offset=0, size=None, stride=None):
    """set_(source=None, storage_offset=0, size=None, stride=()) -> Tensor: look at other memory from now on.

    `source` is a tensor, whose shape and strides are taken over, or a storage. Without one this tensor becomes empty.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.set_.html
    """
    if GRAD.enabled and self.requires_grad:
        check_inplace(self)
    if source is None:
        made = wrap(self._array[:0].reshape(-1)[:0].copy() if self.ndim else self._array.reshape(-1)[:0].copy())
    elif isinstance(source, (UntypedStorage, TypedStorage)):
        made = source._as_tensor(self.dtype)
        if size is not None:
            made = made.as_strided(size, _row_major(size) if stride is None else stride, storage_offset)
    else:
        if source.dtype is not self.dtype:
            given, has = c_name(source.dtype), c_name(self.dtype)
            raise RuntimeError(f"Could not set tensor of type {given} to a tensor of type {has}")
        made = source if size is None else source.as_strided(size, stride, source.storage_offset() + storage_offset)
    version = self._storage.version + 1
    self._array, self._storage, self._base = made._array, made._storage, None
    if source is None:
        self._storage = Storage(made._array)
    self._storage.version = max(version, self._storage.version)
    return self


def _row_major(shape) -> tuple[int, ...]:
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))
