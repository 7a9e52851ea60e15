"""What the derivative transforms share: products with the Jacobian of recorded outputs, and where a graph leads.

`pull` is one backward. `pusher` makes forward mode from it: v ↦ vᵀJ is linear in v, so its own derivative with respect
to v is t ↦ Jt. No operation needs a forward-mode formula.
"""

from __future__ import annotations

from .engine import run_backward
from .grad_mode import enable_grad, is_grad_enabled


def pull(outputs, vectors, inputs, record: bool) -> list:
    """vᵀJ for each input; zeros where no gradient arrives."""
    pairs = [(out, v) for out, v in zip(outputs, vectors, strict=True) if out.requires_grad]
    found = [None] * len(inputs)
    if pairs:
        outs, vs = zip(*pairs, strict=True)
        found = run_backward(outs, vs, True, record, inputs)
    return [t.new_zeros(t.shape) if g is None else g for g, t in zip(found, inputs, strict=True)]


def pusher(outputs, inputs, keep: bool):
    """A function of tangents (one an input) that returns Jt for each output, with history if `keep` or a tangent's."""
    with enable_grad():
        vectors = [out.new_zeros(out.shape).requires_grad_() for out in outputs]
        pulled = pull(outputs, vectors, inputs, True)

    def push(tangents) -> list:
        record = is_grad_enabled() and (keep or any(t.requires_grad for t in tangents))
        found = pull(pulled, tangents, vectors, record)
        return found if record else [t.detach() for t in found]

    return push


def nodes_behind(tensors):
    """Every node of the graph behind the tensors."""
    stack = [t.grad_fn for t in tensors if t.grad_fn is not None]
    seen = set(stack)
    while stack:
        node = stack.pop()
        yield node
        for edge in node.edges:
            if edge is not None and edge[0] not in seen:
                seen.add(edge[0])
                stack.append(edge[0])


__all__ = ["nodes_behind", "pull", "pusher"]
