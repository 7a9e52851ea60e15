"""Recurrent networks on both libraries: outputs, last states, gradients, and gradients of gradients."""

from __future__ import annotations

import itertools

import pytest

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with (extra `parity`)")

from twins import convert, difference, gradients  # noqa: E402

KINDS = {
    "tanh": ("RNN", {}),
    "relu": ("RNN", {"nonlinearity": "relu"}),
    "lstm": ("LSTM", {}),
    "projected": ("LSTM", {"proj_size": 3}),
    "gru": ("GRU", {}),
}


def twins(kind: str, **settings):
    """The same network with the same weights in both libraries."""
    name, own = KINDS[kind]
    theirs = getattr(torch.nn, name)(4, 5, **own, **settings)
    ours = getattr(course_lib.nn, name)(4, 5, **own, **settings)
    ours.load_state_dict(convert(theirs.state_dict()))
    return (torch, theirs), (course_lib, ours)


def first_states(kind: str, net, batch: int, dtype):
    layers = net.num_layers * (2 if net.bidirectional else 1)
    h = torch.randn(layers, batch, net.proj_size or 5, dtype=dtype, requires_grad=True)
    return (h, torch.randn(layers, batch, 5, dtype=dtype, requires_grad=True)) if net.mode == "LSTM" else h


def everything(library, net, run, inputs, twice: bool):
    """Results, gradients of inputs, states and weights, and with `twice` those of the sum of squared gradients."""
    results = run(library, net, *inputs)
    wanted = [t for value in inputs for t in (value if isinstance(value, tuple) else (value,)) if t.requires_grad]
    wanted += list(net.parameters())
    first = gradients(library, results, wanted, create_graph=twice)
    return [*results, *first, *(gradients(library, first, wanted) if twice else ())]


def plain(library, net, x, hx):
    out, states = net(x, hx)
    return (out, *states) if isinstance(states, tuple) else (out, states)


def packed(library, net, x, hx):
    rnn = library.nn.utils.rnn
    out, *states = plain(library, net, rnn.pack_padded_sequence(x, [3, 6, 1], net.batch_first, False), hx)
    return out.data, *states


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("run", [plain, packed])
def test_networks(kind, run):
    torch.manual_seed(0)
    for layers, bidirectional, bias, batch_first in itertools.product(
        [1, 2], [False, True], [True, False], [True, False]
    ):
        settings = {"bidirectional": bidirectional, "bias": bias, "batch_first": batch_first}
        for dtype, twice in ((torch.float32, False), (torch.float64, True))[:layers]:
            nets = twins(kind, num_layers=layers, **settings)
            for library, net in nets:
                net.to(getattr(library, str(dtype).removeprefix("torch.")))
            x = torch.randn(*((3, 6) if batch_first else (6, 3)), 4, dtype=dtype, requires_grad=True)
            inputs = x, first_states(kind, nets[0][1], 3, dtype)
            theirs, ours = (
                everything(library, net, run, inputs if library is torch else convert(inputs), twice)
                for library, net in nets
            )
            assert difference(theirs, ours) is None, f"{settings}, {layers} layers, {dtype}"


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("bias", [True, False])
def test_cells(name, bias):
    torch.manual_seed(0)
    theirs, ours = (getattr(library.nn, name)(4, 5, bias=bias) for library in (torch, course_lib))
    ours.load_state_dict(convert(theirs.state_dict()))
    h = torch.randn(2, 5, requires_grad=True)
    inputs = torch.randn(2, 4, requires_grad=True), (h, torch.randn(2, 5)) if name == "LSTMCell" else h

    def step(library, cell, x, hx):
        made = cell(x, hx)
        return made if isinstance(made, tuple) else (made,)

    expected = everything(torch, theirs, step, inputs, True)
    assert difference(expected, everything(course_lib, ours, step, convert(inputs), True)) is None


def test_one_tensor_in_two_places():
    """Both states of the LSTM, and both biases, are one tensor: its gradient is the sum of two."""
    found = []
    for library in (torch, course_lib):
        values = library.linspace(-1, 1, 200)
        h, w_ih, w_hh, b = (
            values[: 15 * n].reshape(-1, n).clone().requires_grad_() if n > 1 else values[:12].clone().requires_grad_()
            for n in (3, 4, 3, 1)
        )
        h, w_ih, w_hh = h[:2].detach().requires_grad_(), w_ih[:12].detach().requires_grad_(), w_hh[:12]
        x = values[:40].reshape(5, 2, 4)
        out = library.lstm(x, (h[None], h[None]), [w_ih, w_hh, b, b], True, 1, 0.0, False, False, False)
        first = gradients(library, out, [h, w_ih, b], create_graph=True)
        found.append([*out, *first, *gradients(library, first, [h, w_ih, b])])
    assert difference(*found) is None


def test_changed_input_is_noticed():
    """An input that is changed in place after the forward cannot be used for the backward."""
    for library in (torch, course_lib):
        x = library.ones(5, 2, 4)
        out, _ = library.nn.GRU(4, 5)(x)
        x.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            out.sum().backward()


def test_autocast():
    """Which results have the lower dtype, and that gradients come back in float32."""
    found = []
    for library in (torch, course_lib):
        library.manual_seed(0)
        nn, x = library.nn, library.linspace(-1, 1, 24).reshape(3, 2, 4)
        nets = [nn.LSTM(4, 5), nn.GRU(4, 5), nn.RNN(4, 5), nn.LSTM(4, 5, proj_size=2)]
        cells = [nn.LSTMCell(4, 5), nn.GRUCell(4, 5), nn.RNNCell(4, 5)]
        attention = nn.MultiheadAttention(4, 2)
        with library.autocast("cpu", dtype=library.bfloat16):
            made = [plain(library, net, x.to(dtype), None) for net in nets[:3] for dtype in (x.dtype, library.bfloat16)]
            made += [plain(library, nets[3], x.bfloat16(), None), *[cell(x[0]) for cell in cells]]
            masks = {"key_padding_mask": library.zeros(2, 3), "attn_mask": library.zeros(3, 3)}
            made += [attention(x, x, x, **masks)[0], attention(x, x, x, need_weights=False, **masks)[0]]
        outs = [out for part in made for out in (part if isinstance(part, tuple) else (part,))]
        sum(out.float().sum() for out in outs).backward()
        grads = [p.grad for module in (*nets[:3], *cells, attention) for p in module.parameters()]
        found.append([[str(t.dtype) for t in (*outs, *grads)], [t.detach().bfloat16() for t in outs]])
    assert found[0][0] == found[1][0]
    assert difference(found[0][1], found[1][1]) is None
