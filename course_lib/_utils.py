"""How a tensor is taken apart and put together again, for `pickle`, `copy.deepcopy` and the files of `torch.save`.

A tensor is its memory (a storage) and a place in it: offset, shape, strides. `reduce_tensor` names a function below and
its arguments, with the storage among them, so tensors that share memory still share it afterwards. The functions have
the names that PyTorch's files use.
"""

from __future__ import annotations

import copy
import operator
import warnings
from collections import OrderedDict

from . import dtypes
from .storage import TypedStorage, UntypedStorage, memory_of
from .tensor import Storage, Tensor, wrap

INTERNAL_ATTRIBUTES = {"_made_in", "_post_accumulate_grad_hooks", "_stands_for"}  # attributes that belong to autograd
_WITHOUT_A_STORAGE_TYPE = {dtypes.uint16, dtypes.uint32, dtypes.uint64, *dtypes.FLOAT8}  # younger than typed storages


# ---- taking apart ------------------------------------------------------------------------------------------------


def reduce_tensor(tensor: Tensor) -> tuple:
    """(function, arguments) that make the tensor again: what `Tensor.__reduce_ex__` returns."""
    _warn_of_hooks(tensor)
    if tensor.is_meta:
        place = tensor.dtype, tuple(tensor.shape), tensor.stride(), tensor.requires_grad
        return _rebuild_meta_tensor_no_storage, place
    function, arguments = _rebuild_tensor_v2, place_of(tensor)
    if tensor.dtype in _WITHOUT_A_STORAGE_TYPE:
        storage, *others = arguments
        function, arguments = _rebuild_tensor_v3, (storage.untyped(), *others, tensor.dtype)
    attributes = attributes_of(tensor)
    if type(tensor) is Tensor and not attributes:
        return function, arguments
    return _rebuild_from_type_v2, (function, type(tensor), arguments, attributes)


def reduce_parameter(parameter) -> tuple:
    """The same for a Parameter."""
    _warn_of_hooks(parameter)
    arguments = (parameter.detach(), parameter.requires_grad, OrderedDict())
    attributes = attributes_of(parameter)
    return (_rebuild_parameter_with_state, (*arguments, attributes)) if attributes else (_rebuild_parameter, arguments)


def place_of(tensor: Tensor) -> tuple:
    """(storage, offset, shape, strides, requires_grad, hooks): what describes the tensor; hooks are not kept."""
    place = (TypedStorage(tensor), tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
    return (*place, tensor.requires_grad, OrderedDict())


def attributes_of(tensor: Tensor) -> dict:
    """What the user hung on the tensor: `x.name = "weights"`."""
    return {name: value for name, value in tensor.__dict__.items() if name not in INTERNAL_ATTRIBUTES}


def _warn_of_hooks(tensor: Tensor) -> None:
    node = getattr(tensor, "_accumulator", None)
    if node is None or node.hooks is None:
        return
    for hook in node.hooks.on_output.get(0, {}).values():
        if not getattr(hook, "__torch_unserializable__", False):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate the "
                "function with @torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=5,
            )


# ---- putting together --------------------------------------------------------------------------------------------


def _rebuild_tensor(storage, storage_offset, size, stride) -> Tensor:
    """A tensor that looks into a storage; RuntimeError where it would look outside."""
    return _looking_into(storage, storage.dtype, storage_offset, size, stride)


def _rebuild_sparse_tensor(layout, data) -> Tensor:
    from .sparse.coo import made

    indices, values, size, *coalesced = data
    return made(indices, values, size, bool(coalesced and coalesced[0]))


def _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None) -> Tensor:
    made = _rebuild_tensor(_resolved(storage, metadata), storage_offset, size, stride)
    made.requires_grad = bool(requires_grad)
    return made


def _rebuild_tensor_v3(storage, storage_offset, size, stride, requires_grad, backward_hooks, dtype, metadata=None):
    """As v2, for the dtypes that have no storage type of their own: the storage is bytes."""
    return _looking_into(storage, dtype, storage_offset, size, stride)


def _rebuild_parameter(data, requires_grad, backward_hooks):
    from .nn.parameter import Parameter

    return Parameter(data, bool(requires_grad))


def _rebuild_parameter_with_state(data, requires_grad, backward_hooks, state):
    made = _rebuild_parameter(data, requires_grad, backward_hooks)
    made.__dict__.update(state)
    return made


def _rebuild_from_type_v2(func, new_type, args, state) -> Tensor:
    """A tensor of a subclass, or one with attributes."""
    made = func(*args)
    if type(made) is not new_type:
        plain, made = made, wrap(made._array, new_type)
        made._storage, made._requires_grad = plain._storage, plain._requires_grad
    if hasattr(new_type, "__setstate__"):
        made.__setstate__(state)
    else:
        made.__dict__.update(state[0] if isinstance(state, tuple) else state)
    return made


