"""Random numbers and dropout: PyTorch's Philox streams on CUDA.

What fills an array takes the seed and the offset of a generator, and returns by how much the offset grows.
"""

from __future__ import annotations

import numpy as np

from .. import cuda
from ..kernels.loading import BLOCK, LETTERS, MOST, WHOLE, blocks_for, launch, processors
from ._new import like

# ---- dropout -----------------------------------------------------------------------------------------------------


def dropout(x, p: float, seed: int, offset: int):
    """x with elements set to 0 with probability p < 1, the others divided by 1 - p; which were kept; the growth."""
    out, kept = like(x), like(x, dtype=np.bool_)
    grid, used = random_launch(x)
    wide = neighbours(x.size, x.itemsize, x.data.ptr)
    launch("dropout", f"dropout_forward_{wide}", x, grid, (BLOCK,), x, out, kept, x.size, np.float32(1 - p),
           1 / (1 - p), np.uint64(seed), np.uint64(offset))  # fmt: skip
    return out, kept, used


def dropout_backward(g, kept, p: float):
    """The gradient by x."""
    out = like(g)
    launch("dropout", "dropout_backward", g, blocks_for(-(-g.size // 4)), (BLOCK,), g, kept, out, g.size, 1 / (1 - p))
    return out


def neighbours(n: int, itemsize: int, address: int = 0) -> int:
    """How many neighbouring elements a thread of PyTorch's dropout works on at a time."""
    wide = 16 // itemsize
    while n % wide or address % (wide * itemsize):
        wide //= 2
    return wide


def takes_gradient(g, kept) -> bool:
    return g.dtype.char in LETTERS and g.shape == kept.shape and all(
        a.flags.c_contiguous and 0 < a.size <= MOST for a in (g, kept)
    )


dropout_backward.takes = takes_gradient


# ---- numbers -----------------------------------------------------------------------------------------------------


def random_launch(x, each: int = 4) -> tuple[tuple[int], int]:
    """The grid with which PyTorch fills x, `each` numbers with a call, and by how much the generator's offset grows."""
    count, threads = processors(cuda.cupy(), x.device.id)
    blocks = min(count * (threads // BLOCK), -(-x.size // BLOCK))
    return (blocks,), 4 * -(-x.size // (each * BLOCK * blocks))


def _distribution(name: str, document: str):
    def fill(out, first: float, second: float, seed: int, offset: int) -> int:
        if out.size == 0:
            return 0
        grid, used = random_launch(out, 2 if out.itemsize == 8 else 4)
        launch("random", name, out, grid, (BLOCK,), out, out.size, float(first), float(second), np.uint64(seed),
               np.uint64(offset))  # fmt: skip
        return used

    fill.__name__, fill.__doc__ = name, f"Fill an array of floats, in place, with {document}."
    return fill


uniform = _distribution("uniform", "numbers in [first, second)")
normal = _distribution("normal", "normal numbers of mean `first` and deviation `second`")
log_normal = _distribution("log_normal", "the exponentials of such normal numbers")
bernoulli = _distribution("bernoulli", "1 with probability `first`, else 0")
exponential = _distribution("exponential", "exponential numbers of rate `first`")
cauchy = _distribution("cauchy", "Cauchy numbers around `first` of half width `second`")
geometric = _distribution("geometric", "the number of trials up to the first success, of probability `first`")


def bernoulli_by(out, p, seed: int, offset: int) -> int:
    """Fill an array of floats with 1 by the probabilities in p (contiguous, float32; float64 for float64), else 0."""
    launch("random", "bernoulli_by", out, blocks_for(-(-out.size // 4)), (BLOCK,), p, out, out.size, np.uint64(seed),
           np.uint64(offset))  # fmt: skip
    return 12


def integers(out, low: int, width: int, wide: bool, seed: int, offset: int) -> int:
    """Fill an array of any real dtype with whole numbers in [low, low + width); wide: from two words each."""
    grid, used = random_launch(out, 2 if wide else 4)
    width = np.uint64(width % 2**64) if wide else np.uint32(width)
    launch("integers", "wide_integers" if wide else "integers", out, grid, (BLOCK,), out, out.size, width,
           np.uint64(low % 2**64).astype(np.int64), np.uint64(seed), np.uint64(offset))  # fmt: skip
    return used


def yes_or_no(out, p: float, seed: int, offset: int) -> int:
    """Fill an array of integers or bool with 1 with probability p, else 0."""
    grid, used = random_launch(out)
    launch("integers", "yes_or_no", out, grid, (BLOCK,), out, out.size, np.float32(p), np.uint64(seed),
           np.uint64(offset))  # fmt: skip
    return used


def takes_whole(out, *others) -> bool:
    """Whether this is an array of one of the dtypes of integers.cu, contiguous, not empty and not too large."""
    return (out.dtype.char in LETTERS or out.dtype.name in WHOLE) and out.flags.c_contiguous and 0 < out.size <= MOST


integers.takes = yes_or_no.takes = takes_whole
