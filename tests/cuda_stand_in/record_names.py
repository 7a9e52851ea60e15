"""Write cupy_names.json: CuPy's functions, their parameters, and the dtypes that they take. Run it with CuPy installed
(no GPU needed):

    python tests/cuda_stand_in/record_names.py
"""

from __future__ import annotations

import gc
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


def loops(function) -> str:
    return table(function._ops)


def table(all_loops) -> str:
    """The loops of an elementwise function or a reduction, as cupy_loops.py reads them; each only once."""
    found = []
    for loop in all_loops.ops:
        takes, gives = ["".join(np.dtype(t).char for t in types).replace("l", "q").replace("L", "Q")
                        for types in (loop.in_types, loop.out_types)]  # fmt: skip
        if "V" not in takes:  # records
            found.append(f"{takes}->{gives}{'!' if loop.error_func else ''}")
    return " ".join(dict.fromkeys(found))


def all_reductions() -> dict[str, str]:
    """All reductions by their names in CuPy; many of them are reached from its own code only."""
    from cupy._core._reduction import _SimpleReductionKernel

    found = {kernel.name: loops(kernel) for kernel in gc.get_objects() if isinstance(kernel, _SimpleReductionKernel)}
    return {name: found[name] for name in sorted(found)}


def main() -> None:
    import cupy
    import cupyx.scipy.special
    import scipy.special
    from cupy._core import _routines_math, core
    from cupy._math import misc
    from cupy._sorting import search

    elementwise = {name: value for name, value in sorted(vars(cupy).items()) if isinstance(value, cupy.ufunc)}
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
        "loops": {name: loops(f) for name, f in elementwise.items()} | {
            "where": loops(search._where_ufunc), "clip": loops(_routines_math.clip), "round": loops(core._round_ufunc),
            "angle": loops(_routines_math.angle), "nan_to_num": loops(misc._nan_to_num)},
        "loops_by_result": {name: table(f._out_ops) for name, f in elementwise.items() if f._out_ops},
        "exact_integers": [name for name, f in elementwise.items() if f._ops.promote_types],
        "scatter": [name for name, f in elementwise.items() if f._scatter_op],
        "reductions": all_reductions(),
        "special_loops": {name: loops(f) for name, f in sorted(vars(cupyx.scipy.special).items())
                          if isinstance(f, cupy.ufunc)},
    }  # fmt: skip
    NAMES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
