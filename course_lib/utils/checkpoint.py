"""torch.utils.checkpoint: trade time for memory by computing a part of the network again in backward.

Without reentrance, the tensors that the part saves are dropped as soon as they are saved (a hook on saved tensors), and
the first one that backward asks for makes the part run again. With reentrance the part is one autograd.Function that
runs without recording and, in backward, runs again with recording and is differentiated.
"""

from __future__ import annotations

import contextlib
import warnings

from ..autograd import backward as run_backward
from ..autograd.function import Function
from ..autograd.grad_mode import GRAD, enable_grad, no_grad
from ..autograd.graph import saved_tensors_hooks
from ..ops._autocast import AUTOCAST, autocast_as
from ..random import default_generator
from ..tensor import Tensor


class CheckpointError(RuntimeError):
    """The function did not do the same again."""


def noop_context_fn():
    """Two contexts that do nothing: the default of `context_fn`."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(function, *args, use_reentrant: bool | None = None, context_fn=noop_context_fn,
               determinism_check: str = "default", debug: bool = False, early_stop: bool = True,
               preserve_rng_state: bool = True, **kwargs):  # fmt: skip
    """`function(*args, **kwargs)`, keeping nothing of what happens inside; backward computes it again.

    `use_reentrant=False` is the better of the two ways; `preserve_rng_state` gives the second run the random numbers of
    the first. CheckpointError where the second run saves other tensors than the first.

    >>> import course_lib as torch
    >>> from course_lib.utils.checkpoint import checkpoint
    >>> x = torch.tensor(2., requires_grad=True)
    >>> checkpoint(lambda t: t ** 3, x, use_reentrant=False).backward()
    >>> x.grad
    tensor(12.)

    Source: https://docs.pytorch.org/docs/stable/checkpoint.html
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but "
            "if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for "
            "more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    if not use_reentrant:
        return _Recomputed(function, args, kwargs, context_fn, determinism_check, preserve_rng_state).run()
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug:
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    return CheckpointFunction.apply(function, preserve_rng_state, *args)


@contextlib.contextmanager
def _random_state(state):
    """Random numbers from `state` on inside the block (None: as they come), and afterwards as before it."""
    if state is None:
        yield
        return
    before = default_generator.get_state()
    default_generator.set_state(state)
    try:
        yield
    finally:
        default_generator.set_state(before)


# ---- without reentrance ------------------------------------------------------------------------------------------


class _Stop(Exception):
    """All tensors that backward may ask for are there: the second run can end."""


class _Recomputed:
    """One checkpointed call: counts what it saved, and computes it again when backward asks for the first of them."""

    def __init__(self, function, args, kwargs, context_fn, determinism_check: str, preserve_rng_state: bool):
        self.function, self.args, self.kwargs = function, args, kwargs
        self.forward_context, self.recompute_context = context_fn()
        self.determinism_check = determinism_check
        self.state = default_generator.get_state() if preserve_rng_state else None
        self.autocast = AUTOCAST.state()
        self.kept: list = []  # (shape, dtype) of each saved tensor, in order
        self.again: dict[int, Tensor] = {}

    def run(self):
        with saved_tensors_hooks(self._pack, self._unpack), self.forward_context:
            return self.function(*self.args, **self.kwargs)

    def _pack(self, tensor) -> int:
        self.kept.append((tuple(tensor.shape), tensor.dtype))
        return len(self.kept) - 1

    def _unpack(self, number: int):
        if number not in self.again:
            self._recompute()
        return self.again.pop(number) if not GRAD.enabled else self.again[number]

    def _recompute(self) -> None:
        """Run the function once more and keep what it saves."""
        found: list = []

        def keep(tensor) -> int:
            found.append(tensor.detach())
            if len(found) == len(self.kept):
                raise _Stop
            return len(found) - 1

        def refuse(number: int):
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once."
            )

        args = [t.detach().requires_grad_(t.requires_grad) if isinstance(t, Tensor) else t for t in self.args]
        hooks = saved_tensors_hooks(keep, refuse)
        modes = _random_state(self.state), autocast_as(self.autocast)
        with enable_grad(), modes[0], modes[1], self.recompute_context, hooks, contextlib.suppress(_Stop):
            self.function(*args, **self.kwargs)
        self._check(found)
        self.again = dict(enumerate(found))

    def _check(self, found: list) -> None:
        if len(found) != len(self.kept):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.kept)}\nNumber of tensors saved "
                f"during recomputation: {len(found)}."
            )
        if self.determinism_check == "none":
            return
        for number, (tensor, (shape, dtype)) in enumerate(zip(found, self.kept, strict=True)):
            if tuple(tensor.shape) != shape or tensor.dtype != dtype:
                raise CheckpointError(
                    "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                    f"during the forward pass.\ntensor at position {number}:\nsaved metadata: shape {shape}, "
                    f"{dtype}\nrecomputed metadata: shape {tuple(tensor.shape)}, {tensor.dtype}"
                )


# ---- with reentrance ---------------------------------------------------------------------------------------------


class CheckpointFunction(Function):
    """The whole part as one operation."""

    @staticmethod
    def forward(ctx, function, preserve_rng_state: bool, *args):
        ctx.function = function
        ctx.state = default_generator.get_state() if preserve_rng_state else None
        ctx.autocast = AUTOCAST.state()
        ctx.plain = [None if isinstance(a, Tensor) else a for a in args]
        ctx.save_for_backward(*[a if isinstance(a, Tensor) else None for a in args])
        if not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=5)
        with no_grad():
            return function(*args)

    @staticmethod
    def backward(ctx, *grads):
        saved = ctx.saved_tensors
        args = [
            plain if t is None else t.detach().requires_grad_(t.requires_grad)
            for t, plain in zip(saved, ctx.plain, strict=True)
        ]
        with enable_grad(), _random_state(ctx.state), autocast_as(ctx.autocast):
            made = ctx.function(*args)
        outputs = (made,) if isinstance(made, Tensor) else made
        pairs = [
            (out, g) for out, g in zip(outputs, grads, strict=True) if isinstance(out, Tensor) and out.requires_grad
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        run_backward([out for out, _ in pairs], [g for _, g in pairs])
        return (None, None, *[a._grad if isinstance(a, Tensor) else None for a in args])


# ---- sequences ---------------------------------------------------------------------------------------------------


def checkpoint_sequential(functions, segments: int, input, use_reentrant: bool | None = None, **kwargs):
    """`input` through all `functions` in order, in `segments` parts of which all but the last are checkpointed.

    Source: https://docs.pytorch.org/docs/stable/checkpoint.html#torch.utils.checkpoint.checkpoint_sequential
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    functions = list(functions.children()) if hasattr(functions, "children") else list(functions)
    length = len(functions) // segments

    def run(start: int, end: int):
        def part(x):
            for function in functions[start:end]:
                x = function(x)
            return x

        return part

    end = 0
    for start in range(0, length * (segments - 1), length):
        end = start + length
        input = checkpoint(run(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(end, len(functions))(input)


def set_checkpoint_early_stop(enable: bool):
    """Accepted as a context manager: the second run always ends once all saved tensors are there."""
    return contextlib.nullcontext(enable)


__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn", "set_checkpoint_early_stop"]
