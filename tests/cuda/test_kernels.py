"""The tests of all kernels' values and of the ops that use them (tests/cuda_kernels), on a real GPU."""

import importlib
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "cuda_kernels"

for path in sorted(FOLDER.glob("test_*_values.py")):
    found = vars(importlib.import_module(path.stem))
    globals().update({name: value for name, value in found.items() if name.startswith("test_")})
