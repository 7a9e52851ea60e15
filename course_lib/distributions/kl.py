"""kl_divergence(p, q): the mean of log p(x) - log q(x) over draws x from p.

A formula is registered for a pair of types; the pair that lies nearest to the arguments' types is used. Between two
families the formula is often -entropy(p) - mean of log q, and the latter needs only moments of p: such pairs share one.
"""

from __future__ import annotations

import math

import course_lib as torch

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import EULER, Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, half_log_determinant, squared_distance
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import sum_rightmost

_FORMULAS: dict[tuple[type, type], object] = {}


def register_kl(type_p: type, type_q: type):
    """Decorator: use the function for kl_divergence(p, q) of these types. TypeError unless both are distributions.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#torch.distributions.kl.register_kl
    """
    for name, given in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(given, type) and issubclass(given, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {given}")

    def register(formula):
        _FORMULAS[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution):
    """The Kullback-Leibler divergence KL(p ‖ q), one number for each distribution of the batch.

    NotImplementedError where no formula is registered for the two types.

    >>> import course_lib as torch
    >>> d = torch.distributions
    >>> d.kl_divergence(d.Normal(0., 1.), d.Normal(1., 1.))
    tensor(0.5000)

    Source: https://docs.pytorch.org/docs/stable/distributions.html#torch.distributions.kl.kl_divergence
    """
    line_p, line_q = type(p).__mro__, type(q).__mro__
    found = [pair for pair in _FORMULAS if pair[0] in line_p and pair[1] in line_q]
    if not found:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    nearest = min(found, key=lambda pair: line_p.index(pair[0]) + line_q.index(pair[1]))
    return _FORMULAS[nearest](p, q)


# ---- two of a family ---------------------------------------------------------------------------------------------


def _weighted(weight, log_ratio):
    """weight · log_ratio, where a weight of 0 counts as 0 whatever the ratio."""
    return torch.where(weight == 0, 0.0, weight * log_ratio)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p, q):
    softplus = torch.nn.functional.softplus
    one = _weighted(p.probs, softplus(-q.logits) - softplus(-p.logits))
    zero = _weighted(1 - p.probs, softplus(q.logits) - softplus(p.logits))
    one = torch.where((q.probs == 0) & (p.probs > 0), torch.inf, one)
    return one + torch.where((q.probs == 1) & (p.probs < 1), torch.inf, zero)


@register_kl(Binomial, Binomial)
def _binomial(p, q):
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return torch.where(p.total_count > q.total_count, torch.inf, kl)


@register_kl(Categorical, Categorical)
def _categorical(p, q):
    each = p.probs * (p.logits - q.logits)
    each = torch.where((q.probs == 0).expand(each.shape), torch.inf, each)
    return torch.where((p.probs == 0).expand(each.shape), 0.0, each).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p, q):
    return _categorical(p._categorical, q._categorical)


