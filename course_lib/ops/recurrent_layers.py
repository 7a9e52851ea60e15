"""Recurrent layers: one layer in one direction over all time steps, as one op with its own backward through time.

The input of a layer is a matrix of rows, time step after time step; `steps` lists the slices of rows that belong to
one time step, in the order in which they are read. Sequences of one length have the same number of rows in each step;
packed sequences (longest first) have fewer and fewer, and a step then changes the first states only. One big product
prepares the gates of all rows, then each step adds what the state contributes. The steps write into arrays that are
there already: fresh memory would cost more than they compute.

Gradients are computed on bare arrays (_fused.py); a gradient that shall itself be differentiated comes from the layer
made of Tensor ops (`unrolled`).
"""

from __future__ import annotations

import numpy as np

from . import recurrent_on_gpu as fused_steps
from ._fused import Fused, all_wide, fused_backward
from ._numeric import narrow
from ._op import op
from .joining import cat
from .linear import linear
from .recurrent_on_gpu import first_of, state_before

# ---- time --------------------------------------------------------------------------------------------------------


def steps_of(sizes, reverse: bool) -> list[slice]:
    """The rows of each time step, first to last or, with `reverse`, last to first; `sizes` says how many each has."""
    found, start = [], 0
    for size in sizes:
        found.append(slice(start, start + size))
        start += size
    return found[::-1] if reverse else found


def unrolled(step, rows, states, steps):
    """The layer in Tensor ops: `step(rows, *states)` gives the new states, of which the first is the output."""
    outs = []
    for part in steps:
        made = step(rows[part], *[first_of(s, part) for s in states])
        outs.append(made[0])
        states = [m if len(m) == len(s) else cat([m, s[len(m) :]]) for m, s in zip(made, states)]
    backwards = steps[0].start > 0
    return cat(outs[::-1] if backwards else outs), *states


# ---- what the three layers share ---------------------------------------------------------------------------------


def _prepared(xp, rows, w_ih, *biases):
    """What the inputs contribute to the gates of all rows."""
    gates = xp.matmul(rows, w_ih.T)
    given = [b for b in biases if b is not None]
    if given:
        gates += given[0] if len(given) == 1 else given[0] + given[1]
    return gates


def _squash(xp, x, rate, shift) -> None:
    """In place: the logistic function where rate and shift are 1/2, tanh where they are 1 and 0."""
    x *= rate
    xp.tanh(x, out=x)
    x *= rate
    x += shift


def _parts(gates, count: int) -> list:
    """The columns of each gate."""
    width = gates.shape[1] // count
    return [gates[:, n * width : (n + 1) * width] for n in range(count)]


def _weight_gradients(xp, needed, rows, before, w_ih, by_input, by_hidden) -> tuple:
    """Gradients of rows, w_ih, w_hh, b_ih, b_hh, from those of the gates' two summands."""
    needs_rows, needs_w_ih, needs_w_hh, needs_b_ih, needs_b_hh = needed
    return (
        xp.matmul(by_input, w_ih) if needs_rows else None,
        xp.matmul(by_input.T, rows) if needs_w_ih else None,
        xp.matmul(by_hidden.T, before) if needs_w_hh else None,
        xp.add.reduce(by_input, axis=0) if needs_b_ih else None,
        xp.add.reduce(by_hidden, axis=0) if needs_b_hh else None,
    )


# ---- tanh and relu -----------------------------------------------------------------------------------------------


def _rnn_in_tensors(rows, h, w_ih, w_hh, b_ih, b_hh, *, steps, relu):
    def step(x, h):
        gates = x + linear(h, w_hh, b_hh)
        return (gates.relu() if relu else gates.tanh(),)

    return unrolled(step, linear(rows, w_ih, b_ih), [h], steps)


def _rnn_gradients(xp, grads, operands, kept, needed, *, steps, relu):
    if fused_steps.fits(*operands, *kept):
        return fused_steps.rnn_backward(grads, operands, kept, needed, steps, relu)
    grads, operands, kept = all_wide(*grads), all_wide(*operands), all_wide(*kept)
    by_out, by_h = grads[0], grads[1].copy()
    rows, h, w_ih, w_hh, *_ = operands
    (out,) = kept
    before = state_before(xp, h, out, steps)
    by_gates = (out > 0).astype(out.dtype) if relu else 1 - out * out  # first the slopes
    for part in reversed(steps):
        state = first_of(by_h, part)
        state += by_out[part]
        by_gates[part] *= state
        xp.dot(by_gates[part], w_hh, out=state)
    by_rows, *by_weights = _weight_gradients(xp, (needed[0], *needed[2:]), rows, before, w_ih, by_gates, by_gates)
    return by_rows, by_h if needed[1] else None, *by_weights


