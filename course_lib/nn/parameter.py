"""Parameter and Buffer: the tensors that a Module finds by itself when they are assigned to an attribute.

A Parameter is a Tensor of its own class that requires a gradient; a Buffer is a plain tensor with a mark. Both look
into the memory of the tensor they are made of. Their uninitialized kinds wait for a shape: lazy modules hold them until
the first forward (modules/lazy.py).
"""

from __future__ import annotations

from .._dispatch import disabled
from ..ops.creation import empty
from ..tensor import Storage, Tensor, wrap


class _Marked(type(Tensor)):
    """The class of Parameter and Buffer: a tensor of another class belongs to them, too, if it carries their mark."""

    def __instancecheck__(cls, instance) -> bool:
        if super().__instancecheck__(instance):
            return True
        mark = cls.__dict__.get("_mark")
        return mark is not None and isinstance(instance, Tensor) and instance.__dict__.get(mark, False)


class Parameter(Tensor, metaclass=_Marked):
    """A tensor that is a parameter of a module: assigned to an attribute of one, it appears in `module.parameters()`.

    It looks into the memory of `data` (an empty tensor if that is None) and has no history. RuntimeError for a
    `data` of whole numbers, unless `requires_grad` is False. A tensor of a class of your own keeps its class.

    >>> import course_lib as torch
    >>> torch.nn.Parameter(torch.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
    """

    _mark = "_is_param"
    __torch_function__ = disabled  # an operation on parameters gives plain tensors

    def __new__(cls, data=None, requires_grad: bool = True):
        if data is None:
            data = empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            return _made_of(data, cls, requires_grad)
        made = data.detach().as_subclass(type(data)).requires_grad_(requires_grad)
        made._is_param = True
        return made

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = _made_of(self.detach().clone(), type(self), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        from .._utils import reduce_parameter

        return reduce_parameter(self)


def _made_of(data, cls, requires_grad: bool) -> Tensor:
    """A tensor of the class `cls` that looks into `data`'s memory, and shares its counter of in-place changes."""
    made = wrap(data._array, cls)
    made._storage = data._storage
    if requires_grad:
        if data._array.dtype.kind not in "fcV":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        made._requires_grad = True
    return made


class Buffer(Tensor, metaclass=_Marked):
    """A tensor that is part of a module's state but not learned: assigned to an attribute, it becomes a buffer.

    The result is a plain Tensor in the memory of `data`. `persistent`: whether it belongs to the module's `state_dict`.

    >>> import course_lib as torch
    >>> isinstance(torch.nn.Buffer(torch.zeros(2)), torch.nn.Buffer), isinstance(torch.zeros(2), torch.nn.Buffer)
    (True, False)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html
    """

    _mark = "_is_buffer"

    def __new__(cls, data=None, *, persistent: bool = True):
        data = empty(0) if data is None else data
        made = data.detach().requires_grad_(data.requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


# ---- without a shape yet -----------------------------------------------------------------------------------------


def _conversion(name: str):
    """A method that says which dtype and device the numbers will have, so that `module.to(dtype)` works."""

    def method(self, *args, **named):
        made = getattr(self.data, name)(*args, **named)
        if not isinstance(made, Tensor):  # `type()` asks for the name of the type
            return made
        return type(self)(self.requires_grad, made.device, made.dtype)

    method.__name__ = name
    return method


class UninitializedTensorMixin:
    """A tensor that knows its dtype and device but no shape: whatever asks for its numbers gets a ValueError.

    `materialize(shape)` gives it uninitialised numbers and turns it into a tensor of `cls_to_become`, in place.
    """

    __slots__ = ()
    cls_to_become: type = Tensor

    @property
    def _array(self):
        raise ValueError(
            "Attempted to use an uninitialized parameter in an operation. This error happens when you are using a "
            f"`LazyModule` or explicitly manipulating `torch.nn.parameter.{type(self).__name__}` objects. When using "
            "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling torch functions"
        )

    @_array.setter
    def _array(self, array) -> None:
        Tensor._array.__set__(self, array)

    @property
    def data(self) -> Tensor:
        """An empty tensor of this one's dtype and device."""
        return wrap(Tensor._array.__get__(self))

    @data.setter
    def data(self, value: Tensor) -> None:
        value = value.data if is_lazy(value) else value
        self._array, self._storage = value._array, Storage(value._storage.array)

    dtype = property(lambda self: self.data.dtype)
    device = property(lambda self: self.data.device)
    is_cuda = property(lambda self: self.data.is_cuda)

    @property
    def shape(self):
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    def materialize(self, shape, device=None, dtype=None) -> None:
        """Become a parameter (or buffer) of this shape, with uninitialised numbers."""
        self.data = empty(shape, device=device or self.device, dtype=dtype or self.dtype)
        self.__class__ = self.cls_to_become

    to, type, cpu, cuda = map(_conversion, ("to", "type", "cpu", "cuda"))

    def size(self, dim: int | None = None):
        """That of an empty tensor."""
        return self.data.size(dim)

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def share_memory_(self):
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        return (type(self), (self.requires_grad, self.device, self.dtype))


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape is not known yet; `materialize(shape)` makes it a Parameter.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.UninitializedParameter.html
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device=None, dtype=None):
        return _made_of(empty(0, device=device, dtype=dtype), cls, requires_grad)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape is not known yet; `materialize(shape)` makes it a plain Tensor.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.UninitializedBuffer.html
    """

    def __new__(cls, requires_grad: bool = False, device=None, dtype=None, persistent: bool = True):
        made = _made_of(empty(0, device=device, dtype=dtype), cls, requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


def is_lazy(param) -> bool:
    """Whether a parameter or buffer still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)


__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin",
           "is_lazy"]  # fmt: skip
