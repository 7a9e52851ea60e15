"""Every CUDA kernel gives the numbers of the library's CPU ops.

Here a C++ compiler compiles them and they run on the processor; tests/cuda runs the same tests on a GPU. The reference
is computed in float64 from the same, rounded inputs, with autograd.
"""

from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

import course_lib as torch
from course_lib.backends import cuda_kernels as kernels
from course_lib.nn import functional as F

CLOSE = {"float64": 1e-12, "float32": 3e-5, "float16": 4e-3, "bfloat16": 3e-2}
HALVES = ["float32", "float16", "bfloat16"]
LENGTHS = [1, 31, 32, 33, 257, 700]


@pytest.fixture
def make(xp):
    """Random arrays on the stand-in, the same ones every time."""
    random = np.random.default_rng(0)

    def made(*shape, dtype="float32", scale=1.0):
        return xp.asarray((random.standard_normal(shape) * scale).astype(np.dtype(dtype)))

    return made


def tensor(array):
    """A device array as a float64 tensor of the CPU that wants a gradient."""
    host = array.get()
    if host.dtype.kind in "iub":
        return torch.tensor(host)
    return torch.tensor(host.astype("f8"), requires_grad=True)


def close(found, expected, dtype=None) -> bool:
    """Whether a device array holds the expected numbers, up to roundings of its dtype."""
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else np.asarray(expected)
    tolerance = CLOSE[dtype or found.dtype.name]
    host = found.get().astype("f8")
    scale = max(1.0, np.abs(expected[np.isfinite(expected)]).max(initial=0))
    return host.shape == expected.shape and np.allclose(host, expected, tolerance, tolerance * scale, equal_nan=True)


def reference(function, *arrays, g=None):
    """What function gives for the arrays in float64, and with g, the gradients by those that have one."""
    operands = [None if a is None else tensor(a) for a in arrays]
    value = function(*operands)
    if g is not None:
        value.backward(tensor(g).detach())
    return SimpleNamespace(value=value, grads=[None if t is None else t.grad for t in operands])


# ---- numbers -----------------------------------------------------------------------------------------------------


def test_half_precision_is_rounded_as_numpy_rounds_it(xp):
    edges = [0.0, -0.0, 1e-8, 6e-8, 3.1e-5, 6.1e-5, 1.0, 1.0004883, 1.0014648, 65504.0, 65519.9, 65520.0, 1e9, -3.3,
             float("inf"), float("nan"), 3.3895e38]  # fmt: skip
    values = np.array(edges, "f4")
    with np.errstate(over="ignore"):
        for dtype in (np.float16, ml_dtypes.bfloat16):
            x = xp.asarray(values.astype(dtype))
            same = kernels.activation("relu", x).get().astype("f4")
            assert np.array_equal(same, np.maximum(values.astype(dtype).astype("f4"), 0), equal_nan=True)
            sums = kernels.reduce_rows("max", xp.asarray(values.astype(dtype)[:, None]))
            assert np.array_equal(sums.get().astype("f4"), values.astype(dtype).astype("f4"), equal_nan=True)


ACTIVATIONS = {"relu": torch.relu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
               "silu": F.silu, "sigmoid": torch.sigmoid, "hyperbolic": torch.tanh}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(make, name, dtype):
    for n in (1, 7, 1029):
        x, g = make(n, dtype=dtype, scale=2), make(n, dtype=dtype)
        expected = reference(ACTIVATIONS[name], x, g=g)
        assert close(kernels.activation(name, x), expected.value)
        assert close(kernels.activation_backward(name, g, x), expected.grads[0])


def test_elements_that_do_not_start_at_sixteen_bytes(make):
    x = make(101)[1:]
    assert close(kernels.activation("silu", x), reference(F.silu, x).value)


def test_add_product(make):
    x, y, z = make(5, 3), make(5, 3), make(5, 3)
    assert close(kernels.add_product(x, y, z, 0.5), torch.addcmul(tensor(x), tensor(y), tensor(z), value=0.5))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", ["relu", "gelu", "gelu_tanh", "silu"])
