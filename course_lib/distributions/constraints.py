"""Constraints: the sets in which a parameter or a value of a distribution has to lie.

`constraint.check(value)` gives a bool tensor, one element for each event: the last `event_dim` dimensions are looked at
together (a simplex is a vector, a covariance matrix has two dimensions). A set that depends on a distribution's own
parameters is a `dependent_property`, a constraint on the class and a property on the object.
"""

from __future__ import annotations

import course_lib as torch


class Constraint:
    """A set of values. Subclasses give `check(value)`, and `event_dim`, `is_discrete` where not 0 and False."""

    is_discrete = False
    event_dim = 0

    def check(self, value):
        """A bool tensor: which events in `value` belong to the set."""
        raise NotImplementedError

    def __repr__(self) -> str:
        bounds = (f"{name}={value}" for name, value in vars(self).items() if name.endswith("_bound"))
        return f"{type(self).__name__}({', '.join(bounds)})"


# ---- sets that depend on something -------------------------------------------------------------------------------


class Dependent(Constraint):
    """A set that only the distribution itself knows, from its other parameters. It cannot be checked by itself."""

    def __init__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        self._is_discrete, self._event_dim = is_discrete, event_dim
        super().__init__()

    @property
    def is_discrete(self) -> bool:
        return self._known(self._is_discrete, "is_discrete")

    @property
    def event_dim(self) -> int:
        return self._known(self._event_dim, "event_dim")

    @staticmethod
    def _known(value, name: str):
        if value is NotImplemented:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return value

    def __call__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented) -> Dependent:
        return Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, value):
        raise ValueError("Cannot determine validity of dependent constraint")


class DependentProperty(property, Dependent):
    """`@dependent_property(is_discrete=…, event_dim=…)` above a method that returns a constraint."""

    def __init__(self, method=None, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        super().__init__(method)
        self._is_discrete, self._event_dim = is_discrete, event_dim

    def __call__(self, method) -> DependentProperty:
        return DependentProperty(method, is_discrete=self._is_discrete, event_dim=self._event_dim)

    __repr__ = object.__repr__


def is_dependent(constraint) -> bool:
    """Whether a constraint depends on other parameters, so that it cannot be checked by itself."""
    return isinstance(constraint, Dependent)


# ---- sets built on another ---------------------------------------------------------------------------------------


class IndependentConstraint(Constraint):
    """The base constraint for each element of the last `reinterpreted_batch_ndims` dimensions, as one event."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int):
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value):
        valid, joined = self.base_constraint.check(value), self.reinterpreted_batch_ndims
        if valid.dim() < joined:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return valid.reshape(*valid.shape[: valid.dim() - joined], -1).all(-1)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """A value of a mixture: it has to satisfy the constraints of all components."""

    def __init__(self, base_constraint: Constraint):
        self.base_constraint = base_constraint

    @property
    def is_discrete(self) -> bool:
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        return self.base_constraint.event_dim

    def check(self, value):
        valid = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        if value.dim() < self.event_dim:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return valid.reshape(*valid.shape[: value.dim() - self.event_dim], -1).all(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


class SideBySide(Constraint):
    """A constraint for each part of a tensor; the base of Cat and Stack."""

    def __init__(self, cseq, dim: int = 0):
        self.cseq, self.dim = list(cseq), dim
        if not all(isinstance(constraint, Constraint) for constraint in self.cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")

    @property
    def is_discrete(self) -> bool:
        return any(constraint.is_discrete for constraint in self.cseq)

    @property
    def event_dim(self) -> int:
        return max(constraint.event_dim for constraint in self.cseq)

    def _check_parts(self, value, split) -> list:
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(f"dim {self.dim} out of range for value with {value.dim()} dimensions")
        return [constraint.check(part) for constraint, part in zip(self.cseq, split(value), strict=False)]


class Cat(SideBySide):
    """Constraints for consecutive pieces of these `lengths` along `dim`, as torch.cat joins them."""

    def __init__(self, cseq, dim: int = 0, lengths=None):
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    def check(self, value):
        return torch.cat(self._check_parts(value, lambda whole: whole.split(self.lengths, self.dim)), self.dim)


class Stack(SideBySide):
    """A constraint for each index along `dim`, as torch.stack joins them."""

    @property
    def event_dim(self) -> int:
        event_dim = super().event_dim
        return event_dim + 1 if self.dim + event_dim < 0 else event_dim

    def check(self, value):
        return torch.stack(self._check_parts(value, lambda whole: whole.unbind(self.dim)), self.dim)


# ---- whole numbers -----------------------------------------------------------------------------------------------


class Boolean(Constraint):
    """0 or 1."""

    is_discrete = True

    def check(self, value):
        return (value == 0) | (value == 1)


class OneHot(Constraint):
    """Vectors with one 1 among zeros."""

    is_discrete = True
    event_dim = 1

    def check(self, value):
        return boolean.check(value).all(-1) & (value.sum(-1) == 1)


class IntegerInterval(Constraint):
    """Whole numbers in [lower_bound, upper_bound]."""

    is_discrete = True

    def __init__(self, lower_bound, upper_bound):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value):
        return (value % 1 == 0) & (self.lower_bound <= value) & (value <= self.upper_bound)


class IntegerGreaterThan(Constraint):
    """Whole numbers from lower_bound on."""

    is_discrete = True

    def __init__(self, lower_bound):
        self.lower_bound = lower_bound

    def check(self, value):
        return (value % 1 == 0) & (value >= self.lower_bound)


class Multinomial(Constraint):
    """Vectors of counts that sum to `upper_bound` at most."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def check(self, value):
        return (value >= 0).all(dim=-1) & (value.sum(dim=-1) <= self.upper_bound)

    def __repr__(self) -> str:
        return "Multinomial()"


# ---- real numbers ------------------------------------------------------------------------------------------------


class Real(Constraint):
    """Any number, the infinite ones too, but not nan."""

    def check(self, value):
        return value == value


class GreaterThan(Constraint):
    """(lower_bound, ∞]."""

    def __init__(self, lower_bound):
        self.lower_bound = lower_bound

    def check(self, value):
        return self.lower_bound < value


class GreaterThanEq(GreaterThan):
    """[lower_bound, ∞]."""

    def check(self, value):
        return self.lower_bound <= value


class LessThan(Constraint):
    """[-∞, upper_bound)."""

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def check(self, value):
        return value < self.upper_bound


class Interval(Constraint):
    """[lower_bound, upper_bound]."""

    def __init__(self, lower_bound, upper_bound):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value):
        return (self.lower_bound <= value) & (value <= self.upper_bound)


