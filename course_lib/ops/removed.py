"""Names that PyTorch took out in favour of torch.linalg: they stay, in order to say what has replaced them."""

from __future__ import annotations

from ..tensor import Tensor
from ._op import function

_REPLACEMENTS = {
    "eig": "`torch.linalg.eig(A)` gives complex eigenvalues and eigenvectors, `torch.linalg.eigvals(A)` the values.",
    "lstsq": "`torch.linalg.lstsq(A, B).solution` solves min |AX - B|; its arguments are in the opposite order.",
    "matrix_rank": "`torch.linalg.matrix_rank(A)` is the function now; its `hermitian` was called `symmetric`.",
    "solve": "`torch.linalg.solve(A, B)` solves AX = B; its arguments are in the opposite order.",
    "symeig": "`torch.linalg.eigh(A)` and `torch.linalg.eigvalsh(A)` take its place; they read the lower triangle.",
}


def _refusal(name: str, advice: str):
    def removed(*args, **named):
        raise RuntimeError(f"This function was deprecated since version 1.9 and is now removed. {advice}")

    removed.__name__ = removed.__qualname__ = name
    removed.__doc__ = f"{name}(…): removed, raises RuntimeError. {advice}"
    return removed


for _name, _advice in _REPLACEMENTS.items():
    made = function()(_refusal(_name, _advice))
    if _name != "matrix_rank":  # was no method
        setattr(Tensor, _name, made)
