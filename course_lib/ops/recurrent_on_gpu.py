"""Recurrent layers on a GPU: of each time step one product of matrices, and one kernel for all that follows it.

The layers and their arrays are those of recurrent_layers.py; `steps` lists the rows of each time step. Half precision
stays half in memory and is computed in float32 inside the products and the kernels.
"""

from __future__ import annotations

from ..backends import GPU, array_module
from ._by_kernel import reduced


def fits(*arrays) -> bool:
    """Whether there are kernels for a layer with these operands (None where one is missing)."""
    return type(arrays[0]) is GPU.array and GPU.backend.kernel("recurrent_step", *arrays) is not None


def first_of(state, part: slice):
    """The states of the sequences that are still (or already) running at a time step."""
    return state[: part.stop - part.start]


def state_before(xp, first, rows, steps):
    """The state before each row: that of the same sequence one time step earlier, at its beginning `first`."""
    before = xp.empty_like(rows)
    batch = steps[0].stop - steps[0].start
    if all(part.stop - part.start == batch for part in steps):  # all rows but the last move on by one step
        if steps[0].start == 0:
            before[batch:], before[:batch] = rows[:-batch], first
        else:
            before[:-batch], before[-batch:] = rows[batch:], first
        return before
    earlier = slice(0, 0)
    for part in steps:
        known = min(part.stop - part.start, earlier.stop - earlier.start)
        before[part.start : part.start + known] = rows[earlier.start : earlier.start + known]
        before[part.start + known : part.stop] = first[known : part.stop - part.start]
        earlier = part
    return before


def _earlier(rows, steps, place: int) -> tuple:
    """The rows of the step before, None for the first, and how many of their numbers this step continues."""
    if place == 0:
        return None, 0
    earlier, part = steps[place - 1], steps[place]
    return rows[earlier], min(part.stop - part.start, earlier.stop - earlier.start) * rows.shape[1]


def _tools(array):
    backend, xp = GPU.backend, array_module(array)
    return xp, backend.kernel("recurrent_step", array), backend.product, xp.ascontiguousarray


def _weight_gradients(needed, rows, before, w_ih, by_input, by_hidden) -> tuple:
    """Gradients of rows, w_ih, w_hh, b_ih, b_hh, from those of the gates' two summands."""
    product = GPU.backend.product
    needs_rows, needs_w_ih, needs_w_hh, needs_b_ih, needs_b_hh = needed
    by_b_ih = reduced("total", by_input, (0,)) if needs_b_ih else None
    if needs_b_hh:
        by_b_hh = by_b_ih.copy() if needs_b_ih and by_input is by_hidden else reduced("total", by_hidden, (0,))
    return (
        product(by_input, w_ih) if needs_rows else None,
        product(by_input.T, rows) if needs_w_ih else None,
        product(by_hidden.T, before) if needs_w_hh else None,
        by_b_ih,
        by_b_hh if needs_b_hh else None,
    )


# ---- tanh and relu -----------------------------------------------------------------------------------------------


def rnn_forward(rows, h, w_ih, w_hh, b_ih, b_hh, steps, relu: bool) -> tuple:
    """The outputs and the last states; and what backward wants."""
    xp, step, product, _ = _tools(rows)
    out, h = product(rows, w_ih.T), h.copy()
    products = xp.empty_like(h)
    for part in steps:
        state = first_of(h, part)
        by_state = product(state, w_hh.T, out=first_of(products, part))
        step("rnn_forward", state, out[part], by_state, b_ih, b_hh, state, h.shape[1], relu)
    return (out, h), (out,)


def rnn_backward(grads, operands, kept, needed, steps, relu: bool) -> tuple:
    """The gradients by the operands."""
    rows, h, w_ih, w_hh, *_ = operands
    (out,) = kept
    xp, step, product, contiguous = _tools(rows)
    by_out, by_h, by_gates = contiguous(grads[0]), grads[1].copy(), xp.empty_like(out)
    for part in reversed(steps):
        state = first_of(by_h, part)
        step("rnn_backward", state, by_out[part], state, out[part], by_gates[part], relu)
        product(by_gates[part], w_hh, out=state)
    before = state_before(xp, h, out, steps)
    by_rows, *by_weights = _weight_gradients((needed[0], *needed[2:]), rows, before, w_ih, by_gates, by_gates)
    return by_rows, by_h if needed[1] else None, *by_weights


