"""Transforms for the parts of a tensor: of pieces one after the other, or of each index of a dimension."""

from __future__ import annotations

import course_lib as torch

from .. import constraints
from ..utils import sum_rightmost
from .transform import Transform


class SideBySide(Transform):
    """The base of both: subclasses take a tensor apart and put it together again."""

    def __init__(self, tseq, dim: int = 0, cache_size: int = 0):
        self.transforms = list(tseq)
        if not all(isinstance(transform, Transform) for transform in self.transforms):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size)
        if cache_size:
            self.transforms = [transform.with_cache(cache_size) for transform in self.transforms]
        self.dim = dim

    def _split(self, whole, name: str, called: str = "tensor"):
        """The parts of a tensor. AssertionError where it has not the dimension, or not the size there."""
        if not -whole.dim() <= self.dim < whole.dim():
            raise AssertionError(f"dim {self.dim} out of range for {called} with {whole.dim()} dimensions")
        size, (wanted, said) = whole.shape[self.dim], self._size()
        if size != wanted:
            raise AssertionError(f"{name}.size({self.dim}) = {size} must equal {said} {wanted}")
        return self._parts(whole)

    @property
    def bijective(self) -> bool:
        return all(transform.bijective for transform in self.transforms)

    @constraints.dependent_property
    def domain(self):
        return self._constraint([transform.domain for transform in self.transforms])

    @constraints.dependent_property
    def codomain(self):
        return self._constraint([transform.codomain for transform in self.transforms])

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        made = super().with_cache(cache_size)
        made.transforms = [transform.with_cache(cache_size) for transform in self.transforms]
        return made

    def _call(self, x):
        return self._join([transform(part) for transform, part in zip(self.transforms, self._split(x, "x"))])

    def _inverse(self, y):
        return self._join([transform.inv(part) for transform, part in zip(self.transforms, self._split(y, "y"))])

    def _jacobians(self, x, y) -> list:
        parts = zip(self.transforms, self._split(x, "x", "x"), self._split(y, "y", "y"))
        return [transform.log_abs_det_jacobian(before, after) for transform, before, after in parts]


class CatTransform(SideBySide):
    """CatTransform(tseq, dim=0, lengths=None): each transform takes a piece of its length (1 by default) along `dim`.

    >>> import course_lib as torch
    >>> d = torch.distributions
    >>> d.CatTransform([d.ExpTransform(), d.AffineTransform(0., 2.)], lengths=[1, 2])(torch.tensor([0., 1., 2.]))
    tensor([1., 2., 4.])
    """

    def __init__(self, tseq, dim: int = 0, lengths=None, cache_size: int = 0):
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    @property
    def length(self) -> int:
        """The size along `dim`."""
        return sum(self.lengths)

    @property
    def event_dim(self) -> int:
        return max(transform.event_dim for transform in self.transforms)

    def _size(self):
        return self.length, "length"

    def _parts(self, whole):
        return whole.split(self.lengths, self.dim)

    def _join(self, parts):
        return torch.cat(parts, dim=self.dim)

    def _constraint(self, each):
        return constraints.cat(each, self.dim, self.lengths)

    def log_abs_det_jacobian(self, x, y):
        parts = [
            sum_rightmost(jacobian, self.event_dim - transform.event_dim)
            for transform, jacobian in zip(self.transforms, self._jacobians(x, y))
        ]
        dim = (self.dim if self.dim < 0 else self.dim - x.dim()) + self.event_dim
        return torch.cat(parts, dim=dim) if dim < 0 else sum(parts)  # sum: `dim` is part of an event


class StackTransform(SideBySide):
    """StackTransform(tseq, dim=0): each transform takes one index along `dim`.

    >>> import course_lib as torch
    >>> d = torch.distributions
    >>> d.StackTransform([d.ExpTransform(), d.AffineTransform(0., 2.)], dim=1)(torch.zeros(2, 2))
    tensor([[1., 0.],
            [1., 0.]])
    """

    def _size(self):
        return len(self.transforms), "len(transforms)"

    def _parts(self, whole):
        return whole.unbind(self.dim)

    def _join(self, parts):
        return torch.stack(parts, dim=self.dim)

    def _constraint(self, each):
        return constraints.stack(each, self.dim)

    def log_abs_det_jacobian(self, x, y):
        return torch.stack(self._jacobians(x, y), dim=self.dim)