def _rebuild_qtensor(*args):
    """Quantized tensors are not part of this library."""
    raise RuntimeError("the file holds a quantized tensor, which course_lib does not have; save tensor.dequantize()")


def _rebuild_nested_tensor(*args):
    """Nor are nested ones."""
    raise RuntimeError("the file holds a nested tensor, which course_lib does not have; save tensor.unbind() instead")


def _rebuild_meta_tensor_no_storage(dtype, size, stride, requires_grad):
    """A tensor on the device meta."""
    from .ops.creation import empty_strided

    return empty_strided(size, stride, dtype=dtype, device="meta", requires_grad=requires_grad)


def _looking_into(storage, dtype: dtypes.dtype, offset, size, stride) -> Tensor:
    size, stride = tuple(map(operator.index, size)), tuple(map(operator.index, stride))
    offset = operator.index(offset)
    if 0 in size and offset > 0:
        offset = 0  # nothing is looked at; such a place may lie behind the end
    view = storage._as_tensor(dtype).as_strided(size, stride, offset)
    made = wrap(view._array)
    made._storage = view._storage
    return made


def _resolved(storage, metadata):
    """PyTorch conjugates and negates lazily and says so in the metadata; here the numbers themselves change."""
    for name in ("conj", "neg"):
        if metadata and metadata.get(name):
            storage = _changed(storage, name)
    return storage


def _changed(storage, method: str):
    """A storage with the numbers that a method of tensors gives; made again if the numbers are read only later."""

    def values() -> Tensor:
        return getattr(storage._as_tensor(storage.dtype), method)()

    changed = TypedStorage(values().clone())
    if hasattr(storage, "when_filled"):
        storage.when_filled(lambda: changed._owner.copy_(values()))
    return changed


# ---- storages ----------------------------------------------------------------------------------------------------


def reduce_storage(storage: Storage) -> tuple:
    """A storage in a plain pickle: its elements as a NumPy array (bfloat16, which NumPy cannot pickle, as bytes)."""
    memory = memory_of(storage.array)
    dtype = dtypes.from_numpy(memory.dtype)
    return _rebuild_storage, (memory.view("u1") if memory.dtype.kind == "V" else memory, dtype)


def _rebuild_storage(memory, dtype: dtypes.dtype) -> Storage:
    return _new_storage(memory.view(dtype.numpy))


def _new_storage(memory) -> Storage:
    """A storage around memory, marked where a mode (inference mode) marks what is made in it."""
    return (Storage.marked or Storage)(memory)


def _rebuild_typed_storage(storage: Storage, dtype: dtypes.dtype) -> TypedStorage:
    owner = wrap(memory_of(storage.array).view(dtype.numpy))
    owner._storage = storage
    return TypedStorage(owner)


def _rebuild_untyped_storage(storage: Storage) -> UntypedStorage:
    return _rebuild_typed_storage(storage, dtypes.from_numpy(storage.array.dtype)).untyped()


# ---- copying -----------------------------------------------------------------------------------------------------


def deepcopy_tensor(tensor: Tensor, memo: dict) -> Tensor:
    """A copy of a leaf in a copy of its whole memory: copies of tensors that share memory share theirs."""
    if id(tensor) in memo:
        return memo[id(tensor)]
    if not tensor.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
            "moment.  If you were attempting to deepcopy a module, this may be because of a torch.nn.utils."
            "weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
        )
    memory = tensor._storage.array
    key = ("memory of a tensor", id(memory))
    if key not in memo:
        memo[key] = _new_storage(memory_of(memory).copy())
        memo.setdefault(id(memo), []).append(memory)  # alive as long as its address means something
    made = memo[id(tensor)] = _copy_in(memo[key], tensor)
    made._requires_grad = tensor.requires_grad
    made.__dict__.update(copy.deepcopy(attributes_of(tensor), memo))
    if tensor._grad is not None:
        made._grad = copy.deepcopy(tensor._grad, memo)
    return made


def _copy_in(storage: Storage, tensor: Tensor) -> Tensor:
    """A tensor of the same class and place as `tensor` in another storage of the same size."""
    if tensor._array is tensor._storage.array and tensor._array.flags.c_contiguous:
        array = storage.array.reshape(tensor._array.shape)
    else:
        _, offset, size, stride, *_ = place_of(tensor)
        array = _looking_into(_rebuild_typed_storage(storage, tensor.dtype), tensor.dtype, offset, size, stride)._array
    made = wrap(array, type(tensor))
    made._storage = storage
    return made


__all__ = ["attributes_of", "deepcopy_tensor", "place_of", "reduce_parameter", "reduce_storage", "reduce_tensor"]
