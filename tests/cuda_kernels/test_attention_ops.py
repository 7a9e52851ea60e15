"""Attention on a GPU runs the library's kernels, and gives what it gives on the CPU."""

import numpy as np
import pytest
from values import both

import course_lib as torch
from course_lib.nn import functional as F

STEPS = ["attention_forward", "attention_balance", "attention_by_query", "attention_by_key"]
CLOSE = {torch.float32: (1e-4, 1e-5), torch.float16: (1e-2, 4e-3), torch.bfloat16: (4e-2, 3e-2)}


def steps(launched):
    """The kernels of attention that were launched: by threads or by tensor cores, as the GPU has them."""
    return [name.replace("_cores", "") for name in launched if name.startswith("attention")]


def forwards(launched):
    return steps(launched).count("attention_forward")


def agree(function, *operands, dtype=torch.float32):
    torch.manual_seed(0)
    for a, b in zip(*both(function, *[t.to(dtype) for t in operands]), strict=True):
        assert np.allclose(a, b, *CLOSE[dtype])


@pytest.mark.parametrize("dtype", CLOSE)
def test_heads_are_read_where_a_product_left_them(launched, dtype):
    """No copy: the operands are views of one product, and the result's memory order undoes the views."""
    torch.manual_seed(0)

    def look(x):
        q, k, v = x.view(2, 21, 3, 4, 8).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        assert not seen.is_cuda or seen.transpose(1, 2).is_contiguous()
        return seen.transpose(1, 2).reshape(2, 21, 32)

    agree(look, torch.randn(2, 21, 96), dtype=dtype)
    assert steps(launched) == STEPS


@pytest.mark.parametrize(("shapes", "settings"), [
    (((5, 4), (7, 4), (7, 3)), {}),
    (((2, 5, 4), (2, 7, 4), (2, 7, 4)), {"is_causal": True, "scale": 0.7}),
    (((2, 4, 5, 4), (2, 2, 7, 4), (2, 2, 7, 4)), {"enable_gqa": True}),
    (((2, 2, 3, 5, 4), (2, 2, 3, 7, 4), (2, 2, 3, 7, 4)), {}),
    (((2, 2, 4, 5, 4), (2, 2, 2, 7, 4), (2, 2, 2, 7, 4)), {"enable_gqa": True}),
    (((2, 1, 5, 4), (3, 7, 4), (7, 4)), {}),
])  # fmt: skip
def test_shapes(launched, shapes, settings):
    torch.manual_seed(0)
    agree(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **settings), *[torch.randn(s) for s in shapes])
    assert forwards(launched)


@pytest.mark.parametrize("mask", [
    torch.rand(5, 7) > 0.5, torch.tensor([True] * 4 + [False] * 3), torch.randn(2, 1, 5, 1),
    torch.tensor([[-torch.inf] * 7] + [[0.0] * 7] * 4), torch.zeros(2, 3, 1, 7, dtype=torch.bool),
])  # fmt: skip
def test_masks(launched, mask):
    torch.manual_seed(0)
    operands = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 4)
    agree(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, mask.to(q.device)), *operands)
    assert forwards(launched) == 1


def test_a_gradient_that_is_one_number_everywhere(launched):
    x = torch.randn(2, 3, 5, 4)
    slopes = []
    for device in ("cpu", "cuda"):
        q = x.detach().to(device).requires_grad_()
        F.scaled_dot_product_attention(q, q, q).sum().backward()
        slopes.append(q.grad.cpu())
    assert torch.allclose(*slopes, atol=1e-5) and steps(launched) == STEPS


@pytest.mark.parametrize("p", [0.0, 0.4])
def test_gradients_of_gradients(launched, p):
    torch.manual_seed(0)
    start, made = torch.randn(2, 4, 5, 4), []
    for device in ("cpu", "cuda"):
        torch.manual_seed(3)
        q, k = [t.detach().to(device).requires_grad_() for t in (start, start[:, :2])]
        out = F.scaled_dot_product_attention(q, k, k, is_causal=True, enable_gqa=True, dropout_p=p)
        slopes = torch.autograd.grad(out.square().sum(), (q, k), create_graph=True)
        plain = torch.autograd.grad(out.square().sum(), (q, k), retain_graph=True)
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(slopes, plain))
        made.append([t.cpu() for t in (*slopes, *torch.autograd.grad(sum(s.square().sum() for s in slopes), (q, k)))])
    if p == 0:
        assert all(torch.allclose(a, b, 1e-3, 1e-4) for a, b in zip(*made))
    assert forwards(launched)