def test_bias_and_activation(make, name, dtype):
    x, bias, g = make(13, 37, dtype=dtype), make(37, dtype=dtype), make(13, 37, dtype=dtype)
    expected = reference(lambda x, b: ACTIVATIONS[name](x + b), x, bias, g=g)
    assert close(kernels.bias_activation(name, x, bias), expected.value)
    by_x = kernels.bias_activation_backward(name, g, x, bias)
    assert close(by_x, expected.grads[0])
    assert close(kernels.sum_columns(by_x), expected.grads[1])


# ---- rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(make, name, dtype):
    for shape, dim in [((3, n), 1) for n in LENGTHS] + [((4, 33, 5), 1), ((40, 6), 0)]:
        x, g = make(*shape, dtype=dtype, scale=3), make(*shape, dtype=dtype)
        expected = reference(lambda x, dim=dim: getattr(torch, name)(x, dim), x, g=g)
        y = getattr(kernels, name)(x, dim)
        assert close(y, expected.value)
        assert close(getattr(kernels, f"{name}_backward")(g, y, dim), expected.grads[0])


def test_softmax_of_infinite_numbers(xp):
    inf = float("inf")
    rows = np.array([[-inf, 0.0, -inf, 1.0], [-inf] * 4, [inf, 0.0, 1.0, 2.0], [float("nan"), 0.0, 1.0, 2.0],
                     [1e4, 1e4, -1e4, 0.0]], "f4")  # fmt: skip
    with np.errstate(invalid="ignore"):
        assert close(kernels.softmax(xp.asarray(rows), 1), torch.softmax(torch.tensor(rows), 1))
        assert close(kernels.log_softmax(xp.asarray(rows), 1), torch.log_softmax(torch.tensor(rows), 1))


@pytest.mark.parametrize("dtype", HALVES)
def test_cross_entropy(xp, make, dtype):
    for rows, classes in ((1, 2), (7, 33), (5, 300)):
        scores, g = make(rows, classes, dtype=dtype, scale=3), make(rows)
        target = xp.asarray(np.arange(rows) * 5 % classes)
        target[rows // 2] = -100
        expected = reference(lambda s, t: F.cross_entropy(s, t, reduction="none"), scores, target, g=g)
        loss, log_sum = kernels.cross_entropy(scores, target)
        assert close(loss, expected.value)
        assert close(kernels.cross_entropy_backward(g, scores, target, log_sum), expected.grads[0])


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(make, dtype, affine):
    for rows, n in ((1, 2), (5, 33), (70, 64), (3, 700)):
        x, g = make(rows, n, dtype=dtype), make(rows, n, dtype=dtype)
        x += 3
        weight, bias = [make(n, dtype=dtype) if affine else None for _ in "ab"]
        expected = reference(lambda x, w, b, n=n: F.layer_norm(x, (n,), w, b), x, weight, bias, g=g)
        y, mean, rate = kernels.layer_norm(x, weight, bias, n, 1e-5)
        assert close(y, expected.value)
        assert close(mean, tensor(x).mean(1))
        assert close(kernels.norm_backward(g, x, weight, mean, rate, n), expected.grads[0])
        if affine:
            by_weight, by_bias = kernels.norm_parameters_backward(g, x, mean, rate, n)
            assert close(by_weight, expected.grads[1]) and close(by_bias, expected.grads[2])


@pytest.mark.parametrize("dtype", HALVES)
def test_rms_norm(make, dtype):
    for rows, n in ((1, 1), (5, 33), (3, 700)):
        x, weight, g = make(rows, n, dtype=dtype), make(n, dtype=dtype), make(rows, n, dtype=dtype)
        expected = reference(lambda x, w, n=n: F.rms_norm(x, (n,), w, 1e-6), x, weight, g=g)
        y, rate = kernels.rms_norm(x, weight, n, 1e-6)
        assert close(y, expected.value)
        assert close(kernels.norm_backward(g, x, weight, None, rate, n), expected.grads[0])
        assert close(kernels.norm_parameters_backward(g, x, None, rate, n)[0], expected.grads[1])


@pytest.mark.parametrize("dtype", HALVES)
def test_batch_norm(make, dtype):
    for shape in ((5, 3), (2, 4, 7), (3, 2, 9, 11)):
        x, g = make(*shape, dtype=dtype), make(*shape, dtype=dtype)
        x -= 2
        weight, bias = make(shape[1], dtype=dtype), make(shape[1], dtype=dtype)
        expected = reference(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), x, weight, bias, g=g)
        y, mean, rate = kernels.batch_norm(x, weight, bias, 1e-5)
        assert close(y, expected.value)
        found = kernels.batch_norm_backward(g, x, weight, mean, rate)
        assert all(close(a, b, dtype) for a, b in zip(found, expected.grads, strict=True))


