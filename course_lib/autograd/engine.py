"""Backward: walk the graph from the outputs to the leaves, each node once, when all gradients for it have arrived.

`run_backward` counts how many gradients each node waits for, keeps the ready nodes in a heap (latest recorded first),
and never recurses, so a chain of 100,000 operations is as good as one of ten.
"""

from __future__ import annotations

import sys
from heapq import heapify, heappop, heappush

import numpy as np

from ..backends import cast
from .anomaly_mode import ANOMALY, check_results, explain
from .grad_mode import GRAD
from .node import AccumulateGrad, edge_of


class _Running:
    __slots__ = ("nodes",)


RUNNING = _Running()  # `nodes`: what the running backward visits, (nodes that wait for others, nodes it begins with)
RUNNING.nodes = None


def run_backward(outputs, grads, retain_graph: bool, create_graph: bool, inputs=None) -> list | None:
    """Push `grads` from `outputs` back through the graph.

    With `inputs` None the leaves' `.grad` are filled; otherwise the gradients of `inputs` are returned (None where
    none arrived) and no `.grad` changes.
    """
    pending: dict = {}  # node -> gradients of its outputs, as far as they have arrived
    for output, grad in zip(outputs, grads, strict=True):
        node, index, *_ = edge_of(output)
        _add(pending.setdefault(node, []), index, grad)
    wanted: dict = {}  # node -> [(output index, position in inputs)]
    if inputs is not None:
        for position, tensor in enumerate(inputs):
            node, index, *_ = edge_of(tensor)
            wanted.setdefault(node, []).append((index, position))
    needed = None if inputs is None else _leading_to(pending, wanted)
    waiting = _count_dependencies(pending, needed)
    found = None if inputs is None else [None] * len(inputs)

    ready = [node for node in pending if node not in waiting]
    heapify(ready)
    outer, RUNNING.nodes = RUNNING.nodes, (waiting, tuple(pending))
    before, anomaly = GRAD.enabled, ANOMALY.enabled
    GRAD.enabled = create_graph
    try:
        while ready:
            node = heappop(ready)
            arrived = pending.pop(node, None)
            edges = node.edges
            if arrived is None:
                results = (None,) * len(edges)
            else:
                watched = node.hooks is not None or node.outputs is not None or anomaly
                if watched and node.hooks is not None:
                    _run_hooks(node, arrived)
                if inputs is not None and node in wanted:
                    for index, position in wanted[node]:
                        found[position] = arrived[index] if index < len(arrived) else None
                if not edges:
                    _end(node, arrived, inputs is None)
                    continue
                if inputs is not None and not _leads_on(node, needed):
                    continue
                results = _run_watched(node, arrived) if watched else node.apply(arrived)
                if node.saved and not retain_graph:
                    node.release()
                arrived = None
            for edge, grad in zip(edges, results):
                if edge is None:
                    continue
                target = edge[0]
                if needed is not None and target not in needed:
                    continue
                left = waiting[target]
                if grad is not None:
                    if edge[1] == 0 and target not in pending:
                        pending[target] = [grad]
                    else:
                        _add(pending.setdefault(target, []), edge[1], grad)
                if left == 1:
                    heappush(ready, target)
                else:
                    waiting[target] = left - 1
            results = grad = None  # no reference may stay behind: AccumulateGrad takes over what is not shared
    except Exception:
        if anomaly:
            explain(node)
        raise
    finally:
        GRAD.enabled, RUNNING.nodes = before, outer
    return found


def _count_dependencies(roots, needed) -> dict:
    """For every node that can be reached (and is needed): how many edges lead to it."""
    waiting: dict = {}
    stack = list(roots)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None:
                node = edge[0]
                if needed is not None and node not in needed:
                    continue
                if node in waiting:
                    waiting[node] += 1
                else:
                    waiting[node] = 1
                    if node not in roots:
                        stack.append(node)
    return waiting


def _leading_to(roots, wanted) -> set:
    """The nodes from which a wanted node can be reached, and the wanted ones: only they have to run."""
    order, seen, stack = [], set(roots), list(roots)
    while stack:
        node = stack.pop()
        order.append(node)
        for edge in node.edges:
            if edge is not None and edge[0] not in seen:
                seen.add(edge[0])
                stack.append(edge[0])
    order.sort(key=lambda node: node.sequence if node.edges else -1)  # inputs before what was computed from them
    needed = set(wanted)
    for node in order:
        if _leads_on(node, needed):
            needed.add(node)
    return needed


def _leads_on(node, needed) -> bool:
    return any(edge is not None and edge[0] in needed for edge in node.edges)


def _add(slot: list, index: int, grad) -> None:
    while len(slot) <= index:
        slot.append(None)
    slot[index] = grad if slot[index] is None else slot[index] + grad


def _run_watched(node, arrived: list) -> tuple:
    """Run a node that has several outputs or hooks, or any node in anomaly mode."""
    shown = None if node.hooks is None else tuple(arrived)  # hooks see None where no gradient came, not zeros
    if node.outputs is not None:
        arrived = _materialize(node, arrived)
    if ANOMALY.enabled:
        outer, ANOMALY.running = ANOMALY.running, node
        try:
            results = node.apply(arrived)
        finally:
            ANOMALY.running = outer
        check_results(node, results)
    else:
        results = node.apply(arrived)
    if node.hooks is not None:
        if not node.output_metas:  # what a Function gives stays as it is, what an op gives to numbers is not shown
            results = [None if edge is None else grad for edge, grad in zip(node.edges, results, strict=False)]
        results = _run_after_hooks(node, results, shown)
    return results


