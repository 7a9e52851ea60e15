"""A DCGAN on handwritten digits: a generator of transposed convolutions and a discriminator train in turn."""

from sklearn.datasets import load_digits


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(10)
    images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    generator = nn.Sequential(
        nn.ConvTranspose2d(8, 16, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU(True),
        nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(True),
        nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(8, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(16, 1, 2), nn.Flatten(0),
    )  # fmt: skip

    def draw(module):
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)

    generator.apply(draw)
    discriminator.apply(draw)
    criterion = nn.BCEWithLogitsLoss()
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (discriminator, generator)]
    losses = []
    for step in range(25):
        real = images[step * 32 : (step + 1) * 32]
        fake = generator(torch.randn(32, 8, 1, 1))
        ones, zeros = torch.ones(32), torch.zeros(32)

        optimizers[0].zero_grad()
        loss_d = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
        loss_d.backward()
        optimizers[0].step()

        optimizers[1].zero_grad()
        loss_g = criterion(discriminator(fake), ones)
        loss_g.backward()
        optimizers[1].step()
        losses += [loss_d.item(), loss_g.item()]
    return losses
