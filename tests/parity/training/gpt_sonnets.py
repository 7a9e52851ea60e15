"""A small GPT, decoder blocks of causal self-attention, trained on the characters of sonnets."""

import math
from pathlib import Path


def train(torch) -> list[float]:
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(6)
    text = Path(__file__).with_name("sonnets.txt").read_text(encoding="utf-8")
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(c) for c in text])
    width, heads, context = 32, 4, 24

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(width, 3 * width, bias=False)
            self.out = nn.Linear(width, width)
            self.register_buffer("visible", torch.tril(torch.ones(context, context)).view(1, 1, context, context))

        def forward(self, x):
            batch, length, _ = x.shape
            q, k, v = (t.view(batch, length, heads, -1).transpose(1, 2) for t in self.qkv(x).split(width, dim=2))
            scores = q @ k.transpose(-2, -1) / math.sqrt(width // heads)
            scores = scores.masked_fill(self.visible[:, :, :length, :length] == 0, float("-inf"))
            made = F.dropout(F.softmax(scores, dim=-1), 0.1, self.training) @ v
            return self.out(made.transpose(1, 2).contiguous().view(batch, length, width))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attention = Attention()
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(0.1)
            )

        def forward(self, x):
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.places = nn.Embedding(len(letters), width), nn.Embedding(context, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(2)])
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, len(letters), bias=False)
            self.head.weight = self.tokens.weight
            self.apply(self.draw)

        def draw(self, module):
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, mean=0.0, std=0.05)

        def forward(self, x, targets):
            x = self.tokens(x) + self.places(torch.arange(x.shape[1]))
            logits = self.head(self.norm(self.blocks(x)))
            return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))

    model = GPT()
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-3, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 10))
    losses = []
    for _ in range(50):
        starts = torch.randint(len(codes) - context - 1, (8,))
        x = torch.stack([codes[i : i + context] for i in starts])
        y = torch.stack([codes[i + 1 : i + context + 1] for i in starts])
        loss = model(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses
