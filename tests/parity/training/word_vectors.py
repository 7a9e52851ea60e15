"""Skip-gram with negative sampling on sonnets, and a bag of words: embeddings with sparse use of their rows."""

from pathlib import Path


def train(torch) -> list[float]:
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(18)
    text = Path(__file__).with_name("sonnets.txt").read_text(encoding="utf-8").lower()
    words = "".join(c if c.isalpha() else " " for c in text).split()
    known = sorted(set(words))
    ids = torch.tensor([known.index(word) for word in words])
    counts = torch.bincount(ids, minlength=len(known)).float()
    inner, outer = nn.Embedding(len(known), 16, max_norm=2.0), nn.Embedding(len(known), 16)
    bag = nn.EmbeddingBag(len(known), 16, mode="mean")
    optimizer = torch.optim.Adagrad([*inner.parameters(), *outer.parameters(), *bag.parameters()], lr=0.1)
    losses = []
    for _ in range(50):
        centres = torch.randint(2, len(ids) - 2, (32,))
        around = ids[centres.unsqueeze(1) + torch.tensor([-2, -1, 1, 2])]
        others = torch.multinomial(counts**0.75, 32 * 8, replacement=True).view(32, 8)
        centre = inner(ids[centres]) + bag(around)
        right = torch.bmm(outer(around), centre.unsqueeze(2)).squeeze(2)
        wrong = torch.einsum("bne,be->bn", outer(others), centre)
        loss = -(F.logsigmoid(right).mean() + F.logsigmoid(-wrong).mean())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
