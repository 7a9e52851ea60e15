"""Every distribution of both libraries with the same parameters: samples of a seed, densities, moments, shapes, texts.

What stands in DIFFERS is a defect of PyTorch 2.13 that course_lib does not share.
"""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with (extra `parity`)")

# The parameters: two positive numbers, two probabilities, two rows of probabilities S, a covariance C.
MADE = {
    "Bernoulli": "d.Bernoulli(p)",
    "Beta": "d.Beta(two, two.flip(0))",
    "Binomial": "d.Binomial(whole, p)",
    "Categorical": "d.Categorical(S)",
    "Cauchy": "d.Cauchy(two, two)",
    "Chi2": "d.Chi2(two)",
    "ContinuousBernoulli": "d.ContinuousBernoulli(p)",
    "Dirichlet": "d.Dirichlet(S * 4)",
    "Exponential": "d.Exponential(two)",
    "FisherSnedecor": "d.FisherSnedecor(two * 3, two * 4)",
    "Gamma": "d.Gamma(two, two)",
    "GeneralizedPareto": "d.GeneralizedPareto(two, two, p - 0.4)",
    "Geometric": "d.Geometric(p)",
    "Gumbel": "d.Gumbel(two, two)",
    "HalfCauchy": "d.HalfCauchy(two)",
    "HalfNormal": "d.HalfNormal(two)",
    "Independent": "d.Independent(d.Normal(S, S), 1)",
    "InverseGamma": "d.InverseGamma(two * 3, two)",
    "Kumaraswamy": "d.Kumaraswamy(two, two.flip(0))",
    "LKJCholesky": "d.LKJCholesky(3, two)",
    "Laplace": "d.Laplace(two, two)",
    "LogNormal": "d.LogNormal(two, p)",
    "LogisticNormal": "d.LogisticNormal(S, S)",
    "LogitRelaxedBernoulli": "d.relaxed_bernoulli.LogitRelaxedBernoulli(two[0], p)",
    "LowRankMultivariateNormal": "d.LowRankMultivariateNormal(S, S.unsqueeze(-1), S)",
    "MixtureSameFamily": "d.MixtureSameFamily(d.Categorical(S[0]), d.Normal(S[1], S[0]))",
    "Multinomial": "d.Multinomial(7, S)",
    "MultivariateNormal": "d.MultivariateNormal(two, C)",
    "NegativeBinomial": "d.NegativeBinomial(whole, p)",
    "Normal": "d.Normal(two, two)",
    "OneHotCategorical": "d.OneHotCategorical(S)",
    "OneHotCategoricalStraightThrough": "d.OneHotCategoricalStraightThrough(S)",
    "Pareto": "d.Pareto(two, two * 3)",
    "Poisson": "d.Poisson(two * 8)",
    "RelaxedBernoulli": "d.RelaxedBernoulli(two[0], p)",
    "RelaxedOneHotCategorical": "d.RelaxedOneHotCategorical(two[0], S)",
    "StudentT": "d.StudentT(two * 3, two, two)",
    "TransformedDistribution": "d.TransformedDistribution(d.Normal(two, two), [d.ExpTransform(), d.TanhTransform()])",
    "Uniform": "d.Uniform(-two, two)",
    "VonMises": "d.VonMises(two, two)",
    "Weibull": "d.Weibull(two, two.flip(0))",
    "Wishart": "d.Wishart(two + 3, C)",
}

MOMENTS = ("mean", "mode", "variance", "stddev")
WITHOUT_ARGUMENTS = ("entropy", "perplexity", "enumerate_support")
FACTS = {
    "text": lambda T, D, x: repr(D),
    "support": lambda T, D, x: repr(D.support),
    "constraints": lambda T, D, x: repr(D.arg_constraints),
    "shapes": lambda T, D, x: (tuple(D.batch_shape), tuple(D.event_shape), D.has_enumerate_support),
    "has_rsample": lambda T, D, x: D.has_rsample,
    "rsample": lambda T, D, x: D.rsample((2,)),
    "log_prob": lambda T, D, x: D.log_prob(x),
    "cdf": lambda T, D, x: D.cdf(x),
    "icdf": lambda T, D, x: D.icdf(T.tensor(0.3, dtype=x.dtype)),
    **{name: (lambda T, D, x, name=name: getattr(D, name)) for name in MOMENTS},
    **{name: (lambda T, D, x, name=name: getattr(D, name)()) for name in WITHOUT_ARGUMENTS},
    "expand": lambda T, D, x: D.expand((4, *D.batch_shape)).sample(),
    "expanded text": lambda T, D, x: repr(D.expand((4, *D.batch_shape))),
    "copy": lambda T, D, x: copy.deepcopy(D).log_prob(x),
    "place": lambda T, D, x: T.rand(2),  # both have used up as many numbers
}

