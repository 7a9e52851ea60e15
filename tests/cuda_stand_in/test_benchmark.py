"""benchmarks/gpu.py runs from end to end on a machine without a GPU, and writes its page from what it measured."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import gpu
import gpu_cases


def test_a_try_without_a_gpu(capsys):
    pytest.importorskip("torch")
    gpu.main(["--try-on-cpu", "--only", "embedding"])
    said = capsys.readouterr().out
    assert "The CPU, to try the program" in said and "embedding: 1,024 of 3,125 rows of 48 and back" in said


def test_no_run_without_a_gpu(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(gpu, "why_not", lambda: "there is none")
    gpu.main(["--markdown", str(tmp_path / "gpu.md")])
    assert capsys.readouterr().out == "No benchmark on a GPU here: there is none.\n" and not list(tmp_path.iterdir())


def test_the_page():
    both = {"PyTorch": 2e-3, "course_lib": 1e-3}
    step = gpu_cases.Case("training step", "MLP, fp32", None, is_training=True)
    rows = [
        gpu.Row(gpu_cases.Case("memory", "copy", None, bytes=8 * 10**9), both, 2.0, 0.125),
        gpu.Row(gpu_cases.Case("matmul", "256 × 256, fp32", None, flops=10**9, peak="fp32"), {"course_lib": 1e-4}),
        gpu.Row(gpu_cases.Case("matmul", "512 × 512, fp32", None, flops=10**9, peak="fp32"), both, 2.0, 0.0),
        gpu.Row(step, both, 2.0, 0.01, {"PyTorch": 30, "course_lib": 23}, {"PyTorch": 2**21, "course_lib": 2**20}),
    ]
    page = gpu.markdown(rows, "a chip")
    assert "Recorded by `benchmarks/gpu.py` on a chip." in page
    assert "| copy | 2.000 ms | 1.000 ms | 2.00 ± 0.12 |" in page
    assert "| 256 × 256, fp32 | - | 100.0 µs | - |" in page
    assert "| MLP, fp32 | 2.000 ms | 1.000 ms | 2.00 ± 0.01 | 30 and 23 launches | 2 and 1 MiB |" in page
    assert "- PyTorch copies 4000 GB/s" in page and "- memory: copy: 200% of the copy's bandwidth" in page


def test_names_are_different():
    names = [(case.group, case.name) for case in gpu_cases.cases(1)]
    assert len(names) == len(set(names)) > 60
