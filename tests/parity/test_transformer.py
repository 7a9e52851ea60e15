"""Attention and transformers on both libraries: outputs, weights and gradients, in training and in inference.

A seed gives both the same initial weights and the same dropout, so nothing is copied from one to the other.
"""

from __future__ import annotations

import warnings

import pytest

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with (extra `parity`)")

from twins import convert, difference, gradients  # noqa: E402


def both(make, run, inputs, *, mode: str):
    """`run(library, make(library), *inputs)` with both: results and, while training, gradients of everything."""
    found = []
    for library in (torch, course_lib):
        library.manual_seed(7)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = make(library)
            model.train(mode == "train")
            own = inputs if library is torch else convert(inputs)
            with library.set_grad_enabled(mode != "no_grad"):
                results = run(library, model, *own)
        results = list(results) if isinstance(results, tuple) else [results]
        if mode == "train":
            wanted = [t for t in own if t.requires_grad] + list(model.parameters())
            results += gradients(library, results, wanted)
        found.append(results)
    return difference(*found)


def inputs(*shapes) -> tuple:
    torch.manual_seed(0)
    return tuple([torch.randn(shape, requires_grad=True) for shape in shapes])


MASKS = {
    "none": {},
    "causal": {"attn_mask": torch.ones(5, 5).triu(1).bool()},
    "numbers": {"attn_mask": torch.linspace(-2, 2, 25).reshape(5, 5)},
    "heads": {"attn_mask": torch.arange(6 * 25).reshape(6, 5, 5) % 7 == 0},
    "padding": {"key_padding_mask": torch.arange(5) >= torch.tensor([[3], [5], [1]])},
    "both": {
        "key_padding_mask": torch.arange(5) >= torch.tensor([[3], [5], [1]]),
        "attn_mask": torch.ones(5, 5).triu(1).bool(),
    },
}
SETTINGS = {
    "plain": {},
    "dropout": {"dropout": 0.3},
    "no bias": {"bias": False},
    "appended": {"add_bias_kv": True, "add_zero_attn": True},
}


@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("mode", ["train", "eval", "no_grad"])
def test_self_attention(masks, mode):
    for name, settings in SETTINGS.items():
        for need_weights in (True, False):

            def run(library, attention, x, need_weights=need_weights):
                named = MASKS[masks] if library is torch else convert(MASKS[masks])
                return tuple(t for t in attention(x, x, x, need_weights=need_weights, **named) if t is not None)

            made = both(
                lambda library, settings=settings: library.nn.MultiheadAttention(8, 2, batch_first=True, **settings),
                run, inputs((3, 5, 8)), mode=mode,
            )  # fmt: skip
            assert made is None, f"{name}, weights: {need_weights}"


@pytest.mark.parametrize("mode", ["train", "no_grad"])
def test_attention_to_other_sequences(mode):
    def run(library, attention, query, key, value):
        return attention(query, key, value, average_attn_weights=False)

    def make(library):
        return library.nn.MultiheadAttention(8, 4, kdim=3, vdim=5, dropout=0.1)

    assert both(make, run, inputs((5, 2, 8), (7, 2, 3), (7, 2, 5)), mode=mode) is None
    assert both(make, run, inputs((5, 8), (7, 3), (7, 5)), mode=mode) is None


