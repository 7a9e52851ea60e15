"""Derivatives as transforms of functions: grad, vjp, jvp, jacrev, jacfwd, hessian.

Each call gives `func` fresh aliases of its arguments (a level of its own), so that transforms nest: what an inner
transform computes is an ordinary recorded function of the outer one's aliases. Backward records (`create_graph`) only
where a result can depend on something outside the level; otherwise results carry no history. Forward mode comes from
`pusher` (autograd/products.py).
"""

from __future__ import annotations

import functools

from ..autograd.grad_mode import enable_grad, is_grad_enabled
from ..autograd.node import AccumulateGrad
from ..autograd.products import nodes_behind, pull, pusher
from ..tensor import Tensor
from ..utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

# ---- a level -----------------------------------------------------------------------------------------------------


def _lift(tensor):
    """An alias of the tensor by which this level differentiates."""
    if not isinstance(tensor, Tensor):
        return tensor
    return tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()


def _depends_on_more(tensors, lifted) -> bool:
    """Whether a gradient could flow from `tensors` past the level's own leaves, into something outside."""
    ours = {id(t) for t in lifted}
    tensors = [t for t in tensors if isinstance(t, Tensor)]
    if any(t.grad_fn is None and t.requires_grad and id(t) not in ours for t in tensors):
        return True
    return any(type(node) is AccumulateGrad and id(node.variable) not in ours for node in nodes_behind(tensors))


def _cut(tree, keep: bool):
    """The results without the level's history, unless the outside needs it."""
    return tree if keep else tree_map(lambda t: t.detach() if isinstance(t, Tensor) and t.requires_grad else t, tree)


class _Level:
    """One evaluation of `func` at lifted arguments: what it returned, and what is needed to differentiate it."""

    def __init__(self, func, args, has_aux: bool, name: str, kwargs=None):
        self.leaves, self.spec = tree_flatten(args)
        self.places = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, Tensor)]
        self.record_outside = is_grad_enabled()
        with enable_grad():
            lifted = [_lift(leaf) for leaf in self.leaves]
            self.inputs = [lifted[i] for i in self.places]
            result = func(*tree_unflatten(lifted, self.spec), **(kwargs or {}))
        self.aux = None
        if has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(
                    f"{name}(f, *primals): output of function f should be a tuple: (output, aux) if has_aux is True"
                    if name in ("vjp", "jvp")
                    else f"{name}(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is True"
                )
            result, self.aux = result
        self.output = result
        self.outputs, self.output_spec = tree_flatten(result)

    def check_tensors(self, name: str) -> None:
        for value in self.outputs:
            if not isinstance(value, Tensor):
                raise RuntimeError(
                    f"{name}: Expected f(*args) to return only tensors, got unsupported type {type(value)}"
                )

    def keep(self, *more) -> bool:
        """Whether results need a history for the outside."""
        return self.record_outside and _depends_on_more([*self.outputs, *more], self.inputs)

    def in_place_of_arguments(self, values):
        """The values, one a tensor argument, in the containers of the arguments."""
        leaves = list(self.leaves)
        for place, value in zip(self.places, values, strict=True):
            leaves[place] = value
        return tree_unflatten(leaves, self.spec)


# ---- gradients ---------------------------------------------------------------------------------------------------


def _selected(args: tuple, argnums) -> tuple:
    """The arguments to differentiate by, and a function that puts others in their place."""
    single = isinstance(argnums, int)
    if not single and not isinstance(argnums, tuple):
        raise RuntimeError(f"argnum must be int or Tuple[int], got: {type(argnums)}")
    places = []
    for number in (argnums,) if single else argnums:
        if not -len(args) <= number < len(args):
            raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
        places.append(number % len(args))

    def call_with(func):
        def changed(*chosen, **kwargs):
            full = list(args)
            for place, value in zip(places, chosen, strict=True):
                full[place] = value
            return func(*full, **kwargs)

        return changed

    return tuple([args[place] for place in places]), call_with, (lambda values: values[0] if single else tuple(values))