DIFFERS = {
    ("LogitRelaxedBernoulli", "has_rsample"),  # it has one, and says no
    ("GeneralizedPareto", "log_prob"),  # refuses float64
    ("GeneralizedPareto", "cdf"),
    ("GeneralizedPareto", "copy"),
    ("Kumaraswamy", "mode"),  # always nan
}
# No gradients to compare: log_prob refuses float64, has_rsample says no, rsample changes a mask that backward needs.
WITHOUT_GRADIENTS = ("GeneralizedPareto", "LogitRelaxedBernoulli", "Wishart")


def parameters(T, dtype: str) -> dict:
    row = lambda *numbers: T.tensor(numbers, dtype=getattr(T, dtype))
    return {"two": row(0.7, 2.5), "p": row(0.2, 0.6), "whole": row(5.0, 30.0), "C": row(2.0, 0.6, 0.6, 1.0).view(2, 2),
            "S": row(0.2, 0.3, 0.5, 0.6, 0.3, 0.1).view(2, 3)}  # fmt: skip


def found(T, name: str, dtype: str) -> dict:
    distribution = eval(MADE[name], {"d": T.distributions, **parameters(T, dtype)})
    T.manual_seed(5)
    sample = distribution.sample((3,))
    facts = {"sample": sample}
    for fact, ask in FACTS.items():
        try:
            facts[fact] = ask(T, distribution, sample)
        except (NotImplementedError, ValueError, RuntimeError) as error:
            facts[fact] = type(error).__name__
    return facts


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MADE)
def test_a_distribution_is_pytorchs(name, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = found(course_lib, name, dtype), found(torch, name, dtype)
    rounding = {"rtol": 3e-5, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-6, "atol": 1e-9}
    for fact, expected in theirs.items():
        if (name, fact) in DIFFERS:
            continue
        got = ours[fact]
        if isinstance(expected, torch.Tensor):
            assert str(got.dtype) == str(expected.dtype), fact
            np.testing.assert_allclose(
                got.detach().numpy(), expected.detach().numpy(), strict=True, err_msg=fact, **rounding
            )
        else:
            assert got == expected, fact


def gradients(T, name: str) -> list:
    """Of the densities and of a sample, by the parameters; None where there is none."""
    given = parameters(T, "float64")
    leaves = [given[leaf].requires_grad_() for leaf in ("two", "p", "S", "C")]
    distribution = eval(MADE[name], {"d": T.distributions, **given})
    T.manual_seed(5)
    results = [distribution.log_prob(distribution.sample((3,)))]
    if distribution.has_rsample:
        results.append(distribution.rsample((3,)) ** 2)
    found = []
    for result in results:
        found += T.autograd.grad(result.sum(), leaves, allow_unused=True, retain_graph=True)
    return [None if g is None else g.numpy() for g in found]


@pytest.mark.parametrize("name", [name for name in MADE if name not in WITHOUT_GRADIENTS])
def test_gradients_are_pytorchs(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = gradients(course_lib, name), gradients(torch, name)
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine is None) == (other is None)
        if mine is not None:  # PyTorch approximates the derivative of gamma numbers to a thousandth
            np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-3)


def test_all_public_names_are_there():
    assert set(torch.distributions.__all__) <= set(dir(course_lib.distributions))
    names = lambda table: {(p.__name__, q.__name__) for p, q in table}
    missing = names(torch.distributions.kl._KL_REGISTRY) - names(course_lib.distributions.kl._FORMULAS)
    assert not {pair for pair in missing if hasattr(torch.distributions, pair[0])}  # other tests register pairs, too
