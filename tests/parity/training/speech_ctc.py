"""Letters read from a noisy signal without knowing where each stands: 1-d convolutions, an LSTM, and the CTC loss."""


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(24)
    lengths = torch.randint(3, 7, (16,))
    targets = torch.randint(1, 6, (16, 6))
    wave = torch.randn(6, 4)  # what each letter sounds like; 0 is silence
    signal = torch.zeros(16, 36, 4)
    for row in range(16):
        for place in range(int(lengths[row])):
            signal[row, place * 6 : place * 6 + 4] = wave[targets[row, place]]
    signal = (signal + 0.3 * torch.randn(signal.shape)).transpose(1, 2)

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 16, 5, stride=2, padding=2))
            self.lstm = nn.LSTM(16, 12, bidirectional=True, proj_size=8)
            self.head = nn.Linear(16, 6)

        def forward(self, x):
            out, _ = self.lstm(nn.functional.relu(self.convolution(x)).permute(2, 0, 1))
            return self.head(out).log_softmax(2)

    model = Reader()
    criterion = nn.CTCLoss(zero_infinity=True)
    optimizer = torch.optim.ASGD(model.parameters(), lr=0.05)
    losses = []
    for _ in range(50):
        loss = criterion(model(signal), targets, torch.full((16,), 18), lengths)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    return losses
