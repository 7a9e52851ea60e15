"""A WGAN with gradient penalty: the critic's gradient with respect to its input is part of its loss."""


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(30)
    normed = nn.utils.parametrizations.spectral_norm
    generator = nn.Sequential(
        nn.Linear(8, 16), nn.LeakyReLU(0.2), nn.Linear(16, 32), nn.BatchNorm1d(32, 0.8), nn.LeakyReLU(0.2),
        nn.Linear(32, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)),
    )  # fmt: skip
    critic = nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1), nn.SiLU(), normed(nn.Conv2d(8, 16, 3, 2, 1)),
        nn.InstanceNorm2d(16, affine=True), nn.SiLU(), nn.Flatten(), nn.Linear(64, 1),
    )  # fmt: skip
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.0, 0.9)) for net in (critic, generator)]
    data = torch.tanh(torch.randn(128, 1, 8, 8) + torch.linspace(-1, 1, 8))
    losses = []
    for step in range(50):
        real = data[torch.randperm(128)[:16]]
        fake = generator(torch.randn(16, 8)).detach()
        loss = critic(fake).mean() - critic(real).mean() + 10 * penalty(torch, critic, real, fake)
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        losses.append(loss.item())
        if step % 3 == 0:
            critic.requires_grad_(False)
            loss = -critic(generator(torch.randn(16, 8))).mean()
            optimizers[1].zero_grad()
            loss.backward()
            optimizers[1].step()
            critic.requires_grad_(True)
    return losses


def penalty(torch, critic, real, fake):
    """How far from 1 the slope of the critic is between real and made images."""
    share = torch.rand(len(real), 1, 1, 1)
    between = (share * real + (1 - share) * fake).requires_grad_()
    scores = critic(between)
    (slope,) = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)
    return (slope.flatten(1).norm(2, dim=1) - 1).pow(2).mean()
