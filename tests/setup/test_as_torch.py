"""`python -m course_lib program.py`: a program that says `import torch` runs on the library."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms
import neighbour

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
for x, y in DataLoader(TensorDataset(torch.randn(8, 4), torch.arange(8) % 2), 4):
    F.cross_entropy(model(x), y).backward()
print(torch.__name__, nn.__name__, neighbour.torch is torch, sys.argv[1:], __name__)
try:
    import torch.no_such_module
except ModuleNotFoundError as error:
    print(error)
"""


def run(*arguments, folder) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "neighbour.py").write_text("import torch\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("how", [["train.py"], ["-m", "train"]])
def test_a_program_runs_as_it_is(folder, how):
    done = run("-m", "course_lib", *how, "--epochs", "3", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "course_lib course_lib.nn True ['--epochs', '3'] __main__" in done.stdout
    assert "No module named 'torch.no_such_module'" in done.stdout


def test_what_is_missing_is_said(tmp_path):
    assert "There is no program 'absent.py'" in run("-m", "course_lib", "absent.py", folder=tmp_path).stderr
    without = run("-m", "course_lib", folder=tmp_path)
    assert without.returncode == 2 and "runs a PyTorch program" in without.stdout


def test_two_torches_do_not_mix(tmp_path):
    (tmp_path / "torch.py").write_text("", encoding="utf-8")  # whatever is called torch
    done = run("-c", "import torch, course_lib.as_torch as a; a.install()", folder=tmp_path)
    assert "PyTorch itself has been imported in this process" in done.stderr
