"""Distributions: samples of a seed, log-probabilities, moments, gradients, divergences and errors."""

# --- normal and uniform
d = torch.distributions
torch.manual_seed(0)
normal = d.Normal(torch.tensor([0.0, 10.0]), torch.tensor([1.0, 2.0]))
print(normal, normal.batch_shape, normal.event_shape, normal.has_rsample)
print(normal.sample(), normal.sample((2, 3)))
print(normal.log_prob(torch.tensor([0.5, 9.0])), normal.cdf(torch.tensor(1.0)), normal.icdf(torch.tensor(0.25)))
print(normal.mean, normal.variance, normal.stddev, normal.mode, normal.entropy(), normal.perplexity())
uniform = d.Uniform(torch.tensor([0.0, -1.0]), torch.tensor([2.0, 1.0]))
print(uniform, uniform.support, uniform.sample((3,)))
print(uniform.log_prob(torch.tensor([1.0, 0.0])), uniform.cdf(torch.tensor(0.5)), uniform.icdf(torch.tensor(0.5)), uniform.entropy())

# --- the reparameterization trick
torch.manual_seed(1)
loc = torch.tensor([1.0, -1.0], requires_grad=True)
scale = torch.tensor([0.5, 2.0], requires_grad=True)
sample = torch.distributions.Normal(loc, scale).rsample((4,))
(sample**2).mean().backward()
print(sample, loc.grad, scale.grad)
print(torch.distributions.Normal(loc, scale).sample().requires_grad)

# --- policy gradient
torch.manual_seed(2)
logits = torch.randn(3, 4, requires_grad=True)
policy = torch.distributions.Categorical(logits=logits)
action = policy.sample()
loss = -(policy.log_prob(action) * torch.tensor([1.0, -0.5, 2.0])).mean() - 0.01 * policy.entropy().mean()
loss.backward()
print(action, loss, logits.grad, policy, sep="\n")

# --- categories
d = torch.distributions
torch.manual_seed(3)
probs = torch.tensor([[0.1, 0.2, 0.7], [1.0, 1.0, 2.0]])
categorical = d.Categorical(probs)
print(categorical, categorical.sample(), categorical.sample((2, 2)), categorical.probs, categorical.logits)
print(categorical, categorical.support, categorical.mode, categorical.mean, categorical.param_shape)
print(categorical.enumerate_support().shape, categorical.expand((3, 2)).sample())
one_hot = d.OneHotCategorical(probs)
print(one_hot, one_hot.sample(), one_hot.mode, one_hot.log_prob(torch.eye(3)[:2]), one_hot.entropy())
through = torch.ones(3, requires_grad=True)
(d.OneHotCategoricalStraightThrough(logits=through).rsample() * torch.arange(3.0)).sum().backward()
print(through.grad)
multinomial = d.Multinomial(20, probs)
print(multinomial.sample((2,)), multinomial.mean, multinomial.variance, multinomial.entropy())
print(multinomial.log_prob(torch.tensor([2.0, 4.0, 14.0])), d.Categorical(torch.ones(3)).expand((4,)).sample())

# --- counts
d = torch.distributions
torch.manual_seed(4)
for made in (d.Bernoulli(torch.tensor([0.2, 0.5, 0.9])), d.Bernoulli(logits=torch.tensor([0.0, 1.0])), d.Binomial(10, torch.tensor([0.2, 0.5])),
             d.Poisson(torch.tensor([0.5, 4.0, 30.0])), d.Geometric(torch.tensor([0.2, 0.5])), d.NegativeBinomial(torch.tensor([3.0, 5.0]), torch.tensor([0.3, 0.6]))):
    sample = made.sample((2,))
    print(made, sample, made.log_prob(sample), made.mean, made.variance, made.mode, made.support, sep="\n")
print(d.Binomial(3, torch.tensor([0.2, 0.5])).enumerate_support(), d.Binomial(3, torch.tensor([0.2, 0.5])).entropy())
print(d.Bernoulli(0.3).entropy(), d.Geometric(0.3).entropy(), d.Bernoulli(0.3).enumerate_support(), d.Bernoulli(torch.ones(2) / 2).enumerate_support(False))

