"""Images of one digit shall lie together: a triplet margin on hard examples; then distillation and contrast."""

from sklearn.datasets import load_digits


def train(torch) -> list[float]:
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(22)
    data, target = load_digits(return_X_y=True)
    images, labels = torch.tensor(data, dtype=torch.float32) / 16, torch.tensor(target)
    teacher = nn.Sequential(nn.Linear(64, 64), nn.Softplus(), nn.Linear(64, 8))
    student = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 8))
    losses = []
    optimizer = torch.optim.SGD(teacher.parameters(), lr=0.05, momentum=0.9, dampening=0.1, weight_decay=1e-4)
    for step in range(25):
        part = slice(step * 40, (step + 1) * 40)
        codes, own = teacher(images[part]), labels[part]
        apart = torch.cdist(codes.detach(), codes.detach())
        same = own.unsqueeze(0) == own.unsqueeze(1)
        far = apart.masked_fill(~same, -1).argmax(1)
        near = apart.masked_fill(same, float("inf")).argmin(1)
        loss = F.triplet_margin_loss(codes, codes[far], codes[near], margin=0.5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    optimizer = torch.optim.Rprop(student.parameters(), lr=0.01)
    teacher.requires_grad_(False)
    for _ in range(25):
        wanted, codes = teacher(images[:200]), student(images[:200])
        contrast = F.cross_entropy(F.normalize(codes) @ F.normalize(wanted).T / 0.2, torch.arange(200))
        loss = F.kl_div(F.log_softmax(codes, 1), F.softmax(wanted, 1), reduction="batchmean") + 0.1 * contrast
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
