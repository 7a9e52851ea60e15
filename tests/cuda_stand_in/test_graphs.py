"""CUDA graphs: what is captured runs when it is replayed, with the numbers that are in its inputs then."""

import graphs_on_numpy
import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import cublas, cuda
from course_lib.nn import functional as F


@pytest.fixture(autouse=True)
def capture(monkeypatch, stand_in):
    """The stand-in can capture streams, and has a libcublas."""
    library = graphs_on_numpy.attach(monkeypatch, cuda.cupy())
    monkeypatch.setattr(cublas, "library", lambda: library)


def captured(function):
    """The graph of a call, and what the call gave."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        made = function()
    return graph, made


def test_a_replay_reads_its_inputs_anew():
    x, w = torch.randn(4, 3, device="cuda"), torch.randn(3, 5, device="cuda")
    graph, y = captured(lambda: F.gelu(x @ w + 1.5).sum(1))
    for _ in range(2):
        new = torch.randn(4, 3)
        x.copy_(new)
        graph.replay()
        assert torch.allclose(y.cpu(), F.gelu(new @ w.cpu() + 1.5).sum(1), atol=1e-5)


def test_nothing_runs_while_it_is_captured():
    x = torch.ones(3, device="cuda")
    graph, _ = captured(lambda: x.add_(1))
    assert x.tolist() == [1, 1, 1]
    graph.replay()
    graph.replay()
    assert x.tolist() == [3, 3, 3]


def test_forward_and_backward_of_a_training_step():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.LayerNorm(8), torch.nn.Linear(8, 3))
    twin = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.LayerNorm(8), torch.nn.Linear(8, 3))
    twin.load_state_dict(model.state_dict())
    model.cuda()
    x, y = torch.randn(5, 6, device="cuda"), torch.randn(5, 3, device="cuda")

    def step(model, x, y):
        loss = F.mse_loss(model(x), y)
        loss.backward()
        return loss

    graph, loss = captured(lambda: step(model, x, y))
    optimizer, other = torch.optim.AdamW(model.parameters(), lr=0.1), torch.optim.AdamW(twin.parameters(), lr=0.1)
    for _ in range(3):
        new = torch.randn(5, 6)
        x.copy_(new)
        for p in model.parameters():
            p.grad.zero_()
        graph.replay()
        optimizer.step()
        other.zero_grad()
        expected = step(twin, new, y.cpu())
        other.step()
        assert torch.allclose(loss.cpu(), expected, atol=1e-5)
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(a.cpu(), b, atol=1e-4)


@pytest.mark.parametrize("waits", [
    lambda x: x.sum().item(), lambda x: x.cpu(), lambda x: bool(x.sum() > 0), lambda x: x.nonzero(), lambda x: x[x > 0],
    lambda x: x.tolist(), lambda x: torch.tensor([1.0, 2.0], device="cuda"), lambda x: torch.cuda.synchronize(),
])  # fmt: skip
def test_waiting_inside_is_an_error(waits):
    x = torch.ones(3, device="cuda")
    with pytest.raises(RuntimeError, match="operation not permitted when stream is capturing"):
        captured(lambda: waits(x))
    graph, y = captured(lambda: x + 1)  # what was begun is undone
    graph.replay()
    assert y.tolist() == [2, 2, 2]


def test_errors_as_in_pytorch():
    graph = torch.cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="CUDA graphs must be captured on a non-default stream"):
        graph.capture_begin()
    with pytest.raises(RuntimeError, match="Called CUDAGraph::replay without a preceding successful capture."):
        graph.replay()
    with torch.cuda.graph(graph):
        assert torch.cuda.is_current_stream_capturing()
    assert not torch.cuda.is_current_stream_capturing()
    with pytest.raises(RuntimeError, match="already owns a captured graph"), torch.cuda.graph(graph):
        pass
    strict = torch.cuda.graph(torch.cuda.CUDAGraph(), capture_error_mode="strict")
    with pytest.raises(RuntimeError, match="Unknown capture error mode. Expected `global`"), strict:
        pass


def test_graphs_share_a_pool():
    x = torch.ones(3, device="cuda")
    first, y = captured(lambda: x * 2)
    second = torch.cuda.CUDAGraph()
    with torch.cuda.graph(second, pool=first.pool()):
        z = y + 1
    assert second.pool() == first.pool() != torch.cuda.graph_pool_handle()
    x.fill_(5)
    first.replay()
    second.replay()
    assert z.tolist() == [11, 11, 11]


def test_a_module_as_a_graph():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh()).cuda()
    twin = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh())
    twin.load_state_dict({name: value.cpu() for name, value in model.state_dict().items()})
    graphed = torch.cuda.make_graphed_callables(model, (torch.randn(2, 4, device="cuda", requires_grad=True),))
    assert graphed is model
    for _ in range(2):
        x = torch.randn(2, 4)
        ends = []
        for module, place in ((graphed, "cuda"), (twin, "cpu")):
            mine = x.to(place).requires_grad_()
            module.zero_grad()
            (module(mine) ** 2).sum().backward()
            ends.append([t.detach().cpu().numpy() for t in (mine.grad, *[p.grad for p in module.parameters()])])
        for a, b in zip(*ends, strict=True):
            assert np.allclose(a, b, atol=1e-5)