# --- continuous families
d = torch.distributions
torch.manual_seed(5)
two = torch.tensor([1.0, 2.5])
for made in (d.Exponential(two), d.Laplace(two, 2.0), d.Cauchy(0.0, two), d.LogNormal(two, 0.5), d.HalfNormal(two), d.HalfCauchy(two),
             d.Gumbel(0.0, two), d.Weibull(two, 1.5), d.Pareto(1.0, two)):
    sample = made.sample((2,))
    print(made, sample, made.log_prob(sample), made.cdf(sample), made.mean, made.variance, made.mode, made.entropy(), made.support, sep="\n")

# --- gamma, beta, dirichlet, student
d = torch.distributions
torch.manual_seed(6)
two = torch.tensor([0.5, 2.5])
for made in (d.Gamma(two, 2.0), d.Chi2(two), d.InverseGamma(two, 2.0), d.Beta(two, 1.5), d.Dirichlet(torch.tensor([[0.5, 1.0, 2.0], [3.0, 3.0, 3.0]])), d.StudentT(two + 1)):
    sample = made.sample((3,))
    print(made, sample, made.log_prob(sample), made.mean, made.variance, made.mode, made.entropy(), made.support, sep="\n")
print(d.Gamma(two.double(), 2.0).sample((20,)).sum(0), torch.rand(2), torch.randn(1))
print(d.Beta(torch.full((6,), 1e-3), 1e-3).sample(), d.Dirichlet(torch.full((2, 3), 1e-4)).sample())
print(d.Beta(2, 3).sample(), d.Gamma(1.0, 1.0).sample(), torch._standard_gamma(torch.tensor([5.0])))

# --- gradients of gamma numbers
torch.manual_seed(7)
concentration = torch.tensor([0.3, 1.0, 4.0, 40.0], dtype=torch.float64, requires_grad=True)
torch.distributions.Gamma(concentration, 1.0).rsample((50,)).mean(0).sum().backward()
print(concentration.grad.round(decimals=2))
concentration = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
(torch.distributions.Dirichlet(concentration).rsample((50,)).mean(0) * torch.arange(3.0)).sum().backward()
print(concentration.grad.mul(100).round())

# --- vectors
d = torch.distributions
torch.manual_seed(8)
covariance = torch.tensor([[2.0, 0.6], [0.6, 1.0]])
normal = d.MultivariateNormal(torch.tensor([1.0, -1.0]), covariance)
print(normal, normal.sample((3,)), normal.log_prob(torch.zeros(4, 2)), normal.entropy(), normal.variance, normal.scale_tril, normal.precision_matrix)
print(d.MultivariateNormal(torch.zeros(3, 2), precision_matrix=covariance).covariance_matrix.shape, normal.expand((3,)).sample().shape)
lower = torch.tensor([[1.0, 0.0], [0.5, 2.0]], requires_grad=True)
d.MultivariateNormal(torch.zeros(2), scale_tril=lower).log_prob(torch.tensor([1.0, 2.0])).backward()
print(lower.grad)
vector = d.Independent(d.Normal(torch.zeros(2, 3), 1.0), 1)
print(vector, vector.batch_shape, vector.event_shape, vector.log_prob(torch.ones(3)), vector.entropy(), vector.support, vector.expand((4, 2)).batch_shape)

# --- mixtures
d = torch.distributions
torch.manual_seed(9)
mixture = d.MixtureSameFamily(d.Categorical(torch.tensor([0.3, 0.7])), d.Normal(torch.tensor([-2.0, 3.0]), torch.tensor([1.0, 0.5])))
print(mixture, mixture.sample((5,)), mixture.log_prob(torch.tensor([-2.0, 0.0, 3.0])), mixture.cdf(torch.tensor(0.0)), mixture.mean, mixture.variance, mixture.support)
planes = d.MixtureSameFamily(d.Categorical(torch.ones(3, 2)), d.Independent(d.Normal(torch.arange(12.0).reshape(3, 2, 2), 1.0), 1))
print(planes.batch_shape, planes.event_shape, planes.sample(), planes.mean, planes.log_prob(torch.zeros(2)))

# --- transforms
d = torch.distributions
x = torch.tensor([-1.0, 0.0, 2.0])
for transform in (d.ExpTransform(), d.AffineTransform(1.0, -2.0), d.SigmoidTransform(), d.TanhTransform(), d.SoftplusTransform(),
                  d.ComposeTransform([d.AffineTransform(0.0, 0.5), d.TanhTransform(), d.AffineTransform(1.0, 2.0)])):
    y = transform(x)
    print(transform, transform.inv, y, transform.inv(y).round(decimals=4), transform.log_abs_det_jacobian(x, y), transform.sign, transform.domain, transform.codomain, transform.bijective)