# ---- LSTM --------------------------------------------------------------------------------------------------------


def lstm_forward(rows, h, c, w_ih, w_hh, b_ih, b_hh, steps) -> tuple:
    """The outputs, the last states and the last cells; and what backward wants."""
    xp, step, product, _ = _tools(rows)
    gates, h, c = product(rows, w_ih.T), h.copy(), c.copy()
    out, cells = xp.empty((len(rows), h.shape[1]), h.dtype), xp.empty((len(rows), h.shape[1]), h.dtype)
    products = xp.empty((len(h), len(w_hh)), h.dtype)
    for part in steps:
        state, cell = first_of(h, part), first_of(c, part)
        by_state = product(state, w_hh.T, out=first_of(products, part))
        step("lstm_forward", state, gates[part], by_state, b_ih, b_hh, state, cell, out[part], cells[part], h.shape[1])
    return (out, h, c), (out, cells, gates)


def lstm_backward(grads, operands, kept, needed, steps) -> tuple:
    """The gradients by the operands."""
    rows, h, c, w_ih, w_hh, *_ = operands
    out, cells, gates = kept
    xp, step, product, contiguous = _tools(rows)
    by_out, by_h, by_c, c = contiguous(grads[0]), grads[1].copy(), grads[2].copy(), contiguous(c)
    by_gates = xp.empty_like(gates)
    for place in reversed(range(len(steps))):
        part = steps[place]
        state, cell = first_of(by_h, part), first_of(by_c, part)
        before, known = _earlier(cells, steps, place)
        step("lstm_backward", state, by_out[part], state, cell, gates[part], cells[part], before, c, known,
             by_gates[part], h.shape[1])  # fmt: skip
        product(by_gates[part], w_hh, out=state)
    before = state_before(xp, h, out, steps)
    by_rows, *by_weights = _weight_gradients((needed[0], *needed[3:7]), rows, before, w_ih, by_gates, by_gates)
    return by_rows, by_h if needed[1] else None, by_c if needed[2] else None, *by_weights, None


# ---- GRU ---------------------------------------------------------------------------------------------------------


def gru_forward(rows, h, w_ih, w_hh, b_ih, b_hh, steps) -> tuple:
    """The outputs and the last states; and what backward wants."""
    xp, step, product, _ = _tools(rows)
    gates, h = product(rows, w_ih.T), h.copy()
    out, hidden_n = xp.empty((len(rows), h.shape[1]), h.dtype), xp.empty((len(rows), h.shape[1]), h.dtype)
    products = xp.empty((len(h), len(w_hh)), h.dtype)
    for part in steps:
        state = first_of(h, part)
        by_state = product(state, w_hh.T, out=first_of(products, part))
        step("gru_forward", state, gates[part], by_state, b_ih, b_hh, state, out[part], hidden_n[part], h.shape[1])
    return (out, h), (out, gates, hidden_n)


def gru_backward(grads, operands, kept, needed, steps) -> tuple:
    """The gradients by the operands."""
    rows, h, w_ih, w_hh, *_ = operands
    out, gates, hidden_n = kept
    xp, step, product, contiguous = _tools(rows)
    by_out, by_h, first = contiguous(grads[0]), grads[1].copy(), contiguous(h)
    by_input, by_hidden = xp.empty_like(gates), xp.empty_like(gates)
    for place in reversed(range(len(steps))):
        part, state = steps[place], first_of(by_h, steps[place])
        before, known = _earlier(out, steps, place)
        step("gru_backward", state, by_out[part], state, gates[part], hidden_n[part], before, first, known,
             by_input[part], by_hidden[part], h.shape[1])  # fmt: skip
        product(by_hidden[part], w_hh, out=state, beta=1)
    before = state_before(xp, h, out, steps)
    by_rows, *by_weights = _weight_gradients((needed[0], *needed[2:]), rows, before, w_ih, by_input, by_hidden)
    return by_rows, by_h if needed[1] else None, *by_weights
