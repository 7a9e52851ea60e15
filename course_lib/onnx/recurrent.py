"""ONNX for recurrent networks: each layer becomes an LSTM, GRU or RNN node; PyTorch's gates are put in ONNX's order."""

from __future__ import annotations

from .builder import Builder, Ref, handles
from .pointwise import number

_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}  # ONNX's gates, as numbers of PyTorch's


def _weights(g: Builder, kind: str, tensors: list[Ref]) -> str:
    """The same weight of each direction, its gates reordered, stacked."""
    parts = []
    for tensor in tensors:
        order = _GATES[kind]
        if len(order) > 1:
            size = tensor.shape[0] // len(order)
            gates = g.op("Split", tensor, g.constant([size] * len(order)), outputs=len(order), axis=0)
            parts.append(g.unsqueeze(g.op("Concat", *[gates[i] for i in order], axis=0), 0))
        else:
            parts.append(g.unsqueeze(tensor, 0))
    return g.op("Concat", *parts, axis=0)


def _network(g: Builder, kind: str, input: Ref, states, params, has_biases, num_layers, dropout, train, bidirectional,
             batch_first, **settings) -> tuple:  # fmt: skip
    directions = 2 if bidirectional else 1
    each = 2 + 2 * has_biases
    if len(params) != each * num_layers * directions:
        g.refuse(f"an {kind} with proj_size has no ONNX operator")
    if dropout and train and num_layers > 1:
        g.refuse(f"an {kind} in training mode with dropout between layers: call eval() first")
    x = g.transpose(input, (1, 0, 2)) if batch_first else input.name
    hidden = params[1].shape[-1]
    ends: list[list[str]] = [[] for _ in states]
    for layer in range(num_layers):
        own = [params[(layer * directions + d) * each : (layer * directions + d + 1) * each] for d in range(directions)]
        w, r = [_weights(g, kind, [weights[i] for weights in own]) for i in (0, 1)]
        b = None
        if has_biases:
            b = g.op("Concat", *[_weights(g, kind, [weights[i] for weights in own]) for i in (2, 3)], axis=1)
        rows = g.constant([layer * directions]), g.constant([(layer + 1) * directions]), g.constant([0])
        starts = [g.op("Slice", s, *rows) for s in states]
        direction = "bidirectional" if bidirectional else "forward"
        y, *last = g.op(kind, x, w, r, b, None, *starts, outputs=1 + len(states), hidden_size=hidden,
                        direction=direction, **_per_direction(settings, directions))  # fmt: skip
        for found, end in zip(ends, last, strict=True):
            found.append(end)
        merged = g.transpose(y, (0, 2, 1, 3)) if bidirectional else None
        x = g.reshape(merged, [0, 0, -1]) if bidirectional else g.squeeze(y, 1)
    out = g.transpose(x, (1, 0, 2)) if batch_first else x
    return out, *[g.op("Concat", *found, axis=0) if len(found) > 1 else found[0] for found in ends]


def _per_direction(settings: dict, directions: int) -> dict:
    return {name: value * directions if isinstance(value, list) else value for name, value in settings.items()}


def _refuse_packed(g: Builder, second) -> None:
    if isinstance(second, Ref):
        g.refuse("packed sequences have no ONNX operator here: pass padded sequences")


@handles("_pack_padded_sequence", "_pad_packed_sequence")
def _packing(g, *args):
    g.refuse("packed sequences have no ONNX operator here: pass padded sequences")


@handles("lstm")
def _lstm(g, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    _refuse_packed(g, hx)
    return _network(g, "LSTM", input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


@handles("gru")
def _gru(g, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    _refuse_packed(g, params)
    return _network(g, "GRU", input, [hx], params, has_biases, num_layers, dropout, train, bidirectional, batch_first,
                    linear_before_reset=1)  # fmt: skip


@handles("rnn_tanh")
def _rnn_tanh(g, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    _refuse_packed(g, params)
    return _network(g, "RNN", input, [hx], params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


@handles("rnn_relu")
def _rnn_relu(g, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    _refuse_packed(g, params)
    return _network(g, "RNN", input, [hx], params, has_biases, num_layers, dropout, train, bidirectional, batch_first,
                    activations=["Relu"])  # fmt: skip


# ---- one step ------------------------------------------------------------------------------------------------------


def _gates(g: Builder, input, hx, w_ih, w_hh, b_ih, b_hh) -> tuple[str, str]:
    """What input and state contribute to the gates."""
    return g.call("linear", input, w_ih, b_ih), g.call("linear", hx, w_hh, b_hh)


@handles("rnn_tanh_cell")
def _rnn_tanh_cell(g, input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    return g.op("Tanh", g.op("Add", *_gates(g, input, hx, w_ih, w_hh, b_ih, b_hh)))


@handles("rnn_relu_cell")
def _rnn_relu_cell(g, input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    return g.op("Relu", g.op("Add", *_gates(g, input, hx, w_ih, w_hh, b_ih, b_hh)))


@handles("lstm_cell")
def _lstm_cell(g, input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    total = g.op("Add", *_gates(g, input, hx[0], w_ih, w_hh, b_ih, b_hh))
    width = w_hh.shape[1]
    i, f, c, o = g.op("Split", total, g.constant([width] * 4), outputs=4, axis=-1)
    i, f, o = [g.op("Sigmoid", gate) for gate in (i, f, o)]
    cell = g.op("Add", g.op("Mul", f, hx[1]), g.op("Mul", i, g.op("Tanh", c)))
    return g.op("Mul", o, g.op("Tanh", cell)), cell


@handles("gru_cell")
def _gru_cell(g, input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    width = w_hh.shape[1]
    by_input, by_state = [g.op("Split", part, g.constant([width] * 3), outputs=3, axis=-1)
                          for part in _gates(g, input, hx, w_ih, w_hh, b_ih, b_hh)]  # fmt: skip
    reset, update = [g.op("Sigmoid", g.op("Add", by_input[k], by_state[k])) for k in (0, 1)]
    new = g.op("Tanh", g.op("Add", by_input[2], g.op("Mul", reset, by_state[2])))
    kept = g.op("Sub", number(g, 1, hx), update)
    return g.op("Add", g.op("Mul", kept, new), g.op("Mul", update, hx))
