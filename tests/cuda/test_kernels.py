"""The tests of all kernels' values and of the ops that use them (tests/cuda_kernels), on a real GPU."""

import importlib
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "cuda_kernels"
FILES = ("test_*_values.py", "test_*_ops.py")

for path in sorted(path for pattern in FILES for path in FOLDER.glob(pattern)):
    found = vars(importlib.import_module(path.stem))
    globals().update({f"{path.stem}_{name.removeprefix('test_')}": value for name, value in found.items()
                      if name.startswith("test_")})  # fmt: skip
