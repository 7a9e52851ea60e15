"""A denoising diffusion model of points on a ring, and the points that it draws."""

import math


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(21)
    angles = torch.rand(512) * 2 * math.pi
    ring = torch.stack([angles.cos(), angles.sin()], dim=1)
    steps = 20
    kept = torch.cumprod(1 - torch.linspace(1e-3, 0.2, steps), dim=0)

    class Denoiser(nn.Module):
        def __init__(self):
            super().__init__()
            self.time = nn.Embedding(steps, 16)
            self.first, self.body = nn.Linear(2, 32), nn.Sequential(nn.Linear(48, 32), nn.Mish(), nn.Linear(32, 2))

        def forward(self, x, t):
            return self.body(torch.cat([nn.functional.silu(self.first(x)), self.time(t)], dim=-1))

    model = Denoiser()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, amsgrad=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    losses = []
    for _ in range(50):
        x = ring[torch.randint(512, (64,))]
        t = torch.randint(steps, (64,))
        noise = torch.randn_like(x)
        rate = kept[t].unsqueeze(1)
        loss = nn.functional.mse_loss(model(rate.sqrt() * x + (1 - rate).sqrt() * noise, t), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses + drawn(torch, model, kept)


def drawn(torch, model, kept) -> list[float]:
    """How far from the middle eight points are that come out of noise."""
    x = torch.randn(8, 2)
    with torch.inference_mode():
        for t in reversed(range(len(kept))):
            rate, before = kept[t], kept[t - 1] if t else torch.ones(())
            noise = model(x, torch.full((8,), t))
            clean = (x - (1 - rate).sqrt() * noise) / rate.sqrt()
            x = before.sqrt() * clean + (1 - before).sqrt() * noise
    return x.norm(dim=1).tolist()
