"""The conformance status of PyTorch's optimizer database; `conformance.py` says how it is kept.

    python tests/parity/optim_db/status.py            run everything, say what changed
    python tests/parity/optim_db/status.py --write    and record it (refuses what got worse, unless --accept-worse)
    python tests/parity/optim_db/status.py --table    write the section of docs/coverage.md from the recorded status
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[level]) for level in (1, 3)]

from conformance import Database, Why

REASONS = (
    Why("SparseAdam", ".*", "there are no sparse tensors: rows of zeros in a dense gradient are left out"),
    Why(".*", ".*", "not done yet"),
)

DATABASE = Database(
    folder="optim_db",
    title="Optimizers and learning rate schedules",
    about="Every configuration of the optimizer database makes ten steps on both libraries: parameters and state for "
    "float32,\nfloat64 and complex64, parameters for bfloat16, `foreach`, `fused`, `differentiable`, state dicts "
    "exchanged in the middle,\nerrors with their texts. Every schedule runs for 40 epochs: rates, state dicts, "
    "resuming, warnings.",
    out_of_scope=lambda name: None,
    reasons=REASONS,
)


if __name__ == "__main__":
    from optim_db import samples

    sys.exit(DATABASE.main(sys.argv[1:], samples.variants(), samples.check))