@register_kl(Beta, Beta)
def _beta(p, q):
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p, q):
    return p.mean * (p.logits - q.logits) + p._log_norm() - q._log_norm() + (-p.probs).log1p() - (-q.probs).log1p()


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p, q):
    """How far the tangent of the log-normalizer at p lies below it at q (a Bregman divergence)."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman "
            "divergences"
        )
    parameters, normalizer, slopes = p._tangent()
    kl = q._log_normalizer(*q._natural_params) - normalizer
    for mine, other, slope in zip(parameters, q._natural_params, slopes, strict=True):
        kl = kl - sum_rightmost((other - mine) * slope, slope.dim() - len(q.batch_shape))
    return kl


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p, q):
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    norm = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norm + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p, q):
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Gamma, Gamma)
def _gamma(p, q):
    a, b = p.concentration, q.concentration
    norm = b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma()
    return norm + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Geometric, Geometric)
def _geometric(p, q):
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel(p, q):
    ratio, shift = p.scale / q.scale, (q.loc - p.loc) / q.scale
    return -ratio.log() - shift + ratio * EULER + (shift + (1 + ratio).lgamma()).exp() - (1 + EULER)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p, q):
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p, q):
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return ratio * torch.exp(-distance / p.scale) + distance / q.scale - ratio.log() - 1


@register_kl(Normal, Normal)
def _normal(p, q):
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


def _root(p):
    """A matrix R with RRᵀ = the covariance."""
    if isinstance(p, LowRankMultivariateNormal):
        return torch.cat((p.cov_factor, p.cov_diag.sqrt().diag_embed()), -1)
    return p._unbroadcasted_scale_tril


def _log_determinant(p):
    if isinstance(p, LowRankMultivariateNormal):
        return p.log_determinant()
    return 2 * half_log_determinant(p._unbroadcasted_scale_tril)


def _squared_distance(q, difference):
    if isinstance(q, LowRankMultivariateNormal):
        return q.squared_distance(difference)
    return squared_distance(q._unbroadcasted_scale_tril, difference)


def _normal_vectors(p, q):
    if p.event_shape != q.event_shape:
        low_rank = isinstance(p, LowRankMultivariateNormal) + isinstance(q, LowRankMultivariateNormal)
        raise ValueError(
            f"KL-divergence between two {('', '(Low Rank) ', 'Low Rank ')[low_rank]}Multivariate Normals with"
            "                          different event shapes cannot be computed"
        )
    trace = _squared_distance(q, _root(p).mT.movedim(-2, 0)).sum(0)
    distance = _squared_distance(q, q.loc - p.loc)
    return 0.5 * (_log_determinant(q) - _log_determinant(p) + trace + distance - p.event_shape[0])


@register_kl(Pareto, Pareto)
def _pareto(p, q):
    ratio = q.alpha / p.alpha
    kl = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return torch.where(p.scale < q.scale, torch.inf, kl)


@register_kl(Poisson, Poisson)
def _poisson(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p, q):
    kl = ((q.high - q.low) / (p.high - p.low)).log()
    return torch.where((q.low > p.low) | (q.high < p.high), torch.inf, kl)


@register_kl(Cauchy, Cauchy)
def _cauchy(p, q):
    spread = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return spread.log() - (4 * p.scale * q.scale).log()


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# ---- two families ------------------------------------------------------------------------------------------------

_UNBOUNDED = (Gumbel, Laplace, Normal)  # on the whole real line
_HALF_LINE = (Exponential, Gamma, Pareto)


def _mean_log(p):
    """The mean of log x."""
    if isinstance(p, Beta):
        return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    if isinstance(p, Gamma):
        return p.concentration.digamma() - p.rate.log()
    if isinstance(p, Exponential):
        return -EULER - p.rate.log()
    if isinstance(p, Pareto):
        return p.scale.log() + p.alpha.reciprocal()
    return (torch.xlogy(p.high, p.high) - torch.xlogy(p.low, p.low)) / (p.high - p.low) - 1  # Uniform


def _mean_exp(p, t):
    """The mean of exp(t·x), the moment-generating function."""
    if isinstance(p, Normal):
        return (t * p.loc + 0.5 * (t * p.scale).pow(2)).exp()
    if isinstance(p, Gamma):
        return (1 - t / p.rate).pow(-p.concentration)
    if isinstance(p, Exponential):
        return p.rate / (p.rate - t)
    return ((t * p.high).exp() - (t * p.low).exp()) / (t * (p.high - p.low))  # Uniform


def _infinite(p, q):
    """p has values that q never takes."""
    return torch.full_like(p.mean, torch.inf)


def _to_continuous_bernoulli(p, q):
    kl = -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._log_norm()
    return torch.where((p.high > 1) | (p.low < 0), torch.inf, kl) if isinstance(p, Uniform) else kl


def _continuous_bernoulli_to_uniform(p, q):
    # As in PyTorch, an interval that ends where the values of p end counts as too narrow.
    return torch.where((q.low >= 0) | (q.high <= 1), torch.inf, -p.entropy() + (q.high - q.low).log())


def _to_normal(p, q):
    variance = q.scale.pow(2)
    return -p.entropy() + 0.5 * (2 * math.pi * variance).log() + (p.variance + (p.mean - q.loc).pow(2)) / (2 * variance)


def _to_exponential(p, q):
    kl = -p.entropy() - q.rate.log() + q.rate * p.mean
    return torch.where(p.low < 0, torch.inf, kl) if isinstance(p, Uniform) else kl


def _to_gamma(p, q):
    a = q.concentration
    kl = -p.entropy() + a.lgamma() - a * q.rate.log() - (a - 1) * _mean_log(p) + q.rate * p.mean
    return torch.where(p.low < 0, torch.inf, kl) if isinstance(p, Uniform) else kl


def _to_gumbel(p, q):
    last = (q.loc / q.scale).exp() * _mean_exp(p, -1 / q.scale)
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + last


def _uniform_to_beta(p, q):
    a, b = q.concentration1, q.concentration0
    mirrored = Uniform(1 - p.high, 1 - p.low, validate_args=False)
    log_beta = a.lgamma() + b.lgamma() - (a + b).lgamma()
    kl = -p.entropy() + log_beta - (a - 1) * _mean_log(p) - (b - 1) * _mean_log(mirrored)
    return torch.where((p.low < 0) | (p.high > 1), torch.inf, kl)


def _uniform_to_pareto(p, q):
    kl = -p.entropy() - q.alpha.log() - q.alpha * q.scale.log() + (q.alpha + 1) * _mean_log(p)
    return torch.where(p.low < q.scale, torch.inf, kl)


def _beta_to_uniform(p, q):
    return torch.where((q.low > 0) | (q.high < 1), torch.inf, -p.entropy() + (q.high - q.low).log())


def _normal_to_laplace(p, q):
    shift = (p.loc - q.loc) / p.scale
    mean_distance = math.sqrt(2 / math.pi) * (-0.5 * shift.pow(2)).exp() + shift * torch.erf(math.sqrt(0.5) * shift)
    return -p.entropy() + (2 * q.scale).log() + p.scale / q.scale * mean_distance


def _bernoulli_to_poisson(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


for _p in (LowRankMultivariateNormal, MultivariateNormal):
    for _q in (LowRankMultivariateNormal, MultivariateNormal):
        register_kl(_p, _q)(_normal_vectors)
for _p in (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Uniform, Pareto):
    register_kl(_p, Normal)(_to_normal)
for _p in (Beta, ContinuousBernoulli, Gamma, Pareto, Uniform):
    register_kl(_p, Exponential)(_to_exponential)
for _p in (Beta, Exponential, Pareto, Uniform):
    register_kl(_p, Gamma)(_to_gamma)
for _p in _UNBOUNDED:
    for _q in (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform):
        register_kl(_p, _q)(_infinite)
for _p in _HALF_LINE:
    for _q in (Beta, ContinuousBernoulli, Uniform, *((Pareto,) if _p is not Pareto else ())):
        register_kl(_p, _q)(_infinite)
for _p in (Exponential, Gamma, Normal, Uniform):
    register_kl(_p, Gumbel)(_to_gumbel)
register_kl(Uniform, Beta)(_uniform_to_beta)
register_kl(Uniform, Pareto)(_uniform_to_pareto)
for _p in (Beta, Uniform):
    register_kl(_p, ContinuousBernoulli)(_to_continuous_bernoulli)
register_kl(ContinuousBernoulli, Uniform)(_continuous_bernoulli_to_uniform)
register_kl(ContinuousBernoulli, Pareto)(_infinite)
register_kl(Beta, Pareto)(_infinite)
register_kl(Poisson, Bernoulli)(_infinite)
register_kl(Poisson, Binomial)(_infinite)
register_kl(Beta, Uniform)(_beta_to_uniform)
register_kl(Normal, Laplace)(_normal_to_laplace)
register_kl(Bernoulli, Poisson)(_bernoulli_to_poisson)
