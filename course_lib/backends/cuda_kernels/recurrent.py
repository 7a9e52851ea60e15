"""One time step of recurrent layers between its products of matrices, in place; recurrent.cu names the arrays."""

from __future__ import annotations

from ..kernels.loading import BLOCK, LETTERS, MOST, blocks_for, launch


def recurrent_step(name: str, state, *arguments) -> None:
    """Launch a kernel of recurrent.cu with a thread for each element of `state`."""
    launch("recurrent", name, state, blocks_for(state.size), (BLOCK,), *arguments, state.size)


def takes(*arrays) -> bool:
    """Whether all arrays are of one of the kernels' dtypes, and neither empty nor too large."""
    dtype = arrays[0].dtype
    return dtype.char in LETTERS and all(a.dtype == dtype and 0 < a.size <= MOST for a in arrays if a is not None)


recurrent_step.takes = takes
