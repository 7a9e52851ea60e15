"""In-place changes and views: how history stays right when numbers are overwritten.

An in-place op on a view changes its base too. So the base gets a CopySlices node (the gradient of the base, with the
slice's part sent through the op), and the view, like every other view made earlier, gets its history from the base anew
(AsStridedBackward0), the next time somebody asks.
"""

from __future__ import annotations

from ..backends import array_module
from .node import Node, edge_of


def check_inplace(tensor) -> None:
    """RuntimeError for an in-place change that would lose a leaf's meaning."""
    base, node = tensor._base, tensor._node
    if base is None:
        if node is None:
            if tensor._requires_grad:
                raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        elif node.view_outputs and tensor._nr in node.view_outputs:
            raise RuntimeError(_refusal(node, tensor._nr))
        return
    _check_view(tensor, "is being")
    if base._requires_grad and base._node is None:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")


def refresh_view(view) -> None:
    """The view's memory was changed through its base or another view: a fresh history, where it may have one."""
    _check_view(view, "its base or another view of its base has been")
    regenerate_view(view)


def _check_view(view, change: str) -> None:
    """RuntimeError for a view whose history cannot follow an in-place change; `change` says what is changed."""
    node, made_in = view._node, view.__dict__.get("_made_in")  # None, "no_grad", "inference" or "several"
    if made_in is None:
        if node is not None and node.outputs is not None:
            raise RuntimeError(_refusal(node, view._nr, change))
        return
    if node is not None and made_in == "several":
        raise RuntimeError(f"{_output(node, view._nr)} is a view and {change} modified inplace. {_SEVERAL_VIEWS}")
    origin = "A view was" if node is None else f"{_output(node, view._nr)} is a view of a view which was"
    mode = "inference" if made_in == "inference" else "no_grad"
    now = "in normal mode" if mode == "inference" else "with grad mode enabled"
    block = "inference_mode" if mode == "inference" else mode
    raise RuntimeError(
        f"{origin} created in {mode} mode and {change} modified inplace {now}. "
        + (_SEVERAL_VIEWS if made_in == "several" else _UNTRACKED_VIEW.format(block=block))
    )


_SEVERAL_VIEWS = (
    "This view is the output of a function that returns multiple views. Such functions do not allow the output views "
    "to be modified inplace. You should replace the inplace operation by an out-of-place one."
)
_UNTRACKED_VIEW = (
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both "
    "the view and the inplace either both inside the {block} block (if you don't want the inplace to be tracked) or "
    "both outside (if you want the inplace to be tracked)."
)


def _output(node: Node, index: int) -> str:
    return f"Output {index} of {node.name().removesuffix('0').removesuffix('Backward')}"


def _refusal(node: Node, index: int, change: str = "is being") -> str:
    """Why this output of a node, a view, cannot be changed in place."""
    text = f"{_output(node, index)} is a view and {change} modified inplace. "
    if len(node.outputs or node.output_metas) > 1:
        return text + _SEVERAL_VIEWS
    return text + (
        "This view was created inside a custom Function (or because an input was returned as-is) and the autograd "
        "logic to handle view+inplace would override the custom backward associated with the custom Function, leading "
        "to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom "
        "Function."
    )


def check_overlap(array) -> None:
    """RuntimeError for an array in which several elements are one place in memory, as after `expand`."""
    repeats = 0 in array.strides and array.size
    if repeats and any(n > 1 and step == 0 for n, step in zip(array.shape, array.strides, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


_COMMON_MEMORY = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
    "location. Please clone() the tensor before performing the operation."
)


def refuse_common_memory(out, operands) -> None:
    """RuntimeError where a result is to be written over what it is computed from."""
    share = array_module(out._array).may_share_memory
    aliases = [t._array for t in operands if hasattr(t, "_array") and t._storage is out._storage]
    if out.numel() and any(share(array, out._array) for array in aliases):
        raise RuntimeError(_COMMON_MEMORY)


def refuse_partly_common_memory(changed, operand) -> None:
    """RuntimeError where an operand of the same storage is neither all of what is changed nor apart from it.

    Tensors with gaps in memory are let through, as in PyTorch: whether they meet is not so quickly found out.
    """
    a, b = changed._array, operand._array
    if not (a.size and b.size and _fills_its_memory(a) and _fills_its_memory(b)):
        return
    start, other = changed.data_ptr(), operand.data_ptr()
    if (
        (start, a.shape, a.strides) != (other, b.shape, b.strides)
        and start < other + b.nbytes
        and other < start + a.nbytes
    ):
        raise RuntimeError(_COMMON_MEMORY)


def _fills_its_memory(array) -> bool:
    """Whether there are no gaps between the first and the last element."""
    return (
        sum((n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)) + array.itemsize == array.nbytes
    )


def rebase_history(tensor, node: Node) -> None:
    """`node` has just overwritten `tensor`: make it the tensor's history, and through CopySlices its base's."""
    base = tensor._base
    if base is None:
        _set_history(tensor, node)
        return
    _set_history(base, CopySlices(base, tensor, node))
    regenerate_view(tensor)


def _set_history(tensor, node: Node) -> None:
    """The tensor's new history; where its `.grad` is retained, it is the gradient of what it holds from now on."""
    old = tensor._node
    if old is not None and old.hooks is not None and tensor._nr in old.hooks.retained and tensor.retains_grad:
        node._hooks().retained[0] = old.hooks.retained.pop(tensor._nr)
    tensor._node, tensor._nr, tensor._requires_grad = node, 0, True


def regenerate_view(view) -> None:
    """Give a view a fresh history: a strided slice of its base as the base is now."""
    base = view._base
    edge = edge_of(base)
    view._seen_version = view._storage.version
    if edge is None:
        return
    node = AsStridedBackward0((edge,))
    node.geometry = geometry(view, base)
    node.base_geometry = geometry(base, base)
    view._node, view._nr, view._requires_grad = node, 0, True


def geometry(view, base) -> tuple:
    """(shape, strides, offset) of `view` counted in elements from the first element of `base`."""
    return tuple(view.shape), view.stride(), view.storage_offset() - base.storage_offset()


class AsStridedBackward0(Node):
    """The backward of a strided view of a base tensor."""

    __slots__ = ()

    def backward(self, g):
        from ..ops.strides import as_strided_backward

        return as_strided_backward(g, self.geometry, self.base_geometry)


class CopySlices(Node):
    """The history of a base tensor, a slice of which an in-place op overwrote.

    The gradient of the old base is the gradient of the new one, with the slice replaced by what the op sends back.
    """

    __slots__ = ()

    def __init__(self, base, view, node: Node):
        super().__init__((edge_of(base), *node.edges[1:]))
        self.operation, self.saved = node, node.saved  # it is freed when this node is
        self.base_geometry = geometry(base, base)
        self.geometry = geometry(view, base)

    def name(self) -> str:
        return "torch::autograd::CopySlices"

    def apply(self, grads) -> tuple:
        from ..ops.strides import clone_like, strided_view

        total = clone_like(grads[0], self.base_geometry)
        part = strided_view(total, *self.geometry)
        first, *others = self.operation.apply([part.clone()])
        if first is None:
            part.zero_()
        else:
            part.copy_(first)
        return (total, *others)

    def release(self) -> None:
        self.saved = None
        self.operation.release()