stick = d.StickBreakingTransform()
y = stick(x)
print(y, y.sum(), stick.inv(y), stick.log_abs_det_jacobian(x, y), stick.forward_shape((5, 3)), stick.domain, stick.codomain)
print(d.PowerTransform(torch.tensor(2.0))(x.abs()), d.AbsTransform()(x), d.SoftmaxTransform()(x), d.LowerCholeskyTransform()(torch.ones(2, 2)))
print(d.ExpTransform() == d.ExpTransform(), d.AffineTransform(0.0, 1.0) == d.AffineTransform(0.0, 2.0), d.ExpTransform().inv.inv == d.ExpTransform())
cached = d.TanhTransform(cache_size=1)
big = torch.tensor([100.0])
print(cached.inv(cached(big)) is big, d.TanhTransform().inv(d.TanhTransform()(big)))

# --- transformed distributions
d = torch.distributions
torch.manual_seed(10)
squashed = d.TransformedDistribution(d.Normal(torch.zeros(2), 1.0), [d.TanhTransform(cache_size=1), d.AffineTransform(0.0, torch.tensor([1.0, 3.0]))])
sample = squashed.rsample((2,))
print(squashed, sample, squashed.log_prob(sample), squashed.support, squashed.batch_shape, squashed.expand((3, 2)).sample())
logistic = d.TransformedDistribution(d.Uniform(torch.zeros(3), 1.0), [d.SigmoidTransform().inv, d.AffineTransform(2.0, -1.5)])
print(logistic.sample(), logistic.log_prob(torch.tensor(1.0)), logistic.cdf(torch.tensor([0.0, 2.0, 4.0])), logistic.icdf(torch.tensor(0.25)))
simplex = d.TransformedDistribution(d.Normal(torch.zeros(4, 3), 1.0), d.StickBreakingTransform())
print(simplex.batch_shape, simplex.event_shape, simplex.sample().sum(-1), simplex.log_prob(torch.full((4,), 0.25)))
print(d.TransformedDistribution(d.Normal(torch.zeros(6), 1.0), d.ReshapeTransform((6,), (2, 3))).sample().shape)
logistic = d.LogisticNormal(torch.tensor([0.0, 1.0]), 0.5)
sample = logistic.sample((2,))
print(logistic.event_shape, sample, logistic.log_prob(sample))
relaxed = d.RelaxedOneHotCategorical(torch.tensor(0.5), torch.tensor([0.2, 0.8]))
sample = relaxed.rsample()
print(sample, relaxed.log_prob(sample), d.RelaxedBernoulli(torch.tensor(0.5), torch.tensor([0.2, 0.8])).rsample())

# --- constrained parameters
d, c = torch.distributions, torch.distributions.constraints
x = torch.tensor([[-1.0, 0.5], [2.0, 0.0]])
for constraint in (c.real, c.positive, c.nonnegative, c.unit_interval, c.greater_than(2.0), c.less_than(1.0), c.interval(-1.0, 3.0), c.simplex, c.independent(c.positive, 1)):
    both = d.biject_to(constraint), d.transform_to(constraint)
    print(constraint, *both, both[0](x), both[1](x), both[1].inv(both[1](x)).round(decimals=3), constraint.check(both[1](x)))
for constraint in (c.lower_cholesky, c.positive_definite):
    print(d.transform_to(constraint)(x), d.transform_to(constraint).inv(d.transform_to(constraint)(x)).round(decimals=3))
try:
    d.biject_to(c.boolean)
except NotImplementedError as error:
    print(type(error).__name__)
d.biject_to.register("real", torch.exp)

# --- divergences
d = torch.distributions
two = torch.tensor([0.5, 1.5])
families = [d.Normal(two, 1.0), d.Laplace(0.0, two), d.Gumbel(1.0, two), d.Exponential(two), d.Gamma(two, 2.0), d.Beta(two, 2.0), d.Uniform(0.2, two + 0.1), d.Pareto(0.5, two + 2)]
for p in families:
    for q in families:
        try:
            print(type(p).__name__, type(q).__name__, d.kl_divergence(p, q))
        except NotImplementedError as error:
            print(error)
