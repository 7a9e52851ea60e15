"""Reversing words of several lengths: a bidirectional GRU reads packed sequences, a cell writes with attention."""


def train(torch) -> list[float]:
    nn = torch.nn
    rnn = nn.utils.rnn
    torch.manual_seed(8)
    START, END, SIZE = 8, 9, 24

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(10, 12)
            self.gru = nn.GRU(12, SIZE // 2, bidirectional=True)

        def forward(self, words, lengths):
            packed = rnn.pack_padded_sequence(self.embedding(words), lengths, enforce_sorted=False)
            out, state = self.gru(packed)
            return rnn.pad_packed_sequence(out)[0], torch.cat([state[0], state[1]], 1)

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(10, 12)
            self.cell = nn.GRUCell(12 + SIZE, SIZE)
            self.head = nn.Linear(2 * SIZE, 10)

        def forward(self, memory, state, targets):
            logits, letter = [], torch.full_like(targets[0], START)
            hidden = (memory == 0).all(2)
            context = torch.zeros_like(state)
            for target in targets:
                state = self.cell(torch.cat([self.embedding(letter), context], 1), state)
                scores = (memory * state).sum(2).masked_fill(hidden, -1e9)
                context = (torch.softmax(scores, 0).unsqueeze(2) * memory).sum(0)
                logits.append(self.head(torch.cat([state, context], 1)))
                letter = target
            return torch.stack(logits)

    lengths = torch.randint(2, 7, (32,))
    words = [torch.randint(8, (int(n),)) for n in lengths]
    batch = rnn.pad_sequence(words)
    targets = rnn.pad_sequence([torch.cat([w.flip(0), torch.tensor([END])]) for w in words], padding_value=-100)
    encoder, decoder = Encoder(), Decoder()
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)
    losses = []
    for _ in range(50):
        logits = decoder(*encoder(batch, lengths), targets.clamp(min=0))
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
