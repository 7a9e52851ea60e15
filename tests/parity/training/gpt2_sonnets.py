"""GPT-2 (tests/programs/gpt2.py), small, on the letters of sonnets, with gradients accumulated over two batches."""

from pathlib import Path

from gpt2 import Config, define


def train(torch) -> list[float]:
    torch.manual_seed(15)
    text = Path(__file__).with_name("sonnets.txt").read_text(encoding="utf-8")
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(c) for c in text])
    model = define(torch)(Config(len(letters), n_positions=20, n_embd=24, n_layer=2, n_head=3))
    optimizer = torch.optim.Adamax(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        for _ in range(2):
            starts = torch.randint(len(codes) - 20, (4,))
            batch = torch.stack([codes[i : i + 20] for i in starts])
            loss = model(batch, labels=batch)[1] / 2
            loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
