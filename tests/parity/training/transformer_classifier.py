"""A transformer encoder that says whether a sequence of several lengths holds more even than odd numbers."""

import math


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(7)
    width, longest = 16, 12

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(11, width, padding_idx=10)
            rates = torch.exp(torch.arange(0, width, 2) * (-math.log(100.0) / width))
            angles = torch.arange(longest).unsqueeze(1) * rates
            self.register_buffer("places", torch.stack([angles.sin(), angles.cos()], -1).flatten(1))
            layer = nn.TransformerEncoderLayer(width, 4, 32, dropout=0.1, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2)
            self.head = nn.Linear(width, 2)

        def forward(self, x):
            hidden = x == 10
            x = self.encoder(self.embedding(x) + self.places, src_key_padding_mask=hidden)
            kept = hidden.logical_not().unsqueeze(-1)
            return self.head((x * kept).sum(1) / kept.sum(1))

    lengths = torch.randint(4, longest + 1, (128, 1))
    numbers = torch.randint(10, (128, longest)).masked_fill(torch.arange(longest) >= lengths, 10)
    even = ((numbers % 2 == 0) & (numbers < 10)).sum(1)
    labels = (2 * even > lengths.squeeze(1)).long()
    model = Classifier()
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-3)
    losses = []
    for step in range(50):
        chosen = slice(step % 4 * 32, (step % 4 + 1) * 32)
        loss = nn.functional.cross_entropy(model(numbers[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        losses.append(nn.functional.cross_entropy(model(numbers), labels).item())
    return losses
