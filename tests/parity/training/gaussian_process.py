"""A Gaussian process whose kernel is learned by its marginal likelihood; then a Bayesian network on the same points."""

import math


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(38)
    distributions = torch.distributions
    x = (torch.rand(24, 1) * 6).double()
    y = torch.sin(x[:, 0]) + 0.1 * torch.randn(24).double()
    length, height, noise = (nn.Parameter(torch.tensor(v, dtype=torch.float64)) for v in (0.0, 0.0, -2.0))

    def kernel(a, b):
        away = a.unsqueeze(1) - b.unsqueeze(0)
        return height.exp() * torch.exp(-0.5 * away.square().sum(-1) / length.exp() ** 2)

    optimizer = torch.optim.Adam([length, height, noise], lr=0.1)
    losses = []
    for _ in range(25):
        covariance = kernel(x, x) + (noise.exp() + 1e-5) * torch.eye(24, dtype=torch.float64)
        factor = torch.linalg.cholesky(covariance)
        weights = torch.cholesky_solve(y.unsqueeze(1), factor).squeeze(1)
        loss = 0.5 * y @ weights + factor.diagonal().log().sum() + 12 * math.log(2 * math.pi)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        test = torch.linspace(0, 6, 5, dtype=torch.float64).unsqueeze(1)
        across = torch.linalg.solve_triangular(factor, kernel(x, test), upper=False)
        found = [*(kernel(test, x) @ weights).tolist(), *(kernel(test, test) - across.T @ across).diagonal().tolist()]

    class BayesLinear(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.mean = nn.Parameter(torch.empty(outputs, inputs).normal_(0, 0.3))
            self.spread = nn.Parameter(torch.full((outputs, inputs), -3.0))

        def forward(self, x):
            drawn = distributions.Normal(self.mean, nn.functional.softplus(self.spread))
            self.cost = distributions.kl_divergence(drawn, distributions.Normal(0.0, 1.0)).sum()
            return nn.functional.linear(x, drawn.rsample())

    net = nn.Sequential(BayesLinear(1, 16), nn.Tanh(), BayesLinear(16, 2))
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-2)
    for _ in range(25):
        mean, spread = net(x.float()).unbind(-1)
        likelihood = distributions.Normal(mean, nn.functional.softplus(spread) + 0.1).log_prob(y.float()).mean()
        loss = 1e-3 * (net[0].cost + net[2].cost) - likelihood
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses + found
