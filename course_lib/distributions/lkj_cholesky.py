"""LKJCholesky: Cholesky factors of random correlation matrices."""

from __future__ import annotations

import math

import course_lib as torch

from . import constraints
from .beta import Beta
from .distribution import Distribution
from .utils import broadcast_all


class LKJCholesky(Distribution):
    """LKJCholesky(dim, concentration=1.0): lower factors L of dim×dim correlation matrices, density ∝ |LLᵀ|^(η - 1).

    η = concentration > 0: with 1 all correlation matrices are equally likely, with more they lie closer to the
    identity. ValueError where dim < 2. Lewandowski, Kurowicka & Joe, "Generating random correlation matrices based on
    vines and extended onion method" (2009).

    Source: https://docs.pytorch.org/docs/stable/distributions.html#lkjcholesky
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        # Row i of L is a direction in i dimensions, and a Beta number: how much of its length lies off the diagonal.
        rows = torch.cat((torch.zeros(1), torch.arange(dim - 1.0))).to(self.concentration.dtype)
        top = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(rows + 0.5, top.unsqueeze(-1) - 0.5 * rows)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    def expand(self, batch_shape, _instance=None):
        made = object.__new__(type(self)) if _instance is None else _instance
        made.__dict__.update(self.__dict__, _batch_shape=torch.Size(batch_shape))
        made.concentration = self.concentration.expand(batch_shape)
        made._beta = self._beta.expand(torch.Size(batch_shape) + (self.dim,))
        return made

    def sample(self, sample_shape=()):
        length = self._beta.sample(sample_shape).unsqueeze(-1)
        below = torch.randn(self._extended_shape(sample_shape), dtype=length.dtype).tril(-1)
        direction = below / below.norm(dim=-1, keepdim=True)
        direction[..., 0, :] = 0.0  # the first row has nothing but its diagonal
        lower = length.sqrt() * direction
        rest = (1 - (lower**2).sum(-1)).clamp(min=torch.finfo(lower.dtype).tiny)
        return lower + rest.sqrt().diag_embed()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        # |LLᵀ|^(η - 1) times the Jacobian of L → LLᵀ is a product of powers of the diagonal, but for its first element.
        n, diagonal = self.dim, value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        powers = 2 * (self.concentration - 1).unsqueeze(-1) + torch.arange(n - 2, -1, -1)
        a = self.concentration + 0.5 * (n - 1)
        log_norm = (n - 1) * (0.5 * math.log(math.pi) - a.lgamma()) + torch.mvlgamma(a - 0.5, n - 1)
        return (powers * diagonal.log()).sum(-1) - log_norm
