"""nn.Transformer on a toy translation: the target is the sorted source. Warm-up as in the paper, label smoothing."""


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(16)
    START, PAD, WIDTH = 9, 10, 16

    class Translator(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(11, WIDTH, padding_idx=PAD)
            self.places = nn.Parameter(torch.zeros(10, WIDTH))
            self.transformer = nn.Transformer(WIDTH, 2, 1, 1, 32, dropout=0.1, batch_first=True, norm_first=True)
            self.head = nn.Linear(WIDTH, 11)

        def embed(self, ids):
            return self.tokens(ids) * WIDTH**0.5 + self.places[: ids.shape[1]]

        def forward(self, src, tgt):
            causal = nn.Transformer.generate_square_subsequent_mask(tgt.shape[1])
            hidden = torch.zeros(src.shape).masked_fill(src == PAD, float("-inf"))
            made = self.transformer(
                self.embed(src), self.embed(tgt), tgt_mask=causal, src_key_padding_mask=hidden,
                memory_key_padding_mask=hidden, tgt_is_causal=True,
            )  # fmt: skip
            return self.head(made)

    lengths = torch.randint(3, 8, (48, 1))
    src = torch.randint(9, (48, 7)).masked_fill(torch.arange(7) >= lengths, PAD)
    tgt = src.sort(dim=1).values  # the padding, the largest number, stays behind
    begun = torch.cat([torch.full((48, 1), START), tgt[:, :-1]], dim=1)
    model = Translator()
    criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * WIDTH**-0.5 * min((step + 1) ** -0.5, (step + 1) * 40**-1.5)
    )
    losses = []
    for step in range(50):
        part = slice(step % 3 * 16, (step % 3 + 1) * 16)
        logits = model(src[part], begun[part])
        loss = criterion(logits.flatten(0, 1), tgt[part].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses
