"""The conformance status of PyTorch's operator database; `conformance.py` says how it is kept.

    python tests/parity/op_db/status.py            run everything, say what changed
    python tests/parity/op_db/status.py --write    and record it (refuses what got worse, unless --accept-worse)
    python tests/parity/op_db/status.py --table    write the section of docs/coverage.md from the recorded status
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[level]) for level in (1, 3)]

from conformance import Database, Why

OUT_OF_SCOPE = {  # prefixes and names, with the reason
    "jiterator_": "CUDA code strings",
    "sparse.": "sparse tensors",
    "to_sparse": "sparse tensors",
    "torch._": "internal operator of PyTorch",
    "slice": "internal operator of PyTorch",
    "torch.ops.": "internal operator of PyTorch's dispatcher",
    "_": "internal operator of PyTorch",
    "native_": "internal operator of PyTorch",
    "max_pool2d_with_indices_backward": "internal operator of PyTorch",
    "grid_sampler_": "internal operator of PyTorch",
    "constant_pad_nd": "internal operator of PyTorch",
    "hash_tensor": "internal operator of PyTorch",
    "__rdiv__": "the division of Python 2",
    "chalf": "the dtype complex32 is not part of the library",
    "to_padded_tensor": "nested tensors",
}


def out_of_scope(name: str) -> str | None:
    """Why an entry is not part of the library, or None if it is."""
    if name.startswith("__") and name.split("/")[0].endswith("__"):
        return None  # operators such as __radd__ are public
    for prefix, reason in OUT_OF_SCOPE.items():
        if name.split("/")[0] == prefix or (prefix[-1] in "._" and name.startswith(prefix)):
            return reason
    return None


_VECTORS = r"(linalg\.)?(svd|eig|eigh|eigvals|svd_lowrank|pca_lowrank)(_lowrank)?"
_LAPACK = (
    r"(linalg\.)?(lu.*|qr|geqrf|ormqr|cholesky.*|.*solve.*|inv.*|ldl_.*|lstsq.*|svd|eigh|householder_product|"
    r"matrix_power|tensorinv)"
)
REASONS = (
    Why(_VECTORS, "forward.*|.*gradient", "sign, phase or order of the vectors is LAPACK's choice", True),
    Why(_LAPACK, "strides", "the same values; LAPACK's column order of memory is not kept"),
    Why(r"fft\..*|stft|einsum", "strides", "the same values; PyTorch's results are sometimes transposed in memory"),
    Why(".*", r"forward\[bfloat16\]", "PyTorch rounds intermediate results at other places", True),
    Why("matrix_exp", ".*", "PyTorch's own float32 gradient is 3 % off its float64 one", True),
    Why(r"special\.bessel.*", "forward.*", "PyTorch's approximation differs by up to 2e-7"),
    Why(".*", "errors", "the library accepts what PyTorch refuses, or refuses it with another type of error"),
    Why(".*", "strides", "the same values in another order of memory, or a view where PyTorch copies"),
    Why("as_strided_scatter", "gradient", "PyTorch does not clear the overwritten places of the input's gradient"),
    Why("nn.functional.linear_cross_entropy", "second gradient", "PyTorch's computation in chunks has none"),
    Why(".*", ".*", "not done yet"),
)

DATABASE = Database(
    folder="op_db",
    title="Operators",
    about="Every entry of the operator database is run on both libraries: values, dtypes, shapes, strides and views, "
    "first and\nsecond gradients, error types, for float32, float64, int64, bool, complex64 and bfloat16.",
    out_of_scope=out_of_scope,
    reasons=REASONS,
)


if __name__ == "__main__":
    from op_db import samples

    sys.exit(DATABASE.main(sys.argv[1:], samples.variants(), samples.check))
