"""torch.cond: a branch as a function. Compilers need it; here every line runs at once, and it is an `if`."""

from __future__ import annotations

from ..tensor import Tensor
from ._op import function


@function()
def cond(pred, true_fn, false_fn, operands=()):
    """cond(pred, true_fn, false_fn, operands=()): `true_fn(*operands)` if pred, else `false_fn(*operands)`.

    pred: a bool or a tensor of one element. RuntimeError for any other, and for branches that cannot be called.

    >>> import course_lib as torch
    >>> torch.cond(torch.tensor(3.) > 0, torch.sqrt, torch.neg, (torch.tensor(9.),))
    tensor(3.)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.cond.html
    """
    if not isinstance(pred, (bool, Tensor)):
        if type(pred) is not int:
            raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    elif isinstance(pred, Tensor) and pred.numel() != 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, (tuple, list)):
        raise RuntimeError(
            "Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of tensor leaves, but "
            f"got {operands}."
        )
    return true_fn(*operands) if pred else false_fn(*operands)
