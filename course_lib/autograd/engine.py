"""Backward: walk the graph from the outputs to the leaves, each node once, when all gradients for it have arrived.

`run_backward` counts how many gradients each node waits for, keeps the ready nodes in a heap (latest recorded first),
and never recurses, so a chain of 100,000 operations is as good as one of ten.
"""

from __future__ import annotations

import sys
from heapq import heapify, heappop, heappush

from .grad_mode import GRAD
from .node import AccumulateGrad, edge_of


def run_backward(outputs, grads, retain_graph: bool, create_graph: bool, inputs=None) -> list | None:
    """Push `grads` from `outputs` back through the graph.

    With `inputs` None the leaves' `.grad` are filled; otherwise the gradients of `inputs` are returned (None where
    none arrived) and no `.grad` changes.
    """
    pending: dict = {}  # node -> gradients of its outputs, as far as they have arrived
    for output, grad in zip(outputs, grads, strict=True):
        node, index = edge_of(output)
        _add(pending.setdefault(node, []), index, grad)
    wanted: dict = {}  # node -> [(output index, position in inputs)]
    if inputs is not None:
        for position, tensor in enumerate(inputs):
            node, index = edge_of(tensor)
            wanted.setdefault(node, []).append((index, position))
    waiting = _count_dependencies(pending)
    found = None if inputs is None else [None] * len(inputs)

    ready = [(-node.sequence, id(node), node) for node in pending if node not in waiting]
    heapify(ready)
    before = GRAD.enabled
    GRAD.enabled = create_graph
    try:
        while ready:
            node = heappop(ready)[2]
            arrived = pending.pop(node, None)
            if arrived is not None:
                if node.hooks is not None:
                    _run_hooks(node, arrived)
                if node in wanted:
                    for index, position in wanted[node]:
                        found[position] = arrived[index] if index < len(arrived) else None
            edges = node.edges
            if not edges:
                if arrived is not None:
                    _end(node, arrived, inputs is None)
                continue
            results = _run(node, arrived, retain_graph) if arrived is not None else (None,) * len(edges)
            arrived = None
            position = 0
            for edge in edges:
                if edge is not None:
                    target, index = edge
                    grad = results[position]
                    if grad is not None:
                        slot = pending.get(target)
                        if slot is None and index == 0:
                            pending[target] = [grad]
                        else:
                            _add(pending.setdefault(target, []), index, grad)
                    left = waiting[target] - 1
                    waiting[target] = left
                    if left == 0:
                        heappush(ready, (-target.sequence, id(target), target))
                position += 1
            results = grad = slot = None  # no reference may stay behind: AccumulateGrad takes over what is not shared
    finally:
        GRAD.enabled = before
    return found


def _count_dependencies(roots) -> dict:
    """For every node that can be reached: how many edges lead to it."""
    waiting: dict = {}
    stack = list(roots)
    seen = set(stack)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None:
                node = edge[0]
                waiting[node] = waiting.get(node, 0) + 1
                if node not in seen:
                    seen.add(node)
                    stack.append(node)
    return waiting


def _add(slot: list, index: int, grad) -> None:
    while len(slot) <= index:
        slot.append(None)
    slot[index] = grad if slot[index] is None else slot[index] + grad


def _run(node, arrived: list, retain_graph: bool) -> tuple:
    if node.outputs is not None:
        arrived = _materialize(node.outputs, arrived)
    results = node.apply(arrived)
    if node.hooks is not None:
        for hook in list(node.hooks.after.values()):
            results = hook(results, tuple(arrived)) or results
    if not retain_graph:
        node.release()
    return results


def _materialize(outputs, arrived: list) -> list:
    """A node with several outputs gets zeros for those through which no gradient came."""
    from ..ops.creation import zeros

    full = []
    for index, meta in enumerate(outputs):
        grad = arrived[index] if index < len(arrived) else None
        full.append(zeros(meta[0], dtype=meta[1]) if grad is None and meta is not None else grad)
    return full


def _run_hooks(node, arrived: list) -> None:
    for index, hooks in node.hooks.on_output.items():
        if index < len(arrived) and arrived[index] is not None:
            for hook in list(hooks.values()):
                replaced = hook(arrived[index])
                if replaced is not None:
                    arrived[index] = replaced
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
    grad = arrived.pop()
    held = variable._grad
    if held is None:
        variable._grad = grad if _may_take(grad) else _own_copy(grad)
    elif GRAD.enabled:
        variable._grad = held + grad
    else:
        held.add_(grad)
    hooks = variable.__dict__.get("_post_accumulate_grad_hooks")
    if hooks:
        for hook in list(hooks.values()):
            hook(variable)


def _may_take(grad) -> bool:
    """Whether nobody else holds this gradient's numbers, so that the leaf may keep them without a copy."""
    return grad._base is None and sys.getrefcount(grad) <= _UNSHARED and grad._array.base is None


def _own_copy(grad):
    copy = grad.clone()
    return copy if GRAD.enabled else copy.detach()


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


_UNSHARED = _unshared_references()
