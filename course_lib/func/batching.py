"""vmap: from a function of one sample to a function of a whole batch.

The design is the one that is right for every function: `func` runs once for each sample, on views of the batch
(`unbind`), and the results are stacked. So every operation, transform, nested vmap and control flow that depends on
values works, and gradients flow through. It costs a Python loop; write the batch dimension out where speed matters.
"""

from __future__ import annotations

import functools

from ..ops.joining import stack
from ..random import default_generator
from ..tensor import Tensor
from ..utils._pytree import broadcast_prefix, tree_flatten, tree_unflatten

MODES = ("error", "different", "same")


def vmap(func, in_dims=0, out_dims=0, randomness: str = "error", *, chunk_size: int | None = None):
    """A function that applies `func` to each slice of its arguments and stacks what it returns.

    `in_dims`: the dimension along which each argument is sliced, None for an argument that every call gets whole; a
    number for all, or containers as the arguments'. Keyword arguments are never sliced. `out_dims`: where the batch
    dimension stands in the results.
    `randomness`: what random functions inside do: "error", numbers that are "different" or the "same" for each sample.

    >>> import course_lib as torch
    >>> torch.vmap(torch.dot)(torch.ones(2, 3), torch.arange(6.).reshape(2, 3))
    tensor([ 3., 12.])

    Source: https://docs.pytorch.org/docs/stable/generated/torch.func.vmap.html
    """
    if randomness not in MODES:
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        name = getattr(func, "__name__", repr(func))
        leaves, spec = tree_flatten((args, kwargs))
        dims = _dims_of(name, in_dims, args, kwargs, leaves)
        size = _batch_size(name, in_dims, leaves, dims)
        columns = [
            leaf.unbind(dim) if dim is not None and size else leaf for leaf, dim in zip(leaves, dims, strict=True)
        ]

        def sample(number: int):
            chosen = [
                column if dim is None else column[number] if size else leaf.new_zeros(_without(leaf.shape, dim))
                for leaf, column, dim in zip(leaves, columns, dims, strict=True)
            ]
            one, named = tree_unflatten(chosen, spec)
            return func(*one, **named)

        results = _run_all(sample, max(size, 1), randomness)
        return _stacked(name, results, out_dims, size)

    return wrapped


def _without(shape, dim: int) -> tuple:
    return (*shape[:dim], *shape[dim + 1 :])


# ---- arguments ---------------------------------------------------------------------------------------------------


def _dims_of(name: str, in_dims, args: tuple, kwargs: dict, leaves: list) -> list:
    """For each leaf of the arguments the dimension along which it is sliced, or None."""
    call = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims)}."
        )
    if not leaves:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    dims = broadcast_prefix(list(in_dims) if isinstance(in_dims, tuple) else in_dims, list(args))
    if dims is None:
        raise ValueError(
            f"{call}: in_dims is not compatible with the structure of `inputs`: it must be one number, or containers "
            f"that match the {len(args)} inputs."
        )
    dims += [None] * (len(leaves) - len(dims))  # every call gets keyword arguments whole
    return [_checked_dim(call, leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)]


def _checked_dim(call: str, leaf, dim):
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but in_dim must be either an integer dimension or None."
        )
    if not isinstance(leaf, Tensor):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We cannot vmap over "
            "non-Tensor arguments, please use None as the respective in_dim"
        )
    if not -leaf.dim() <= dim < leaf.dim():
        raise ValueError(
            f"{call}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {leaf.dim()} so "
            f"expected in_dim to satisfy -{leaf.dim()} <= in_dim < {leaf.dim()}."
        )
    return dim % leaf.dim()


def _batch_size(name: str, in_dims, leaves: list, dims: list) -> int:
    sizes = [leaf.shape[dim] for leaf, dim in zip(leaves, dims, strict=True) if dim is not None]
    if not sizes:
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): at least one input must be sliced: all of in_dims are "
            "None."
        )
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the "
            "mapped dimension"
        )
    return sizes[0]


# ---- running -----------------------------------------------------------------------------------------------------


def _run_all(sample, count: int, randomness: str) -> list:
    """The results of all samples; the random numbers as `randomness` wants them."""
    if randomness == "different":
        return [sample(number) for number in range(count)]
    start = default_generator.get_state()
    results = []
    for number in range(count):
        if number and randomness == "same":
            default_generator.set_state(start)
        results.append(sample(number))
        if number == 0 and randomness == "error" and not bool((default_generator.get_state() == start).all()):
            default_generator.set_state(start)
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                "'different' randomness flags on vmap or perform the randomness operation out of vmap"
            )
    return results


def _stacked(name: str, results: list, out_dims, size: int):
    """The results of the samples as one result with a batch dimension."""
    flat = []
    for result in results:
        leaves, spec = tree_flatten(result)
        for leaf in leaves:
            if not isinstance(leaf, Tensor):
                raise ValueError(
                    f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(leaf)}. Did you mean to set "
                    "out_dims= to None for output?"
                )
        flat.append(leaves)
    dims = _out_dims_of(name, out_dims, results[0])
    made = []
    for dim, parts in zip(dims, zip(*flat, strict=True), strict=True):
        if dim is None:
            made.append(parts[0])
            continue
        if not -parts[0].dim() - 1 <= dim <= parts[0].dim():
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-parts[0].dim() - 1}, {parts[0].dim()}], but "
                f"got {dim})"
            )
        whole = stack(parts, dim)
        made.append(whole if size else whole.narrow(dim % whole.dim(), 0, 0))
    return tree_unflatten(made, spec)


def _out_dims_of(name: str, out_dims, result) -> list:
    if isinstance(out_dims, (int, type(None))):
        return [out_dims] * len(tree_flatten(result)[0])
    single = not isinstance(result, (tuple, list, dict))
    prefix = out_dims[0] if single and isinstance(out_dims, tuple) and len(out_dims) == 1 else out_dims
    if isinstance(result, list) and isinstance(prefix, tuple):
        prefix = list(prefix)
    dims = broadcast_prefix(prefix, result)
    if dims is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            "`outputs`."
        )
    return dims


__all__ = ["vmap"]
