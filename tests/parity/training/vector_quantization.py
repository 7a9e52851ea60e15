"""A VQ-VAE: codes are the nearest rows of a table, and the gradient steps over the choice."""

from sklearn.datasets import load_digits


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(39)
    images = torch.tensor(load_digits().images[:320], dtype=torch.float32).unsqueeze(1) / 16

    class Quantizer(nn.Module):
        def __init__(self, count=12, width=4):
            super().__init__()
            self.codes = nn.Embedding(count, width)
            nn.init.uniform_(self.codes.weight, -1 / count, 1 / count)

        def forward(self, z):
            rows = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
            nearest = torch.cdist(rows.detach(), self.codes.weight.detach()).argmin(dim=-1)
            chosen = self.codes(nearest).view(z.shape[0], *z.shape[2:], -1).permute(0, 3, 1, 2)
            cost = nn.functional.mse_loss(chosen, z.detach()) + 0.25 * nn.functional.mse_loss(z, chosen.detach())
            return z + (chosen - z).detach(), cost

    encoder = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.SiLU(), nn.Conv2d(8, 4, 3, padding="same"))
    quantizer = Quantizer()
    decoder = nn.Sequential(
        nn.Conv2d(4, 32, 1), nn.PixelShuffle(2), nn.Hardswish(), nn.Conv2d(8, 1, 3, padding=1, padding_mode="reflect")
    )
    optimizer = torch.optim.Adam([*encoder.parameters(), *quantizer.parameters(), *decoder.parameters()], lr=3e-3)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=32, shuffle=True)
    losses = []
    for _ in range(5):
        for (x,) in loader:
            codes, cost = quantizer(encoder(x))
            loss = nn.functional.l1_loss(decoder(codes), x) + cost
            optimizer.zero_grad(set_to_none=False)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses
