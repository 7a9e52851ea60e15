"""Recurrent networks: RNN, LSTM and GRU read whole sequences; their cells, for one time step, lie in rnn_cells.py.

A network holds the weights of all layers and directions under PyTorch's names (`weight_ih_l0`, `bias_hh_l1_reverse`,
…), checks what it is given and calls torch.lstm, torch.gru, …, in ops/recurrent.py. Inputs are (length, batch,
features), or (batch, length, features) with `batch_first`, without `batch` for a single sequence, or packed.
"""

from __future__ import annotations

import warnings

from ...ops._autocast import AUTOCAST
from ...ops.creation import empty, zeros
from ...ops.recurrent import gru, lstm, rnn_relu, rnn_tanh
from ...tensor import Tensor
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .module import Module
from .rnn_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase, draw_weights

__all__ = ["RNNBase", "RNN", "LSTM", "GRU", "RNNCellBase", "RNNCell", "LSTMCell", "GRUCell"]

_NETWORKS = {"LSTM": lstm, "GRU": gru, "RNN_TANH": rnn_tanh, "RNN_RELU": rnn_relu}
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What RNN, LSTM and GRU share; `mode` is "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNBase.html
    """

    __constants__ = ["mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout",
                     "bidirectional", "proj_size"]  # fmt: skip
    _states = ("hidden",)  # how errors name the states

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_settings(dropout)
        self._all_weights: list[list[str]] = []  # the parameters' names, a list for each layer and direction
        for layer in range(num_layers):
            for ending in ("", "_reverse") if bidirectional else ("",):
                self._make_parameters(layer, ending, {"device": device, "dtype": dtype})
        self._flat_weights_names = [name for names in self._all_weights for name in names]
        self.reset_parameters()

    def _check_settings(self, dropout) -> None:
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name, kind in (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
            if kind is int and value <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + self.mode)

    def _make_parameters(self, layer: int, ending: str, factory_kwargs: dict) -> None:
        """The weights of one layer in one direction: the gates of all units stand one below the other."""
        width = self.proj_size or self.hidden_size
        inputs = width * (2 if self.bidirectional else 1) if layer else self.input_size
        gates = _GATES[self.mode] * self.hidden_size
        shapes = {"weight_ih": (gates, inputs), "weight_hh": (gates, width)}
        if self.bias:
            shapes.update(bias_ih=(gates,), bias_hh=(gates,))
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        names = []
        for kind, shape in shapes.items():
            names.append(f"{kind}_l{layer}{ending}")
            setattr(self, names[-1], Parameter(empty(shape, **factory_kwargs)))
        self._all_weights.append(names)

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        draw_weights(self)

    def flatten_parameters(self) -> None:
        """Nothing has to be done: here weights need not lie side by side in memory."""

    @property
    def _flat_weights(self) -> list[Tensor]:
        own = self._parameters
        return [own[name] if name in own else getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def __getstate__(self) -> dict:
        """What a file keeps: PyTorch's recurrent modules have the list of their weights, too."""
        return {**self.__dict__, "_flat_weights": self._flat_weights}

    def __setstate__(self, state: dict) -> None:
        super().__setstate__({name: value for name, value in state.items() if name != "_flat_weights"})

    # -- checks -------------------------------------------------------------------------------------------------

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """ValueError or RuntimeError where dtype or shape do not fit."""
        weight = self._flat_weights[0]
        if input.dtype is not weight.dtype and not AUTOCAST.on:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        wanted = 3 if batch_sizes is None else 2
        if input.dim() != wanted:
            raise RuntimeError(f"input must have {wanted} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _expected_size(self, input: Tensor, batch_sizes: Tensor | None, width: int) -> tuple[int, int, int]:
        if batch_sizes is not None:
            batch = int(batch_sizes[0])
        else:
            batch = input.size(0 if self.batch_first else 1)
        return self.num_layers * (2 if self.bidirectional else 1), batch, width

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape that the hidden state must have for this input."""
        return self._expected_size(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """RuntimeError where a state has another shape than expected."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden, batch_sizes: Tensor | None) -> None:
        """Check the input, and the states against it."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx, permutation: Tensor | None):
        """The states in another order of the sequences."""
        return hx if permutation is None else hx.index_select(1, permutation)

    # -- running ------------------------------------------------------------------------------------------------

    def forward(self, input: Tensor | PackedSequence, hx=None):
        """The outputs of the last layer, and the last states of all layers."""
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            kind = "tensor " if self.mode.startswith("RNN") else ""
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D {kind}instead")
        batched = input.dim() == 3
        batch_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(batch_dim)
        if hx is None:
            hx = self._zero_states(input, None)
        else:
            self._check_dimensions(hx, batched)
            hx = hx if batched else self._each(hx, lambda state: state.unsqueeze(1))
        self.check_forward_args(input, hx, None)
        out, *states = self._run(input, hx)
        states = self._joined(states)
        return (out, states) if batched else (out.squeeze(batch_dim), self._each(states, lambda s: s.squeeze(1)))

    def _forward_packed(self, packed: PackedSequence, hx):
        data, sizes, order, way_back = packed
        hx = self._zero_states(data, sizes) if hx is None else self.permute_hidden(hx, order)
        self.check_forward_args(data, hx, sizes)
        out, *states = self._run(data, hx, sizes)
        return PackedSequence(out, sizes, order, way_back), self.permute_hidden(self._joined(states), way_back)

    def _run(self, input: Tensor, hx, batch_sizes: Tensor | None = None):
        network = _NETWORKS[self.mode]
        settings = (self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        if batch_sizes is None:
            return network(input, hx, *settings, self.batch_first)
        return network(input, batch_sizes, hx, *settings)

    def _zero_states(self, input: Tensor, batch_sizes: Tensor | None):
        shape = self.get_expected_hidden_size(input, batch_sizes)
        return zeros(shape, dtype=input.dtype, device=input.device)

    def _each(self, hx, change):
        """`change` applied to the state, or to both of an LSTM."""
        return change(hx)

    def _joined(self, states: list):
        return states[0]

    def _check_dimensions(self, hx: Tensor, batched: bool) -> None:
        if hx.dim() != (3 if batched else 2):
            given = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {given} input, hx should also be {3 if batched else 2}-D but got {hx.dim()}-D tensor"
            )

    def extra_repr(self) -> str:
        parts = [str(self.input_size), str(self.hidden_size)]
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0,
                 "bidirectional": False}  # fmt: skip
        parts += [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join(parts)


class RNN(RNNBase):
    """RNN(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
    bidirectional=False): `h = tanh(W_ih x + b_ih + W_hh h + b_hh)`, or relu, for each time step.

    Input (length, batch, input_size) and, if not zero, the first states (num_layers * directions, batch, hidden_size);
    results (length, batch, directions * hidden_size) and the last states. `dropout` works between layers.

    >>> import course_lib as torch
    >>> out, last = torch.nn.RNN(3, 5, num_layers=2)(torch.zeros(7, 4, 3))
    >>> out.shape, last.shape
    (torch.Size([7, 4, 5]), torch.Size([2, 4, 5]))

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html
    """

    def __init__(self, *args, **kwargs) -> None:
        _refuse_projection(args, kwargs)
        if len(args) > 3:
            self.nonlinearity = args[3]
            args = (*args[:3], *args[4:])
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{self.nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__("RNN_" + self.nonlinearity.upper(), *args, **kwargs)


class GRU(RNNBase):
    """GRU(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False): gated
    recurrent units, for each time step `r, z = σ(W_ih x + b_ih + W_hh h + b_hh)`,
    `n = tanh(W_in x + b_in + r (W_hn h + b_hn))`, `h = (1 - z) n + z h`.

    Input and results as those of RNN.

    Source: Cho et al. (2014), arXiv:1406.1078
    """

    def __init__(self, *args, **kwargs) -> None:
        _refuse_projection(args, kwargs)
        super().__init__("GRU", *args, **kwargs)


def _refuse_projection(args: tuple, kwargs: dict) -> None:
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class LSTM(RNNBase):
    """LSTM(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    proj_size=0): long short-term memory, for each time step `i, f, o = σ(…)` and `g = tanh(…)` of
    `W_ih x + b_ih + W_hh h + b_hh`, `c = f c + i g`, `h = o tanh(c)`, times `W_hr` if `proj_size` is not 0.

    Input as that of RNN, the states as a pair (h, c); results the outputs and the pair of last states.

    >>> import course_lib as torch
    >>> out, (h, c) = torch.nn.LSTM(3, 5, batch_first=True, bidirectional=True)(torch.zeros(4, 7, 3))
    >>> out.shape, h.shape, c.shape
    (torch.Size([4, 7, 10]), torch.Size([2, 4, 5]), torch.Size([2, 4, 5]))

    Source: Hochreiter & Schmidhuber (1997), Long Short-Term Memory
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape that the cell state must have for this input."""
        return self._expected_size(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden, batch_sizes: Tensor | None) -> None:
        self.check_input(input, batch_sizes)
        h, c = self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[0], h, "Expected hidden[0] size {}, got {}")
        self.check_hidden_size(hidden[1], c, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx, permutation: Tensor | None):
        return hx if permutation is None else tuple([state.index_select(1, permutation) for state in hx])

    def _zero_states(self, input: Tensor, batch_sizes: Tensor | None):
        c = zeros(self.get_expected_cell_size(input, batch_sizes), dtype=input.dtype, device=input.device)
        return super()._zero_states(input, batch_sizes), c

    def _each(self, hx, change):
        return change(hx[0]), change(hx[1])

    def _joined(self, states: list):
        return tuple(states)

    def _check_dimensions(self, hx, batched: bool) -> None:
        wanted = 3 if batched else 2
        if hx[0].dim() != wanted or hx[1].dim() != wanted:
            raise RuntimeError(
                f"For {'batched 3-D' if batched else 'unbatched 2-D'} input, hx and cx should also be {wanted}-D but "
                f"got ({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
