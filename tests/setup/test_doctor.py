"""What `classroom doctor` says about this machine, and about machines that lack something."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.classroom import doctor

COMMAND = (sys.executable, "-m", "course_lib.classroom.cli", "doctor")


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """programs(name=script): only these programs are on the PATH."""
    if os.name == "nt":
        pytest.skip("the stand-ins for programs are shell scripts")
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(**scripts: str) -> None:
        for name, script in scripts.items():
            program = tmp_path / name.replace("_", "-")
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)

    return put


def test_every_line_of_the_report_says_something():
    findings = doctor.examine()
    names = [finding.name for finding in findings]
    assert len(names) == len(set(names))
    assert {"Python", "Processor", "BLAS", "Memory", "GPU", "numpy", "jupyterlab", "anywidget"} <= set(names)
    assert {"Course folder", "Sandbox", "Chromium", "Port 8888"} <= set(names)
    assert {finding.status for finding in findings} <= {"ok", "warn", "missing"}
    assert all(finding.found for finding in findings)
    assert all(finding.advice for finding in findings if finding.status != "ok")


def test_the_report_knows_this_machine():
    found = {finding.name: finding.found for finding in doctor.examine()}
    assert found["Python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert f"of {os.cpu_count()} cores" in found["Processor"]
    import numpy

    assert found["numpy"] == numpy.__version__
    assert "GiB free of" in found["Memory"]


def test_table_and_json_tell_the_same(run):
    table = run(*COMMAND, env={**os.environ, "COLUMNS": "200"})
    report = json.loads(run(*COMMAND, "--json").stdout)
    assert table.returncode == int(any(finding["status"] == "missing" for finding in report))
    for finding in report:
        assert finding["name"] in table.stdout
    assert set(report[0]) == {"name", "status", "found", "advice"}


def test_looking_imports_nothing_heavy():
    heavy = {"cupy", "torch", "numba", "jupyterlab", "matplotlib", "nbgrader"}
    code = f"import sys; from course_lib.classroom.doctor import examine; examine(); print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_a_laptop_without_a_gpu_is_all_right(programs):
    programs()
    finding = doctor.gpu()
    assert finding.status == "ok" and finding.found == "no NVIDIA GPU" and "simulator" in finding.advice


@pytest.mark.parametrize(("driver", "extra"), [("535.104.05", "cuda12"), ("580.65.06", "cuda13")])
def test_a_gpu_without_cupy_gets_the_extra_that_its_driver_can_run(programs, monkeypatch, driver, extra):
    programs(nvidia_smi=f"echo 'NVIDIA H200, 143771 MiB, {driver}'")
    monkeypatch.setattr(doctor, "installed_version", lambda name: None)
    finding = doctor.gpu()
    assert finding.status == "warn" and "NVIDIA H200" in finding.found and f'".[{extra}]"' in finding.advice


def test_a_gpu_with_cupy_is_all_right(programs, monkeypatch):
    programs(nvidia_smi="echo 'NVIDIA H200, 143771 MiB, 580.65.06'")
    monkeypatch.setattr(doctor, "installed_version", lambda name: "14.0.1" if name == "cupy-cuda13x" else None)
    assert doctor.gpu().status == "ok" and "cupy-cuda13x 14.0.1" in doctor.gpu().found


def test_a_driver_that_does_not_answer_counts_as_no_gpu(programs):
    programs(nvidia_smi="echo 'NVIDIA-SMI has failed'; exit 9")
    assert doctor.gpu().found == "no NVIDIA GPU"


def test_a_missing_and_an_old_package_are_told_apart(monkeypatch):
    versions = {"nbgrader": None, "jupyterlab": "3.0.0"}
    installed = doctor.installed_version
    monkeypatch.setattr(doctor, "installed_version", lambda name: versions.get(name, installed(name)))
    found = {finding.name: finding for finding in doctor.packages()}
    assert found["nbgrader"].status == "missing" and ".venv" in found["nbgrader"].advice
    assert found["jupyterlab"].status == "warn" and ">=4.6" in found["jupyterlab"].advice
    assert found["rich"].status == "ok"


def test_the_sandbox_is_tried_not_only_found(programs):
    if sys.platform != "linux":
        assert doctor.sandbox().status == "warn" and "Linux" in doctor.sandbox().found
        return
    programs()
    assert "not installed" in doctor.sandbox().found and "apt install bubblewrap" in doctor.sandbox().advice
    programs(bwrap="echo 'bwrap: No permissions to create new namespace' >&2; exit 1")
    assert doctor.sandbox().status == "warn" and "trial run of it failed" in doctor.sandbox().found
    programs(bwrap='[ "$1" = --version ] && echo bubblewrap 9 || echo works')
    assert doctor.sandbox() == doctor.Finding("Sandbox", "ok", "bubblewrap 9, a trial run works")


def test_chromium_is_found_by_any_of_its_names(programs, monkeypatch):
    monkeypatch.setattr(doctor.Path, "is_file", lambda path: False)
    programs()
    assert doctor.find_chromium() is None and doctor.chromium().status == "warn"
    programs(google_chrome="exit 0")
    assert Path(doctor.find_chromium()).name == "google-chrome" and doctor.chromium().status == "ok"
