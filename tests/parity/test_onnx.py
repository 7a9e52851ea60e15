"""torch.onnx.export: onnxruntime computes what the model computes, also for sizes that the trace never saw."""

from __future__ import annotations

import io
import sys
import warnings

import numpy
import pytest

import course_lib as torch
from course_lib import nn
from course_lib.nn import functional as F

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

torch.manual_seed(0)
X = torch.randn(2, 3, 4)  # batch, steps, features


class Wrapped(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def leaves(outputs) -> list:
    return [part for o in outputs for part in leaves(o)] if isinstance(outputs, (list, tuple)) else [outputs]


def longer(inputs, dims):
    """The inputs with one more position in each of the dimensions."""
    if isinstance(inputs, tuple):
        return tuple([longer(part, dims) for part in inputs])
    for dim in dims:
        inputs = torch.cat([inputs, inputs.narrow(dim, 0, 1)], dim)
    return inputs


def check(model, *inputs, dims=(0,), **options):
    """Export with open `dims`, and compare for the example's sizes and for others."""
    model = model.eval()
    names = [f"in{i}" for i in range(len(leaves(inputs)))]
    axes = {name: {dim: f"{name}_{dim}" if dim else "batch" for dim in dims} for name in names}
    program = torch.onnx.export(model, inputs, input_names=names, dynamic_axes=axes, **options)
    for given in (inputs, longer(inputs, dims)):
        with torch.no_grad():
            expected = leaves(model(*given))
        got = program(*given)
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4, equal_nan=True)
    return program


def image(dims: int, size: int):
    return torch.randn(2, 4, *[size] * dims)


# ---- layers --------------------------------------------------------------------------------------------------------

ACTIVATIONS = {"Threshold": (0.1, 2.0), "Softmin": (1,), "Softmax": (1,), "LogSoftmax": (1,), "GLU": (1,),
               **dict.fromkeys(("ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Softplus",
                                "Softsign", "Hardtanh", "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink", "PReLU",
                                "Tanhshrink", "LogSigmoid", "Sigmoid", "Tanh", "RReLU", "Identity", "Dropout",
                                "AlphaDropout", "Flatten"), ())}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    check(getattr(nn, name)(*ACTIVATIONS[name]), torch.randn(2, 4))


def test_gelu_by_tanh():
    check(nn.GELU("tanh"), X)
    check(nn.GELU("tanh"), X, opset_version=17)


SPATIAL = {
    "Conv{}d": ((4, 6, 3), {"stride": 2, "padding": 1, "groups": 2}, 8),
    "Conv{}d same": ((4, 6, 4), {"padding": "same", "dilation": 2}, 8),
    "Conv{}d circular": ((4, 6, 3), {"padding": 1, "padding_mode": "circular"}, 8),
    "ConvTranspose{}d": ((4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1}, 5),
    "MaxPool{}d": ((3, 2, 1), {"ceil_mode": True}, 7),
    "MaxPool{}d places": ((2,), {"return_indices": True}, 6),
    "AvgPool{}d": ((3, 2, 1), {}, 7),
    "AvgPool{}d inside": ((3, 2, 1), {"count_include_pad": False}, 7),
    "LPPool{}d": ((2, 3), {"stride": 2}, 7),
    "AdaptiveAvgPool{}d one": ((1,), {}, 7),
    "AdaptiveAvgPool{}d even": ((3,), {}, 6),
    "AdaptiveAvgPool{}d uneven": ((3,), {}, 7),
    "AdaptiveMaxPool{}d": ((3,), {}, 7),
    "BatchNorm{}d": ((4,), {}, 4),
    "BatchNorm{}d own": ((4,), {"track_running_stats": False, "affine": False}, 4),
    "InstanceNorm{}d": ((4,), {"affine": True}, 4),
    "ReflectionPad{}d": ((2,), {}, 5),
    "ReplicationPad{}d": ((2,), {}, 5),
    "ConstantPad{}d": ((2, 1.5), {}, 5),
    "ZeroPad{}d": ((2,), {}, 5),
    "CircularPad{}d": ((2,), {}, 5),
}


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("name", SPATIAL)
def test_spatial_layers(name, dims):
    args, settings, size = SPATIAL[name]
    layer = getattr(nn, name.split()[0].format(dims))(*args, **settings)
    x = image(dims, size)
    check(layer, x.abs() if "LPPool" in name else x)


