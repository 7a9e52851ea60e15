"""Products of matrices as ops on a GPU: values and gradients are those of the CPU."""

import numpy as np
import pytest
from values import both

import course_lib as torch
from course_lib.nn import functional as F

OPS = {
    "mm": (torch.mm, (3, 4), (4, 5)),
    "mm of transposed views": (lambda a, b: torch.mm(a.t(), b.t()), (4, 3), (5, 4)),
    "bmm": (torch.bmm, (2, 3, 4), (2, 4, 5)),
    "mv": (torch.mv, (3, 4), (4,)),
    "dot": (torch.dot, (7,), (7,)),
    "matmul, one matrix": (torch.matmul, (2, 3, 4), (4, 5)),
    "matmul, batches broadcast": (torch.matmul, (2, 1, 3, 4), (3, 4, 5)),
    "matmul, vector first": (torch.matmul, (4,), (2, 4, 5)),
    "addmm": (lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2), (5,), (3, 4), (4, 5)),
    "addmm, whole": (torch.addmm, (3, 5), (3, 4), (4, 5)),
    "baddbmm": (lambda c, a, b: torch.baddbmm(c, a, b, alpha=3), (2, 3, 1), (2, 3, 4), (2, 4, 5)),
    "addbmm": (lambda c, a, b: torch.addbmm(c, a, b, beta=2), (3, 5), (2, 3, 4), (2, 4, 5)),
    "addmv": (lambda c, a, b: torch.addmv(c, a, b, beta=2), (3,), (3, 4), (4,)),
    "linear": (F.linear, (2, 3, 4), (5, 4), (5,)),
    "linear without bias": (F.linear, (2, 3, 4), (5, 4)),
    "bilinear": (F.bilinear, (3, 4), (3, 5), (2, 4, 5), (2,)),
    "einsum": (lambda a, b: torch.einsum("bqhd,bkhd->bhqk", a, b), (2, 3, 2, 4), (2, 5, 2, 4)),
    "tensordot": (lambda a, b: torch.tensordot(a, b, ([1], [0])), (3, 4, 2), (4, 5)),
    "multi_dot": (lambda *m: torch.linalg.multi_dot(m), (3, 4), (4, 2), (2, 5)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", OPS)
def test_ops_and_their_gradients(xp, name, dtype):
    torch.manual_seed(0)
    function, *shapes = OPS[name]
    operands = [torch.randn(shape, dtype=dtype) for shape in shapes]
    tolerance = 1e-5 if dtype is torch.float32 else 3e-2
    for a, b in zip(*both(function, *operands), strict=True):
        assert a.shape == b.shape and np.allclose(a, b, tolerance, tolerance * 4)


def test_gradients_of_gradients(xp):
    found = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        x, w, b = [torch.randn(shape).to(device).requires_grad_() for shape in ((3, 4), (5, 4), (5,))]
        made = (F.linear(x, w, b) ** 2).sum() + (torch.addmm(b, x, w.t(), alpha=2) ** 3).sum()
        slopes = torch.autograd.grad(made, (x, w, b), create_graph=True)
        found.append([t.tolist() for t in torch.autograd.grad(sum((s**2).sum() for s in slopes), (x, w, b))])
    for a, b in zip(*found, strict=True):
        assert np.allclose(a, b, 1e-3)


def test_integers_are_multiplied_too(xp):
    a = torch.arange(6).reshape(2, 3)
    assert torch.equal((a.cuda() @ a.t().cuda()).cpu(), a @ a.t())
    assert torch.equal(F.linear(a.cuda(), a.cuda(), a[:, 0].cuda()).cpu(), F.linear(a, a, a[:, 0]))


def test_gradients_lie_as_what_they_belong_to(xp):
    layer = torch.nn.Linear(8, 4, bias=False).cuda()
    x = torch.randn(8, 6, device="cuda").t().requires_grad_()
    layer(x).sum().backward()
    assert layer.weight.grad.is_contiguous() and x.grad.stride() == x.stride()
