"""Transforms of vectors and matrices."""

from __future__ import annotations

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