alike = [(d.Bernoulli(two / 2), d.Bernoulli(0.4)), (d.Categorical(two), d.Categorical(two.flip(0))), (d.Dirichlet(two), d.Dirichlet(two + 1)),
         (d.Poisson(two), d.Poisson(2.0)), (d.Binomial(5, two / 2), d.Binomial(5, two / 3)), (d.Geometric(two / 2), d.Geometric(0.4)), (d.HalfNormal(two), d.HalfNormal(1.0)),
         (d.LogNormal(two, 1.0), d.LogNormal(0.0, 2.0)), (d.Cauchy(0.0, two), d.Cauchy(1.0, 1.0)), (d.MultivariateNormal(two, torch.eye(2)), d.MultivariateNormal(two * 2, torch.eye(2) * 3)),
         (d.Independent(d.Normal(two, 1.0), 1), d.Independent(d.Normal(0.0, two), 1)), (d.Bernoulli(two / 2), d.Poisson(two)), (d.OneHotCategorical(two), d.OneHotCategorical(two.flip(0)))]
for p, q in alike:
    print(type(p).__name__, d.kl_divergence(p, q))

# --- a divergence of one's own
d = torch.distributions


class Shifted(d.Normal):
    pass


@d.register_kl(Shifted, Shifted)
def shifted(p, q):
    return p.loc - q.loc


print(d.kl_divergence(Shifted(1.0, 1.0), Shifted(0.0, 1.0)), d.kl_divergence(Shifted(1.0, 1.0), d.Normal(0.0, 1.0)))
print(Shifted(1.0, 2.0), Shifted(1.0, 2.0).expand((2,)))

# --- a distribution of one's own
d = torch.distributions


