"""Autocast on a GPU: PyTorch's lists for CUDA say what is lowered, what runs in float32, and what is refused."""

import pytest

import course_lib as torch
from course_lib.nn import functional as F

HALF, SINGLE = torch.float16, torch.float32


def operands(dtype):
    torch.manual_seed(0)
    return torch.rand(4, 4, device="cuda", dtype=dtype), torch.rand(4, device="cuda", dtype=dtype)


@pytest.mark.parametrize("function", [
    lambda x, w: x @ x, lambda x, w: torch.mm(x, x), lambda x, w: F.linear(x, x), lambda x, w: torch.mv(x, w),
    lambda x, w: torch.einsum("ij,jk->ik", x, x), lambda x, w: F.conv1d(x[None], x[:, :, None]),
    lambda x, w: F.scaled_dot_product_attention(x[None], x[None], x[None]), lambda x, w: torch.addmm(x, x, x),
])  # fmt: skip
def test_products_are_lowered(function):
    with torch.autocast("cuda"):
        assert function(*operands(SINGLE)).dtype is HALF
    assert function(*operands(SINGLE)).dtype is SINGLE


@pytest.mark.parametrize("function", [
    lambda x, w: F.softmax(x, 1), lambda x, w: x.softmax(1), lambda x, w: F.layer_norm(x, (4,)), lambda x, w: x.exp(),
    lambda x, w: torch.log(x), lambda x, w: x**2, lambda x, w: 2**x, lambda x, w: 1 / x, lambda x, w: x.sum(),
    lambda x, w: x.cumsum(0), lambda x, w: F.mse_loss(x, x), lambda x, w: x.norm(), lambda x, w: torch.rsqrt(x),
    lambda x, w: F.group_norm(x[None], 2), lambda x, w: F.cross_entropy(x, torch.arange(4, device="cuda")),
    lambda x, w: F.softplus(x), lambda x, w: torch.linalg.norm(x), lambda x, w: F.cosine_similarity(x, x),
])  # fmt: skip
def test_what_needs_range_runs_in_float32(function):
    with torch.autocast("cuda"):
        assert function(*operands(HALF)).dtype is SINGLE
    assert function(*operands(HALF)).dtype is HALF


@pytest.mark.parametrize("function", [
    lambda x, w: F.relu(x), lambda x, w: x + x, lambda x, w: F.gelu(x), lambda x, w: x.mean(), lambda x, w: x / 2,
    lambda x, w: F.max_pool1d(x, 2), lambda x, w: torch.cat([x, x]), lambda x, w: F.avg_pool3d(x[None, None], 1),
])  # fmt: skip
def test_the_rest_runs_as_it_is_given(function):
    with torch.autocast("cuda"):
        assert function(*operands(HALF)).dtype is HALF


def test_operands_of_two_precisions_meet_in_the_wider_one():
    x, _ = operands(HALF)
    with torch.autocast("cuda"):
        assert torch.dot(x[0], x[0].float()).dtype is SINGLE
        assert torch.zeros(4, 4, device="cuda").scatter_add(0, torch.zeros(4, 4, dtype=torch.int64, device="cuda"),
                                                            x).dtype is SINGLE  # fmt: skip


def test_binary_cross_entropy_is_refused():
    x, _ = operands(HALF)
    with torch.autocast("cuda"), pytest.raises(RuntimeError, match="unsafe to autocast"):
        F.binary_cross_entropy(x, x)


def test_the_lists_of_the_cpu_stay_its_own():
    x = torch.rand(4, 4, dtype=torch.bfloat16)
    with torch.autocast("cpu"), torch.autocast("cuda"):
        assert F.softmax(x, 1).dtype is torch.bfloat16 and x.exp().dtype is torch.bfloat16
        assert F.mse_loss(x, x).dtype is SINGLE


def test_gradients_have_the_dtype_of_the_weights():
    layer, norm = torch.nn.Linear(4, 4, device="cuda"), torch.nn.LayerNorm(4, device="cuda")
    with torch.autocast("cuda", dtype=torch.bfloat16):
        out = norm(layer(torch.rand(3, 4, device="cuda")))
        loss = out.square().sum()
    loss.backward()
    assert out.dtype is SINGLE and loss.dtype is SINGLE
    assert layer.weight.grad.dtype is SINGLE and norm.weight.grad.dtype is SINGLE