@pytest.mark.parametrize("mode", ["train", "eval", "no_grad"])
@pytest.mark.parametrize("settings", [{}, {"norm_first": True}, {"activation": "gelu", "bias": False}], ids=str)
def test_encoder(mode, settings):
    def make(library):
        layer = library.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **settings)
        return library.nn.TransformerEncoder(layer, 2, norm=library.nn.LayerNorm(8))

    x = inputs((2, 4, 8))
    assert both(make, lambda library, model, x: model(x), x, mode=mode) is None
    causal = [torch.nn.Transformer.generate_square_subsequent_mask(4), torch.ones(4, 4).triu(1).bool()]
    for hidden in ([[0, 0, 0, 1], [0, 0, 1, 1]], [[1, 0, 0, 0], [0, 0, 0, 0]], [[0, 1, 0, 0], [0, 0, 1, 1]]):
        for padding in (torch.tensor(hidden).bool(), torch.tensor(hidden) * -1e9):
            for mask in (None, *causal):
                if mask is not None and hidden[0][0]:
                    continue  # the first query would see nothing: its nan would hide the rest

                def run(library, model, x, mask=mask, padding=padding):
                    return model(x, *(convert((mask, padding)) if library is course_lib else (mask, padding)))

                assert both(make, run, x, mode=mode) is None, f"{hidden}, {mask}"


def test_queries_that_see_nothing():
    """With a mask and padding in front the first query sees nothing: nan in PyTorch's fused kernel, zeros elsewhere."""
    mask, padding = torch.ones(4, 4).triu(1).bool(), torch.tensor([[1, 0, 0, 0], [0, 0, 0, 0]]).bool()

    def run(library, model, x):
        return model(x, *(convert((mask, padding)) if library is course_lib else (mask, padding)))

    for activation in ("relu", "tanh"):
        for mode in ("train", "eval", "no_grad"):

            def make(library, activation=activation):
                function = "relu" if activation == "relu" else library.tanh
                return library.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation=function)

            assert both(make, run, inputs((2, 4, 8)), mode=mode) is None, f"{activation}, {mode}"


@pytest.mark.parametrize("mode", ["train", "no_grad"])
@pytest.mark.parametrize("settings", [{"batch_first": True}, {"norm_first": True, "activation": "gelu"}], ids=str)
def test_encoder_and_decoder(mode, settings):
    src, tgt = ((2, 4, 8), (2, 6, 8)) if settings.get("batch_first") else ((4, 2, 8), (6, 2, 8))
    masks = {
        "tgt_mask": torch.nn.Transformer.generate_square_subsequent_mask(6),
        "memory_mask": (torch.arange(24).reshape(6, 4) % 5 == 4).float() * -3,
        "memory_key_padding_mask": torch.tensor([[0, 0, 0, 1], [0, 0, 0, 0]]) * -1e9,
        "tgt_key_padding_mask": (torch.arange(6) >= torch.tensor([[6], [5]])) * -1e9,
    }

    def run(library, model, src, tgt):
        return model(src, tgt, **(convert(masks) if library is course_lib else masks))

    def make(library):
        return library.nn.Transformer(8, 2, 1, 2, 16, **settings)

    assert both(make, run, inputs(src, tgt), mode=mode) is None
    assert both(make, lambda library, model, src, tgt: model(src, tgt), inputs(src[-2:], tgt[-2:]), mode=mode) is None


def test_is_causal_stands_for_the_mask():
    def run(library, model, x):
        return model(x, library.zeros(5, 5).bool(), is_causal=True)

    def make(library):
        return library.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    assert both(make, run, inputs((2, 5, 8)), mode="train") is None


@pytest.mark.parametrize("kind", ["causal", "bool", "numbers"])
def test_long_sequences(kind):
    """More weights than are kept for backward: they are computed again."""
    torch.manual_seed(0)
    query, key, value = inputs((2, 3, 450, 8), (2, 3, 420, 8), (2, 3, 420, 6))
    mask = {"bool": torch.rand(450, 420) < 0.5, "numbers": torch.randn(2, 1, 450, 420)}.get(kind)
    if kind == "bool":
        mask[7] = False  # a query that sees nothing
    settings = {"is_causal": True} if kind == "causal" else {}
    found = []
    for library in (torch, course_lib):
        own = (query, key, value) if library is torch else convert((query, key, value))
        given = mask if library is torch or mask is None else convert(mask)
        out = library.nn.functional.scaled_dot_product_attention(*own, given, **settings)
        found.append([out, *gradients(library, out, own)])
    assert difference(*found) is None