# ---- reductions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
def test_reductions(make, dtype):
    for rows, n in ((1, 1), (9, 33), (40, 65)):
        x = make(rows, n, dtype=dtype)
        host = x.get().astype("f8")
        for how in ("sum", "max", "min"):
            assert close(kernels.reduce_all(how, x), getattr(host, how)())
            assert close(kernels.reduce_rows(how, x), getattr(host, how)(1))
        assert close(kernels.sum_columns(x), host.sum(0))


def test_extremes_with_nan_are_nan(xp):
    x = xp.asarray(np.array([[1.0, float("nan"), 2.0], [3.0, 1.0, 2.0]], "f4"))
    assert close(kernels.reduce_rows("max", x), [float("nan"), 3.0])
    assert close(kernels.reduce_all("min", x), float("nan"))


# ---- random numbers ----------------------------------------------------------------------------------------------


def test_random_numbers_are_those_of_pytorch_on_cuda(xp):
    """What torch.manual_seed(0) gives for torch.rand(3, device="cuda") and torch.randn(3, device="cuda")."""
    x = xp.empty(3, np.float32)
    assert kernels.uniform(x, 0.0, 1.0, seed=0, offset=0) == 4
    assert x.get().round(4).tolist() == np.array([0.3990, 0.5167, 0.0249], "f4").tolist()
    kernels.normal(x, 0.0, 1.0, seed=0, offset=0)
    assert x.get().round(4).tolist() == np.array([-0.9247, -0.4253, -2.6438], "f4").tolist()


