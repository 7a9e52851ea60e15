"""Wishart: random covariance matrices."""

from __future__ import annotations

import math
import warnings

import course_lib as torch

from . import constraints
from .chi2 import Chi2
from .exp_family import ExponentialFamily
from .multivariate_normal import ScaleMatrix, half_log_determinant


class Wishart(ScaleMatrix, ExponentialFamily):
    """Wishart(df, covariance_matrix=None, precision_matrix=None, scale_tril=None)

    The sum of df outer products xxᵀ of normal vectors with covariance Σ (…, n, n); df > n - 1 need not be whole. Σ is
    given as one of: itself, its inverse, its lower Cholesky factor L. A sample is (LA)(LA)ᵀ, where A has normal numbers
    below a diagonal of roots of chi-squared ones (Bartlett's decomposition).

    Source: https://docs.pytorch.org/docs/stable/distributions.html#wishart
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        matrices = {"covariance_matrix": covariance_matrix, "scale_tril": scale_tril,
                    "precision_matrix": precision_matrix}  # fmt: skip
        given = [(name, matrix) for name, matrix in matrices.items() if matrix is not None]
        if len(given) != 1:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        ((name, matrix),) = given
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        n, as_tensor = matrix.shape[-1], torch.as_tensor(df)
        batch_shape = torch.broadcast_shapes(matrix.shape[:-2], as_tensor.shape)
        self.df = df.expand(batch_shape) if isinstance(df, torch.Tensor) else as_tensor.to(matrix.dtype)
        if (self.df <= n - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        if (self.df < n).any():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        self._keep(name, matrix, batch_shape)
        super().__init__(batch_shape, matrix.shape[-2:], validate_args=validate_args)
        self._factorize(name, matrix)

    @property
    def arg_constraints(self) -> dict:
        return {"covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite,
                "scale_tril": constraints.lower_cholesky,
                "df": constraints.greater_than(self._event_shape[-1] - 1)}  # fmt: skip

    def _of_matrix(self, number):
        """A number for each matrix of the batch, to be multiplied with it."""
        return number.expand(self._batch_shape)[..., None, None]

    @property
    def mean(self):
        return self._of_matrix(self.df) * self.covariance_matrix

    @property
    def mode(self):
        factor = self.df - self._event_shape[-1] - 1
        return self._of_matrix(torch.where(factor > 0, factor, torch.nan)) * self.covariance_matrix

    @property
    def variance(self):
        diagonal = self.covariance_matrix.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._of_matrix(self.df) * (self.covariance_matrix.pow(2) + products)

    def rsample(self, sample_shape=(), max_try_correction: int = 10):
        """A sample. PyTorch's way of drawing again where a matrix came out singular takes, in version 2.13, the regular
        ones for singular, so that they are drawn twice. For the same numbers, so they are here.
        """
        sample = self._draw(sample_shape)
        again = self._regular(sample)
        if not again.any():
            return sample
        warnings.warn("Singular sample detected.", stacklevel=2)
        for _ in range(max_try_correction):
            drawn = self._draw((int(again.sum()),))
            sample[again] = drawn
            again = again.masked_scatter(again, ~self._regular(drawn))
            if not again.any():
                break
        return sample

    def _draw(self, sample_shape):
        """(LA)(LA)ᵀ."""
        n, lower = self._event_shape[-1], self._unbroadcasted_scale_tril
        freedom = self.df.expand(self._batch_shape).unsqueeze(-1) - torch.arange(n, dtype=lower.dtype)
        roots = Chi2(freedom).rsample(sample_shape).sqrt()
        a = roots.clamp(min=torch.finfo(roots.dtype).eps).diag_embed()
        row, column = torch.tril_indices(n, n, offset=-1)
        a[..., row, column] = torch.randn((*sample_shape, *self._batch_shape, len(row)), dtype=a.dtype)
        factor = lower @ a
        return factor @ factor.mT

    def _regular(self, sample):
        """Where a draw has a positive-definite matrix (a draw of a batch: any)."""
        regular = self.support.check(sample)
        return regular.flatten(regular.dim() - len(self._batch_shape)).any(-1) if self._batch_shape else regular

    def _log_det(self):
        """log |2Σ| / 2."""
        return self._event_shape[-1] * math.log(2) / 2 + half_log_determinant(self._unbroadcasted_scale_tril)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        df, n = self.df, self._event_shape[-1]
        trace = torch.cholesky_solve(value, self._unbroadcasted_scale_tril).diagonal(dim1=-2, dim2=-1).sum(-1)
        log_norm = df * self._log_det() + torch.mvlgamma(df / 2, n)
        return (df - n - 1) / 2 * torch.linalg.slogdet(value).logabsdet - trace / 2 - log_norm

    def entropy(self):
        df, n = self.df, self._event_shape[-1]
        digamma = torch.digamma(df.unsqueeze(-1) / 2 - torch.arange(n, dtype=df.dtype) / 2).sum(-1)
        log_norm = (n + 1) * self._log_det() + torch.mvlgamma(df / 2, n)
        return log_norm - (df - n - 1) / 2 * digamma + df * n / 2

    @property
    def _natural_params(self) -> tuple:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x, y):
        n = self._event_shape[-1]
        half_df = y + (n + 1) / 2
        return half_df * (n * math.log(2) - torch.linalg.slogdet(-2 * x).logabsdet) + torch.mvlgamma(half_df, n)
