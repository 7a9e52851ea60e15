"""The conformance status of PyTorch's module database; `conformance.py` says how it is kept.

    python tests/parity/module_db/status.py            run everything, say what changed
    python tests/parity/module_db/status.py --write    and record it (refuses what got worse, unless --accept-worse)
    python tests/parity/module_db/status.py --table    write the section of docs/coverage.md from the recorded status
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[level]) for level in (1, 3)]

from conformance import Database, Why

REASONS = (
    Why(".*", r"forward\[bfloat16\]", "PyTorch rounds intermediate results at other places", True),
    Why("nn.CTCLoss", "non-contiguous", "PyTorch misreads one-dimensional targets with gaps in memory"),
    Why("nn.CTCLoss", r"gradient\[float32\]", "PyTorch's float32 gradient is as far from its float64 one", True),
    Why(".*", ".*", "not done yet"),
)

DATABASE = Database(
    folder="module_db",
    title="Modules",
    about="Every entry of the module database is made and called in both libraries: repr, keys of the state, initial "
    "weights of\na seed bit for bit, results in training and evaluation, buffers, gradients by inputs and parameters, "
    "inputs that are not\ncontiguous, copies and pickles, texts of errors, for float32 and float64; bfloat16: results.",
    out_of_scope=lambda name: None,
    reasons=REASONS,
)


if __name__ == "__main__":
    from module_db import samples

    sys.exit(DATABASE.main(sys.argv[1:], samples.variants(), samples.check))
