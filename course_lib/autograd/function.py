"""torch.autograd.Function: an operation whose forward and backward the user writes.

`apply` runs `forward` without recording and, if an input needs a gradient, ties the outputs to a FunctionNode. The node
holds the `ctx` that forward filled, and calls the user's `backward(ctx, *grads)` when the gradients arrive. What
backward computes is recorded where `create_graph` asks for it, so a Function can be differentiated twice.
"""

from __future__ import annotations

import functools
import inspect
import weakref

from ..tensor import Tensor, wrap_view
from .grad_mode import GRAD, no_grad
from .inplace import check_inplace, rebase_history
from .node import Node, SavedOutput, edge_of, fit


class FunctionCtx:
    """What `forward` hands to `backward`: saved tensors, marks on inputs and outputs, and any attributes you set."""

    _to_save: tuple = ()
    _dirty: tuple = ()
    _non_differentiable: tuple = ()
    _materialize = True
    _node = None  # a weak reference to the node that this context belongs to
    needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors) -> None:
        """Keep inputs, outputs or intermediate tensors (or None) for backward, where `ctx.saved_tensors` has them."""
        self._to_save = tensors

    def save_for_forward(self, *tensors) -> None:
        """Accepted: forward mode is computed from `backward` and needs nothing of its own."""
        for tensor in tensors:
            if not isinstance(tensor, Tensor) and tensor is not None:
                raise AssertionError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes "
                    "on ctx."
                )

    @property
    def saved_tensors(self) -> tuple:
        """What `save_for_backward` kept; RuntimeError where one was changed in place since, or where it is freed."""
        node = None if self._node is None else self._node()
        return self._to_save if node is None else tuple(Node.saved_tensors.fget(node))

    def mark_dirty(self, *tensors) -> None:
        """Say which inputs forward changed in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors) -> None:
        """Say which outputs never require a gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True, the default) or None for outputs without a gradient."""
        self._materialize = value


class FunctionNode(Node):
    """The node of one call of a Function; each Function has its own subclass, named after it."""

    __slots__ = ()
    function: type  # set in the subclass

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self).__name__} object at {hex(id(self))}>"

    def __getattr__(self, name: str):
        if name.startswith("__") or "ctx" not in self.__dict__:
            return Node.__getattribute__(self, name)
        return getattr(self.__dict__["ctx"], name)

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        return self.ctx.needs_input_grad

    @property
    def saved_tensors(self) -> tuple:
        return self.ctx.saved_tensors

    def apply(self, grads) -> tuple:
        ctx = self.ctx
        grads = [*grads, *[None] * (len(self.output_metas) - len(grads))]
        if ctx._materialize:
            grads = [_zeros(meta) if g is None and meta is not None else g for g, meta in zip(grads, self.output_metas)]
        found = _backward_of(self.function)(ctx, *grads)
        return self._checked(list(found) if isinstance(found, tuple) else [found])

    def _checked(self, found: list) -> tuple:
        """One gradient for each tensor input, in its shape and dtype."""
        wanted, name = len(self.is_tensor), type(self).__name__
        while len(found) > wanted and found[-1] is None:
            found.pop()
        if len(found) != wanted:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {wanted}, got {len(found)})"
            )
        grads = []
        for position, (grad, is_tensor) in enumerate(zip(found, self.is_tensor, strict=True)):
            if not is_tensor:
                if grad is not None:
                    raise RuntimeError(
                        f"function {name} returned a gradient different than None at position {position + 1}, but the "
                        "corresponding forward input was not a Variable"
                    )
                continue
            if grad is not None and not isinstance(grad, Tensor):
                raise RuntimeError(
                    f"function {name} returned a gradient of type {type(grad).__name__} at position {position + 1}; "
                    "expected a Tensor or None"
                )
            meta = self.input_metas[len(grads)]
            if grad is not None and self.edges[len(grads)] is not None:
                _check_shape(name, len(grads), tuple(grad.shape), meta[0])
                grad = fit(grad, meta)
            grads.append(grad)
        return tuple(grads)


def _zeros(meta):
    from ..ops.creation import zeros

    return zeros(meta[0], dtype=meta[1], device=meta[2])


def _backward_of(function):
    """The user's `backward`, or `vjp`, which is another name for it."""
    if function.backward is not Function.backward:
        if function.vjp is not Function.vjp:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
                "implement one of them."
            )
        return function.backward
    if function.vjp is not Function.vjp:
        return function.vjp
    return function.backward


def _check_shape(name: str, index: int, got: tuple, expected: tuple) -> None:
    pairs = zip(reversed(expected), reversed(got))
    if len(got) < len(expected) or any(want not in (1, have) for want, have in pairs):
        raise RuntimeError(
            f"Function {name} returned an invalid gradient at index {index} - got {list(got)} but expected shape "
            f"compatible with {list(expected)}"
        )


