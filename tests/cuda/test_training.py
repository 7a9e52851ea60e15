"""The training programs of tests/parity/training on a GPU: their losses are those of the CPU."""

import runpy
import warnings
from pathlib import Path

import pytest

import course_lib
from course_lib.backends import cuda

PROGRAMS = sorted((Path(__file__).parents[1] / "parity" / "training").glob("*.py"))
QUICK = {"curve_fitting", "linear_regression", "xor"}  # without a GPU
FROM_NUMPY = {"digits_cnn", "digits_mlp"}  # their data lie on the CPU
CHOSEN = [path for path in PROGRAMS if path.stem not in FROM_NUMPY and (cuda.device_count() or path.stem in QUICK)]
# Roundings grow from step to step, in other places than on the CPU.
EARLY, STEPS = 10, 50


@pytest.mark.usefixtures("numbers_of_the_cpu")
@pytest.mark.parametrize("path", CHOSEN, ids=lambda path: path.stem)
def test_losses_are_those_of_the_cpu(path):
    train = runpy.run_path(str(path))["train"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = train(course_lib)
        with course_lib.device("cuda"):
            got = train(course_lib)
    assert got[:EARLY] == pytest.approx(expected[:EARLY], rel=1e-3, abs=1e-6)
    assert got[EARLY:STEPS] == pytest.approx(expected[EARLY:STEPS], rel=3e-2, abs=1e-5)
