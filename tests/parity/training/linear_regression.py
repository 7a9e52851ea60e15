"""A line through noisy points, by gradient descent on the squared error."""


def train(torch) -> list[float]:
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 40).unsqueeze(1)
    y = 3 * x - 0.5 + 0.1 * torch.randn(x.shape)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(50):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