class Triangle(d.Distribution):
    arg_constraints = {"width": d.constraints.positive}
    has_rsample = True

    def __init__(self, width, validate_args=None):
        self.width = width
        super().__init__(width.shape, validate_args=validate_args)

    @d.constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return d.constraints.interval(-self.width, self.width)

    def rsample(self, sample_shape=torch.Size()):
        shape = self._extended_shape(sample_shape)
        return self.width * (torch.rand(shape) - torch.rand(shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return torch.log(1 - value.abs() / self.width) - self.width.log()


torch.manual_seed(11)
triangle = Triangle(torch.tensor([1.0, 2.0]))
print(triangle, triangle.sample((2,)), triangle.log_prob(torch.tensor([0.5, -1.0])), triangle.support, Triangle.support.event_dim)
triangle.log_prob(torch.tensor([0.5, -3.0]))

# --- constraints
c = torch.distributions.constraints
matrix = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
numbers = torch.tensor([-1.0, 0.0, 0.5, 1.0, float("nan")])
for constraint in (c.boolean, c.real, c.positive, c.nonnegative, c.unit_interval, c.nonnegative_integer, c.positive_integer, c.integer_interval(0, 1), c.greater_than(0.5), c.less_than(0.5), c.half_open_interval(0.0, 1.0)):
    print(constraint, constraint.check(numbers), constraint.is_discrete, constraint.event_dim)
for constraint in (c.simplex, c.real_vector, c.one_hot, c.lower_triangular, c.lower_cholesky, c.positive_definite, c.positive_semidefinite, c.symmetric, c.square, c.independent(c.positive, 2)):
    print(constraint, constraint.check(matrix), constraint.check(torch.eye(2)), constraint.event_dim)
print(c.is_dependent(c.dependent), c.is_dependent(c.real), c.dependent(event_dim=1).event_dim)
c.dependent.check(numbers)

# --- errors
d = torch.distributions
wrong = {
    "scale": lambda: d.Normal(torch.zeros(2), torch.tensor([1.0, -1.0])),
    "one scale": lambda: d.Normal(0.0, 0.0),
    "nan": lambda: d.Normal(float("nan"), 1.0),
    "text": lambda: d.Normal("0", 1.0),
    "order": lambda: d.Uniform(2.0, 1.0),
    "both": lambda: d.Bernoulli(0.5, 0.5),
    "none": lambda: d.Categorical(),
    "probability": lambda: d.Bernoulli(torch.tensor([0.5, 1.5])),
    "scalar": lambda: d.Categorical(torch.tensor(0.5)),
    "negative": lambda: d.Categorical(torch.tensor([0.5, -0.1])),
    "never": lambda: d.Geometric(torch.tensor([0.0, 0.5])),
    "count": lambda: d.Multinomial(torch.tensor([3, 4]), torch.ones(2)),
    "no matrix": lambda: d.MultivariateNormal(torch.zeros(2)),
    "not definite": lambda: d.MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 2.0], [2.0, 1.0]])),
    "not lower": lambda: d.MultivariateNormal(torch.zeros(2), scale_tril=torch.ones(2, 2)),
    "dimensions": lambda: d.MultivariateNormal(torch.tensor(0.0), torch.eye(1)),
    "independent": lambda: d.Independent(d.Normal(torch.zeros(2), 1.0), 2),
    "transforms": lambda: d.TransformedDistribution(d.Normal(0.0, 1.0), [torch.exp]),
    "base": lambda: d.TransformedDistribution(d.Normal(0.0, 1.0), d.StickBreakingTransform()),
    "mixture": lambda: d.MixtureSameFamily(d.Categorical(torch.ones(3)), d.Normal(torch.zeros(2), 1.0)),
    "value": lambda: d.Normal(torch.zeros(3), 1.0).log_prob(torch.zeros(2)),
    "number": lambda: d.Normal(0.0, 1.0).log_prob(1.0),
    "event": lambda: d.Dirichlet(torch.ones(3)).log_prob(torch.ones(2)),
    "support": lambda: d.Exponential(torch.tensor([1.0, 2.0])).log_prob(torch.tensor([1.0, -1.0])),
    "category": lambda: d.Categorical(torch.ones(3)).log_prob(torch.tensor(3)),
    "half": lambda: d.Poisson(1.0).log_prob(torch.tensor(0.5)),
    "rsample": lambda: d.Poisson(1.0).rsample(),
    "cdf": lambda: d.Bernoulli(0.5).cdf(torch.tensor(0.5)),
    "enumerate": lambda: d.Binomial(torch.tensor([1.0, 2.0]), 0.5).enumerate_support(),
    "divergence": lambda: d.kl_divergence(d.Cauchy(0.0, 1.0), d.Normal(0.0, 1.0)),
    "cache": lambda: d.ExpTransform(cache_size=2),
    "reshape": lambda: d.ReshapeTransform((2, 3), (5,)),
}
for name, make in wrong.items():
    try:
        print(name, make())
    except (ValueError, NotImplementedError, RuntimeError, TypeError, IndexError) as error:
        print(f"{name}: {type(error).__name__}: {error}")
print(d.Normal(0.0, -1.0, validate_args=False).scale, d.Normal(0.0, 1.0, validate_args=False).log_prob(torch.tensor(float("nan"))))
d.Distribution.set_default_validate_args(False)
print(d.Exponential(-1.0).log_prob(torch.tensor(-1.0)))
d.Distribution.set_default_validate_args(True)

# --- the circle, the F ratio, the unit interval, exceedances
d = torch.distributions
torch.manual_seed(20)
two = torch.tensor([0.7, 3.5])
for made in (d.FisherSnedecor(two, 5.0), d.Kumaraswamy(two, 2.0), d.ContinuousBernoulli(torch.tensor([0.2, 0.5])), d.ContinuousBernoulli(logits=two),
             d.GeneralizedPareto(1.0, two, torch.tensor([0.3, -0.5])), d.GeneralizedPareto(0.0, 1.0, 0.0)):
    sample = made.sample((3,))
    print(made, sample, made.log_prob(sample), made.mean, made.variance, made.support, made.batch_shape, made.expand((3, 2)).sample(), sep="\n")
    for name in ("cdf", "entropy"):
        try:
            print(getattr(made, name)(*[sample][: name == "cdf"]))
        except NotImplementedError:
            print("no", name)
print(d.ContinuousBernoulli(0.3).icdf(torch.tensor(0.5)), d.GeneralizedPareto(0.0, 1.0, 0.5).log_survival_function(torch.tensor(2.0)), d.GeneralizedPareto(0.0, two, 0.5).mode)
circle = d.VonMises(torch.tensor([0.0, 3.0]), torch.tensor([1.0, 40.0]))
print(circle, circle.sample((4,)), circle.log_prob(torch.tensor(0.5)), circle.mean, circle.variance, circle.mode, circle.support)
print(d.VonMises(torch.tensor(1.0), torch.tensor(1e-6)).sample((3,)), d.VonMises(torch.tensor(1.0).double(), torch.tensor(2.0)).sample(), torch.rand(2))

