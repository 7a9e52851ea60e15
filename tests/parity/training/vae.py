"""A variational autoencoder of handwritten digits: a code is drawn, and the gradient goes through the draw."""

from sklearn.datasets import load_digits


def train(torch) -> list[float]:
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(9)
    images = torch.tensor(load_digits().data, dtype=torch.float32) / 16

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(64, 32), nn.SiLU())
            self.mean, self.log_variance = nn.Linear(32, 4), nn.Linear(32, 4)
            self.decoder = nn.Sequential(nn.Linear(4, 32), nn.SiLU(), nn.Linear(32, 64), nn.Sigmoid())

        def forward(self, x):
            found = self.encoder(x)
            mean, log_variance = self.mean(found), self.log_variance(found)
            code = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
            return self.decoder(code), mean, log_variance

    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        x = images[step % 20 * 64 : (step % 20 + 1) * 64]
        made, mean, log_variance = model(x)
        reconstruction = F.binary_cross_entropy(made, x, reduction="sum")
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        loss = (reconstruction + divergence) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
