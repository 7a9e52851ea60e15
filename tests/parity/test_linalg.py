"""Decompositions and PyTorch's, where signs and phases are free: what they rebuild, gradients of invariant losses."""

from __future__ import annotations

import numpy as np
import pytest

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with (extra `parity`)")

SHAPES = [(4, 4), (5, 3), (3, 5), (2, 4, 3), (3, 2, 6, 6)]
SQUARE = [shape for shape in SHAPES if shape[-1] == shape[-2]]


def _matrix(shape, complex_: bool):
    random = np.random.default_rng(0)
    real = random.normal(size=shape)
    return real + 1j * random.normal(size=shape) if complex_ else real


def _first_and_second_gradient(library, loss, values):
    x = library.tensor(values, requires_grad=True)
    (first,) = library.autograd.grad(loss(library, x), [x], create_graph=True)
    (second,) = library.autograd.grad((first.abs() ** 2).sum(), [x])
    return first.detach().numpy(), second.numpy()


def _same_gradients(loss, values) -> None:
    ours, theirs = [_first_and_second_gradient(library, loss, values) for library in (course_lib, torch)]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7 * np.abs(b).max())


def svd_loss(T, x):
    u, s, vh = T.linalg.svd(x, full_matrices=False)
    left, right = u[..., :2] @ u[..., :2].mH, u[..., :1] @ vh[..., :1, :]
    return (left.abs() ** 3).sum() + (right.abs() ** 3).sum() + (s**2 * T.arange(s.shape[-1], dtype=s.dtype)).sum()


def eigh_loss(T, x):
    values, vectors = T.linalg.eigh(x + x.mH)
    return ((vectors[..., :2] @ vectors[..., :2].mH).abs() ** 3).sum() + (values**3).sum()


def eig_loss(T, x):
    values, vectors = T.linalg.eig(x)
    return (values.abs() ** 3).sum() + (vectors.abs() ** 3).sum()


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_svd(shape, complex_):
    values = _matrix(shape, complex_)
    u, s, vh = course_lib.linalg.svd(course_lib.tensor(values))
    k = s.shape[-1]
    rebuilt = (u[..., :k] * s.unsqueeze(-2).to(u.dtype)) @ vh[..., :k, :]
    np.testing.assert_allclose(rebuilt.numpy(), values, atol=1e-10)
    _same_gradients(svd_loss, values)


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("loss", [eigh_loss, eig_loss])
@pytest.mark.parametrize("shape", SQUARE)
def test_eigen(shape, loss, complex_):
    _same_gradients(loss, _matrix(shape, complex_))


def test_equal_eigenvalues_have_gradients_as_long_as_only_values_are_used():
    x = course_lib.eye(3).requires_grad_()
    course_lib.linalg.eigh(x).eigenvalues.sum().backward()
    assert x.grad.equal(course_lib.eye(3))


def test_determinant_of_a_singular_matrix_has_its_cofactors_as_gradient():
    x = course_lib.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    course_lib.linalg.det(x).backward()
    assert course_lib.allclose(x.grad, course_lib.tensor([[4.0, -2.0], [-2.0, 1.0]]), atol=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda T: T.linalg.inv(T.ones(2, 2)),
        lambda T: T.linalg.solve(T.ones(2, 2, 2), T.ones(2, 2)),
        lambda T: T.linalg.cholesky(-T.ones(2, 2)),
        lambda T: T.linalg.cholesky(T.tensor([[1.0, 0.0], [float("nan"), 1.0]])),
        lambda T: T.linalg.det(T.ones(2, 3)),
        lambda T: T.linalg.svd(T.tensor([[float("nan"), 1], [1, 1]])),
        lambda T: T.linalg.lu_factor(T.ones(2, 2)),
        lambda T: T.einsum("ij,jk->ik", T.ones(2, 3), T.ones(2, 3)),
        lambda T: T.linalg.norm(T.ones(2, 2), ord="bad"),
        lambda T: T.fft.rfft(T.ones(2) + 0j),
        lambda T: T.stft(T.ones(10), 4),
        lambda T: T.mm(T.ones(2, 3), T.ones(2, 3)),
    ],
)
@pytest.mark.filterwarnings("ignore:A window was not provided")
def test_errors(call):
    with pytest.raises(Exception) as theirs:
        call(torch)
    with pytest.raises(Exception) as ours:
        call(course_lib)
    assert str(ours.value) == str(theirs.value)
    assert ours.type.__mro__[-3:] == theirs.type.__mro__[-3:]
    assert isinstance(ours.value, course_lib.linalg.LinAlgError) == isinstance(theirs.value, torch.linalg.LinAlgError)


ON_A_BATCH = {
    "cholesky": lambda T, x: T.linalg.cholesky(x),
    "cholesky_solve": lambda T, x: T.cholesky_solve(x, x),
    "solve_triangular": lambda T, x: T.linalg.solve_triangular(x, x, upper=False),
    "ldl_factor": lambda T, x: T.linalg.ldl_factor(x).LD,
    "lu_solve": lambda T, x: T.linalg.lu_solve(*T.linalg.lu_factor(x), x),
    "qr": lambda T, x: T.linalg.qr(x).R,
    "lstsq": lambda T, x: T.linalg.lstsq(x, x).solution,
    "matrix_exp": lambda T, x: T.linalg.matrix_exp(x / 9),
}


@pytest.mark.parametrize("name", ON_A_BATCH)
def test_the_batch_may_lie_last_in_memory(name):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(3, 3, 4))
    matrices = np.einsum("ijb,kjb->ikb", factors, factors) + np.eye(3)[:, :, None]
    made = [ON_A_BATCH[name](T, T.tensor(matrices).permute(2, 0, 1)).numpy() for T in (torch, course_lib)]
    np.testing.assert_allclose(made[1], made[0], rtol=1e-8, atol=1e-12)
