"""torch.nn.functional: behaviour of layers that PyTorch's operator database does not show."""

import math

import pytest


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolution_is_the_adjoint_of_convolution(torch, groups):
    functional = torch.nn.functional
    torch.manual_seed(0)
    x, w = torch.randn(2, 4, 7, 6).double(), torch.randn(6, 4 // groups, 3, 2).double()
    settings = {"stride": (2, 1), "padding": (1, 1), "dilation": (1, 2), "groups": groups}
    y = functional.conv2d(x, w, **settings)
    g = torch.randn(*y.shape).double()
    back = functional.conv_transpose2d(g, w, **settings)
    reached = x[..., : back.shape[2], : back.shape[3]]  # the stride leaves out the last rows
    assert math.isclose((y * g).sum().item(), (reached * back).sum().item(), rel_tol=1e-9)


def test_convolution_of_a_batch_in_pieces_is_the_same(monkeypatch):
    import course_lib
    from course_lib.ops import conv

    functional = course_lib.nn.functional
    x, w = course_lib.randn(5, 3, 8, 8, requires_grad=True), course_lib.randn(4, 3, 3, 3, requires_grad=True)
    whole = functional.conv2d(x, w, padding="same")
    expected = course_lib.autograd.grad(whole.square().sum(), (x, w))
    monkeypatch.setattr(conv, "WORKSPACE", 3 * 9 * 64 * 2)  # the columns of two samples
    pieces = functional.conv2d(x, w, padding="same")
    assert course_lib.allclose(pieces, whole, atol=1e-5)
    for a, b in zip(course_lib.autograd.grad(pieces.square().sum(), (x, w)), expected, strict=True):
        assert course_lib.allclose(a, b, rtol=1e-4, atol=1e-3)


def test_max_pool_keeps_nan_and_the_first_of_equal_elements(torch):
    x = torch.tensor([[[[1.0, 1.0, 5.0, math.nan], [1.0, 1.0, 2.0, 3.0]]]])
    values, places = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    assert values[0, 0, 0, 0].item() == 1 and math.isnan(values[0, 0, 0, 1].item())
    assert places.tolist() == [[[[0, 3]]]]


def test_pooling_never_returns_the_memory_of_its_input(torch):
    functional = torch.nn.functional
    x = torch.ones(1, 1, 2, 2)
    for made in (functional.adaptive_avg_pool2d(x, 2), functional.avg_pool2d(x, 1), functional.unfold(x, 1),
                 functional.interpolate(x, size=2), functional.pixel_shuffle(x, 1),
                 functional.pad(x, (0, 0, 0, 0), mode="reflect")):  # fmt: skip
        made.fill_(7)
        assert x.sum().item() == 4


def test_batch_norm_moves_the_running_statistics_in_place(torch):
    x = torch.tensor([[1.0], [3.0]])
    mean, var = torch.zeros(1), torch.ones(1)
    torch.nn.functional.batch_norm(x, mean, var, training=True, momentum=0.5)
    assert mean.tolist() == [1.0] and var.tolist() == [1.5]  # unbiased variance 2


def test_attention_with_is_causal_is_attention_with_a_triangular_mask(torch):
    attention = torch.nn.functional.scaled_dot_product_attention
    torch.manual_seed(1)
    q, k, v = torch.randn(2, 5, 4), torch.randn(2, 5, 4), torch.randn(2, 5, 3)
    mask = torch.ones(5, 5).bool().tril()
    assert torch.allclose(attention(q, k, v, is_causal=True), attention(q, k, v, attn_mask=mask), atol=1e-6)


def test_attention_of_a_query_that_may_look_nowhere_is_zero(torch):
    q = torch.ones(1, 2, 3, requires_grad=True)
    mask = torch.tensor([[True, True], [False, False]])
    made = torch.nn.functional.scaled_dot_product_attention(q, torch.ones(1, 2, 3), torch.ones(1, 2, 3), attn_mask=mask)
    made.sum().backward()
    assert made[0, 1].tolist() == [0.0, 0.0, 0.0]
    assert bool(torch.isfinite(q.grad).all())


def test_inplace_activations_change_their_input_and_are_recorded(torch):
    x = torch.tensor([-2.0, 3.0], requires_grad=True)
    y = x * 1
    made = torch.nn.functional.leaky_relu(y, 0.5, True)
    assert made is y and y.tolist() == [-1.0, 3.0]
    made.sum().backward()
    assert x.grad.tolist() == [0.5, 1.0]


def test_dropout_that_does_not_train_returns_the_input_itself(torch):
    x = torch.ones(3)
    assert torch.nn.functional.dropout(x, 0.5, training=False) is x


def test_embedding_shortens_long_rows_in_place(torch):
    table = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    torch.nn.functional.embedding(torch.tensor([0]), table, max_norm=1.0)
    assert [round(v, 4) for v in table[0].tolist()] == [0.6, 0.8]
    assert [round(v, 4) for v in table[1].tolist()] == [0.3, 0.4]


def test_channels_last_stays(torch):
    x = torch.ones(2, 5, 5, 3).permute(0, 3, 1, 2)
    made = torch.nn.functional.conv2d(x, torch.ones(4, 3, 3, 3))
    assert made.stride() == (36, 1, 12, 4)


def test_resized_bytes_are_rounded_means(torch):
    x = torch.tensor([[[[0, 100], [200, 44]]]], dtype=torch.uint8)
    made = torch.nn.functional.interpolate(x, size=(1, 1), mode="bilinear")
    assert made.dtype == torch.uint8 and made.item() == 86
