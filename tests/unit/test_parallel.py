"""The steps of DataParallel on the CPU, and torch.distributed where there is none."""

from __future__ import annotations

import copy
from collections import namedtuple

import pytest

import course_lib as torch
from course_lib.nn.parallel import gather, parallel_apply, replicate, scatter

DEVICES = ["cpu", "cpu"]


def test_pieces_keep_the_form_of_what_is_scattered():
    pair = namedtuple("pair", "x y")
    x = torch.arange(5)
    first, second = scatter((x, {"k": [x, "same"]}, pair(x, None)), DEVICES)
    assert first[0].tolist() == [0, 1, 2] and second[0].tolist() == [3, 4]
    assert second[1]["k"][0].tolist() == [3, 4] and second[1]["k"][1] == "same"
    assert isinstance(second[2], pair) and second[2].y is None
    joined = gather([first[2], second[2]], "cpu")
    assert isinstance(joined, pair) and joined.x.tolist() == x.tolist() and joined.y is None


def test_losses_without_dimensions_become_a_vector():
    assert gather([torch.tensor(1.0), torch.tensor(2.0)], "cpu").tolist() == [1.0, 2.0]


def test_copies_working_on_pieces_give_the_modules_gradients():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    twin, x = copy.deepcopy(model), torch.randn(6, 3)
    pieces = [(piece,) for piece in scatter(x, DEVICES)]
    out = gather(parallel_apply(replicate(model, DEVICES), pieces), "cpu")
    torch.testing.assert_close(out, twin(x))
    out.square().sum().backward()
    twin(x).square().sum().backward()
    for ours, expected in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, expected.grad)


def test_detached_copies_send_no_gradient_back():
    (replica,) = replicate(torch.nn.Linear(2, 2), ["cpu"], detach=True)
    assert not replica(torch.ones(1, 2)).requires_grad


def test_as_many_inputs_as_modules():
    with pytest.raises(AssertionError, match="number of modules 1 is not equal to the number of inputs 2"):
        parallel_apply([torch.nn.Linear(1, 1)], [torch.ones(1, 1)] * 2)


def test_there_is_no_process_group():
    assert not torch.distributed.is_available()
    with pytest.raises(RuntimeError, match="runs in one process"):
        torch.distributed.init_process_group("gloo")
