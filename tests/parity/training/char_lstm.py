"""A character-level LSTM on sonnets, and what it writes at the end."""

from pathlib import Path


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(5)
    text = Path(__file__).with_name("sonnets.txt").read_text(encoding="utf-8")
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(c) for c in text])

    class CharLSTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(len(letters), 16)
            self.lstm = nn.LSTM(16, 48, num_layers=2, dropout=0.2, batch_first=True)
            self.head = nn.Linear(48, len(letters))

        def forward(self, x, state=None):
            out, state = self.lstm(self.embedding(x), state)
            return self.head(out), state

    model = CharLSTM()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        starts = torch.randint(len(codes) - 25, (8,))
        batch = torch.stack([codes[s : s + 25] for s in starts])
        logits, _ = model(batch[:, :-1])
        loss = nn.functional.cross_entropy(logits.transpose(1, 2), batch[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses + written(torch, model.eval(), codes[:10])


def written(torch, model, prompt) -> list[float]:
    """The codes of ten characters that the model draws after the prompt."""
    codes = []
    with torch.no_grad():
        logits, state = model(prompt[None])
        for _ in range(10):
            drawn = torch.multinomial(torch.softmax(logits[0, -1], 0), 1)
            codes.append(float(drawn))
            logits, state = model(drawn[None], state)
    return codes