# --- random matrices
d = torch.distributions
torch.manual_seed(22)
lkj = d.LKJCholesky(3, 0.5)
lower = lkj.sample()
print(lkj, lower, lkj.log_prob(lower), lkj.support, lkj.batch_shape, lkj.event_shape)
lkj = d.LKJCholesky(2, torch.tensor([1.0, 5.0]))
print(lkj.sample((2,)), lkj.log_prob(torch.eye(2)), lkj.expand((3, 2)).sample().shape)
covariance = torch.tensor([[2.0, 0.6], [0.6, 1.0]])
torch.manual_seed(23)
wishart = d.Wishart(torch.tensor([4.0, 5.5]), covariance)
sample = wishart.sample()
print(wishart, sample, wishart.sample((3,)), wishart.log_prob(sample), wishart.entropy(), wishart.mean, wishart.mode, wishart.variance, wishart.precision_matrix)
wishart = d.Wishart(3, scale_tril=torch.eye(3))
print(wishart, wishart.sample(), wishart.sample((2,)).shape, wishart.mode.isnan().all(), wishart.expand((2,)).sample().shape)
print(d.kl_divergence(d.Wishart(torch.tensor(4.0), covariance), d.Wishart(torch.tensor(6.0), torch.eye(2))))
factor = torch.tensor([[1.0], [0.5], [-0.5]], requires_grad=True)
low = d.LowRankMultivariateNormal(torch.zeros(2, 3), factor, torch.tensor([0.5, 1.0, 2.0]))
print(low, low.sample((2,)), low.log_prob(torch.ones(3)), low.entropy(), low.variance, low.covariance_matrix[0], low.precision_matrix[0], low.scale_tril[0], low.mode)
low.log_prob(torch.ones(3)).sum().backward()
print(factor.grad, low.expand((4, 2)).sample().shape)

# --- errors of random matrices
d = torch.distributions
eye = torch.eye(2)
for attempt in (lambda: d.LKJCholesky(1), lambda: d.LKJCholesky(2).log_prob(2 * eye), lambda: d.Wishart(torch.tensor(1.0), eye), lambda: d.Wishart(torch.tensor(4.0)),
                lambda: d.Wishart(3.0, torch.ones(2)), lambda: d.Wishart(3.0, torch.tensor([[1.0, 2.0], [2.0, 1.0]])), lambda: d.Wishart(3.0, eye).log_prob(-eye),
                lambda: d.LowRankMultivariateNormal(torch.tensor(0.0), eye, eye[0]), lambda: d.LowRankMultivariateNormal(eye[0], eye[0], eye[0]),
                lambda: d.LowRankMultivariateNormal(eye[0], torch.ones(3, 1), eye[0]), lambda: d.LowRankMultivariateNormal(eye[0], eye, torch.ones(3)),
                lambda: d.LowRankMultivariateNormal(torch.zeros(3, 2), torch.ones(2, 2, 1), torch.ones(2)), lambda: d.LowRankMultivariateNormal(eye[0], 0 * eye, -torch.ones(2)),
                lambda: d.ContinuousBernoulli(), lambda: d.ContinuousBernoulli(1.5, validate_args=True), lambda: d.VonMises(torch.tensor(0.0), torch.tensor(-1.0)),
                lambda: d.FisherSnedecor(0.0, 1.0), lambda: d.Kumaraswamy(1.0, -1.0), lambda: d.GeneralizedPareto(0.0, 0.0, 1.0), lambda: d.GeneralizedPareto(0.0, 1.0, -1.0).log_prob(torch.tensor(2.0))):
    try:
        print(attempt())
    except (ValueError, AssertionError, RuntimeError) as error:
        print(type(error).__name__, error)

