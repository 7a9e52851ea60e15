"""The kernels through NVIDIA's compiler, which needs no GPU, and what its assembler says that each of them uses.

After a change of kernels, write the budgets again and look at the difference:

    .venv/bin/python tests/cuda_kernels/nvrtc.py            every file
    .venv/bin/python tests/cuda_kernels/nvrtc.py softmax    only these; the other budgets stay
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

from course_lib.backends.kernels import loading

BUDGETS = Path(__file__).with_name("budgets.json")
FILES = sorted(path.stem for path in loading.FOLDER.glob("*.cu"))
# Every target with float32, and each other element type once.
PROGRAMS = [("sm_75", "float"), ("sm_80", "float"), ("sm_90", "float"), ("sm_100", "float"), ("sm_75", "Half"),
            ("sm_90", "BFloat16"), ("sm_80", "double")]  # fmt: skip
TENSOR_CORES = [("sm_80", "Half"), ("sm_100", "BFloat16")]  # what uses them on the other targets, too
AS_CUPY = ("-std=c++17", "--device-as-default-execution-space", "-ftz=true")  # what CuPy adds
# What a file is compiled with besides, where the loader has a choice.
_PLAIN, _MASKED = {"MASK": "bool", "MASKED": 0, "DROPS": 0}, {"MASK": "bool", "MASKED": 1, "DROPS": 1}
VARIANTS = {
    "attention": [{"HEAD": 64, **_MASKED}, {"HEAD": 128, **_MASKED}, {"HEAD": 256, **_MASKED}],
    "attention_parts": [_MASKED],
    "batch_norm": [{}, {"WEIGHT": "float"}],
    "attention_cores": [{"HEAD": 64, "STRIPS": 2, **_PLAIN}, {"HEAD": 64, "STRIPS": 1, **_MASKED},
                        {"HEAD": 128, "STRIPS": 1, **_PLAIN}, {"HEAD": 128, "STRIPS": 1, **_MASKED}],
    "attention_cores_backward": [{"HEAD": 64, **_MASKED}, {"HEAD": 128, **_PLAIN}, {"HEAD": 128, **_MASKED}],
    "conv_tiles": [{}, {"CORES": 1, "ROWS": 64, "FLAT": 1}, {"CORES": 1, "ROWS": 128}],
    "integers": [{}, {"ELEMENT": "long long"}, {"ELEMENT": "bool"}],
}  # fmt: skip
GRANULE = 8  # a GPU gives registers to threads in steps of 8
# Where ptxas says what the fields of Use hold.
REPORTED = (r"Used (\d+) registers", r"(\d+) bytes stack", r"(\d+) bytes spill stores", r"(\d+) bytes smem")


class Use(NamedTuple):
    """What a kernel needs: registers of a thread, bytes of its stack and spilled, shared bytes of a block."""

    registers: int
    stack: int
    spilled: int
    shared: int


def compiled(file: str, target: str, element: str) -> dict[str, Use]:
    """Compile a file in all its variants; the most that each of its kernels needs."""
    most: dict[str, Use] = {}
    for defines in VARIANTS.get(file, [{}]):
        if not _chosen(file, element, defines):
            continue
        for name, use in _compiled(file, target, element, defines).items():
            most[name] = Use(*map(max, use, most.get(name, use)))
    return most


def _compiled(file: str, target: str, element: str, defines: dict) -> dict[str, Use]:
    """What the kernels of a file need; RuntimeError with the compiler's log where it cannot be compiled."""
    from cuda.bindings import nvrtc

    options = [*loading.options(element, **defines), *AS_CUPY, f"-arch={target}", "--ptxas-options=-v"]
    error, program = nvrtc.nvrtcCreateProgram(loading.source(file).encode(), f"{file}.cu".encode(), 0, [], [])
    (error,) = nvrtc.nvrtcCompileProgram(program, len(options), [option.encode() for option in options])
    _, size = nvrtc.nvrtcGetProgramLogSize(program)
    log = bytes(size)
    nvrtc.nvrtcGetProgramLog(program, log)
    nvrtc.nvrtcDestroyProgram(program)
    if int(error):
        raise RuntimeError(f"{file}.cu for {target} with {element}:\n{log.decode()}")
    return registers_and_memory(log.decode())


def registers_and_memory(log: str) -> dict[str, Use]:
    """Kernel → Use, from ptxas's report."""
    found = {}
    for name, report in re.findall(r"Compiling entry function '(\w+)'(.*?)(?=Compiling entry|\Z)", log, re.DOTALL):
        numbers = [re.search(pattern, report) for pattern in REPORTED]
        found[name] = Use(*[int(number[1]) if number else 0 for number in numbers])
    return found


def takes(file: str, element: str, target: str) -> bool:
    """Whether the loader compiles a file for an element type: attention's tiles of float64 would not fit into the
    48 KiB of shared memory that a block can count on, and tensor cores learnt one type after the other."""
    if file.startswith("attention_cores"):
        return element == "Half" or (element in ("float", "BFloat16") and target != "sm_75")
    return (target, element) not in TENSOR_CORES and not (file.startswith("attention") and element == "double")


def _chosen(file: str, element: str, defines: dict) -> bool:
    """Whether the loader combines an element type with these defines."""
    if "WEIGHT" in defines:  # weights of a type of their own
        return element in ("Half", "BFloat16")
    if file.startswith("attention_cores") and element == "float":
        return defines["HEAD"] <= 64 and defines.get("STRIPS", 1) == 1
    return not (element == "double" and "CORES" in defines)  # tensor cores are not asked for float64


def _record(files: list[str]) -> None:
    """Write the budgets of the kernels in these files, or of all kernels."""
    most: dict[str, Use] = {}
    for target, element in PROGRAMS + TENSOR_CORES:
        for file in files or FILES:
            if not takes(file, element, target):
                continue
            for name, use in compiled(file, target, element).items():
                most[name] = Use(*map(max, use, most.get(name, use)))
    table = json.loads(BUDGETS.read_text(encoding="utf-8")) if files else {}
    for name, use in most.items():
        table[name] = use._replace(registers=-(-use.registers // GRANULE) * GRANULE)._asdict()
    lines = [f'  "{name}": {json.dumps(table[name])}' for name in sorted(table)]
    BUDGETS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    _record(sys.argv[1:])
