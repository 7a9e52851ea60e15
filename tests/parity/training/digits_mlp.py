"""Handwritten digits with a multi-layer perceptron: batches, dropout, a schedule."""

from sklearn.datasets import load_digits


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(2)
    images, labels = load_digits(return_X_y=True)
    data = torch.utils.data.TensorDataset(torch.tensor(images, dtype=torch.float32) / 16, torch.from_numpy(labels))
    train_set, test_set = torch.utils.data.random_split(data, [0.8, 0.2])
    loader = torch.utils.data.DataLoader(train_set, batch_size=64, shuffle=True)
    model = nn.Sequential(
        nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    losses = []
    for _ in range(3):
        model.train()
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
    model.eval()
    with torch.no_grad():
        x, y = next(iter(torch.utils.data.DataLoader(test_set, batch_size=len(test_set))))
        accuracy = (model(x).argmax(1) == y).float().mean().item()
    assert accuracy > 0.8
    return losses
