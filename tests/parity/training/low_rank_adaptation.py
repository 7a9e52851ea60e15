"""LoRA by parametrization on a trained and pruned teacher, and a student that learns from both answers and teacher."""

import copy
import importlib

PARTS = "parametrize", "prune"

def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(37)
    parametrize, prune = [importlib.import_module(f"{torch.__name__}.nn.utils.{part}") for part in PARTS]
    functional = nn.functional

    class LowRank(nn.Module):
        def __init__(self, rows, columns):
            super().__init__()
            self.a, self.b = nn.Parameter(torch.randn(2, columns)), nn.Parameter(torch.zeros(rows, 2))

        def forward(self, weight):
            return weight + 0.5 * self.b @ self.a

    x = torch.randn(96, 10)
    y = x[:, :4].argmax(1)
    teacher = nn.Sequential(nn.Linear(10, 48), nn.GELU(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 4))
    losses = []

    def fit(model, loss_of, optimizer, steps):
        for _ in range(steps):
            loss = loss_of(model(x))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

    prune.l1_unstructured(teacher[0], "weight", amount=0.3)
    prune.ln_structured(teacher[2], "weight", amount=0.25, n=2, dim=0)
    fit(teacher, lambda out: functional.cross_entropy(out, y), torch.optim.AdamW(teacher.parameters(), lr=5e-3), 20)
    for layer in (teacher[0], teacher[2]):
        prune.remove(layer, "weight")
    losses.append((teacher[0].weight == 0).float().mean().item())

    adapted = copy.deepcopy(teacher).requires_grad_(False)
    for layer in adapted[::2]:
        parametrize.register_parametrization(layer, "weight", LowRank(*layer.weight.shape))
    few = [p for p in adapted.parameters() if p.requires_grad]
    fit(adapted, lambda out: functional.cross_entropy(out, (y + 1) % 4), torch.optim.Adamax(few, lr=2e-2), 15)

    with torch.no_grad():
        soft = functional.softmax(teacher(x) / 2, dim=-1)

    def distilled(out):
        divergence = functional.kl_div(functional.log_softmax(out / 2, -1), soft, reduction="batchmean")
        return 4 * 0.7 * divergence + 0.3 * functional.cross_entropy(out, y)

    student = nn.Sequential(nn.Linear(10, 8), nn.SELU(), nn.Linear(8, 4))
    fit(student, distilled, torch.optim.NAdam(student.parameters(), lr=2e-2), 15)
    return losses
