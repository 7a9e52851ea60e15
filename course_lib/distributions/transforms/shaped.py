"""Transforms of vectors and matrices."""

from __future__ import annotations

import math

import course_lib as torch

from .. import constraints
from .elementwise import SigmoidTransform
from .transform import ParameterFree, Transform


class ReshapeTransform(Transform):
    """ReshapeTransform(in_shape, out_shape): the event in another shape."""

    bijective = True

    def __init__(self, in_shape, out_shape, cache_size: int = 0):
        self.in_shape, self.out_shape = torch.Size(in_shape), torch.Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError("in_shape, out_shape have different numbers of elements")
        super().__init__(cache_size)

    @constraints.dependent_property
    def domain(self):
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self):
        return constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x):
        return x.reshape(x.shape[: x.dim() - len(self.in_shape)] + self.out_shape)

    def _inverse(self, y):
        return y.reshape(y.shape[: y.dim() - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x, y):
        return x.new_zeros(x.shape[: x.dim() - len(self.in_shape)])

    def forward_shape(self, shape):
        return self._other(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape):
        return self._other(shape, self.out_shape, self.in_shape)

    @staticmethod
    def _other(shape, has, gets):
        if len(shape) < len(has):
            raise ValueError("Too few dimensions on input")
        cut = len(shape) - len(has)
        if torch.Size(shape[cut:]) != has:
            raise ValueError(f"Shape mismatch: expected {shape[cut:]} but got {has}")
        return shape[:cut] + gets


class SoftmaxTransform(ParameterFree):
    """y = softmax x; not a bijection: the way back takes x = log y."""

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x):
        return x.softmax(-1)

    def _inverse(self, y):
        return y.log()


class StickBreakingTransform(ParameterFree):
    """n numbers to n + 1 probabilities: each takes the share sigmoid(x - log of what is still to come) of the rest."""

    domain, codomain = constraints.real_vector, constraints.simplex
    bijective = True

    @staticmethod
    def _shift(x):
        """log n, …, log 1: with x = 0 all the probabilities are the same."""
        return torch.arange(x.shape[-1], 0, -1, dtype=x.dtype).log()

    def _call(self, x):
        share = SigmoidTransform()(x - self._shift(x))
        rest = (1 - share).cumprod(-1)
        pad = torch.nn.functional.pad
        return pad(share, [0, 1], value=1) * pad(rest, [1, 0], value=1)

    def _inverse(self, y):
        rest = (1 - y[..., :-1].cumsum(-1)).clamp(min=torch.finfo(y.dtype).tiny)
        return y[..., :-1].log() - rest.log() + self._shift(y[..., :-1])

    def log_abs_det_jacobian(self, x, y):
        x = x - self._shift(x)
        return (-x + torch.nn.functional.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        return shape[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape):
        return shape[:-1] + (shape[-1] - 1,)


class LowerCholeskyTransform(ParameterFree):
    """Any matrix to a Cholesky factor: what lies below the diagonal stays, the diagonal is exponentiated."""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky

    def _call(self, x):
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y):
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(ParameterFree):
    """Any matrix to a positive-definite one: LLᵀ of the Cholesky factor L that LowerCholeskyTransform makes of it."""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.positive_definite

    def _call(self, x):
        lower = LowerCholeskyTransform()(x)
        return lower @ lower.mT

    def _inverse(self, y):
        return LowerCholeskyTransform().inv(torch.linalg.cholesky(y))


class CorrCholeskyTransform(ParameterFree):
    """n(n - 1)/2 numbers to the Cholesky factor of an n×n correlation matrix, whose rows have length 1.

    The numbers, as tanh x in (-1, 1), fill the rows below the diagonal; each takes its share of what is left of its
    row's length: yᵢⱼ = tᵢⱼ·√(1 - yᵢ₁² - … - yᵢ,ⱼ₋₁²), and the diagonal takes the rest.
    """

    domain, codomain = constraints.real_vector, constraints.corr_cholesky
    bijective = True

    @staticmethod
    def _below(matrix, offset: int = -1):
        """What lies below the diagonal, row by row, as a vector."""
        row, column = torch.tril_indices(matrix.shape[-1], matrix.shape[-1], offset=offset)
        return matrix[..., row, column]

    @staticmethod
    def _square(shape, refusal: str):
        """The shape of matrices with so many elements below the diagonal; ValueError(refusal) where there are none."""
        count = shape[-1]
        n = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != count:
            raise ValueError(refusal)
        return shape[:-1] + (n, n)

    @staticmethod
    def _left(y):
        """1 minus the sum of squares up to and with each element of a row."""
        return 1 - (y * y).cumsum(-1)

    def _call(self, x):
        eps = torch.finfo(x.dtype).eps
        shape = self._square(
            x.shape,
            f"The size of last dimension is {x.shape[-1]} which cannot be expressed as the lower triangular part of a "
            "square D x D matrix.",
        )
        row, column = torch.tril_indices(shape[-1], shape[-1], offset=-1)
        share = x.new_zeros(shape)
        share[..., row, column] = x.tanh().clamp(min=-1 + eps, max=1 - eps)
        rest = (1 - share**2).sqrt().cumprod(-1)
        shares = share + torch.eye(shape[-1], dtype=x.dtype)
        return shares * torch.nn.functional.pad(rest[..., :-1], [1, 0], value=1)

    def _inverse(self, y):
        left = torch.nn.functional.pad(self._left(y)[..., :-1], [1, 0], value=1)
        return torch.atanh(self._below(y) / self._below(left).sqrt())

    def log_abs_det_jacobian(self, x, y):
        """That of x → what lies below the diagonal of y."""
        tanh = -2 * (x + torch.nn.functional.softplus(-2 * x) - math.log(2)).sum(-1)
        return 0.5 * self._below(self._left(y), -2).log().sum(-1) + tanh

    def forward_shape(self, shape):
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return self._square(shape, "Input is not a flattened lower-diagonal number")

    def inverse_shape(self, shape):
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return shape[:-2] + (shape[-1] * (shape[-1] - 1) // 2,)