def _run_after_hooks(node, results: tuple, arrived: tuple) -> tuple:
    results = tuple(results)
    for hook in list(node.hooks.after.values()):
        replaced = hook(results, arrived)
        if replaced is not None:
            if not isinstance(replaced, tuple):
                raise TypeError(f"expected tuple, but hook returned '{type(replaced).__name__}'")
            if len(replaced) != len(results):
                name = getattr(hook, "__name__", "?")
                raise RuntimeError(
                    f"hook '{name}' has returned an incorrect number of values (got {len(replaced)}, but expected "
                    f"{len(results)})"
                )
            results = replaced
    return results


def _checked_replacement(hook, grad, replaced):
    """What a hook returned in place of a gradient: it must be a tensor of the same shape."""
    name = getattr(hook, "__name__", "?")
    if not hasattr(replaced, "_array"):
        raise TypeError(f"expected Variable, but hook returned '{type(replaced).__name__}'")
    if replaced._array.shape != grad._array.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value")
    return replaced


def _materialize(node, arrived: list) -> list:
    """A node with several outputs gets zeros for those through which no gradient came, as far as it looks at them."""
    metas = node.outputs
    full = [*arrived, *[None] * (len(metas) - len(arrived))]
    for index, grad in enumerate(full):
        if grad is None and metas[index] is not None and index < node.looks_at:
            full[index] = _zeros(metas[index], next(grad for grad in arrived if grad is not None))
    return full


def _zeros(meta, beside):
    from ..ops.creation import zeros

    return zeros(meta[0], dtype=meta[1], device=beside.device)


def _run_hooks(node, arrived: list) -> None:
    outputs = node.outputs or node.output_metas
    for index in range(len(arrived), len(outputs)):
        if any(outputs[index:]):  # an output of whole numbers at the end, such as max's indices, is left out
            arrived.append(None)
    for index, hooks in node.hooks.on_output.items():
        if index < len(arrived) and arrived[index] is not None:
            for hook in list(hooks.values()):
                replaced = hook(arrived[index])
                if replaced is not None:
                    arrived[index] = _checked_replacement(hook, arrived[index], replaced)
    for hook in list(node.hooks.before.values()):
        replaced = hook(tuple(arrived))
        if replaced is not None:
            arrived[:] = replaced if isinstance(replaced, tuple) else (replaced,)
    for index, reference in node.hooks.retained.items():
        tensor = reference()
        if tensor is not None and index < len(arrived) and arrived[index] is not None:
            tensor._grad = arrived[index] if tensor._grad is None else tensor._grad + arrived[index]


def _end(node, arrived: list, accumulate: bool) -> None:
    """A node without inputs: a leaf takes its gradient."""
    if type(node) is not AccumulateGrad:
        node.apply(arrived)
        return
    if not accumulate:
        return
    variable = node.variable
    if node.hooks is not None and node.hooks.after:
        _run_after_hooks(node, (), tuple(arrived))
    grad = arrived.pop()
    if variable is None or grad is None:
        return
    held = variable._grad
    if held is None:
        variable._grad = grad if not GRAD.enabled and _may_take(grad, variable) else _own_copy(grad, variable)
    elif GRAD.enabled:
        variable._grad = held + grad
    else:
        array = held._array
        array += cast(grad._array, array.dtype)
        held._storage.version += 1
    hooks = variable.__dict__.get("_post_accumulate_grad_hooks")
    if hooks:
        for hook in list(hooks.values()):
            returned = hook(variable)
            if returned is not None:
                _checked_replacement(hook, variable, returned)
                raise RuntimeError("Tensor post accumulate grad hooks should return None.")


def _may_take(grad, variable) -> bool:
    """Whether nobody else holds this gradient's numbers, so that the leaf may keep them without a copy."""
    return (
        grad._base is None
        and sys.getrefcount(grad) <= _UNSHARED
        and (grad._array.base is None or _is_all_of_its_base(grad._array))
        and grad._array.strides == variable._array.strides
    )


def _is_all_of_its_base(array) -> bool:
    """Whether an array is another shape of one that nobody else holds."""
    base = array.base
    return sys.getrefcount(base) <= _UNSHARED_BASE and getattr(base, "nbytes", None) == array.nbytes


def _own_copy(grad, variable):
    """A copy that lies in memory as the leaf does."""
    if GRAD.enabled:
        return grad.new_empty(grad.shape).copy_(grad)
    if grad._array.strides == variable._array.strides:
        return grad.clone().detach()
    from ..ops.creation import empty_like

    return empty_like(variable.detach()).copy_(grad)


def _unshared_references() -> int:
    """What getrefcount reports inside `_may_take` for a gradient held by its caller alone (it differs by Python)."""
    counted = []

    class Probe:
        @property
        def _base(self):
            return None

    def inner(grad):
        counted.append(sys.getrefcount(grad))

    def outer(arrived):
        grad = arrived.pop()
        inner(grad)

    outer([Probe()])
    return counted[0]


def _unshared_base_references() -> int:
    """What getrefcount reports inside `_is_all_of_its_base` for a base that its view alone holds."""

    def counted(array):
        base = array.base
        return sys.getrefcount(base)

    return counted(np.empty(2)[:])


_UNSHARED, _UNSHARED_BASE = _unshared_references(), _unshared_base_references()