LAYERS = {
    "Linear": (lambda: nn.Linear(4, 3), X[:, 0]),
    "Linear without bias": (lambda: nn.Linear(4, 3, bias=False), X),
    "Bilinear": (lambda: nn.Bilinear(4, 3, 5), torch.randn(2, 4), torch.randn(2, 3)),
    "LayerNorm": (lambda: nn.LayerNorm(4), X),
    "LayerNorm of two": (lambda: nn.LayerNorm((3, 4), elementwise_affine=False), X),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), image(2, 4)),
    "RMSNorm": (lambda: nn.RMSNorm(4), X),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(2), image(2, 4)),
    "Softmax2d": (nn.Softmax2d, image(2, 3)),
    "Dropout2d": (nn.Dropout2d, image(2, 3)),
    "Embedding": (lambda: nn.Embedding(10, 4, padding_idx=0), torch.tensor([[1, 2, 0], [4, 5, 9]])),
    "EmbeddingBag sum": (lambda: nn.EmbeddingBag(10, 4, mode="sum"), torch.tensor([[1, 2, 0], [4, 5, 9]])),
    "EmbeddingBag mean": (lambda: nn.EmbeddingBag(10, 4), torch.tensor([[1, 2, 0], [4, 5, 9]])),
    "Upsample nearest": (lambda: nn.Upsample(scale_factor=2), image(2, 4)),
    "Upsample to a size": (lambda: nn.Upsample((7, 9)), image(2, 4)),
    "Upsample exact": (lambda: nn.Upsample((7, 9), mode="nearest-exact"), image(2, 4)),
    "Upsample linear": (lambda: nn.Upsample(scale_factor=2, mode="linear"), image(1, 4)),
    "Upsample bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), image(2, 4)),
    "Upsample corners": (lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), image(2, 4)),
    "Upsample bicubic": (lambda: nn.Upsample((7, 9), mode="bicubic"), image(2, 4)),
    "Upsample trilinear": (lambda: nn.Upsample(scale_factor=2, mode="trilinear"), image(3, 4)),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), image(2, 4)),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), image(2, 4)),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), image(2, 4)),
    "Unfold": (lambda: nn.Unfold(2, padding=1), image(2, 4)),
    "Fold": (lambda: nn.Fold((5, 4), 2, stride=(3, 2)), torch.randn(2, 16, 4)),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 2)), torch.randn(2, 4)),
    "CosineSimilarity": (nn.CosineSimilarity, X, torch.randn(2, 3, 4)),
    "PairwiseDistance": (nn.PairwiseDistance, X[:, 0], torch.randn(2, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    make, *inputs = LAYERS[name]
    check(make(), *inputs)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers(kind):
    make = getattr(nn, kind)
    check(make(4, 5, batch_first=True), X, dims=(0, 1))
    check(make(4, 5, num_layers=2, bidirectional=True, batch_first=True), X)
    check(make(4, 5, bias=False), X, dims=(1,))
    states = torch.randn(1, 3, 5)
    check(make(4, 5), X, (states, states + 1) if kind == "LSTM" else states, dims=(1,))
    check(getattr(nn, f"{kind}Cell")(4, 5), X[:, 0])


def test_rnn_with_relu():
    check(nn.RNN(4, 5, nonlinearity="relu", batch_first=True), X)


@pytest.mark.parametrize("dims", [(0,), (0, 1)])
def test_attention_layers(dims):
    q, kv = torch.randn(2, 3, 8), torch.randn(2, 5, 8)

    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, q, kv):
            mask = torch.ones(q.shape[1], q.shape[1], dtype=torch.bool).triu(1)
            alone, _ = self.attention(q, q, q, attn_mask=mask, need_weights=False)
            return (*self.attention(alone, kv, kv), alone)

    check(Attends(), q, kv, dims=dims)
    check(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2), q, dims=dims)
    check(nn.TransformerEncoderLayer(8, 2, 16, norm_first=True, activation="gelu", batch_first=True), q, dims=dims)
    check(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), q, kv, dims=dims)
    check(nn.Transformer(8, 2, 1, 1, 16, batch_first=True), q, kv, dims=dims)


