"""Every CUDA kernel compiles for all targets and stays within its budget of registers, stack and shared memory.

budgets.json holds, for each kernel, the most that it may need on any target; nvrtc.py writes it.
"""

import json
import re

import pytest

pytest.importorskip("cuda.bindings.nvrtc", reason="NVIDIA's compiler is not installed: pip install -e .[kernels]")

import nvrtc

BUDGET = {name: nvrtc.Use(**use) for name, use in json.loads(nvrtc.BUDGETS.read_text(encoding="utf-8")).items()}


@pytest.mark.parametrize(("target", "element"), nvrtc.PROGRAMS + nvrtc.TENSOR_CORES)
def test_kernels_compile_within_their_budgets(target, element):
    found = {}
    for file in nvrtc.FILES:
        if nvrtc.takes(file, element, target):
            found.update(nvrtc.compiled(file, target, element))
    over = {name: (use, BUDGET[name]) for name, use in found.items()
            if any(needed > budget for needed, budget in zip(use, BUDGET[name], strict=True))}  # fmt: skip
    assert not over, f"need more than their budgets on {target} with {element}: {over}"


def test_nothing_is_spilled_and_blocks_can_run():
    """512 threads of a block (of attention 128) share 65,536 registers; it can count on 48 KiB of shared memory."""
    for name, use in BUDGET.items():
        assert use.spilled == 0 and use.stack == 0, f"{name} keeps registers in memory: {use}"
        threads = 128 if name.startswith("attention_") else 512
        assert use.registers * threads <= 65536 and use.shared <= 48 * 1024, f"{name}: {use}"


def test_any_system_can_write_what_is_compiled():
    assert all(nvrtc.loading.source(file).isascii() for file in nvrtc.FILES)


def test_every_kernel_has_a_budget():
    named = set()
    for path in nvrtc.loading.FOLDER.glob("*.cu"):
        named |= set(re.findall(r'extern "C" __global__ void (?:[A-Z]+ )?(\w+)\(', path.read_text(encoding="utf-8")))
    assert named - {"name"} <= BUDGET.keys()


def test_a_mistake_is_reported_with_the_compilers_words(monkeypatch):
    monkeypatch.setattr(nvrtc.loading, "source", lambda file: 'extern "C" __global__ void f() { no_such_name = 1; }')
    with pytest.raises(RuntimeError, match=r"(?s)relu.cu for sm_80 with float:.*no_such_name"):
        nvrtc.compiled("relu", "sm_80", "float")


def test_a_compiler_that_spills_is_noticed():
    log = ("ptxas info : Compiling entry function 'f' for 'sm_80'\n 16 bytes stack frame, 8 bytes spill stores\n"
           " Used 255 registers, used 1 barriers, 4096 bytes smem\n")  # fmt: skip
    assert nvrtc.registers_and_memory(log) == {"f": nvrtc.Use(255, 16, 8, 4096)}
