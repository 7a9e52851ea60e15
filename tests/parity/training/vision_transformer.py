"""A vision transformer on handwritten digits: patches, a class token, averaged weights for the evaluation."""

from sklearn.datasets import load_digits


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(17)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)

    class ViT(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(1, 16, kernel_size=2, stride=2)
            self.token = nn.Parameter(torch.randn(1, 1, 16) * 0.02)
            self.places = nn.Parameter(torch.randn(1, 17, 16) * 0.02)
            layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, activation="gelu", batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.head = nn.Linear(16, 10)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.places
            return self.head(self.encoder(x)[:, 0])

    model = ViT()
    averaged = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    optimizer = torch.optim.RAdam(model.parameters(), lr=5e-3)
    losses = []
    for step in range(50):
        part = slice(step * 32, (step + 1) * 32)
        loss = nn.functional.cross_entropy(model(images[part]), labels[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        averaged.update_parameters(model)
        losses.append(loss.item())
    averaged.eval()
    with torch.no_grad():
        losses.append(nn.functional.cross_entropy(averaged(images[1600:]), labels[1600:]).item())
    return losses
