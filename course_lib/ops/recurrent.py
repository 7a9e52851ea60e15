"""Recurrent networks as functions: rnn_tanh, rnn_relu, lstm, gru over whole sequences, and their cells for one step.

A network stacks layers (recurrent_layers.py): the outputs of one are the inputs of the next, with dropout between
them. Two directions read the input both ways; their outputs stand side by side.
"""

from __future__ import annotations

import functools

from ..tensor import Tensor
from ._autocast import AUTOCAST, lowered
from ._numeric import kind_name
from ._op import function
from .dropout import dropout as drop
from .joining import cat, stack
from .recurrent_layers import gru_layer, lstm_layer, rnn_layer, steps_of


def _rnn(relu: bool):
    def layer(rows, states, w_ih, w_hh, b_ih=None, b_hh=None, *, steps):
        return rnn_layer(rows, *states, w_ih, w_hh, b_ih, b_hh, steps=steps, kept=[], relu=relu)

    return layer


def _gru(rows, states, w_ih, w_hh, b_ih=None, b_hh=None, *, steps):
    return gru_layer(rows, *states, w_ih, w_hh, b_ih, b_hh, steps=steps, kept=[])


def _lstm(rows, states, w_ih, w_hh, *rest, steps):
    """`rest`: the two biases or none of them, and then the projection if there is one."""
    biases = rest[:2] if len(rest) > 1 else (None, None)
    projection = rest[-1] if len(rest) % 2 else None
    return lstm_layer(rows, *states, w_ih, w_hh, *biases, projection, steps=steps, kept=[])


_LAYERS = {"rnn_tanh": _rnn(False), "rnn_relu": _rnn(True), "lstm": _lstm, "gru": _gru}
_GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}

# ---- whole sequences ---------------------------------------------------------------------------------------------


def _network(name: str, rows, sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional):
    """All layers and directions: the output's rows, then the last states of each, stacked."""
    directions = 2 if bidirectional else 1
    projected = name == "lstm" and hx[0]._array.shape[-1] != hx[1]._array.shape[-1]
    count = 2 + 2 * has_biases + projected
    if len(params) != count * num_layers * directions:
        raise RuntimeError("got an incorrect number of RNN parameters")
    steps = [steps_of(sizes, reverse) for reverse in (False, True)[:directions]]
    starts = list(zip(*[h.unbind(0) for h in hx]))
    ends = []
    for layer in range(num_layers):
        outs = []
        for direction in range(directions):
            place = layer * directions + direction
            weights = params[place * count : (place + 1) * count]
            out, *last = _layer(name, rows, starts[place], weights, steps[direction], lower=name != "gru")
            outs.append(out)
            ends.append(last)
        rows = outs[0] if directions == 1 else cat(outs, 1)
        if dropout and train and layer < num_layers - 1:
            rows = drop(rows, dropout)
    return rows, *[stack(states) for states in zip(*ends)]


def _layer(name: str, rows, states, weights, steps, lower: bool) -> tuple:
    """One layer in one direction. Under autocast in the lower dtype, or else in that of the states."""
    if AUTOCAST.on:
        if lower:
            rows, states, weights = lowered(rows, tuple(states), list(weights))
        else:
            dtype = states[-1].dtype
            rows, states = rows.to(dtype), [s.to(dtype) for s in states]
            weights = [w if w is None else w.to(dtype) for w in weights]
    batch = max(part.stop - part.start for part in (steps[0], steps[-1]))
    _check_layer(name, rows, batch, states, weights)
    return _LAYERS[name](rows, states, *weights, steps=steps)


def _check_layer(name: str, rows, batch: int, states, weights) -> None:
    w_ih, w_hh = weights[:2]
    if not rows.dtype is states[0].dtype is w_ih.dtype:
        other = rows if rows.dtype is not w_ih.dtype else states[0]
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {kind_name(other)} and {kind_name(w_ih)}")
    starts = [s._array.shape for s in states]
    for (count, width), (gates, inputs) in ((rows._array.shape, w_ih._array.shape), (starts[0], w_hh._array.shape)):
        if width != inputs:
            raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({count}x{width} and {inputs}x{gates})")
    gates = w_ih._array.shape[0]
    biases = [w for w in weights[2:] if w is not None and w._array.ndim == 1]
    if any(w._array.shape[0] != gates for w in (w_hh, *biases)):
        raise RuntimeError(f"{name}: all weights and biases of the {gates} gates must have {gates} rows")
    wanted = gates // _GATES[name]
    if starts[-1][-1] != wanted or any(start[0] != batch for start in starts):
        raise RuntimeError(f"{name}: expected hidden states of {batch} sequences and width {wanted}, but got "
                           f"{' and '.join(str(list(start)) for start in starts)}")  # fmt: skip


