"""GPT-2 with Hugging Face's names of the weights, for whichever library it is given.

`define(torch)` returns the model's class. Its state_dict has the keys and shapes of transformers' GPT2LMHeadModel, so
that checkpoints go from one to the other.
Radford et al. (2019), Language Models are Unsupervised Multitask Learners.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class Config:
    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    dropout: float = 0.1


def define(torch):
    """The class GPT2LMHeadModel(config) on this library."""
    nn, F = torch.nn, torch.nn.functional

    class Conv1D(nn.Module):
        """A linear map whose weight is stored as (inputs, outputs)."""

        def __init__(self, inputs: int, outputs: int):
            super().__init__()
            self.weight = nn.Parameter(torch.empty(inputs, outputs).normal_(std=0.02))
            self.bias = nn.Parameter(torch.zeros(outputs))

        def forward(self, x):
            return x @ self.weight + self.bias

    class Attention(nn.Module):
        def __init__(self, config: Config):
            super().__init__()
            self.heads, self.dropout = config.n_head, config.dropout
            self.c_attn = Conv1D(config.n_embd, 3 * config.n_embd)
            self.c_proj = Conv1D(config.n_embd, config.n_embd)
            self.resid_dropout = nn.Dropout(config.dropout)

        def forward(self, x):
            batch, length, width = x.shape
            parts = self.c_attn(x).split(width, dim=-1)
            q, k, v = (t.view(batch, length, self.heads, -1).transpose(1, 2) for t in parts)
            dropout = self.dropout if self.training else 0.0
            x = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
            return self.resid_dropout(self.c_proj(x.transpose(1, 2).reshape(batch, length, width)))

    class MLP(nn.Module):
        def __init__(self, config: Config):
            super().__init__()
            self.c_fc = Conv1D(config.n_embd, 4 * config.n_embd)
            self.c_proj = Conv1D(4 * config.n_embd, config.n_embd)
            self.dropout = nn.Dropout(config.dropout)

        def forward(self, x):
            return self.dropout(self.c_proj(F.gelu(self.c_fc(x), approximate="tanh")))

    class Block(nn.Module):
        def __init__(self, config: Config):
            super().__init__()
            self.ln_1, self.attn = nn.LayerNorm(config.n_embd), Attention(config)
            self.ln_2, self.mlp = nn.LayerNorm(config.n_embd), MLP(config)

        def forward(self, x):
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT2LMHeadModel(nn.Module):
        """Token ids (batch, length) to logits (batch, length, vocabulary), and with `labels` the loss of the next."""

        def __init__(self, config: Config):
            super().__init__()
            self.config = config
            self.transformer = nn.ModuleDict(
                {
                    "wte": nn.Embedding(config.vocab_size, config.n_embd),
                    "wpe": nn.Embedding(config.n_positions, config.n_embd),
                    "drop": nn.Dropout(config.dropout),
                    "h": nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
                    "ln_f": nn.LayerNorm(config.n_embd),
                }
            )
            self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
            self.apply(self._draw)
            for name, weight in self.named_parameters():  # more layers add more: begin with less
                if name.endswith("c_proj.weight"):
                    nn.init.normal_(weight, std=0.02 / math.sqrt(2 * config.n_layer))
            self.lm_head.weight = self.transformer["wte"].weight

        @staticmethod
        def _draw(module):
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)

        def forward(self, ids, labels=None):
            places = torch.arange(ids.shape[1], device=ids.device)
            x = self.transformer["drop"](self.transformer["wte"](ids) + self.transformer["wpe"](places))
            for block in self.transformer["h"]:
                x = block(x)
            logits = self.lm_head(self.transformer["ln_f"](x))
            if labels is None:
                return logits
            return logits, F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

        @torch.no_grad()
        def generate(self, ids, count: int):
            """The ids followed by the `count` most likely ones."""
            for _ in range(count):
                logits = self(ids[:, -self.config.n_positions :])
                ids = torch.cat([ids, logits[:, -1].argmax(-1, keepdim=True)], dim=1)
            return ids

    return GPT2LMHeadModel
