"""Tensor: an array with a dtype, a device, a place in memory that it may share, and a history for backward.

A Tensor wraps one array of its backend (`_array`: NumPy's or CuPy's, with its true strides). A tensor and its views
share one `Storage`: the array they all look into and the counter of in-place changes. It is made when it is first
asked for (`_shared` is None until then), because most tensors are neither viewed nor changed. Most methods are not
written here: an op declared in `ops/` attaches itself as function, method and operator.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import autograd, dtypes
from .autograd.grad_mode import GRAD
from .autograd.node import Hooks, RemovableHandle, accumulator_of
from .backends import GPU, device_of, is_meta, is_numpy, storage_offset_bytes
from .device import device as device_type
from .errors import warn
from .layouts import is_in, strided
from .size import Size

_new, _tuple = object.__new__, tuple.__new__


class Storage:
    """What a tensor and its views share: the array that owns the numbers, and how often it was changed in place."""

    __slots__ = ("array", "version")
    is_inference = False
    marked = None  # the class of storage that every new tensor gets at once, while a mode marks what is made in it

    def __init__(self, array):
        self.array = array
        self.version = 0

    def __reduce__(self):
        from ._utils import reduce_storage

        return reduce_storage(self)


def wrap(array, cls=None) -> Tensor:
    """A fresh tensor around an array, without history; the array is not copied."""
    tensor = _new(cls or Tensor)
    tensor._array = array
    tensor._requires_grad = False
    tensor._shared = tensor._grad = tensor._node = tensor._base = None
    tensor._nr = 0
    if Storage.marked is not None:
        tensor._shared = Storage.marked(array)
    return tensor


def wrap_view(array, of: Tensor) -> Tensor:
    """A tensor around an array that looks into `of`'s memory."""
    tensor = _new(Tensor)
    tensor._array = array
    tensor._shared = storage = of._shared or of._storage
    tensor._requires_grad = False
    tensor._grad = tensor._node = None
    tensor._nr = 0
    tensor._base = of if of._base is None else of._base
    tensor._seen_version = storage.version
    if not GRAD.enabled:
        tensor.__dict__["_made_in"] = "no_grad" if Storage.marked is None else "inference"
    elif of._base is not None and (made_in := _untracked(of)) is not None:
        tensor.__dict__["_made_in"] = made_in
    return tensor


def _untracked(view: Tensor) -> str | None:
    """Why in-place changes of this view, and of views of it, cannot be recorded; None where they can."""
    if view._node is not None and view._node.outputs is not None:
        return "several"
    return view.__dict__.get("_made_in")


class Tensor:
    """A multi-dimensional array of one dtype on one device that autograd can differentiate through.

    Make one with `torch.tensor`, `torch.zeros`, `torch.rand`, …; `torch.Tensor(2, 3)` gives an uninitialised float
    tensor of that shape.

    >>> import course_lib as torch
    >>> torch.tensor([[1., 2.], [3., 4.]]).sum()
    tensor(10.)

    Source: https://docs.pytorch.org/docs/stable/tensors.html
    """

    __slots__ = ("_array", "_shared", "_requires_grad", "_grad", "_node", "_nr", "_base", "_seen_version",
                 "_accumulator", "__dict__", "__weakref__")  # fmt: skip
    __array_priority__ = 1000  # NumPy arrays leave operators with tensors to the tensor
    __hash__ = object.__hash__

    def __new__(cls, *args, **kwargs):
        from .ops.creation import legacy_tensor

        return legacy_tensor(cls, *args, **kwargs)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if not cls.__module__.startswith("course_lib."):  # a class of the user's, which may answer calls itself
            from ._dispatch import install

            install()

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        """How a class of tensors answers the call of a torch function: it computes, and the results are of the class.

        Source: https://docs.pytorch.org/docs/stable/notes/extending.html#extending-torch-python-api
        """
        from .overrides import compute_as

        return compute_as(cls, func, types, args, kwargs)

    @property
    def _storage(self) -> Storage:
        """What this tensor shares with its views and aliases."""
        if self._shared is None:
            self._shared = Storage(self._array)
        return self._shared

    @_storage.setter
    def _storage(self, storage: Storage) -> None:
        self._shared = storage

    # -- shape, dtype, place ------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return _tuple(Size, self._array.shape)  # checks nothing, unlike Size(…)

    def size(self, dim: int | None = None):
        """The shape, or the size of dimension `dim`."""
        if dim is None:
            return _tuple(Size, self._array.shape)  # checks nothing, unlike Size(…)
        return self._array.shape[normalize_dim(dim, self._array.ndim)]

    @property
    def ndim(self) -> int:
        return self._array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.from_numpy(self._array.dtype)

    @property
    def device(self) -> device_type:
        return device_of(self._array)

    layout = property(lambda self: strided)

    @property
    def itemsize(self) -> int:
        return self._array.itemsize

    def element_size(self) -> int:
        """Bytes an element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        return self._array.nbytes

    def stride(self, dim: int | None = None):
        """How many elements to move in memory for one step along each dimension (or along `dim`)."""
        array = self._array
        strides = [step // array.itemsize for step in array.strides] if array.size else row_major_strides(array.shape)
        return tuple(strides) if dim is None else strides[normalize_dim(dim, array.ndim)]

    def storage_offset(self) -> int:
        """How many elements into the shared memory this tensor starts."""
        return storage_offset_bytes(self._array, self._storage.array) // self._array.itemsize

    def data_ptr(self) -> int:
        """The address of the first element."""
        array = self._array
        return array.__array_interface__["data"][0] if is_numpy(array) else array.data.ptr

    def is_contiguous(self, memory_format=None) -> bool:
        """Whether the elements lie in memory without gaps, in row-major order or as the memory format says."""
        return self._array.flags.c_contiguous if memory_format is None else is_in(self._array, memory_format)

    is_cuda = property(lambda self: not is_numpy(self._array))
    is_cpu = property(lambda self: is_numpy(self._array) and not is_meta(self._array))
    is_sparse = is_quantized = is_mps = is_nested = property(lambda self: False)
    is_meta = property(lambda self: is_meta(self._array))

    def get_device(self) -> int:
        """The index of the CUDA device, -1 for the CPU."""
        return -1 if is_numpy(self._array) else self._array.device.id

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    # -- plain Python values ------------------------------------------------------------------------------------

    def item(self):
        """The value of a tensor with one element, as a Python number."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        value = self._array.item()
        if GPU.report is not None:
            GPU.report.look()
        return value if self._array.dtype.kind != "V" else float(value)

    def tolist(self):
        """The values as a nested list of Python numbers (a number for a 0-dim tensor)."""
        array = self._array if is_numpy(self._array) else self.detach().cpu()._array
        return array.astype("f4").tolist() if array.dtype.kind == "V" else array.tolist()

    def __bool__(self) -> bool:
        if self._array.size != 1:
            text = "no values" if self._array.size == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {text} is ambiguous")
        return bool(self.item())

    def __int__(self) -> int:
        return int(self._number("int64_t"))

    def __float__(self) -> float:
        return float(self._number("double"))

    def __complex__(self) -> complex:
        return complex(self._number())

    def _number(self, real: str | None = None):
        """The one element, for `int(x)`, `float(x)` and `complex(x)`; RuntimeError where `real` cannot hold it."""
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        if self._requires_grad and GRAD.enabled:

            warn(
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
                "Consider using tensor.detach() first."
            )
        value = self.item()
        if real is not None and type(value) is complex:
            if value.imag:
                raise RuntimeError(f"value cannot be converted to type {real} without overflow")
            return value.real
        return value

    def __index__(self) -> int:
        if self._array.size != 1 or self._array.dtype.kind not in "biu":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __reversed__(self) -> Tensor:
        return self.flip(0) if self._array.ndim else self

    def __delitem__(self, key) -> None:
        raise TypeError("Tensor does not support deleting items")

    def __contains__(self, element) -> bool:
        if not isinstance(element, (Tensor, bool, int, float, complex)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool((self == element).any())

    # -- NumPy --------------------------------------------------------------------------------------------------

    def numpy(self, *, force: bool = False):
        """The values as a NumPy array that shares memory with this tensor.

        TypeError for a CUDA tensor, RuntimeError for one that requires grad, unless `force`.
        """
        if force:
            return self.detach().cpu()._array
        if not self.is_cpu:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
                "memory first."
            )
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self._array.dtype.kind == "V":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self._array

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"a copy is needed to give the {array.dtype} tensor as an array of {dtype}")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(self, array, context=None, return_scalar: bool = False) -> Tensor:
        """What NumPy's functions make of a tensor is a tensor again: `np.sin(x)`."""
        return wrap(array.view("u1") if array.dtype.kind == "b" else array)

    # -- autograd -----------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether backward computes a gradient for this tensor; a view asks for one where its base does."""
        if self._base is not None and not self._requires_grad:
            self._follow_base()
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        if not value and self.grad_fn is not None:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if value and self._array.dtype.kind not in "fcV":
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for (or stop asking for) a gradient of this leaf; returns it."""
        if requires_grad and self._array.dtype.kind not in "fcV":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if requires_grad and self.is_inference():
            message = "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
            self._storage.check_writable(message)
        self.requires_grad = requires_grad
        return self

    @property
    def grad_fn(self):
        """The node that made this tensor, None for a leaf."""
        if self._base is not None:
            self._refresh_history()
        return self._node

    @property
    def is_leaf(self) -> bool:
        """True for a tensor that no recorded operation made."""
        return self._node is None

    @property
    def output_nr(self) -> int:
        return self._nr

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward accumulated here, None before the first one."""
        if self._grad is None and self._node is not None and not self.retains_grad:

            warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for "
                "a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
                "mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for "
                "more information."
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._array.dtype != self._array.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{dtypes.c_name(value.dtype)}' to a tensor with "
                    f"grad_dtype '{dtypes.legacy_name(self.dtype)}'. The gradient must match the tensor's grad_dtype "
                    "(defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with a specific "
                    "dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor "
                    "and its gradient may break downstream systems that assume they match."
                )
            if value._array.shape != self._array.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def data(self) -> Tensor:
        """The same numbers without history; changing them in place is not noticed by autograd."""
        array = self._array
        tensor = wrap(array)
        tensor._storage.array = self._storage.array
        return tensor

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._requires_grad and value._array.dtype.kind not in "fcV":
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._array = value._array
        self._shared = Storage(value._storage.array)

    @property
    def _version(self) -> int:
        if self.is_inference():
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._storage.version

    def is_inference(self) -> bool:
        """Whether this tensor was made in inference mode, and so can never be recorded."""
        return self._storage.is_inference

    def _is_view(self) -> bool:
        return self._base is not None

    def _refresh_history(self) -> None:
        """A view whose base was changed in place since the view was made gets its history from the base anew."""
        if self._seen_version != self._storage.version and self._base._requires_grad:
            from .autograd.inplace import refresh_view

            refresh_view(self)
        elif not self._requires_grad:
            self._follow_base()

    def _follow_base(self) -> None:
        """A view without history (made in `no_grad`, say) is a leaf that needs a gradient as soon as its base does."""
        self._requires_grad = self._base._requires_grad and self._array.dtype.kind in "fcV"

    def backward(self, gradient=None, retain_graph=None, create_graph: bool = False, inputs=None) -> None:
        """Compute the gradient of this tensor with respect to the leaves of its graph and add it into their `.grad`.

        `gradient` (this tensor's shape) is needed unless this tensor has one element.

        >>> import course_lib as torch
        >>> x = torch.tensor(3., requires_grad=True)
        >>> (x * x).backward()
        >>> x.grad
        tensor(6.)

        Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html
        """
        autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Tensor:
        """The same numbers in the same memory, without history."""
        tensor = wrap(self._array)
        tensor._shared = self._storage
        return tensor

    def detach_(self) -> Tensor:
        """Cut this tensor off from its history, in place."""
        if self._base is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
                "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
                "detach_() cannot be called on these gradients. To fix this error, please refer to the "
                "Optimizer.zero_grad() function in torch/optim/optimizer.py as a solution."
            )
        self._node, self._nr, self._requires_grad = None, 0, False
        return self

    def retain_grad(self) -> None:
        """Keep `.grad` of this tensor although it is not a leaf."""
        import weakref

        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node is not None:
            if self._node.hooks is None:
                self._node.hooks = Hooks()
            self._node.hooks.retained[self._nr] = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """True where `.grad` is kept for a tensor that is not a leaf."""
        node = self._node
        if node is None or node.hooks is None:
            return False
        reference = node.hooks.retained.get(self._nr)
        return reference is not None and reference() is self

    def register_hook(self, hook) -> RemovableHandle:
        """Call `hook(grad)` whenever a gradient for this tensor was computed; it may return another gradient."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        node = self.grad_fn
        if node is None:
            node = accumulator_of(self)
        hooks = node._hooks()
        return RemovableHandle(hooks.on_output.setdefault(self._nr, {}), hook)

    def register_post_accumulate_grad_hook(self, hook) -> RemovableHandle:
        """Call `hook(tensor)` after a gradient was added into this leaf's `.grad`."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return RemovableHandle(self.__dict__.setdefault("_post_accumulate_grad_hooks", {}), hook)

    # -- copying, pickling, printing ----------------------------------------------------------------------------

    def __deepcopy__(self, memo):
        from ._utils import deepcopy_tensor

        return deepcopy_tensor(self, memo)

    def __reduce_ex__(self, protocol):
        from ._utils import reduce_tensor

        return reduce_tensor(self)

    def __repr__(self) -> str:
        from .printing import tensor_repr

        return tensor_repr(self)

    def __format__(self, spec: str) -> str:
        from .printing import tensor_format

        return tensor_format(self, spec)

    def __dir__(self):
        return sorted(name for name in super().__dir__() if name not in Tensor.__slots__)


Tensor.__module__ = "course_lib"  # where it is public, which `print(type(x))` shows


def row_major_strides(shape) -> list[int]:
    """The strides of a dense tensor; NumPy keeps none for an empty one."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return strides[::-1]


def normalize_dim(dim: int, ndim: int) -> int:
    """A dimension index counted from the front; IndexError outside [-ndim, ndim)."""
    if not -ndim <= dim < ndim:
        if ndim == 0 and dim in (-1, 0):
            return 0
        low, high = (-ndim, ndim - 1) if ndim else (-1, 0)
        raise IndexError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {dim})")
    return dim + ndim if dim < 0 else dim


__all__ = ["Storage", "Tensor", "normalize_dim", "row_major_strides", "wrap", "wrap_view"]
