"""A neural differential equation: a spiral's velocity is learned through the steps of Runge and Kutta."""


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(34)

    class Velocity(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(2, 16), nn.Softplus(), nn.Linear(16, 2))
            for layer in self.net[::2]:
                nn.init.normal_(layer.weight, std=0.1)
                nn.init.zeros_(layer.bias)

        def forward(self, t, y):
            return self.net(y**3) * (1 + 0.1 * t)

    def path(velocity, y, times):
        found = [y]
        for now, then in zip(times[:-1], times[1:]):
            h = then - now
            k1 = velocity(now, y)
            k2 = velocity(now + h / 2, y + h / 2 * k1)
            k3 = velocity(now + h / 2, torch.addcmul(y, h / 2, k2))
            k4 = velocity(then, torch.lerp(y, y + k3, h))
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            found.append(y)
        return torch.stack(found)

    rotation, times = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]]), torch.linspace(0, 0.5, 9)
    with torch.no_grad():
        true = path(lambda t, y: y**3 @ rotation, torch.tensor([[2.0, 0.0], [0.5, 1.0]]), times)
    velocity = Velocity()
    optimizer = torch.optim.RAdam(velocity.parameters(), lr=1e-2)
    losses = []
    for _ in range(50):
        loss = nn.functional.smooth_l1_loss(path(velocity, true[0], times), true, beta=0.5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
