"""torch.export, torch.compile and torch.compiler: the newer names for traces, and a compiler that is none."""

import io

import pytest

import course_lib as torch
from course_lib import nn


def test_export():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    program = torch.export.export(net, (torch.ones(2, 3),))
    x = torch.randn(5, 3)
    assert torch.equal(program.module()(x), net(x))
    assert list(program.state_dict) == list(net.state_dict())
    assert "relu(linear)" in str(program)
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    assert torch.equal(torch.export.load(file).module()(x), net(x))


def test_export_by_name():
    program = torch.export.export(nn.Linear(3, 1), (), {"input": torch.ones(1, 3)})
    assert program.module()(input=torch.ones(4, 3)).shape == (4, 1)


def test_export_refuses():
    with pytest.raises(ValueError, match="instance of `torch.nn.Module`"):
        torch.export.export(lambda x: x, (torch.ones(1),))
    with pytest.raises(AssertionError, match="valid identifier"):
        torch.export.Dim("a b")
    assert repr(torch.export.Dim("batch", max=8)) == "Dim('batch')"


def test_compile_is_the_identity():
    net = nn.Linear(2, 2)
    assert torch.compile(net, mode="reduce-overhead") is net

    @torch.compile
    def double(x):
        return x * 2

    @torch.compile(fullgraph=True, dynamic=False, backend="inductor")
    def triple(x):
        return x * 3

    assert double(torch.ones(1)).item() == 2
    assert triple(torch.ones(1)).item() == 3
    with pytest.raises(RuntimeError, match="Either mode or options"):
        torch.compile(net, mode="default", options={})


def test_compiler():
    assert not torch.compiler.is_compiling()
    assert torch.compiler.list_backends() == []
    torch.compiler.reset()
    assert torch.compiler.disable(abs) is abs
    assert torch.compiler.disable()(abs) is abs
    with torch.compiler.set_stance("force_eager"):
        assert torch.compiler.allow_in_graph(abs) is abs
