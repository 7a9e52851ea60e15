"""Compiled kernels: the same numbers with Numba as without, and no word where it is missing or not worth loading."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import compiled
from course_lib.backends.box_muller import box_muller
from course_lib.backends.loading import Loading
from course_lib.backends.trials import SUPPLY

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="Numba is not installed: pip install numba"
)

EAGER = "from course_lib.backends import compiled as c; c.load_kernels('at once'); "
DRAW = "import course_lib as torch; _ = torch.manual_seed(0); print(torch.randn(17).tolist()); "


@pytest.fixture(autouse=True)
def leave_it_as_it_was():
    yield
    compiled.load_kernels("when it pays")


def python(program: str, **environment) -> subprocess.CompletedProcess:
    environment = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)


# ---- the numbers -------------------------------------------------------------------------------------------------

DRAWS = {
    "words": "mersenne.blocks",
    "normal": "random.normal_float32",
    "normal_": "random.normal_float32",
    "bfloat16": "random.normal_float32",
    "poisson": "random.poisson_row",
    "many poisson": "random.poisson_row",
    "binomial": "random.binomial_row",
    "gamma": "random.gamma_row",
    "gamma64": "random.gamma_row",
    "dirichlet": "random.gamma_row",
}
PROGRAMS = {
    "words": lambda: [torch.rand(n) for n in (3, 621, 624, 625, 100_000)] + [torch.randperm(1000)]
                     + [torch.rand(n, dtype=torch.float64) for n in (1, 5000)] + [torch.randint(7, (5000,))],
    "normal": lambda: [torch.randn(n) for n in (16, 17, 1000, 40_001)],
    "normal_": lambda: [torch.empty(n).normal_(1.7, 0.3) for n in (16, 1000)],
    "bfloat16": lambda: [torch.randn(1000, dtype=torch.bfloat16)],
    "poisson": lambda: [torch.poisson(torch.rand(2000) * 40), torch.poisson(torch.tensor([0.0, 1e-3, 1e6]))],
    "many poisson": lambda: [torch.poisson(torch.full((SUPPLY,), 3.0)), torch.poisson(torch.tensor([9.5]))],
    "binomial": lambda: [torch.binomial(torch.randint(0, 200, (2000,)).to(t), torch.rand(2000, dtype=t))
                         for t in (torch.float32, torch.float64)]
                        + [torch.binomial(torch.tensor([5.0, 0, 7, float("nan")]), torch.tensor([1.0, 0.5, 0, 0.5]))],
    "gamma": lambda: [torch._standard_gamma(torch.rand(2000) * 4), torch._standard_gamma(torch.zeros(3))],
    "gamma64": lambda: [torch._standard_gamma(torch.rand(n, dtype=torch.float64) * 2) for n in (1, 2, 999)],
    "dirichlet": lambda: [torch._sample_dirichlet(torch.rand(300, 4))],
}  # fmt: skip


@needs_numba
@pytest.mark.parametrize("case", PROGRAMS)
def test_kernels_give_the_same_bits(case):
    made = []
    for when in ("never", "at once"):
        compiled.load_kernels(when)
        torch.manual_seed(7)
        torch.randn(1)  # leaves a second number of a pair behind
        numbers = PROGRAMS[case]()
        numbers += [torch.randn(3), torch.rand(3)]  # both leave the generator at the same place
        made.append([t.double().numpy() for t in numbers])
        assert (compiled._kernels.get(DRAWS[case]) is not None) is (when == "at once")
    for without, with_kernel in zip(*made, strict=True):
        # Equal bits; only float64 may differ in the last one, where Numba's logarithm is not Python's.
        np.testing.assert_allclose(with_kernel, without, rtol=5e-16)


@needs_numba
def test_normal_numbers_agree_at_both_ends_and_in_between():
    unit = np.concatenate((np.arange(64), 2**24 - 1 - np.arange(64), np.arange(0, 2**24, 2003))).astype(np.float32)
    first, second = (a.ravel()[: len(unit) // 8 * 8] for a in (unit / 2**24, np.roll(unit, 5) / 2**24))
    uniforms = np.stack((first.reshape(-1, 8), second.reshape(-1, 8)), axis=1).ravel()
    made = []
    for when in ("never", "at once"):
        compiled.load_kernels(when)
        numbers = uniforms.copy()
        box_muller(numbers, 0.1, 1.3)
        made.append(numbers)
    np.testing.assert_array_equal(*made)


@needs_numba
def test_a_generator_goes_on_where_kernels_come_and_go():
    def draw():
        g = torch.Generator().manual_seed(11)
        numbers = []
        for when in ("never", "at once", "at once", "never", "at once"):
            if switching:
                compiled.load_kernels(when)
            numbers += [torch.rand(700, generator=g), torch.poisson(torch.full((100,), 4.0), generator=g)]
            state = g.get_state()
            numbers.append(torch.rand(1300, generator=g))
            g.set_state(state)
            numbers.append(torch.rand(1300, generator=g))
        return torch.cat(numbers).tolist()

    compiled.load_kernels("never")
    switching = False
    expected = draw()
    switching = True
    assert draw() == expected


# ---- when they are loaded ----------------------------------------------------------------------------------------


def test_loading_waits_until_it_pays():
    helper = Loading(1.0, "no module of this name")
    assert [helper.pays(0.4), helper.pays(0.4), helper.pays(0.4)] == [False, False, True]
    assert Loading(1.0, "sys").pays(0.0)


def test_a_few_numbers_do_not_load_numba():
    program = DRAW + "import sys; torch.randn(100_000); torch.randperm(1000); print('numba' in sys.modules)"
    assert python(program).stdout.endswith("False\n")


@pytest.mark.parametrize(
    "without",
    ["import sys; sys.modules['numba'] = None; ", "import os; os.environ['NUMBA_DISABLE_JIT'] = '1'; ",
     "import sys; sys.modules['llvmlite'] = None; "],
    ids=["not installed", "switched off", "broken"],
)  # fmt: skip
def test_without_numba_the_numbers_are_the_same(without):
    found = python(without + EAGER + DRAW + "print({*c._kernels.values()})")
    torch.manual_seed(0)
    numbers, loaded = found.stdout.splitlines()
    assert numbers == str(torch.randn(17).tolist()) and found.stderr == ""
    assert loaded == "{None}"


# ---- where they are kept -----------------------------------------------------------------------------------------


@needs_numba
def test_two_processes_can_compile_at_once_into_one_folder(tmp_path):
    command = [sys.executable, "-c", EAGER + DRAW + "print(c._kernels['random.normal_float32'] is not None)"]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    answers = {process.communicate()[0] for process in running}
    assert len(answers) == 1 and answers.pop().endswith("True\n")
    kept = {file.suffix for file in tmp_path.rglob("*normal_float32*")}
    assert kept == {".nbi", ".nbc"}


@needs_numba
def test_a_folder_that_cannot_be_made_is_no_obstacle(tmp_path):
    (tmp_path / "file").touch()
    program = EAGER + DRAW + "print(c._kernels['random.normal_float32'] is not None)"
    found = python(program, NUMBA_CACHE_DIR=str(tmp_path / "file" / "below"))
    assert found.stdout.endswith("True\n") and found.stderr == ""


def test_folders_of_former_versions_do_not_pile_up(tmp_path, monkeypatch):
    kept = tmp_path / "course_lib" / "kernels"
    for i in range(20):
        (kept / f"{i:016}").mkdir(parents=True)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    folder = compiled.cache_folder.__wrapped__()
    assert folder.parent == kept and len(list(kept.iterdir())) == compiled.FOLDERS_KEPT
