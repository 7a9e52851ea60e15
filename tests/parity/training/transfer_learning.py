"""Transfer by freezing: features learned on the digits 0 to 4 serve a new head for 5 to 9."""

import copy

from sklearn.datasets import load_digits


def train(torch) -> list[float]:
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(11)
    images, labels = load_digits(return_X_y=True)
    images, labels = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16, torch.tensor(labels)
    convolution = nn.Conv2d(1, 8, 3, bias=False)
    features = nn.Sequential(convolution, nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    model = nn.Sequential(features, nn.Linear(72, 5))

    def steps(model, x, y, optimizer, count):
        losses = []
        for step in range(count):
            batch = slice(step * 32, (step + 1) * 32)
            loss = F.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    small = labels < 5
    losses = steps(model, images[small], labels[small], torch.optim.Adagrad(model.parameters(), lr=0.02), 20)

    for parameter in features.parameters():
        parameter.requires_grad = False
    features.eval()
    model[1] = nn.Linear(72, 5)
    before = copy.deepcopy(features.state_dict())
    trained = [p for p in model.parameters() if p.requires_grad]
    assert len(trained) == 2
    optimizer = torch.optim.SGD(trained, lr=0.1, momentum=0.9)
    losses += steps(model, images[~small], labels[~small] - 5, optimizer, 20)
    assert all(torch.equal(before[name], value) for name, value in features.state_dict().items())

    for parameter in features.parameters():
        parameter.requires_grad_(True)
    optimizer.add_param_group({"params": features.parameters(), "lr": 0.001})
    return losses + steps(model, images[~small], labels[~small] - 5, optimizer, 20)