def _padded(name: str, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    """Sequences of one length: input (length, batch, features), or with batch_first (batch, length, features)."""
    if input.ndim != 3:
        raise RuntimeError(f"input must have 3 dimensions, got {input.ndim}")
    if batch_first:
        input = input.transpose(0, 1)
    length, batch, width = input._array.shape
    if length == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    rows, *last = _network(
        name, input.reshape(length * batch, width), [batch] * length, _states(name, hx), params, has_biases, num_layers,
        dropout, train, bidirectional,
    )  # fmt: skip
    out = rows.view(length, batch, rows._array.shape[1])
    return out.transpose(0, 1) if batch_first else out, *last


def _packed(name: str, data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional):
    """Sequences of several lengths, longest first: data holds the `batch_sizes[t]` rows of each time step t."""
    sizes = batch_sizes.tolist()
    if sum(sizes) != len(data) or sizes != sorted(sizes, reverse=True):
        raise RuntimeError(
            f"{name}: batch_sizes must not grow, and their sum must be the number of rows, {len(data)}, but they are "
            f"{sizes}"
        )
    return _network(name, data, sizes, _states(name, hx), params, has_biases, num_layers, dropout, train, bidirectional)


def _states(name: str, hx) -> tuple:
    if name != "lstm":
        return (hx,)
    if len(hx) != 2:
        raise RuntimeError("lstm expects two hidden states")
    return tuple(hx)


def _is_packed(name: str, args, named) -> bool:
    if named and not {"data", "batch_sizes"}.isdisjoint(named):
        return True
    return len(args) > 2 and isinstance(args[1], Tensor) and (name == "lstm" or isinstance(args[2], Tensor))


def _declare(name: str, what: str, states: str, source: str):
    padded, packed = functools.partial(_padded, name), functools.partial(_packed, name)

    def network(*args, **named):
        return (packed if _is_packed(name, args, named) else padded)(*args, **named)

    network.__name__ = network.__qualname__ = name
    network.__doc__ = f"""{name}(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
    {name}(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)

    {what} over sequences: the outputs of the last layer and {states}. input (length, batch, features), hx (layers *
    directions, batch, hidden), params in the order of `torch.nn.{name.split("_")[0].upper()}`. The second form takes
    packed sequences. RuntimeError where sizes or dtypes do not fit.

    Source: {source}
    """
    return function()(network)


rnn_tanh = _declare(
    "rnn_tanh", "A recurrent network with tanh", "the last states", "Elman (1990), Finding structure in time"
)
rnn_relu = _declare(
    "rnn_relu", "A recurrent network with relu", "the last states", "Elman (1990), Finding structure in time"
)
gru = _declare("gru", "Gated recurrent units", "the last states", "Cho et al. (2014), arXiv:1406.1078")
lstm = _declare("lstm", "Long short-term memory", "the last hidden and cell states (hx is such a pair, too)",
                "Hochreiter & Schmidhuber (1997), Long Short-Term Memory")  # fmt: skip

# ---- one step ----------------------------------------------------------------------------------------------------


def _cell(name: str, input, states, weights) -> tuple:
    """The states after one step: input (batch, features), states (batch, hidden)."""
    inputs, hidden = weights[0]._array.shape[1], weights[1]._array.shape[1]
    batch, width = input._array.shape[0], input.size(1)
    if width != inputs:
        raise RuntimeError(f"input has inconsistent input_size: got {width} expected {inputs}")
    for number, state in enumerate(states):
        if state._array.shape[0] != batch:
            raise RuntimeError(f"Input batch size {batch} doesn't match hidden{number} batch size {len(state)}")
        if state.size(1) != hidden:
            raise RuntimeError(f"hidden{number} has inconsistent hidden_size: got {state.size(1)}, expected {hidden}")
    return _layer(name, input, states, weights, [slice(0, batch)], lower=name.startswith("rnn"))[1:]


@function()
def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None) -> Tensor: tanh(w_ih x + b_ih + w_hh h + b_hh).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
    """
    return _cell("rnn_tanh", input, (hx,), (w_ih, w_hh, b_ih, b_hh))[0]


@function()
def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None) -> Tensor: relu(w_ih x + b_ih + w_hh h + b_hh).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
    """
    return _cell("rnn_relu", input, (hx,), (w_ih, w_hh, b_ih, b_hh))[0]


@function()
def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None) -> Tensor: the state (batch, hidden) after one step.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.GRUCell.html
    """
    return _cell("gru", input, (hx,), (w_ih, w_hh, b_ih, b_hh))[0]


@function()
def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None) -> (Tensor, Tensor): the states after one step.

    input (batch, features), hx the pair of states (batch, hidden). RuntimeError where sizes do not fit.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html
    """
    if isinstance(hx, Tensor):
        raise TypeError("lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor")
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    return _cell("lstm", input, tuple(hx), (w_ih, w_hh, b_ih, b_hh))