def grad_and_value(func, argnums: int | tuple[int, ...] = 0, has_aux: bool = False):
    """A function that returns the gradient of the scalar `func` by its arguments `argnums`, and the value of `func`.

    With `has_aux`, `func` returns (scalar, aux) and the value is that pair.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.grad_and_value.html
    """

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        chosen, call_with, plain = _selected(args, argnums)
        level = _Level(call_with(func), chosen, has_aux, "grad_and_value", kwargs)
        output = level.output
        if not isinstance(output, Tensor):
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}")
        if output.dim() != 0:
            raise RuntimeError(
                "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                f"{output.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        keep = level.keep()
        grads = pull([output], [output.new_ones(())], level.inputs, keep)
        gradient = plain(_cut(level.in_place_of_arguments(grads), keep))
        value = _cut(output, keep)
        return (gradient, (value, _cut(level.aux, keep))) if has_aux else (gradient, value)

    return wrapper


def grad(func, argnums: int | tuple[int, ...] = 0, has_aux: bool = False):
    """A function that returns the gradient of the scalar `func` by its arguments `argnums`.

    An argument may be a container of tensors; the gradient is then the same container. With `has_aux`, `func` returns
    (scalar, aux) and the new function (gradient, aux).

    >>> import course_lib as torch
    >>> torch.func.grad(lambda x: x ** 3)(torch.tensor(2.))
    tensor(12.)
    >>> torch.func.grad(torch.func.grad(lambda x: x ** 3))(torch.tensor(2.))
    tensor(12.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.grad.html
    """

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        gradient, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def vjp(func, *primals, has_aux: bool = False) -> tuple:
    """The value of `func` and a function that multiplies a vector (shaped as the value) with its Jacobian.

    With `has_aux`, `func` returns (value, aux) and this (value, function, aux).

    >>> import course_lib as torch
    >>> value, pull = torch.func.vjp(torch.sin, torch.tensor([0., 1.]))
    >>> pull(torch.ones(2))
    (tensor([1.0000, 0.5403]),)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.vjp.html
    """
    level = _Level(func, primals, has_aux, "vjp")
    level.check_tensors("vjp(f, *primals)")
    keep = level.keep()

    def pullback(cotangents, retain_graph=True, create_graph=None) -> tuple:
        vectors, spec = tree_flatten(cotangents)
        if len(vectors) != len(level.outputs):
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. cotangents: {_structure(spec)}, primal output: {_structure(level.output_spec)}"
            )
        record = is_grad_enabled() and (keep or any(v.requires_grad for v in vectors))
        grads = pull(level.outputs, vectors, level.inputs, record)
        return _cut(level.in_place_of_arguments(grads), record)

    value = _cut(level.output, keep)
    return (value, pullback, _cut(level.aux, keep)) if has_aux else (value, pullback)


def _structure(spec) -> str:
    if spec.build is None:
        return "*"
    return f"({', '.join(map(_structure, spec.children))})"


# ---- forward mode ------------------------------------------------------------------------------------------------


def _check_tangents(primals, tangents, name: str) -> list:
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{name}(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to call "
            "f(*primals)."
        )
    leaves, spec = tree_flatten(primals)
    given, given_spec = tree_flatten(tangents)
    if len(leaves) != len(given):
        raise RuntimeError(
            f"{name}(f, primals, tangents): Expected primals and tangents to have the same python structure. For "
            "example, if primals is a tuple of 3 tensors, tangents also must be. Got primals with structure "
            f"{_structure(spec)} and tangents with structure {_structure(given_spec)}"
        )
    for primal, tangent in zip(leaves, given, strict=True):
        if primal.shape != tangent.shape:
            raise RuntimeError(
                "jvp(f, primals, tangents): Expected each tangent to have the shape of its primal, got tangent of "
                f"shape {tuple(tangent.shape)} for a primal of shape {tuple(primal.shape)}"
            )
    return given


def jvp(func, primals: tuple, tangents: tuple, *, strict: bool = False, has_aux: bool = False) -> tuple:
    """The value of `func` at `primals` and its change along `tangents`: the Jacobian times the tangents.

    With `has_aux`, `func` returns (value, aux) and this (value, change, aux).

    >>> import course_lib as torch
    >>> torch.func.jvp(torch.sin, (torch.tensor(0.),), (torch.tensor(2.),))
    (tensor(0.), tensor(2.))

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.jvp.html
    """
    tangents = _check_tangents(primals, tangents, "jvp")
    level = _Level(func, primals, has_aux, "jvp")
    level.check_tensors("jvp(f, primals, tangents)")
    change = tree_unflatten(pusher(level.outputs, level.inputs, level.keep())(tangents), level.output_spec)
    keep = level.keep()
    value = _cut(level.output, keep)
    return (value, change, _cut(level.aux, keep)) if has_aux else (value, change)


def linearize(func, *primals) -> tuple:
    """The value of `func` at `primals`, and the function that maps tangents to the change of the value.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.linearize.html
    """
    level = _Level(func, primals, False, "linearize")
    level.check_tensors("linearize(f, *primals)")
    push = pusher(level.outputs, level.inputs, level.keep())

    def change(*tangents):
        return tree_unflatten(push(tree_leaves(tangents)), level.output_spec)

    return _cut(level.output, level.keep()), change


# ---- matrices ----------------------------------------------------------------------------------------------------


def _units(like):
    """The unit vectors of a tensor's shape, one after the other."""
    for position in range(like.numel()):
        unit = like.new_zeros(like.numel())
        unit[position] = 1
        yield unit.view(like.shape)


def jacrev(func, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, chunk_size: int | None = None):
    """A function that returns the Jacobian of `func` by its arguments `argnums`, a row at a time (backward).

    For each output and argument a tensor of shape (*output.shape, *argument.shape), in the containers of the output,
    inside them those of the arguments.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.jacrev.html
    """

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        chosen, call_with, plain = _selected(args, argnums)
        level = _Level(call_with(func), chosen, has_aux, "jacrev", kwargs)
        level.check_tensors("jacrev(f, argnums=...)(*args)")
        keep = level.keep()
        blocks = []
        for output in level.outputs:
            rows = [pull([output], [unit], level.inputs, keep) for unit in _units(output)]
            tensors = [_joined(output, t, [row[i] for row in rows], 0) for i, t in enumerate(level.inputs)]
            blocks.append(plain(_cut(level.in_place_of_arguments(tensors), keep)))
        result = tree_unflatten(blocks, level.output_spec)
        return (result, _cut(level.aux, keep)) if has_aux else result

    return wrapper


def jacfwd(func, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"):
    """A function that returns the Jacobian of `func` by its arguments `argnums`, a column at a time (forward mode).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.jacfwd.html
    """

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        chosen, call_with, plain = _selected(args, argnums)
        level = _Level(call_with(func), chosen, has_aux, "jacfwd", kwargs)
        level.check_tensors("jacfwd(f, argnums=...)(*args)")
        push = pusher(level.outputs, level.inputs, level.keep())
        zeros = [t.new_zeros(t.shape) for t in level.inputs]
        columns = []  # for each argument: for each of its elements the tangents of all outputs
        for place, argument in enumerate(level.inputs):
            columns.append([push([*zeros[:place], unit, *zeros[place + 1 :]]) for unit in _units(argument)])
        blocks = []
        for number, output in enumerate(level.outputs):
            tensors = [
                _joined(output, argument, [tangents[number] for tangents in column], -1)
                for argument, column in zip(level.inputs, columns, strict=True)
            ]
            blocks.append(plain(level.in_place_of_arguments(tensors)))
        result = tree_unflatten(blocks, level.output_spec)
        return (result, _cut(level.aux, level.keep())) if has_aux else result

    return wrapper


def _joined(output, argument, parts: list, dim: int):
    """Rows (dim 0) or columns (dim -1) of a Jacobian as one tensor of shape (*output.shape, *argument.shape)."""
    from ..ops.joining import stack

    shape = (*output.shape, *argument.shape)
    if not parts:
        return output.new_zeros(shape)
    return stack(parts, dim).reshape(shape)


def hessian(func, argnums: int | tuple[int, ...] = 0):
    """A function that returns the Hessian of the scalar `func`: `jacfwd(jacrev(func))`.

    >>> import course_lib as torch
    >>> torch.func.hessian(lambda x: (x ** 3).sum())(torch.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.hessian.html
    """
    return jacfwd(jacrev(func, argnums), argnums)


__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp"]