def test_random_numbers_go_on_where_they_stopped(xp):
    long, first, second = xp.empty(70_000, np.float32), xp.empty(1000, np.float32), xp.empty(1000, np.float32)
    used = kernels.normal(long, 2.0, 0.5, seed=7, offset=0)
    gpu = xp.cuda.runtime.getDeviceProperties(0)
    most = gpu["multiProcessorCount"] * (gpu["maxThreadsPerMultiProcessor"] // 256) * 256
    assert used == 4 * -(-70_000 // (4 * min(most, -(-70_000 // 256) * 256)))
    host = long.get().astype("f8")
    assert abs(host.mean() - 2) < 0.01 and abs(host.std() - 0.5) < 0.01 and len(np.unique(host)) > 69_000
    step = kernels.uniform(first, 0.0, 1.0, seed=7, offset=0)
    kernels.uniform(second, 0.0, 1.0, seed=7, offset=step)
    assert not np.isin(second.get(), first.get()).any()


@pytest.mark.parametrize("dtype", ["float64", *HALVES])
def test_uniform_numbers_stay_in_their_interval(xp, dtype):
    x = xp.empty(5000, np.dtype(dtype))
    kernels.uniform(x, -1.0, 3.0, seed=3, offset=8)
    host = x.get().astype("f8")
    assert host.min() >= -1 and host.max() < 3 and abs(host.mean() - 1) < 0.1


@pytest.mark.parametrize("dtype", HALVES)
def test_dropout(make, dtype):
    x, g = make(4099, dtype=dtype), make(4099, dtype=dtype)
    y, kept = kernels.dropout(x, 0.25, seed=1, offset=0)
    mask = kept.get()
    assert abs(mask.mean() - 0.75) < 0.03
    assert close(y, np.where(mask, x.get().astype("f8") / 0.75, 0))
    assert close(kernels.dropout_backward(g, kept, 0.25), np.where(mask, g.get().astype("f8") / 0.75, 0))
    again = kernels.dropout(x, 0.25, seed=1, offset=0)[1].get()
    assert (again == mask).all() and (kernels.dropout(x, 0.25, seed=1, offset=4)[1].get() != mask).any()


# ---- optimizers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Adam", "AdamW", "SGD", "SGD with momentum", "SGD nesterov"])
@pytest.mark.parametrize("maximize", [False, True])
def test_optimizer_steps(xp, make, kind, maximize):
    p, decay, lr = make(301), 0.1, 0.01
    gradients = [make(301) for _ in range(3)]
    state = [xp.zeros(301, np.float32) for _ in "mv"]
    expected = torch.nn.Parameter(torch.tensor(p.get().astype("f8")))
    momentum = {"SGD with momentum": 0.9, "SGD nesterov": 0.9}.get(kind, 0)
    if kind.startswith("SGD"):
        optimizer = torch.optim.SGD([expected], lr, momentum, weight_decay=decay, nesterov=kind == "SGD nesterov",
                                    maximize=maximize)  # fmt: skip
    else:
        optimizer = getattr(torch.optim, kind)([expected], lr, weight_decay=decay, maximize=maximize)
    for step, g in enumerate(gradients, 1):
        expected.grad = tensor(g).detach()
        optimizer.step()
        if kind == "SGD":
            kernels.sgd(p, g, lr, decay, maximize)
        elif momentum:
            kernels.sgd_momentum(p, g, state[0], lr, decay, maximize, momentum, 1.0, kind == "SGD nesterov")
        else:
            decoupled = kind == "AdamW"
            kernels.adam(p, g, *state, lr / (1 - 0.9**step), 1 - 0.9, 0.999, 1 - 0.999, (1 - 0.999**step) ** 0.5,
                         1e-8, 1 - lr * decay if decoupled else 1.0, 0.0 if decoupled else decay, maximize)  # fmt: skip
    assert close(p, expected)


# ---- windows -----------------------------------------------------------------------------------------------------

WINDOWS = [{"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1)},
           {"kernel": (2, 3), "stride": (2, 1), "padding": (0, 1), "dilation": (2, 1)},
           {"kernel": (1, 1), "stride": (3, 2), "padding": (0, 0), "dilation": (1, 1)}]  # fmt: skip


@pytest.mark.parametrize("window", WINDOWS)
def test_im2col(make, window):
    x = make(2, 3, 9, 7)
    rest = [window[key] for key in ("dilation", "padding", "stride")]
    unfold = lambda x: F.unfold(x, window["kernel"], *rest)
    columns = kernels.im2col(x, **window)
    g = make(*columns.shape)
    expected = reference(unfold, x, g=g)
    assert close(columns, expected.value)
    assert close(kernels.col2im(g, x.shape, **window), expected.grads[0])


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("window", WINDOWS)
def test_depthwise_convolution(make, window, dtype):
    settings = {key: window[key] for key in ("stride", "padding", "dilation")}
    for times in (1, 2):
        x, weight = make(2, 3, 9, 7, dtype=dtype), make(3 * times, 1, *window["kernel"], dtype=dtype)
        bias = make(3 * times, dtype=dtype)
        y = kernels.depthwise_conv(x, weight, bias, **settings)
        g = make(*y.shape, dtype=dtype)
        expected = reference(lambda x, w, b: F.conv2d(x, w, b, groups=3, **settings), x, weight, bias, g=g)
        assert close(y, expected.value)
        found = kernels.depthwise_conv_backward(g, x, weight, **settings)
        assert close(found[0], expected.grads[0]) and close(found[1], expected.grads[1])


@pytest.mark.parametrize("window", [
    {"kernel": (3, 3), "stride": (1, 2), "padding": (1, 1), "dilation": (1, 1)},
    {"kernel": (2, 3), "stride": (2, 3), "padding": (0, 1), "dilation": (2, 1)},
])  # fmt: skip
def test_max_pooling(make, window):
    x = make(2, 3, 9, 8)
    y, chosen = kernels.max_pool(x, **window)
    g = make(*y.shape)
    named = {"kernel_size": window["kernel"], **{k: v for k, v in window.items() if k != "kernel"}}
    expected = reference(lambda x: F.max_pool2d(x, **named), x, g=g)
    assert close(y, expected.value)
    assert chosen.get().tolist() == F.max_pool2d(tensor(x), **named, return_indices=True)[1].tolist()
    assert close(kernels.max_pool_backward(g, chosen, x.shape, **window), expected.grads[0])


def test_the_maximum_of_a_window_with_nan_is_nan(xp):
    x = xp.asarray(np.array([[[1.0, float("nan"), 3.0, 5.0, 5.0, 2.0]]], "f4"))
    y, chosen = kernels.max_pool(x, (1, 3), (1, 3))
    assert close(y, [[[float("nan"), 5.0]]]) and chosen.get().tolist() == [[[1, 3]]]


@pytest.mark.parametrize("padded", [True, False])
def test_average_pooling(make, padded):
    for kernel, stride, padding in (((3, 3), (1, 2), (1, 1)), ((2, 3), (2, 3), (0, 1)), ((2, 2), (2, 2), (0, 0))):
        x = make(2, 3, 9, 8)
        y = kernels.avg_pool(x, kernel, stride, padding, padded)
        g = make(*y.shape)
        pool = lambda x, s=(kernel, stride, padding): F.avg_pool2d(x, *s, count_include_pad=padded)
        expected = reference(pool, x, g=g)
        assert close(y, expected.value)
        assert close(kernels.avg_pool_backward(g, x.shape, kernel, stride, padding, padded), expected.grads[0])


# ---- adding at places --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("dtype", HALVES)
def test_adding_at_places(xp, make, dtype, deterministic):
    index = xp.asarray(np.array([3, 0, 3, 3, 1, 0, 6] * 5))
    out, source = make(7, 13), make(35, 13, dtype=dtype)
    expected = tensor(out).detach().index_add(0, tensor(index), tensor(source).detach())
    kernels.index_add(out, index, source, deterministic)
    assert close(out, expected)
    weight, g = make(7, 13), make(35, 13, dtype=dtype)
    for padding in (None, 3):
        by = reference(lambda w, p=padding: F.embedding(tensor(index), w, p), weight, g=g).grads[0]
        found = kernels.embedding_backward(g, index, 7, -1 if padding is None else padding, deterministic)
        assert close(found, by)


# ---- attention ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("causal", [False, True])
def test_attention(make, dtype, causal):
    for heads, queries, keys, width in ((1, 1, 1, 1), (2, 19, 45, 24), (1, 37, 37, 64)):
        q, g = [make(heads, queries, width, dtype=dtype) for _ in "qg"]
        k, v = [make(heads, keys, width, dtype=dtype) for _ in "kv"]
        scale = width**-0.5
        look = lambda q, k, v, s=scale: F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=s)
        expected = reference(look, q, k, v, g=g)
        out, log_sum = kernels.attention(q, k, v, scale, causal)
        assert close(out, expected.value)
        found = kernels.attention_backward(g, q, k, v, out, log_sum, scale, causal)
        assert all(close(a, b) for a, b in zip(found, expected.grads, strict=True))


def test_attention_with_long_heads(make):
    q, k, v = make(1, 3, 100), make(1, 70, 100), make(1, 70, 100)
    out, _ = kernels.attention(q, k, v, 0.1, False)
    assert close(out, F.scaled_dot_product_attention(tensor(q), tensor(k), tensor(v), scale=0.1))
    with pytest.raises(RuntimeError, match="heads of at most 128 numbers, got 200"):
        kernels.attention(make(1, 3, 200), make(1, 3, 200), make(1, 3, 200), 0.1, False)
