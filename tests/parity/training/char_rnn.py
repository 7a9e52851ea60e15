"""A character-level RNN on sonnets; its state is carried from batch to batch."""

from pathlib import Path


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(4)
    text = Path(__file__).with_name("sonnets.txt").read_text(encoding="utf-8")
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(c) for c in text])
    streams = codes[: len(codes) // 4 * 4].view(4, -1)  # four pieces of the text side by side

    class CharRNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.RNN(len(letters), 48, num_layers=2, dropout=0.1, batch_first=True)
            self.head = nn.Linear(48, len(letters))

        def forward(self, x, state=None):
            out, state = self.rnn(nn.functional.one_hot(x, len(letters)).float(), state)
            return self.head(out), state

    model = CharRNN()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    losses, state = [], None
    for step in range(50):
        start = step % 20 * 16
        x, y = streams[:, start : start + 16], streams[:, start + 1 : start + 17]
        logits, state = model(x, None if state is None else state.detach())
        loss = nn.functional.cross_entropy(logits.reshape(-1, len(letters)), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.1)
        optimizer.step()
        losses.append(loss.item())
    return losses
