"""RealNVP: a density learned by invertible layers, and points drawn from it by running them backwards."""


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(31)

    class Coupling(nn.Module):
        def __init__(self, mask):
            super().__init__()
            self.register_buffer("mask", mask)
            self.scale = nn.Sequential(nn.Linear(2, 16), nn.ELU(), nn.Linear(16, 2), nn.Tanh())
            self.shift = nn.Sequential(nn.Linear(2, 16), nn.ELU(), nn.Linear(16, 2))

        def both(self, x):
            kept, free = x * self.mask, 1 - self.mask
            return self.scale(kept) * free, self.shift(kept) * free

        def forward(self, x):
            scale, shift = self.both(x)
            return x * scale.exp() + shift, scale.sum(-1)

        def inverse(self, y):
            scale, shift = self.both(y)
            return (y - shift) * torch.exp(-scale)

    layers = nn.ModuleList(Coupling(mask) for mask in torch.eye(2).repeat(2, 1))
    base = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    angle = torch.rand(256) * torch.pi
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    moons = torch.cat([upper, torch.tensor([1.0, 0.5]) - upper]) + 0.05 * torch.randn(512, 2)
    optimizer = torch.optim.Adam(layers.parameters(), lr=5e-3, weight_decay=1e-5)
    losses = []
    for _ in range(50):
        x, volume = moons[torch.randint(0, 512, (64,))], 0
        for layer in layers:
            x, more = layer(x)
            volume = volume + more
        loss = -(base.log_prob(x) + volume).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(layers.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        x = base.sample((8,))
        for layer in reversed(layers):
            x = layer.inverse(x)
    return losses + x.flatten().tolist()