@op(method=False, namespace=None, node="RnnLayer")
class rnn_layer(Fused):
    """h = tanh(w_ih x + b_ih + w_hh h + b_hh), or relu: the outputs (rows, hidden) and the last states."""

    def forward(xp, rows, h, w_ih, w_hh, b_ih, b_hh, *, steps, kept, relu):
        if xp is not np and fused_steps.fits(rows, h, w_ih, w_hh, b_ih, b_hh):
            made, wanted = fused_steps.rnn_forward(rows, h, w_ih, w_hh, b_ih, b_hh, steps, relu)
            kept += wanted
            return made
        dtype = rows.dtype
        rows, h, w_ih, w_hh, b_ih, b_hh = all_wide(rows, h, w_ih, w_hh, b_ih, b_hh)
        out, h, w = _prepared(xp, rows, w_ih, b_ih, b_hh), h.copy(), w_hh.T
        products = xp.empty_like(h)
        for part in steps:
            x, state = out[part], first_of(h, part)
            x += xp.dot(state, w, out=first_of(products, part))
            xp.maximum(x, 0, out=x) if relu else xp.tanh(x, out=x)
            state[...] = x
        kept.append(out)
        return narrow(out, dtype), narrow(h, dtype)

    backward = fused_backward(_rnn_gradients, _rnn_in_tensors, widened=False)


# ---- LSTM --------------------------------------------------------------------------------------------------------