def test_dropout_goes_by_the_generator(launched):
    torch.manual_seed(0)
    q = torch.randn(1, 2, 40, 8, device="cuda")
    torch.cuda.manual_seed(5)
    first, second = [F.scaled_dot_product_attention(q, q, torch.ones_like(q), dropout_p=0.5) for _ in range(2)]
    torch.cuda.manual_seed(5)
    again = F.scaled_dot_product_attention(q, q, torch.ones_like(q), dropout_p=0.5)
    assert torch.equal(first, again) and not torch.equal(first, second)
    assert 0.9 < first.mean().item() < 1.1 and forwards(launched) == 3
    assert (F.scaled_dot_product_attention(q, q, q, dropout_p=1.0) == 0).all() and forwards(launched) == 3


def test_what_the_kernels_do_not_take_is_computed_otherwise(launched):
    torch.manual_seed(0)
    look = F.scaled_dot_product_attention
    agree(look, *torch.randn(3, 2, 5, 300))  # heads that are too long
    agree(look, *torch.randn(3, 5, 4, dtype=torch.float64), dtype=torch.float32)
    agree(lambda q, mask: look(q, q, q, mask), torch.randn(5, 4), torch.randn(5, 5))  # a mask that learns
    doubles = torch.randn(2, 3, 4, dtype=torch.float64)
    assert torch.allclose(look(*[doubles] * 3), look(*[doubles.cuda()] * 3).cpu())
    assert look(*torch.ones(3, 2, 0, 4, device="cuda")).shape == (2, 0, 4)
    assert forwards(launched) == 1  # of float32 above


def test_errors_are_those_of_the_cpu(launched):
    q, k = torch.ones(3, 3, 4, device="cuda"), torch.ones(3, 5, 6, device="cuda")
    with pytest.raises(RuntimeError, match="Expected size for first two dimensions of batch2 tensor"):
        F.scaled_dot_product_attention(q, k, k)
    with pytest.raises(RuntimeError, match="must match the size"):
        F.scaled_dot_product_attention(q, q, q, torch.ones(2, 2, dtype=torch.bool, device="cuda"))
    with pytest.raises(RuntimeError, match="dropout probability has to be between 0 and 1, but got 2"):
        F.scaled_dot_product_attention(q, q, q, dropout_p=2.0)
    with pytest.raises(RuntimeError, match="must divide the number of heads"):
        F.scaled_dot_product_attention(q[None, :], *torch.ones(2, 1, 2, 3, 4).cuda(), enable_gqa=True)
    assert not launched


def test_multihead_attention_without_weights(launched):
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(16, 4)
    x, hidden = torch.randn(9, 2, 16), torch.zeros(2, 9, dtype=torch.bool)
    hidden[0, 6:] = True
    made = []
    for device in ("cpu", "cuda"):
        layer, inputs = layer.to(device), x.detach().to(device).requires_grad_()
        layer.zero_grad()
        out, _ = layer(inputs, inputs, inputs, key_padding_mask=hidden.to(device), need_weights=False)
        out.square().sum().backward()
        made.append([t.detach().cpu() for t in (out, inputs.grad, *[p.grad for p in layer.parameters()])])
    assert all(torch.allclose(a, b, 1e-3, 1e-4) for a, b in zip(*made)) and forwards(launched) == 1
    x = x.cuda()
    _, weights = layer(x, x, x)
    assert weights.shape == (2, 9, 9) and forwards(launched) == 1  # weights that are asked for are written down


@pytest.mark.parametrize("training", [False, True])
def test_transformer_encoder(launched, training):
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).train(training)
    x = torch.randn(2, 7, 16)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(7)
    expected = model(x, mask, is_causal=True)
    found = model.cuda()(x.cuda(), mask.cuda(), is_causal=True)
    assert torch.allclose(expected, found.cpu(), atol=1e-4) and forwards(launched) == 2