class HalfOpenInterval(Interval):
    """[lower_bound, upper_bound)."""

    def check(self, value):
        return (self.lower_bound <= value) & (value < self.upper_bound)


# ---- vectors and matrices ----------------------------------------------------------------------------------------


class Simplex(Constraint):
    """Vectors of probabilities: not negative, sum 1 (within 1e-6)."""

    event_dim = 1

    def check(self, value):
        return (value >= 0).all(dim=-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class LowerTriangular(Constraint):
    """Matrices with zeros above the diagonal."""

    event_dim = 2

    def check(self, value):
        return (value.tril() == value).all(-1).all(-1)


class LowerCholesky(LowerTriangular):
    """Lower-triangular matrices with a positive diagonal."""

    def check(self, value):
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class CorrCholesky(LowerCholesky):
    """Cholesky factors of correlation matrices: their rows have length 1 (within 10·n·eps)."""

    def check(self, value):
        tolerance = 10 * value.shape[-1] * torch.finfo(value.dtype).eps
        return super().check(value) & ((value.detach().norm(dim=-1) - 1).abs() <= tolerance).all(-1)


class Square(Constraint):
    """Matrices with as many rows as columns."""

    event_dim = 2

    def check(self, value):
        return torch.full(value.shape[:-2], value.shape[-2] == value.shape[-1], dtype=torch.bool)


class Symmetric(Square):
    """Matrices that equal their transpose (within 1e-6)."""

    def check(self, value):
        square = super().check(value)
        return torch.isclose(value, value.mT, atol=1e-6).all(-2).all(-1) if square.all() else square


class PositiveSemidefinite(Symmetric):
    """Symmetric matrices without a negative eigenvalue."""

    def check(self, value):
        symmetric = super().check(value)
        return (torch.linalg.eigvalsh(value) >= 0).all(-1) if symmetric.all() else symmetric


class PositiveDefinite(Symmetric):
    """Symmetric matrices that have a Cholesky factor."""

    def check(self, value):
        symmetric = super().check(value)
        return torch.linalg.cholesky_ex(value).info == 0 if symmetric.all() else symmetric


# ---- the public names --------------------------------------------------------------------------------------------

dependent = Dependent()
dependent_property = DependentProperty
independent = IndependentConstraint
boolean = Boolean()
one_hot = OneHot()
integer_interval = IntegerInterval
nonnegative_integer = IntegerGreaterThan(0)
positive_integer = IntegerGreaterThan(1)
multinomial = Multinomial
real = Real()
real_vector = independent(real, 1)
greater_than = GreaterThan
greater_than_eq = GreaterThanEq
less_than = LessThan
interval = Interval
half_open_interval = HalfOpenInterval
positive = GreaterThan(0.0)
nonnegative = GreaterThanEq(0.0)
unit_interval = Interval(0.0, 1.0)
simplex = Simplex()
lower_triangular = LowerTriangular()
lower_cholesky = LowerCholesky()
corr_cholesky = CorrCholesky()
cat = Cat
stack = Stack
square = Square()
symmetric = Symmetric()
positive_semidefinite = PositiveSemidefinite()
positive_definite = PositiveDefinite()
