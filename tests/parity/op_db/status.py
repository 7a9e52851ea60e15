"""The conformance status: what of PyTorch's operator database course_lib does not reproduce yet, and why.

`status.json` holds, for each entry that is not fully equal, the aspects that differ with the observed difference, or
one reason why the entry is out of scope. A test fails when an aspect gets worse and also when it gets better, so that
the file only ever shrinks:

    python tests/parity/op_db/status.py            run everything, say what changed
    python tests/parity/op_db/status.py --write    and record it (refuses what got worse, unless --accept-worse)
    python tests/parity/op_db/status.py --table    write docs/coverage.md from the recorded status
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
STATUS = HERE / "status.json"
TABLE = ROOT / "docs" / "coverage.md"

OUT_OF_SCOPE = {  # prefixes and names, with the reason
    "jiterator_": "CUDA code strings",
    "sparse.": "sparse tensors",
    "to_sparse": "sparse tensors",
    "torch._": "internal operator of PyTorch",
    "slice": "internal operator of PyTorch",
    "torch.ops.": "internal operator of PyTorch's dispatcher",
    "_": "internal operator of PyTorch",
    "native_": "internal operator of PyTorch",
    "nn.functional.linear_cross_entropy": "fused operator of torch.compile",
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


@dataclass(frozen=True)
class Why:
    """A reason for differences: which entries and aspects it explains (patterns), and whether machines differ in it."""

    entries: str
    aspects: str
    reason: str
    varies: bool = False  # the difference depends on the processor or the LAPACK, so that its absence is no news


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
    Why(".*", ".*", "not done yet"),
)


def why(name: str, aspect: str) -> Why:
    """The first reason that explains a difference."""
    return next(w for w in REASONS if re.fullmatch(w.entries, name.split("/")[0]) and re.fullmatch(w.aspects, aspect))


def recorded() -> dict[str, dict[str, str]]:
    return json.loads(STATUS.read_text(encoding="utf-8")) if STATUS.exists() else {}


def compare(name: str, found: dict[str, str], before: dict[str, str]) -> list[str]:
    """What changed against the record, one sentence an aspect."""
    worse = [aspect for aspect in found if aspect not in before and not (before and why(name, aspect).varies)]
    better = [aspect for aspect in before if aspect not in found and not why(name, aspect).varies]
    return [
        *[f"{name}: {aspect} differs from PyTorch ({found[aspect]})" for aspect in worse],
        *[f"{name}: {aspect} is now equal to PyTorch, take it out of status.json" for aspect in better],
    ]


def table(status: dict[str, dict[str, str]], names: list[str]) -> str:
    """docs/coverage.md: the status as a page for readers."""
    inside = [name for name in names if out_of_scope(name) is None]
    missing = [name for name in inside if "missing" in status.get(name, {})]
    partial = [name for name in inside if name in status and name not in missing]
    equal = len(inside) - len(missing) - len(partial)
    lines = [
        "# Conformance with PyTorch 2.13",
        "",
        "Generated from PyTorch's own operator database by `python tests/parity/op_db/status.py --table`; "
        "not edited by hand.",
        "Every entry is run on both libraries: values, dtypes, shapes, strides and views, first and second gradients, "
        "error",
        "types, for float32, float64, int64, bool, complex64 and bfloat16.",
        "",
        "| entries | |",
        "|---|---:|",
        f"| equal in every aspect | {equal} |",
        f"| with a difference, listed below | {len(partial)} |",
        f"| not implemented, listed below | {len(missing)} |",
        f"| out of scope, listed below | {len(names) - len(inside)} |",
        "",
        "## With a difference",
        "",
        "| entry | aspect | difference | why |",
        "|---|---|---|---|",
    ]
    for name in sorted(partial):
        for aspect, text in status[name].items():
            lines.append(f"| `{name}` | {aspect} | {_cell(text)} | {why(name, aspect).reason} |")
    lines += ["", "## Not implemented", "", ", ".join(f"`{name}`" for name in sorted(missing)) or "None.", ""]
    lines += ["## Out of scope", "", "| reason | entries |", "|---|---|"]
    by_reason: dict[str, list[str]] = {}
    for name in names:
        if reason := out_of_scope(name):
            by_reason.setdefault(reason, []).append(f"`{name}`")
    lines += [f"| {reason} | {', '.join(sorted(set(found)))} |" for reason, found in sorted(by_reason.items())]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    import samples

    before, names, now, changes = recorded(), [], {}, []
    if "--table" not in arguments:
        for name, op in samples.variants():
            names.append(name)
            if out_of_scope(name) is None and (found := samples.check(op)):
                now[name] = found
            changes += compare(name, now.get(name, {}), before.get(name, {}))
        print("\n".join(changes) or "nothing changed")
        worse = [line for line in changes if "now equal" not in line]
        if "--write" in arguments:
            if worse and "--accept-worse" not in arguments:
                print(f"{len(worse)} aspects got worse: not written")
                return 1
            STATUS.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    names = names or [name for name, _ in samples.variants()]
    if "--write" in arguments or "--table" in arguments:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(table(recorded(), names), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(ROOT)]
    sys.exit(main(sys.argv[1:]))