class Function:
    """Base of operations with their own backward: write two static methods and call `apply`.

    `forward(ctx, *args)` computes the result and calls `ctx.save_for_backward(…)`; `backward(ctx, *grad_outputs)`
    returns one gradient for each argument of forward (None where there is none). Alternatively `forward(*args)` without
    ctx, and `setup_context(ctx, inputs, output)` that saves.

    >>> import course_lib as torch
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x ** 3
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         x, = ctx.saved_tensors
    ...         return 3 * x ** 2 * grad
    >>> x = torch.tensor(2., requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)

    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.Function
    """

    generate_vmap_rule = False
    node_class: type[FunctionNode]

    def __init_subclass__(cls, **named):
        super().__init_subclass__(**named)
        members = {"__slots__": (), "function": cls, "__module__": "torch.autograd.function"}
        cls.node_class = type(cls.__name__ + "Backward", (FunctionNode,), members)

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args, **kwargs):
        """Compute the result; to be written by the subclass."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs: tuple, output) -> None:
        """Save for backward; to be written by a subclass whose forward takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The gradients of forward's arguments; to be written by the subclass."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @staticmethod
    def vjp(ctx, *grad_outputs):
        """Another name for `backward`."""
        raise NotImplementedError("Implement either `backward` or `vjp`.")

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """Accepted in subclasses; forward mode is computed from `backward`."""
        raise NotImplementedError("Forward mode is computed from backward.")

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run forward on the arguments and record it."""
        separate = cls.setup_context is not Function.setup_context
        if separate:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, {}
        given = (*args, *kwargs.values())
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple([isinstance(a, Tensor) and a.requires_grad for a in given])
        node = _node_for(cls, ctx, given) if GRAD.enabled and any(ctx.needs_input_grad) else None
        with no_grad():
            if separate:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        outputs = output if isinstance(output, tuple) else (output,)
        outputs = _tie_outputs(ctx, node, given, outputs)
        return outputs if isinstance(output, tuple) else outputs[0]


def _node_for(cls, ctx, args) -> FunctionNode:
    tensors = [a for a in args if isinstance(a, Tensor)]
    node = cls.node_class([edge_of(t) for t in tensors])
    node.ctx = ctx
    node.is_tensor = [isinstance(a, Tensor) for a in args]
    node.input_metas = [(t._array.shape, t._array.dtype) for t in tensors]
    return node


def _tie_outputs(ctx, node, args, outputs) -> tuple:
    """The outputs with the history they are to have, and what forward saved, kept in the node."""
    _check_saved(ctx)
    for tensor in ctx._dirty:
        if not any(tensor is output for output in outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                "are modified inplace must all be outputs of the Function."
            )
    tied = tuple([_tied(ctx, node, args, output, index) for index, output in enumerate(outputs)])
    if node is not None:
        node.output_metas = [
            (tuple(t.shape), t.dtype, t.device) if isinstance(t, Tensor) else None for t in outputs
        ]  # fmt: skip
        node.saved = [_kept(tensor, node, args, outputs, tied) for tensor in ctx._to_save]
        ctx._to_save, ctx._dirty, ctx._non_differentiable = (), (), ()
        ctx._node = weakref.ref(node)
        if GRAD.on_record is not None:
            GRAD.on_record(node)
    return tied


def _check_saved(ctx) -> None:
    for position, tensor in enumerate(ctx._to_save):
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"save_for_backward can only save variables, but argument {position} is of type {type(tensor).__name__}"
            )


def _tied(ctx, node, args, output, index: int):
    if not isinstance(output, Tensor):
        return output
    is_input = any(output is a for a in args)
    is_dirty = any(output is t for t in ctx._dirty)
    is_marked = any(output is t for t in ctx._non_differentiable)  # before an input gets an alias
    if is_input and not is_dirty:
        output = _alias(output)
    if node is None or is_marked or output._array.dtype.kind not in "fcV":
        return output.detach() if output._requires_grad and not is_dirty else output
    if is_dirty:
        if output._requires_grad and output._node is None and output._base is None:
            raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
        check_inplace(output)
        output._storage.version += 1
        if is_input:
            rebase_history(output, node)
            if output._base is None:
                output._nr = index
            return output
    output._node, output._nr, output._requires_grad = node, index, True
    if output._base is not None:
        node.view_outputs = (*node.view_outputs, index)
    output._base = None  # a view made inside forward is the Function's result, not a view for later in-place changes
    return output


def _alias(tensor):
    with no_grad():
        alias = wrap_view(tensor._array, tensor)
    return alias


def _kept(tensor, node, args, outputs, tied):
    """One entry of `node.saved`: an output without its history (or node and tensor would hold each other for ever)."""
    if tensor is None:
        return None, None
    if not any(tensor is a for a in args):
        for index, output in enumerate(outputs):
            if output is tensor and isinstance(tied[index], Tensor) and tied[index]._node is node:
                return SavedOutput(tensor, index), tensor._storage.version
    elif any(tensor is output for output in outputs) and tensor._node is node:
        return SavedOutput(tensor, tensor._nr), tensor._storage.version
    return tensor, tensor._storage.version


# ---- differentiable once -----------------------------------------------------------------------------------------


class DelayedError(Node):
    """The node of gradients that must not be differentiated again."""

    __slots__ = ("message",)

    def name(self) -> str:
        return "torch::autograd::Error"

    def apply(self, grads) -> tuple:
        raise RuntimeError(self.message)


def once_differentiable(backward):
    """Decorate `backward` of a Function that cannot be differentiated itself; a second derivative is a RuntimeError.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.function.once_differentiable.html
    """

    @functools.wraps(backward)
    def wrapper(ctx, *grads):
        with no_grad():
            found = backward(ctx, *grads)
        if not GRAD.enabled or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return found
        several = isinstance(found, tuple)
        outputs = [g.detach() if isinstance(g, Tensor) else g for g in (found if several else (found,))]
        node = DelayedError([edge_of(g.detach().requires_grad_()) for g in outputs if isinstance(g, Tensor)])
        node.message = "trying to differentiate twice a function that was marked with @once_differentiable"
        for value in outputs:
            if isinstance(value, Tensor):
                value._node, value._requires_grad = node, True
        return tuple(outputs) if several else outputs[0]

    return wrapper


__all__ = ["Function", "FunctionCtx", "once_differentiable"]