# --- transforms side by side, and of correlations
d = torch.distributions
x = torch.tensor([[0.5, -1.0, 2.0]])
cat = d.CatTransform([d.ExpTransform(), d.AffineTransform(1.0, 3.0)], dim=1, lengths=[2, 1])
y = cat(x)
print(cat, y, cat.inv(y), cat.log_abs_det_jacobian(x, y), cat.bijective, cat.domain, cat.codomain, cat.codomain.check(-y), cat.event_dim)
stack = d.StackTransform([d.ExpTransform(), d.SigmoidTransform(), d.TanhTransform()], dim=1)
y = stack(x)
print(stack, y, stack.inv(y), stack.log_abs_det_jacobian(x, y), stack.codomain, stack.codomain.check(torch.tensor([[1.0, 2.0, 0.5]])), stack.bijective)
corr = d.CorrCholeskyTransform()
y = corr(x)
print(corr, y, corr.inv(y), corr.log_abs_det_jacobian(x, y), corr.codomain, corr.codomain.check(y), corr.forward_shape((5, 6)), corr.inverse_shape((5, 4, 4)))
uniform = d.CumulativeDistributionTransform(d.Normal(0.0, 1.0))
y = uniform(x)
print(uniform, y, uniform.inv(y), uniform.log_abs_det_jacobian(x, y), uniform.domain, uniform.codomain, uniform.with_cache()._cache_size)
for constraint in (d.constraints.corr_cholesky, d.constraints.cat([d.constraints.positive, d.constraints.real]), d.constraints.stack([d.constraints.simplex, d.constraints.simplex], 0)):
    print(constraint, constraint.event_dim, constraint.is_discrete, d.biject_to(constraint), d.transform_to(constraint))
for attempt in (lambda: cat(torch.ones(1, 2)), lambda: cat(torch.ones(3)), lambda: stack(torch.ones(2, 2)), lambda: corr(torch.ones(2)), lambda: corr.inverse_shape((2, 3)),
                lambda: d.CatTransform([1]), lambda: d.CatTransform([d.ExpTransform()], lengths=[1, 2]), lambda: d.constraints.cat([d.constraints.real], lengths=[1, 2])):
    try:
        print(attempt())
    except (ValueError, AssertionError) as error:
        print(type(error).__name__, error)

# --- exponential families and the remaining divergences
d = torch.distributions
positive = torch.tensor([0.4, 2.0])
for made in (d.Normal(1.0, positive), d.Bernoulli(positive / 4), d.Exponential(positive), d.Gamma(positive, 2.0), d.ContinuousBernoulli(positive / 4)):
    print(isinstance(made, d.ExponentialFamily), d.ExponentialFamily.entropy(made), made.entropy(), made._natural_params)
print(d.Poisson(positive)._natural_params, d.Beta(positive, 1.0)._natural_params, d.Dirichlet(positive)._log_normalizer(positive))
try:
    d.Poisson(positive).entropy()
except NotImplementedError as error:
    print("NotImplementedError", error)
between = d.ContinuousBernoulli(positive / 4)
wide, half, unit = d.Uniform(-1.0, 2.0), d.Uniform(0.25, 0.5), d.Uniform(0.0, 1.0)
for p, q in ((between, d.ContinuousBernoulli(0.3)), (d.Beta(2.0, 3.0), between), (between, d.Exponential(2.0)), (between, d.Normal(0.0, 1.0)), (between, d.Pareto(1.0, 1.0)),
             (between, wide), (between, unit), (half, between), (wide, between), (d.Exponential(positive), between), (d.Normal(positive, 1.0), between)):
    print(type(p).__name__, type(q).__name__, d.kl_divergence(p, q))
low = d.LowRankMultivariateNormal(torch.zeros(3), torch.ones(3, 1), torch.tensor([0.5, 1.0, 2.0]))
full, batch = d.MultivariateNormal(torch.ones(3), torch.eye(3)), d.LowRankMultivariateNormal(torch.ones(2, 3), torch.ones(3, 2), torch.ones(3))
print(d.kl_divergence(low, full), d.kl_divergence(full, low), d.kl_divergence(low, batch), d.kl_divergence(batch, full), d.kl_divergence(full, full))
for pair in ((d.Normal(0.0, 1.0), d.Gamma(1.0, 1.0)), (low, d.MultivariateNormal(torch.ones(2), torch.eye(2))), (d.Chi2(1.0), d.Gamma(1.0, 1.0))):
    try:
        print(d.kl_divergence(*pair))
    except (NotImplementedError, ValueError) as error:
        print(type(error).__name__, error)
