"""A whole training step is captured as a CUDA graph: kernels, products, the optimizer; replays train like the CPU."""

import sys
from pathlib import Path

import kernels_on_host
import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import cublas
from course_lib.nn import functional as F

sys.path.append(str(Path(__file__).parents[1] / "cuda_stand_in"))

import graphs_on_numpy


@pytest.fixture
def capture(xp, monkeypatch):
    library = graphs_on_numpy.attach(monkeypatch, xp, kernels_on_host.Kernel)
    monkeypatch.setattr(cublas, "library", lambda: library)


def network():
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 12), nn.GELU(), nn.LayerNorm(12), nn.Linear(12, 11))


def step(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def test_replays_train_as_steps_do(capture):
    twin, model = network(), network().cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, capturable=True)
    other = torch.optim.AdamW(twin.parameters(), lr=0.01)
    batches = [(torch.randint(0, 11, (6,)), torch.randint(0, 11, (6,))) for _ in range(4)]
    x, y = [t.cuda() for t in batches[0]]
    step(model, optimizer, x, y)  # compiles, allocates
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(model, optimizer, x, y)
    expected = step(twin, other, *batches[0])
    for new_x, new_y in batches[1:]:
        x.copy_(new_x)
        y.copy_(new_y)
        graph.replay()
        expected = step(twin, other, new_x, new_y)
        assert torch.allclose(loss.cpu(), expected, atol=1e-4)
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert np.allclose(a.detach().cpu().numpy(), b.detach().numpy(), atol=1e-3)


def test_what_cannot_be_captured(capture):
    model = torch.nn.Linear(3, 2).cuda()
    x, y = torch.randn(4, 3, device="cuda"), torch.tensor([0, 1, 1, 0], device="cuda")
    optimizer = torch.optim.Adam(model.parameters())
    step(model, optimizer, x, y)
    capturing = torch.cuda.graph(torch.cuda.CUDAGraph())
    with pytest.raises(RuntimeError, match="an instance of Adam but param_groups' capturable is False."), capturing:
        step(model, optimizer, x, y)
    optimizer = torch.optim.NAdam(model.parameters(), capturable=True)
    capturing = torch.cuda.graph(torch.cuda.CUDAGraph())
    with pytest.raises(RuntimeError, match="A step of NAdam cannot be captured in a CUDA graph"), capturing:
        step(model, optimizer, x, y)
    capturing = torch.cuda.graph(torch.cuda.CUDAGraph())
    with pytest.raises(RuntimeError, match="operation not permitted when stream is capturing"), capturing:
        torch.poisson(x.abs())


def test_each_replay_draws_new_numbers(capture):
    """The ones that eager calls would have drawn in its place."""
    x, q = torch.ones(64, device="cuda"), torch.randn(1, 2, 4, 8, device="cuda")

    def draw():
        noise = torch.empty(5, device="cuda").normal_()
        dropped, kept = F.dropout(x, 0.5), torch.rand(3, device="cuda", dtype=torch.float16)
        seen = F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)
        return noise, dropped, kept, seen, torch.randint(0, 100, (4,), device="cuda")

    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        made = draw()
    found = []
    for eager in (False, True):
        torch.manual_seed(3)
        rows = []
        for _ in range(2):
            if eager:
                made = draw()
            else:
                graph.replay()
            rows.append([t.tolist() for t in made])
        found.append((rows, torch.rand(2, device="cuda").tolist()))
    assert found[0] == found[1]
    assert found[0][0][0] != found[0][0][1]


def test_dropout_in_a_graphed_module(capture):
    """Backward, a graph of its own, drops what forward dropped."""
    q = torch.randn(1, 2, 4, 8, device="cuda", requires_grad=True)
    attend = torch.cuda.make_graphed_callables(lambda q: F.scaled_dot_product_attention(q, q, q, dropout_p=0.5), (q,))
    found = []
    for function in (attend, lambda q: F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)):
        torch.manual_seed(1)
        mine = q.detach().clone().requires_grad_()
        function(mine).square().sum().backward()
        found.append(mine.grad.cpu().numpy())
    assert np.allclose(*found, 1e-4, 1e-5)
