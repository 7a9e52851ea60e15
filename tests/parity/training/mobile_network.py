"""Inverted residuals with depthwise convolution and squeeze-and-excitation; RMSprop, averaged weights at the end."""


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(40)

    class Block(nn.Sequential):
        """Convolution, batch norm, activation."""

        def __init__(self, inputs, outputs, size=3, stride=1, groups=1):
            super().__init__(
                nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
                nn.BatchNorm2d(outputs), nn.Hardswish(inplace=True),
            )  # fmt: skip

    class Squeeze(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.weigh = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels // 4, 1), nn.SiLU(),
                nn.Conv2d(channels // 4, channels, 1), nn.Hardsigmoid(),
            )  # fmt: skip

        def forward(self, x):
            return x * self.weigh(x)

    class Inverted(nn.Module):
        def __init__(self, inputs, outputs, stride, wider):
            super().__init__()
            hidden = inputs * wider
            self.adds = stride == 1 and inputs == outputs
            self.path = nn.Sequential(
                Block(inputs, hidden, 1), Block(hidden, hidden, stride=stride, groups=hidden), Squeeze(hidden),
                nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs),
            )  # fmt: skip

        def forward(self, x):
            return x + self.path(x) if self.adds else self.path(x)

    model = nn.Sequential(
        Block(3, 8, stride=2), Inverted(8, 16, 2, 4), Inverted(16, 16, 1, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, 4),
    )  # fmt: skip
    colours = torch.randn(4, 3, 1, 1)
    labels = torch.arange(64) % 4
    images = colours[labels] + torch.randn(64, 3, 16, 16)
    rules = [{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 1e-4},
             {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0}]  # fmt: skip
    optimizer = torch.optim.RMSprop(rules, lr=1e-3, alpha=0.9, momentum=0.5, eps=1e-3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.98)
    swa = torch.optim.swa_utils
    average = swa.AveragedModel(model, multi_avg_fn=swa.get_ema_multi_avg_fn(0.9))
    losses = []
    for step in range(50):
        rows = slice(step % 4 * 16, step % 4 * 16 + 16)
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        losses.append(loss.item())
    swa.update_bn(images.split(16), average)
    return losses + [nn.functional.cross_entropy(average.eval()(images), labels).item()]
