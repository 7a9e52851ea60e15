"""flex_attention with functions of scores and masks gives what PyTorch's gives."""

import importlib
import math

import pytest

torch = pytest.importorskip("torch", reason="PyTorch itself is not installed: pip install -e .[parity]")

import course_lib  # noqa: E402

LIBRARIES = (torch, course_lib)


def operands(T, heads: int = 4, keys: int = 24):
    """Query, key and value of two samples, and numbers of documents, the same in both libraries."""
    T.manual_seed(0)
    shapes = ((2, 4, 20, 8), (2, heads, keys, 8), (2, heads, keys, 6))
    return *[T.randn(*shape) for shape in shapes], T.tensor([0] * 7 + [1] * 9 + [2] * 8)


def plain(T, flex):
    q, k, v, _ = operands(T)
    return flex.flex_attention(q, k, v)


def alibi(T, flex):
    q, k, v, _ = operands(T)
    slopes = T.tensor([0.5, 0.25, 0.125, 0.0625])
    return flex.flex_attention(q, k, v, lambda score, b, h, i, j: score + slopes[h] * (j - i), scale=0.3)


def causal_score(T, flex):
    q, k, v, _ = operands(T)
    return flex.flex_attention(q, k, v, lambda score, b, h, i, j: T.where(i >= j, score, -math.inf))


def documents(T, flex):
    q, k, v, document = operands(T)
    same = lambda b, h, i, j: document[i] == document[j]
    causal = lambda b, h, i, j: i >= j
    block = flex.create_block_mask(flex.and_masks(causal, same), None, None, 20, 24, device="cpu", BLOCK_SIZE=128)
    return flex.flex_attention(q, k, v, block_mask=block)


def some_queries_see_nothing(T, flex):
    q, k, v, _ = operands(T)
    later = flex.or_masks(lambda b, h, i, j: i >= j + 3, lambda b, h, i, j: (h == 1) & (j == 0))
    block = flex.create_block_mask(later, 2, 4, 20, 24, device="cpu", BLOCK_SIZE=128)
    return flex.flex_attention(q, k, v, lambda score, b, h, i, j: score * 2 + b, block, return_lse=True)


def shared_heads(T, flex):
    q, k, v, _ = operands(T, heads=2)
    return flex.flex_attention(q, k, v, enable_gqa=True)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("program", [
    plain, alibi, causal_score, documents, some_queries_see_nothing, shared_heads,
])  # fmt: skip
def test_flex_attention(program):
    expected, found = [
        program(T, importlib.import_module(f"{T.__name__}.nn.attention.flex_attention")) for T in LIBRARIES
    ]
    for a, b in zip(*[r if isinstance(r, tuple) else (r,) for r in (expected, found)], strict=True):
        assert b.dtype == getattr(course_lib, str(a.dtype).removeprefix("torch."))
        torch.testing.assert_close(torch.tensor(b.tolist()), a, rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_attention_with_a_mask():
    """PyTorch's own has none on the CPU."""
    flex = importlib.import_module("course_lib.nn.attention.flex_attention")
    found = []
    for way in ("flex", "masked"):
        q, k, v, _ = operands(course_lib, keys=20)
        bias = course_lib.linspace(-1, 1, 4 * 20 * 20).view(4, 20, 20)
        leaves = [t.requires_grad_() for t in (q, k, v, bias)]
        if way == "flex":
            block = flex.create_block_mask(lambda b, h, i, j: i >= j, None, None, 20, 20, device="cpu")
            out = flex.flex_attention(q, k, v, lambda score, b, h, i, j, bias=bias: score + bias[h, i, j], block)
        else:
            hidden = course_lib.ones(20, 20).triu(1).bool()
            out = course_lib.nn.functional.scaled_dot_product_attention(q, k, v, bias.masked_fill(hidden, -math.inf))
        out.square().sum().backward()
        found.append([t.grad for t in leaves])
    for a, b in zip(*found, strict=True):
        course_lib.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
