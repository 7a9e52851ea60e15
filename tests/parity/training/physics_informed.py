"""Burgers' equation solved by a network: derivatives of its output are in the loss; Adam first, then LBFGS."""


def train(torch) -> list[float]:
    nn, pi = torch.nn, torch.pi
    torch.manual_seed(33)
    net = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1)).double()
    start = torch.linspace(-1, 1, 30, dtype=torch.float64).view(-1, 1)
    edge, later = torch.ones(10, 1, dtype=torch.float64), torch.linspace(0, 1, 10, dtype=torch.float64).view(-1, 1)

    def u(x, t):
        return net(torch.cat([x, t], dim=1))

    def slope(y, x):
        return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]

    def loss_on(x, t):
        value = u(x, t)
        by_x = slope(value, x)
        equation = slope(value, t) + value * by_x - 0.01 / pi * slope(by_x, x)
        begin = u(start, torch.zeros_like(start)) + torch.sin(pi * start)
        return equation.square().mean() + begin.square().mean() + (u(edge, later) - u(-edge, later)).square().mean()

    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    losses = []
    for _ in range(45):
        x = (torch.rand(32, 1, dtype=torch.float64) * 2 - 1).requires_grad_()
        t = torch.rand(32, 1, dtype=torch.float64, requires_grad=True)
        loss = loss_on(x, t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=4, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = loss_on(x, t)
        loss.backward()
        return loss

    return losses + [optimizer.step(closure).item() for _ in range(5)]
