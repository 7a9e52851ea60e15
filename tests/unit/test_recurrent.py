"""What recurrent networks refuse where PyTorch reads or writes beyond an array, or says nothing."""

from __future__ import annotations

import pytest

import course_lib as torch

REST = (True, 1, 0.0, False, False)


def weights(gates: int):
    return [torch.ones(gates * 5, 4), torch.ones(gates * 5, 5), torch.ones(gates * 5), torch.ones(gates * 5)]


@pytest.mark.parametrize("sizes", [[3, 3], [2, 3], [2, 2, 2]])
def test_batch_sizes_that_do_not_fit(sizes):
    with pytest.raises(RuntimeError, match="batch_sizes must not grow"):
        torch.gru(torch.ones(5, 4), torch.tensor(sizes), torch.zeros(1, sizes[0], 5), weights(3), *REST)


def test_states_that_do_not_fit():
    x, h = torch.ones(3, 2, 4), torch.zeros(1, 2, 5)
    with pytest.raises(RuntimeError, match="expected hidden states of 2 sequences"):
        torch.lstm(x, (h[:, :1], h), weights(4), *REST, False)
    with pytest.raises(RuntimeError, match="width 4"):
        torch.gru(x, h, [torch.ones(12, 4), torch.ones(12, 5), torch.ones(12), torch.ones(12)], *REST, False)
    with pytest.raises(RuntimeError, match="input must have 3 dimensions, got 2"):
        torch.gru(x[0], h, weights(3), *REST, False)
    with pytest.raises(RuntimeError, match="of the 15 gates must have 15 rows"):
        torch.gru(x, h, weights(3)[:3] + weights(4)[3:], *REST, False)


def test_lengths_beyond_the_padding():
    with pytest.raises(RuntimeError, match="'lengths' holds 5, but the padded sequences have only 3 time steps"):
        torch.nn.utils.rnn.pack_padded_sequence(torch.ones(3, 2, 4), [5, 2])
