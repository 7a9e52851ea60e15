"""Write cupy_names.json: CuPy's functions and their parameters. Run it with CuPy installed (no GPU needed):

    python tests/cuda_stand_in/record_names.py
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np

NAMES = Path(__file__).with_name("cupy_names.json")


def parameters(function) -> list[str] | None:
    """The names of the parameters; None where they cannot be told, which means: as NumPy's."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return None if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found) else [p.name for p in found]


def functions(theirs, ours) -> dict[str, list[str] | None]:
    names = [name for name in dir(ours) if not name.startswith("_") and hasattr(theirs, name)]
    return {name: parameters(getattr(theirs, name)) for name in names
            if callable(getattr(ours, name)) and not isinstance(getattr(ours, name), type)}  # fmt: skip


def main() -> None:
    import cupy
    import cupyx.scipy.special
    import scipy.special

    found = {
        "version": cupy.__version__,
        "functions": functions(cupy, np),
        "linalg": functions(cupy.linalg, np.linalg),
        "fft": functions(cupy.fft, np.fft),
        "special": functions(cupyx.scipy.special, scipy.special),
        "ndarray": sorted(name for name in dir(cupy.ndarray) if not name.startswith("_")),
        "dunder": sorted(name for name in dir(cupy.ndarray) if name.startswith("__") and hasattr(np.ndarray, name)),
        "ufuncs": sorted(name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)
                         and isinstance(getattr(cupy, name, None), cupy.ufunc)),
    }  # fmt: skip
    NAMES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
