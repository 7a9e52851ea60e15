"""Recurrent layers on a GPU: a kernel for each time step, forward and backward, and the numbers of the CPU."""

import numpy as np
import pytest

import course_lib as torch
from course_lib import nn

CLOSE = {torch.float32: (1e-5, 1e-5), torch.float16: (1e-2, 1e-2), torch.bfloat16: (6e-2, 6e-2)}
LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def run(layer, x, device: str, lengths=None) -> list:
    """Outputs, last states, and the gradients by the input and all parameters."""
    layer = layer.to(device)
    layer.zero_grad()
    mine = x.detach().to(device).requires_grad_()
    given = mine if lengths is None else nn.utils.rnn.pack_padded_sequence(mine, lengths)
    out, state = layer(given)
    out = out if lengths is None else out.data
    last = state if isinstance(state, tuple) else (state,)
    loss = (out * out).sum() + sum((s * s * s).sum() for s in last)
    loss.backward()
    return [t.detach().cpu().float() for t in (out, *last, mine.grad, *[p.grad for p in layer.parameters()])]


def same(layer, x, dtype=torch.float32, lengths=None) -> bool:
    found = [run(layer, x, device, lengths) for device in ("cpu", "cuda")]
    return all(np.allclose(a, b, *CLOSE[dtype]) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", LAYERS)
def test_layers(launched, name, dtype):
    torch.manual_seed(0)
    assert same(LAYERS[name](3, 5).to(dtype), torch.randn(4, 2, 3, dtype=dtype), dtype)
    assert [k for k in launched if k.startswith(name)] == [f"{name}_forward"] * 4 + [f"{name}_backward"] * 4


@pytest.mark.parametrize("name", LAYERS)
def test_two_layers_two_ways_and_without_biases(launched, name):
    torch.manual_seed(0)
    layer = LAYERS[name](3, 4, num_layers=2, bidirectional=True, bias=False)
    assert same(layer, torch.randn(3, 2, 3))
    assert launched.count(f"{name}_forward") == launched.count(f"{name}_backward") == 12


@pytest.mark.parametrize("name", LAYERS)
def test_sequences_of_several_lengths(launched, name):
    torch.manual_seed(0)
    assert same(LAYERS[name](3, 4, bidirectional=True), torch.randn(5, 3, 3), lengths=[5, 3, 2])
    assert f"{name}_forward" in launched


def test_relu_and_cells(launched):
    torch.manual_seed(0)
    assert same(nn.RNN(3, 4, nonlinearity="relu"), torch.randn(3, 2, 3))
    for kind in (nn.RNNCell, nn.LSTMCell, nn.GRUCell):
        cell, x = kind(3, 4), torch.randn(2, 3)
        made = [cell.to(device)(x.to(device)) for device in ("cpu", "cuda")]
        for a, b in zip(*[m if isinstance(m, tuple) else (m,) for m in made], strict=True):
            assert torch.allclose(a, b.cpu(), atol=1e-6)
    assert {"lstm_forward", "gru_forward", "rnn_forward"} <= set(launched)


def test_projections_and_gradients_of_gradients(launched):
    torch.manual_seed(0)
    assert same(nn.LSTM(3, 5, proj_size=2), torch.randn(3, 2, 3))
    assert "lstm_forward" not in launched
    found = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(1)
        layer, x = nn.GRU(3, 4).to(device), torch.linspace(-1, 1, 12).reshape(2, 2, 3).to(device).requires_grad_()
        (slope,) = torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
        found.append(torch.autograd.grad((slope * slope).sum(), x)[0].cpu())
    assert torch.allclose(*found, rtol=1e-4, atol=1e-6)
