"""What the functions of torch.linalg share: their error class and checks, triangles, and outputs kept for backward."""

from __future__ import annotations

from ..autograd.node import SavedOutput
from ..dtypes import FLOAT, legacy_name
from ..tensor import Tensor
from ._numeric import is_half
from .ranges import eye


class LinAlgError(RuntimeError):
    """A matrix on which an algorithm fails: a singular one that has no inverse, one that is not positive-definite, …"""


# ---- checks ------------------------------------------------------------------------------------------------------


def require_matrix(name: str, A: Tensor, argument: str = "A") -> None:
    if A.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")


def require_square(name: str, A: Tensor) -> None:
    require_matrix(name, A)
    if A.shape[-1] != A.shape[-2]:
        prefix = f"{name}: " if name else ""
        raise RuntimeError(
            f"{prefix}A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices"
        )


def require_float(name: str, A: Tensor) -> None:
    if A.dtype.category < FLOAT:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {legacy_name(A.dtype)}")


def refuse_half(name: str, A: Tensor) -> None:
    if is_half(A._array.dtype):
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {legacy_name(A.dtype)}")


def require_kernel(kernel: str, A: Tensor) -> None:
    """NotImplementedError for the dtypes for which LAPACK has no routine."""
    if A.dtype.category < FLOAT or is_half(A._array.dtype):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{legacy_name(A.dtype)}'")


def require_equal_dtypes(name: str, first: str, A: Tensor, second: str, B: Tensor) -> None:
    if A.dtype is not B.dtype:
        raise RuntimeError(
            f"{name}: Expected {first} and {second} to have the same dtype, but found {first} of type "
            f"{legacy_name(A.dtype)} and {second} of type {legacy_name(B.dtype)} instead"
        )


def raise_first(info: Tensor, sentence) -> None:
    """LinAlgError for the first matrix of a batch whose info is not 0; sentence(batch, info) words it."""
    codes = info.flatten().tolist()
    for element, code in enumerate(codes):
        if code:
            batch = f"(Batch element {element}): " if info.ndim else ""
            raise LinAlgError(sentence(batch, code))


# ---- building blocks of the formulas -----------------------------------------------------------------------------


def adjoint(A: Tensor) -> Tensor:
    """The conjugate transpose of each matrix."""
    A = A.transpose(-2, -1)
    return A.conj() if A.is_complex() else A


def real_diagonal(A: Tensor) -> Tensor:
    diagonal = A.diagonal(0, -2, -1)
    return diagonal.real if diagonal.is_complex() else diagonal


def identity_like(A: Tensor, n: int | None = None) -> Tensor:
    return eye(n or A.shape[-1], dtype=A.dtype, device=A.device)


def is_absent(g: Tensor) -> bool:
    """Whether no gradient came through an output: the engine then gives zeros."""
    return not g.requires_grad and not bool(g.any())


# ---- keeping tensors for backward --------------------------------------------------------------------------------


def keep(ctx, outs, *inputs) -> None:
    """Save an op's outputs (a tuple, or one tensor), then some inputs; `ctx.saved_tensors` gives them in this order."""
    outs = outs if isinstance(outs, tuple) else (outs,)
    ctx.save_for_backward(*inputs)
    ctx.saved = [(SavedOutput(out, i), out._storage.version) for i, out in enumerate(outs)] + list(ctx.saved)


def matrices(array):
    """An array of matrices as a plain list of them, for the routines that take one at a time."""
    return array.reshape(-1, *array.shape[-2:])


def on_host(xp, kernel, *arrays, **settings):
    """Run a LAPACK kernel on NumPy arrays; those of a GPU travel to the host and the results back."""
    if xp.__name__ == "numpy":
        return kernel(*arrays, **settings)
    made = kernel(*[a.get() for a in arrays], **settings)
    return tuple([xp.asarray(a) for a in made]) if isinstance(made, tuple) else xp.asarray(made)
