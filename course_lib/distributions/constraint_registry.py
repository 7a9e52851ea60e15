"""biject_to and transform_to: from any real numbers to values that satisfy a constraint.

An optimizer works on unconstrained numbers; `transform_to(constraint)` makes a parameter of them. `biject_to` promises
a bijection with a log-determinant, as Hamiltonian Monte Carlo needs it; `transform_to` only reaches every value.
"""

from __future__ import annotations

from . import constraints, transforms


class ConstraintRegistry:
    """For each type of constraint a function that makes a transform; call the registry with a constraint to get it."""

    def __init__(self):
        self._makers: dict[type, object] = {}

    def register(self, constraint, factory=None):
        """Use `factory(constraint)` for this type of constraint; without a factory, a decorator.

        TypeError unless it is a constraint or a type of constraints.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, constraints.Constraint)):
            raise TypeError(
                f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}"
            )
        self._makers[kind] = factory
        return factory

    def __call__(self, constraint):
        if type(constraint) not in self._makers:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return self._makers[type(constraint)](constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _in_both(*kinds):
    def declare(factory):
        for kind in kinds:
            biject_to.register(kind, factory)
            transform_to.register(kind, factory)
        return factory

    return declare


@_in_both(constraints.real)
def _to_real(constraint):
    return transforms.identity_transform


@_in_both(constraints.greater_than, constraints.greater_than_eq)
def _to_greater(constraint):
    shift = transforms.AffineTransform(constraint.lower_bound, 1)
    return transforms.ComposeTransform([transforms.ExpTransform(), shift])


@_in_both(constraints.less_than)
def _to_less(constraint):
    mirror = transforms.AffineTransform(constraint.upper_bound, -1)
    return transforms.ComposeTransform([transforms.ExpTransform(), mirror])


@_in_both(constraints.interval, constraints.half_open_interval)
def _to_interval(constraint):
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    stretch = transforms.AffineTransform(low, high - low)
    return transforms.ComposeTransform([transforms.SigmoidTransform(), stretch])


@_in_both(constraints.corr_cholesky)
def _to_corr_cholesky(constraint):
    return transforms.CorrCholeskyTransform()


def _to_independent(registry):
    def make(constraint):
        return transforms.IndependentTransform(
            registry(constraint.base_constraint), constraint.reinterpreted_batch_ndims
        )

    return make


def _to_cat(registry):
    return lambda constraint: transforms.CatTransform(
        [registry(part) for part in constraint.cseq], constraint.dim, constraint.lengths
    )


def _to_stack(registry):
    return lambda constraint: transforms.StackTransform([registry(part) for part in constraint.cseq], constraint.dim)


for _registry in (biject_to, transform_to):
    _registry.register(constraints.independent, _to_independent(_registry))
    _registry.register(constraints.cat, _to_cat(_registry))
    _registry.register(constraints.stack, _to_stack(_registry))
biject_to.register(constraints.simplex, lambda constraint: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda constraint: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda constraint: transforms.LowerCholeskyTransform())
transform_to.register(constraints.positive_definite, lambda constraint: transforms.PositiveDefiniteTransform())
transform_to.register(constraints.positive_semidefinite, lambda constraint: transforms.PositiveDefiniteTransform())