def _lstm_in_tensors(rows, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, *, steps):
    def step(x, h, c):
        i, f, n, o = (x + linear(h, w_hh, b_hh)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * n.tanh()
        h = o.sigmoid() * c.tanh()
        return h if w_hr is None else linear(h, w_hr), c

    return unrolled(step, linear(rows, w_ih, b_ih), [h, c], steps)


def _lstm_gradients(xp, grads, operands, kept, needed, *, steps):
    if operands[7] is None and fused_steps.fits(*operands, *kept):
        return fused_steps.lstm_backward(grads, operands, kept, needed, steps)
    grads, operands, kept = all_wide(*grads), all_wide(*operands), all_wide(*kept)
    by_out, by_h, by_c = grads[0], grads[1].copy(), grads[2].copy()
    rows, h, c, w_ih, w_hh, _, _, w_hr = operands
    out, cells, gates = kept
    before, before_c, squashed = state_before(xp, h, out, steps), state_before(xp, c, cells, steps), xp.tanh(cells)
    i, f, n, o = _parts(gates, 4)
    by_gates = gates * (1 - gates)  # first the slopes: of the logistic function, and of tanh for n
    _parts(by_gates, 4)[2][...] = 1 - n * n
    by_squashed = o * (1 - squashed * squashed)
    by_projected = None if w_hr is None else xp.empty_like(by_out)
    by_values = xp.empty((len(h), gates.shape[1]), gates.dtype)
    for part in reversed(steps):
        state, cell, values = first_of(by_h, part), first_of(by_c, part), first_of(by_values, part)
        by_i, by_f, by_n, by_o = _parts(values, 4)
        state += by_out[part]
        hidden = state
        if w_hr is not None:
            by_projected[part] = state
            hidden = state.dot(w_hr)
        cell += xp.multiply(hidden, by_squashed[part], out=by_i)
        xp.multiply(cell, n[part], out=by_i)
        xp.multiply(cell, before_c[part], out=by_f)
        xp.multiply(cell, i[part], out=by_n)
        xp.multiply(hidden, squashed[part], out=by_o)
        by_gates[part] *= values
        cell *= f[part]
        xp.dot(by_gates[part], w_hh, out=state)
    by_rows, *by_weights = _weight_gradients(xp, (needed[0], *needed[3:7]), rows, before, w_ih, by_gates, by_gates)
    by_w_hr = xp.matmul(by_projected.T, o * squashed) if needed[7] else None
    return by_rows, by_h if needed[1] else None, by_c if needed[2] else None, *by_weights, by_w_hr


@op(method=False, namespace=None, node="LstmLayer")
class lstm_layer(Fused):
    """i, f, o = σ(…) and n = tanh(…) of w_ih x + b_ih + w_hh h + b_hh; c = f c + i n; h = o tanh(c), times w_hr if
    given: the outputs (rows, hidden or projected), the last h and the last c. Hochreiter & Schmidhuber (1997).
    """

    def forward(xp, rows, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, *, steps, kept):
        if xp is not np and w_hr is None and fused_steps.fits(rows, h, c, w_ih, w_hh, b_ih, b_hh):
            made, wanted = fused_steps.lstm_forward(rows, h, c, w_ih, w_hh, b_ih, b_hh, steps)
            kept += wanted
            return made
        dtype = rows.dtype
        rows, h, c, w_ih, w_hh, b_ih, b_hh, w_hr = all_wide(rows, h, c, w_ih, w_hh, b_ih, b_hh, w_hr)
        gates, h, c, w = _prepared(xp, rows, w_ih, b_ih, b_hh), h.copy(), c.copy(), w_hh.T
        rate = xp.repeat(xp.asarray([0.5, 0.5, 1, 0.5], gates.dtype), c.shape[1])
        shift = 1 - rate
        out = xp.empty((len(rows), h.shape[1]), gates.dtype)
        cells = xp.empty((len(rows), c.shape[1]), gates.dtype)
        products, values = xp.empty((len(h), len(w_hh)), gates.dtype), xp.empty_like(c)
        for part in steps:
            x, state, cell, value = gates[part], first_of(h, part), first_of(c, part), first_of(values, part)
            x += xp.dot(state, w, out=first_of(products, part))
            _squash(xp, x, rate, shift)
            i, f, n, o = _parts(x, 4)
            cell *= f
            cell += xp.multiply(i, n, out=value)
            cells[part] = cell
            xp.tanh(cell, out=value)
            if w_hr is None:
                xp.multiply(value, o, out=state)
            else:
                value *= o
                xp.dot(value, w_hr.T, out=state)
            out[part] = state
        kept += (out, cells, gates)
        return narrow(out, dtype), narrow(h, dtype), narrow(c, dtype)

    backward = fused_backward(_lstm_gradients, _lstm_in_tensors, widened=False)


# ---- GRU ---------------------------------------------------------------------------------------------------------


def _gru_in_tensors(rows, h, w_ih, w_hh, b_ih, b_hh, *, steps):
    def step(x, h):
        hidden = linear(h, w_hh, b_hh)
        (x_r, x_z, x_n), (h_r, h_z, h_n) = x.chunk(3, 1), hidden.chunk(3, 1)
        z = (x_z + h_z).sigmoid()
        n = (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
        return ((h - n) * z + n,)

    return unrolled(step, linear(rows, w_ih, b_ih), [h], steps)


def _gru_gradients(xp, grads, operands, kept, needed, *, steps):
    if fused_steps.fits(*operands, *kept):
        return fused_steps.gru_backward(grads, operands, kept, needed, steps)
    grads, operands, kept = all_wide(*grads), all_wide(*operands), all_wide(*kept)
    by_out, by_h = grads[0], grads[1].copy()
    rows, h, w_ih, w_hh, *_ = operands
    out, gates, hidden_n = kept
    before = state_before(xp, h, out, steps)
    r, z, n = _parts(gates, 3)
    slope_r, slope_z, slope_n = hidden_n * r * (1 - r), (before - n) * z * (1 - z), (1 - z) * (1 - n * n)
    by_input, by_hidden, products = xp.empty_like(gates), xp.empty_like(gates), xp.empty_like(h)
    for part in reversed(steps):
        state = first_of(by_h, part)
        state += by_out[part]
        by_r, by_z, by_n = _parts(by_input[part], 3)
        xp.multiply(state, slope_n[part], out=by_n)
        xp.multiply(state, slope_z[part], out=by_z)
        xp.multiply(by_n, slope_r[part], out=by_r)
        by_hidden[part] = by_input[part]
        _parts(by_hidden[part], 3)[2][...] *= r[part]
        state *= z[part]
        state += xp.dot(by_hidden[part], w_hh, out=first_of(products, part))
    by_rows, *by_weights = _weight_gradients(xp, (needed[0], *needed[2:]), rows, before, w_ih, by_input, by_hidden)
    return by_rows, by_h if needed[1] else None, *by_weights


@op(method=False, namespace=None, node="GruLayer")
class gru_layer(Fused):
    """r, z = σ(w_ih x + b_ih + w_hh h + b_hh); n = tanh(w_in x + b_in + r (w_hn h + b_hn)); h = (1 - z) n + z h: the
    outputs (rows, hidden) and the last states. Cho et al. (2014), arXiv:1406.1078.
    """

    def forward(xp, rows, h, w_ih, w_hh, b_ih, b_hh, *, steps, kept):
        if xp is not np and fused_steps.fits(rows, h, w_ih, w_hh, b_ih, b_hh):
            made, wanted = fused_steps.gru_forward(rows, h, w_ih, w_hh, b_ih, b_hh, steps)
            kept += wanted
            return made
        dtype = rows.dtype
        rows, h, w_ih, w_hh, b_ih, b_hh = all_wide(rows, h, w_ih, w_hh, b_ih, b_hh)
        gates, h, w = _prepared(xp, rows, w_ih, b_ih), h.copy(), w_hh.T
        width = h.shape[1]
        out = xp.empty((len(rows), width), gates.dtype)
        hidden_n, products = xp.empty_like(out), xp.empty((len(h), 3 * width), gates.dtype)
        for part in steps:
            x, state, new = gates[part], first_of(h, part), hidden_n[part]
            hidden = xp.dot(state, w, out=first_of(products, part))
            if b_hh is not None:
                hidden += b_hh
            both = x[:, : 2 * width]  # r and z
            both += hidden[:, : 2 * width]
            _squash(xp, both, 0.5, 0.5)
            r, z, n = _parts(x, 3)
            last = hidden[:, 2 * width :]
            new[...] = last
            last *= r
            n += last
            xp.tanh(n, out=n)
            state -= n
            state *= z
            state += n
            out[part] = state
        kept += (out, gates, hidden_n)
        return narrow(out, dtype), narrow(h, dtype)

    backward = fused_backward(_gru_gradients, _gru_in_tensors, widened=False)
