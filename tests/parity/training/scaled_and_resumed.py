"""A gradient scaler, warm-up, dropout, and a run that is resumed from its file; then the same model in bfloat16."""

import io


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(41)
    x = torch.randn(128, 20)
    y = (x @ torch.randn(20, 5)).argmax(1)
    losses = []

    def made():
        model = nn.Sequential(nn.Linear(20, 64), nn.LayerNorm(64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 5))
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
        rise = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=5)
        fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
        schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[5])
        return model, optimizer, schedule, torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=7)

    def steps(count, model, optimizer, schedule, scaler):
        for _ in range(count):
            rows = torch.randint(0, 128, (32,))
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows], label_smoothing=0.1)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            schedule.step()
            losses.extend([loss.item(), norm.item(), scaler.get_scale(), schedule.get_last_lr()[0]])

    parts = made()
    steps(10, *parts)
    file = io.BytesIO()
    torch.save({"parts": [part.state_dict() for part in parts], "random": torch.get_rng_state()}, file)
    steps(5, *parts)
    file.seek(0)
    kept = torch.load(file)
    resumed = made()
    for part, state in zip(resumed, kept["parts"]):
        part.load_state_dict(state)
    torch.set_rng_state(kept["random"])
    steps(5, *resumed)
    assert losses[40:60] == losses[60:]
    model = resumed[0].eval()
    with torch.no_grad(), torch.autocast(device_type="cpu", dtype=torch.bfloat16):
        out = model(x)
    assert out.dtype is torch.bfloat16 and torch.allclose(out.float(), model(x), atol=0.05)
    return losses