# ---- models --------------------------------------------------------------------------------------------------------


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.two = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        y = self.two(F.relu(self.norm(self.one(x))))
        y += x
        return self.head(torch.flatten(F.adaptive_avg_pool2d(torch.relu_(y), 1), 1))


class Block(nn.Module):
    """A block of GPT with its embeddings, tied weights and a causal mask kept as buffer."""

    def __init__(self, width=8, heads=2, length=6):
        super().__init__()
        self.attend, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm, self.heads, self.width = nn.LayerNorm(width), heads, width
        self.register_buffer("mask", torch.tril(torch.ones(length, length)).view(1, 1, length, length))
        self.tokens, self.places = nn.Embedding(11, width), nn.Embedding(length, width)
        self.head = nn.Linear(width, 11, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens):
        b, t = tokens.size()
        x = self.tokens(tokens) + self.places(torch.arange(0, t, dtype=torch.long).unsqueeze(0))
        parts = self.attend(self.norm(x)).split(self.width, dim=2)
        q, k, v = [p.view(b, t, self.heads, self.width // self.heads).transpose(1, 2) for p in parts]
        scores = (q @ k.transpose(-2, -1)) * k.size(-1) ** -0.5
        weights = F.softmax(scores.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf")), dim=-1)
        x = x + self.project((weights @ v).transpose(1, 2).contiguous().view(b, t, self.width))
        return self.head(x[:, [-1], :]), self.head(x)[:, -1]


def test_convolutional_network():
    layers = nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(),
                           nn.Linear(72, 3), nn.LogSoftmax(1))  # fmt: skip
    check(layers, image(2, 8))


def test_residual_block():
    check(Residual(), image(2, 6), dims=(0, 2, 3))


def test_gpt_block():
    check(Block(), torch.tensor([[1, 2, 3], [4, 5, 6]]), dims=(0, 1))


# ---- functions -----------------------------------------------------------------------------------------------------


def written(x):
    y = x * 2
    y[:, 0] = 1.0
    y[:, 1:3, ::2] = x[:, :2, :2]
    y[x > 1] = 0.5
    y.add_(1).mul_(2)
    return y, y.relu_().sum()


FUNCTIONS = {
    "arithmetic": lambda x: (2 - x, x / 3, x**2, x // 0.5, x % 0.7, -x, abs(x), 1 / x, x.add(x, alpha=2), x.pow(3),
                             x.clamp(-0.5, 0.5), x.round(), x.floor(), x.sign(), x.trunc(), x.exp().log1p()),
    "comparisons": lambda x: ((x > 0) & (x < 1), ~(x > 0), x == x, x.isnan(), torch.where(x > 0, x, 0.0), x != 0),
    "whole numbers": lambda x: (lambda n: (n * 2.5, n + n, n // 2, n % 2, n == 1, n / 2, n - 1, n.float().mean()))(
        (x * 10).long()
    ),
    "reductions": lambda x: (x.sum(), x.mean(1), x.max(), x.max(1), x.min(dim=2, keepdim=True), x.var(1), x.std(),
                             x.argmax(1), x.amax((1, 2)), x.prod(1), x.logsumexp(1), x.norm(), x.norm(dim=1), x.all(1),
                             (x > 0).any(), x.cumsum(1), x.argmax(), x.mean((0, 2), keepdim=True)),
    "orders": lambda x: (x.topk(2), x.sort(1), x.argsort(-1, descending=True)),
    "shapes": lambda x: (x.flatten(), x.flatten(1), x.flatten(0, 1), x.permute(2, 0, 1), x.transpose(0, 1), x.mT,
                         x.reshape(x.size(0), -1), x.unsqueeze(1).squeeze(1), x.unsqueeze(-1).expand(-1, -1, -1, 3),
                         x.repeat(1, 2, 1), x.repeat(2, 1, 1, 1), x.repeat_interleave(2, 1), x.movedim(0, 1), x.flip(1),
                         x.roll(1, 1), x.unflatten(2, (2, 2)), x.view_as(x), x.expand_as(x), x.tile(2)),
    "joins": lambda x: (torch.cat([x, x], 1), torch.stack([x, x], 1), *x.split(2, 1), *x.chunk(2, 2), *x.unbind(1),
                        x.narrow(1, 1, 2), *torch.split(x, [1, 3], 2), torch.hstack([x, x])),
    "new tensors": lambda x: (torch.zeros(x.shape[0], 3) + 1, torch.ones_like(x), x.new_zeros(x.shape[0]),
                              torch.arange(x.shape[0]), torch.full((x.shape[0], 2), 7.0), x.new_full((2,), 3.0)),
    "products": lambda x: (x @ x.mT, torch.bmm(x, x.transpose(1, 2)), torch.einsum("bij,bkj->bik", x, x),
                           torch.addmm(x[0, 0, 0], x[0], x[0].t()), torch.outer(x[0, 0], x[0, 1])),
    "reading": lambda x: (x[:, 1:], x[..., -1], x[:, None, ::2], x[:, torch.tensor([0, 2])], x[:, [0, 1], [2, 3]], x[0],
                          x[-1, :, 1:3], x[x > 0], x.index_select(1, torch.tensor([0, 2])), x.tril(), x.triu(1),
                          x.gather(1, torch.zeros(x.shape[0], 1, 4, dtype=torch.long))),
    "writing": lambda x: (*written(x), x.masked_fill(x > 0, -1.0), F.pad(x, (1, 2), value=1.0),
                          x.scatter(1, torch.zeros(x.shape[0], 1, 4, dtype=torch.long), 5.0)),
    "attention": lambda x: (F.scaled_dot_product_attention(x, x, x), F.normalize(x, dim=1),
                            F.scaled_dot_product_attention(x, x, x, is_causal=True),
                            F.scaled_dot_product_attention(x, x, x, torch.tril(torch.ones(3, 3, dtype=torch.bool)))),
    "losses": lambda x: (F.mse_loss(x, x * 2), F.l1_loss(x, x * 2), F.smooth_l1_loss(x, 2 * x), F.huber_loss(x, 3 * x),
                         F.cross_entropy(x[:, :, 0], torch.zeros(x.shape[0], dtype=torch.long)),
                         F.binary_cross_entropy_with_logits(x, torch.ones_like(x))),
    "dtypes": lambda x: (x.to(torch.int64), x.double(), x.half().float(), x.type(torch.int32), x.bool(), x.long()),
    "one_hot": lambda x: F.one_hot((x[:, :, 0] > 0).long(), 3),
}  # fmt: skip


@pytest.mark.parametrize("opset", [17, 18, None])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, opset):
    check(Wrapped(FUNCTIONS[name]), X, opset_version=opset)


def test_grid_sample():
    check(Wrapped(lambda x: F.grid_sample(x, torch.full((x.shape[0], 3, 3, 2), 0.3), align_corners=False)), image(2, 4))


# ---- the file ------------------------------------------------------------------------------------------------------


def test_file(tmp_path):
    path = tmp_path / "model.onnx"
    net = Residual().eval()
    program = torch.onnx.export(net, image(2, 6), path, input_names=["image"], output_names=["score"],
                                dynamic_axes={"image": {0: "batch"}, "score": {0: "batch"}})  # fmt: skip
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [i.name for i in model.graph.input] == ["image"]
    assert [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == ["batch", 4, 6, 6]
    assert model.graph.output[0].name == "score"
    assert model.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert {"one.weight", "norm.running_mean", "head.bias"} <= {i.name for i in model.graph.initializer}
    assert model.opset_import[0].version == 20
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    assert program(image(2, 6))[0].shape == (2, 2)
    file = io.BytesIO()
    torch.onnx.export(net, image(2, 6), file)
    assert onnx.load_from_string(file.getvalue()).graph.input[0].name == "x"


def test_fixed_sizes_leave_no_shape_arithmetic():
    program = torch.onnx.export(Block().eval(), torch.tensor([[1, 2, 3]]))
    kinds = {node.op_type for node in program.model_proto.graph.node}
    assert not kinds & {"Shape", "Range", "ConstantOfShape"}


@pytest.mark.parametrize(
    "dynamic_shapes", [{"x": {0: "batch"}}, ({0: "batch"},), {"x": ["batch", None, None]}, [{0: "batch"}]]
)
def test_dynamic_shapes(dynamic_shapes):
    program = torch.onnx.export(Wrapped(lambda x: x.view(x.shape[0], -1)).eval(), X, dynamic_shapes=({0: "batch"},))
    assert program(torch.randn(5, 3, 4))[0].shape == (5, 12)

    class Flat(nn.Module):
        def forward(self, x):
            return x.view(x.shape[0], -1)

    assert torch.onnx.export(Flat(), X, dynamic_shapes=dynamic_shapes)(torch.randn(5, 3, 4))[0].shape == (5, 12)


def test_named_dimensions():
    batch = torch.export.Dim("batch", min=1)
    program = torch.onnx.export(nn.Linear(4, 2), X[:, 0], dynamic_shapes={"input": {0: batch}})
    assert program.model_proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    for hint, changes in ((torch.export.Dim.AUTO, True), (torch.export.Dim.STATIC, False), (None, False)):
        program = torch.onnx.export(nn.ReLU(), X, dynamic_shapes=({0: hint},))
        assert bool(program.model_proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param) is changes


def test_len_stays_open():
    check(Wrapped(lambda x: (x.view(len(x), -1), torch.ones(1, 3).expand(len(x), -1), x[: len(x) - 1])), X)
    assert len.__module__ == "builtins"
    with pytest.raises(ZeroDivisionError):
        torch.onnx.export(Wrapped(lambda x: x / (1 // 0)), X)
    assert len.__module__ == "builtins"


def test_arguments():
    class Adds(nn.Module):
        def forward(self, x, y=None, *, scale=1.0, pairs=()):
            for a, b in pairs:
                x = x + a * b
            return {"sum": x if y is None else x + y * scale, "x": x}

    a, b = torch.ones(2), torch.full((2,), 3.0)
    program = torch.onnx.export(Adds(), (a,), kwargs={"y": b, "scale": 2.0, "pairs": [(a, b)]})
    assert [t.tolist() for t in program(a, b, a, b)] == [[10, 10], [4, 4]]
    assert [t.tolist() for t in torch.onnx.export(Adds(), (a, {"y": b}))(a, b)] == [[4, 4], [1, 1]]


def test_modes():
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    assert [n.op_type for n in torch.onnx.export(net, torch.ones(1, 2)).model_proto.graph.node] == ["Gemm"]
    assert net.training
    assert net[1].training
    trained = torch.onnx.export(net, torch.ones(1, 2), training=torch.onnx.TrainingMode.TRAINING)
    assert "Dropout" in [n.op_type for n in trained.model_proto.graph.node]


def test_functions_and_programs():
    assert torch.onnx.export(torch.jit.trace(lambda x: x * 2, torch.ones(2)), torch.ones(2))(torch.ones(2))[0][0] == 2
    scripted = torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    check(scripted, torch.ones(1, 2))
    check(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), torch.ones(1, 2))


def test_verify():
    torch.onnx.export(Residual(), image(2, 6), verify=True)


def test_weights_as_inputs():
    program = torch.onnx.export(nn.Linear(2, 1), torch.ones(1, 2), export_params=False)
    assert [i.name for i in program.model_proto.graph.input] == ["input", "weight", "bias"]


def test_an_input_that_is_an_output():
    check(Wrapped(lambda x: (x, x, x * 1)), X)


def test_is_in_onnx_export():
    seen = []
    torch.onnx.export(Wrapped(lambda x: seen.append(torch.onnx.is_in_onnx_export()) or x * 2), X)
    assert seen == [True]
    assert not torch.onnx.is_in_onnx_export()


# ---- what cannot be exported ---------------------------------------------------------------------------------------


def test_the_operation_and_its_place_are_named():
    class Inner(nn.Module):
        def forward(self, x):
            return torch.linalg.svd(x)[1]

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([Inner()])

        def forward(self, x):
            return self.blocks[0](x)

    with pytest.raises(torch.onnx.UnsupportedOperatorError, match=r"svd.* has no ONNX counterpart") as caught:
        torch.onnx.export(Outer(), X)
    assert "test_onnx.py:" in str(caught.value)
    assert "in blocks.0" in str(caught.value)


def test_a_constant_that_is_written_into():
    def function(x):
        mask = torch.ones(3, 1)
        before = x + mask
        mask.mul_(2).add_(1)
        between = x + mask
        mask[0] = 7.0
        F.relu(mask.neg_(), inplace=True)
        return before, between, x + mask

    check(Wrapped(function), X)


def test_writing_through_a_view():
    def function(x):
        y = x * 2
        y[0].mul_(5)
        return y

    with pytest.raises(torch.onnx.OnnxExporterError, match="writes in place into a view"):
        torch.onnx.export(Wrapped(function), X)


def test_operators_that_came_later():
    with pytest.raises(torch.onnx.OnnxExporterError, match="Trilu since opset_version 14, not in 13"):
        torch.onnx.export(Wrapped(lambda x: x.tril()), X, opset_version=13)
    with pytest.raises(ValueError, match="knows up to"):
        torch.onnx.export(nn.ReLU(), X, opset_version=1000)
    with pytest.warns(UserWarning, match="opset_version 9 is too old"):
        assert torch.onnx.export(nn.ReLU(), X, opset_version=9).model_proto.opset_import[0].version == 13


def test_names_that_do_not_exist():
    with pytest.raises(TypeError, match="unexpected keyword argument 'opset'"):
        torch.onnx.export(nn.ReLU(), X, opset=17)
    with pytest.raises(ValueError, match="dynamic_axes names 'y'"):
        torch.onnx.export(nn.ReLU(), X, input_names=["x"], dynamic_axes={"y": {0: "n"}})


def test_packages_that_are_missing(monkeypatch):
    program = torch.onnx.export(nn.ReLU(), X)
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match="pip install onnx`"):
        torch.onnx.export(nn.ReLU(), X)
    with pytest.raises(ModuleNotFoundError, match="pip install onnxruntime`"):
        program(X)


def test_a_branch_on_values_warns():
    with pytest.warns(torch.jit.TracerWarning, match="Python boolean"):
        torch.onnx.export(Wrapped(lambda x: x * 2 if x.sum() > 100 else x * 3), X)


def test_numbers_that_the_trace_cannot_follow():
    with pytest.raises(torch.onnx.OnnxExporterError, match="gets the number 2 for the example and 5 for larger"):
        check(Wrapped(lambda x: x * int(x.shape[0])), X)
    with pytest.raises(torch.onnx.OnnxExporterError, match=r"shape \(2,\) for the example and \(5,\)"):
        check(Wrapped(lambda x: x[:, 0, 0] * torch.from_numpy(numpy.ones(x.shape[0], "f4"))), X)
    with pytest.warns(torch.jit.TracerWarning, match="other operations on larger inputs"):
        check(Wrapped(lambda x: x + 1 if x.shape[0] < 4 else x - 1), X)


OPEN = {
    "adaptive pools": lambda x: F.adaptive_avg_pool1d(x, 2),
    "pieces": lambda x: x.split(3, 2)[0],
    "as many as there are": lambda x: x.unbind(2)[0],
    "halves": lambda x: F.glu(x, 2),
    "to twice the size": lambda x: F.interpolate(x, scale_factor=1.7, recompute_scale_factor=True),
}


@pytest.mark.parametrize("name", OPEN)
def test_operations_on_an_open_dimension(name):
    function = OPEN[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        with pytest.raises(torch.onnx.OnnxExporterError):
            check(Wrapped(function), X, dims=(0, 2))
    check(Wrapped(function), X)


def test_sections_may_be_open():
    check(Wrapped(lambda x: torch.split(x, [1, x.shape[1] - 1], 1)), X, dims=(0, 1))


def test_packed_sequences():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(4, 5, batch_first=True)

        def forward(self, x):
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([3, 2]), batch_first=True)
            return self.rnn(packed)[1]

    with pytest.raises(torch.onnx.OnnxExporterError, match="pass padded sequences"):
        torch.onnx.export(Packed(), X)
