"""Many tensors at once: the CUDA kernels that do something to all gradients, or all weights, in one launch."""

from __future__ import annotations

from ..backends import array_module, backend_of, is_numpy


def in_one_launch(name: str, *columns: list, changes: bool = True):
    """The kernel of this name (backends/cuda_kernels/gradients.py) for lists of tensors, or None: a function of what
    else it takes. It changes the tensors of the first list, unless `changes` is False.
    """
    if not columns[0] or is_numpy(columns[0][0]._array):
        return None
    columns_of_arrays = [[t._array for t in column] for column in columns]
    run = backend_of(array_module(columns_of_arrays[0][0])).kernel_for_all(name, *columns_of_arrays)
    if run is None or not changes:
        return run

    def run_and_count(*args):
        run(*args)
        for t in columns[0]:
            t._storage.version += 1

    return run_and_count
