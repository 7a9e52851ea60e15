"""Modules: memory, copies by hand, files of old pickles, what stays right when tables are edited directly."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import pytest

import course_lib as torch
from course_lib import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.norm = nn.BatchNorm1d(8)
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        return self.last(self.norm(self.first(x)).relu())


def test_a_module_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        net = Net()
        net(torch.ones(3, 4)).sum().backward()
        seen = [weakref.ref(net), weakref.ref(net.first.weight), weakref.ref(net.first)]
        del net
        assert [reference() for reference in seen] == [None, None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", ["register_forward_hook", "register_full_backward_hook"])
def test_a_call_with_hooks_leaves_nothing_behind(kind):
    net = Net()
    getattr(net.first, kind)(lambda *args: None)
    x = torch.ones(3, 4, requires_grad=True)
    net(x).sum().backward()
    net.zero_grad()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(50):
        net(x).sum().backward()
        net.zero_grad()
    gc.collect()
    assert len(gc.get_objects()) - before < 50


def test_parameters_are_the_same_objects_after_every_conversion():
    net = Net()
    parameters = list(net.parameters())
    for convert in (net.double, net.half, net.float, net.cpu, lambda: net.to(torch.float64), net.share_memory):
        convert()
        assert all(a is b for a, b in zip(parameters, net.parameters(), strict=True))


def test_tables_edited_by_hand_are_what_attributes_show():
    layer = nn.Linear(2, 2)
    layer._parameters["weight"] = other = nn.Parameter(torch.zeros(2, 2))
    assert layer.weight is other
    layer._parameters = {"weight": layer.bias}
    assert layer.weight.shape == (2,) and not hasattr(layer, "bias")
    layer._buffers["bias"] = torch.ones(2)
    assert "bias" in layer.state_dict()


def test_a_module_pickled_without_newer_tables_can_be_called():
    layer = nn.Linear(2, 2)
    state = {
        name: value for name, value in layer.__dict__.items() if "with_kwargs" not in name and "always" not in name
    }
    old = nn.Linear.__new__(nn.Linear)
    old.__setstate__(state)
    old.register_forward_hook(lambda module, args, kwargs, out: out * 0, with_kwargs=True, always_call=True)
    assert not old(torch.ones(2)).any()


def test_a_copied_module_shares_nothing_and_computes_the_same():
    net = Net().eval()
    x = torch.randn(3, 4)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net.first)), copy.deepcopy(net.first)):
        module = net if isinstance(other, Net) else net.first
        assert torch.equal(other(x), module(x))
        assert not {p.data_ptr() for p in other.parameters()} & {p.data_ptr() for p in net.parameters()}


def test_threads_may_call_one_module():
    net, wrong = Net().eval(), []
    net.first.register_forward_hook(lambda module, args, out: out + 1)
    x = torch.randn(5, 4)
    expected = net(x)

    def run():
        for _ in range(100):
            if not torch.equal(net(x), expected):
                wrong.append(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_hooks_of_an_unpickled_module_stay_when_others_are_registered():
    layer, seen = nn.Identity(), []
    for number in range(3):  # the keys of hooks count up: those of the file are as if from another process
        layer._forward_hooks[layer.register_forward_hook(print)._key + 1 + number] = lambda *_: seen.append("old")
    for key in [key for key, hook in layer._forward_hooks.items() if hook is print]:
        del layer._forward_hooks[key]
    count = len(layer._forward_hooks)
    for _ in range(5):
        layer.register_forward_hook(lambda *_: seen.append("new"))
    layer(1)
    assert seen.count("old") == count and seen.count("new") == 5


def test_a_handle_removes_only_its_own_hook():
    layer, seen = nn.Identity(), []
    handles = [layer.register_forward_hook(lambda *_, n=number: seen.append(n)) for number in range(3)]
    handles[1].remove()
    with layer.register_forward_hook(lambda *_: seen.append("inside")):
        layer(1)
    layer(1)
    assert seen == [0, 2, "inside", 0, 2]


def test_a_failed_parametrization_leaves_the_module_as_it_was():
    class Wrong(nn.Module):
        def forward(self, x):
            return x[0]

    layer = nn.Linear(2, 2)
    weight = layer.weight
    with pytest.raises(ValueError, match="may not change the shape"):
        nn.utils.parametrize.register_parametrization(layer, "weight", Wrong())
    assert layer.weight is weight and type(layer) is nn.Linear and list(layer.state_dict()) == ["weight", "bias"]


def test_a_failed_stateless_call_gives_the_module_its_tensors_back():
    net = Net()
    before = dict(net.named_parameters())
    with pytest.raises(RuntimeError):
        torch.func.functional_call(net, {name: p.detach() * 0 for name, p in before.items()}, torch.ones(3, 9))
    assert all(p is before[name] for name, p in net.named_parameters())


def test_data_parallel_runs_the_module_where_it_is():
    from course_lib.nn.parallel.data_parallel import data_parallel

    layer = nn.Bilinear(2, 3, 1)
    a, b = torch.ones(4, 2), torch.ones(4, 3)
    assert torch.equal(data_parallel(layer, (a, b)), layer(a, b))
    assert torch.equal(nn.DataParallel(layer)(a, input2=b), layer(a, b))
    assert data_parallel(nn.ReLU(), a).shape == (4, 2)
