"""A step on a GPU: one launch of a kernel for all parameters of a group (backends/kernels/optimizers.cu).

The kernel gets a table with the addresses of parameters, gradients and state. It is kept from step to step, as long as
the arrays are the same ones; only the gradients are new each time (`zero_grad` forgets them). Nothing is copied to the
GPU, and the host does not wait for it.
"""

from __future__ import annotations

from operator import is_

from ..backends import array_module, backend_of, device_of, is_numpy
from ._gather import flattened


class Together:
    """Parameters of one group on one GPU: those that the kernels take in tables, a dtype each, and the others.

    members: lists of arrays, one a parameter: the parameter, its gradient, its state; steps: the counts of steps, if
    they lie on the GPU, else None.
    """

    def __init__(self, members: list, steps: list | None):
        self.fixed = _fixed(members, steps)
        self.rows = [_rows([arrays[0], *arrays[2:]]) for arrays in members]
        self.others, self.tables, by_dtype = [], [], {}
        for place, rows in enumerate(self.rows):
            if backend_of(array_module(rows[0])).kernel("optimizer_step", *rows) is None:
                self.others.append(place)
            else:
                by_dtype.setdefault(rows[0].dtype, []).append(place)
        if by_dtype:
            from ..backends import cuda_kernels as kernels

            for places in by_dtype.values():
                rows = [self.rows[place] for place in places]
                for table in kernels.tables([[p, p, *state] for p, *state in rows]):  # the gradients come later
                    mine, places = places[: table.count], places[table.count :]
                    counts = None if steps is None else kernels.Table([[steps[place]] for place in mine])
                    self.tables.append((table, mine, counts))

    def fits(self, members: list, steps: list | None) -> bool:
        """Whether the tables still name the arrays of these parameters."""
        fixed = _fixed(members, steps)
        return len(fixed) == len(self.fixed) and all(map(is_, fixed, self.fixed))

    def step(self, optimizer, group: dict, numbers: tuple, members: list) -> None:
        """Run the optimizer's kernel; the gradients of `members` need not be those of the last step."""
        from ..backends.cuda_kernels import optimizer_step

        found_inf = getattr(optimizer, "found_inf", None)
        found_inf = None if found_inf is None else found_inf.to(device_of(members[0][0]))._array
        for table, places, counts in self.tables:
            gradients = [_dense(members[place][1]) for place in places]
            table.point(1, gradients)
            name, decay, constants = optimizer.together(group, numbers, table.like, counts, found_inf)
            optimizer_step(name, table, found_inf, decay, group["maximize"], *constants)


def adam_moments(counts, like, found_inf, lr, beta1: float, beta2: float, decoupled: float):
    """Count Adam's steps on the GPU; the constants that they make, for each parameter (backends/kernels/optimizers.cu).

    decoupled: the weight decay that is not part of the gradient.
    """
    from ..backends import cuda_kernels

    return cuda_kernels.adam_moments(counts, like, found_inf, lr, beta1, beta2, decoupled)


def _fixed(members: list, steps: list | None) -> list:
    """The arrays that are the same from step to step."""
    kept = [array for arrays in members for array in (arrays[0], *arrays[2:])]
    return kept if steps is None else [*kept, *steps]


def _rows(arrays: list) -> list:
    """The arrays as the kernels see them: complex numbers as pairs of real ones."""
    if arrays[0].dtype.kind != "c":
        return arrays
    return [flattened(a) if a.flags.c_contiguous else a for a in arrays]  # the kernels refuse the others


def _dense(gradient):
    """A gradient in row-major order; one that a transposition made is copied."""
    gradient = gradient if gradient.flags.c_contiguous else array_module(gradient).ascontiguousarray(gradient)
    return flattened(gradient) if gradient.dtype.kind == "c" else gradient


def step_together(optimizer, index: int, group: dict, todo: list) -> list:
    """Update the parameters of `todo`, (state, numbers, arrays) each, that a kernel takes; the others are left."""
    left, by_numbers = [], {}
    for entry in todo:
        array = entry[2][0]
        if is_numpy(array):
            left.append(entry)
        else:
            by_numbers.setdefault((entry[1], array.device.id), []).append(entry)
    kept = optimizer.__dict__.setdefault("_tables", {})
    for place, ((numbers, _), entries) in enumerate(by_numbers.items()):
        members = [arrays for _, _, arrays in entries]
        steps = [state["step"]._array for state, _, _ in entries] if numbers == ON_DEVICE else None
        together = kept.get((index, place))
        if together is None or not together.fits(members, steps):
            together = kept[index, place] = Together(members, steps)
        together.step(optimizer, group, numbers, members)
        left += [entries[place] for place in together.others]
    return left


ON_DEVICE = (None,)  # in place of an optimizer's numbers: the count of steps lies on the GPU

__all__ = ["ON_DEVICE", "adam_moments", "step_together"]
