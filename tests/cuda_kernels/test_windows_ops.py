"""Convolution, pooling and unfold on a GPU: the kernels they launch, and the numbers that they give on the CPU."""

import numpy as np
import pytest
from values import both

import course_lib as torch
from course_lib.backends.cuda_kernels import conv_tiles, convolution
from course_lib.nn import functional as F


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """float32 is not rounded to TF32, and there are no tensor cores."""
    torch.manual_seed(0)
    monkeypatch.setattr(conv_tiles, "has_cores", lambda device: False)
    with torch.backends.cudnn.flags(allow_tf32=False):
        yield


@pytest.fixture
def cores(monkeypatch):
    """A GPU with tensor cores."""
    monkeypatch.setattr(conv_tiles, "has_cores", lambda device: True)


def agree(function, *operands, tolerance=1e-5) -> None:
    for a, b in zip(*both(function, *operands), strict=True):
        size = max(1.0, np.abs(a[np.isfinite(a)]).max(initial=0))
        assert a.shape == b.shape and np.allclose(a, b, tolerance, tolerance * size, equal_nan=True)


def normal(*shape, dtype=torch.float32):
    return torch.randn(shape, dtype=dtype)


IN_TILES = {"conv_tiles", "conv_tiles_by_weight", "add_parts"}
DEPTHWISE = {"depthwise_forward", "depthwise_by_weight", "add_parts"}
CONVOLUTIONS = {
    "3 x 3": (lambda x, w, b: F.conv2d(x, w, b, padding=1), (2, 4, 7, 6), (5, 4, 3, 3), IN_TILES),
    "strided": (lambda x, w, b: F.conv2d(x, w, b, (2, 1), (0, 1)), (2, 3, 8, 7), (4, 3, 2, 3), IN_TILES | {"col2im"}),
    "same, dilated": (lambda x, w, b: F.conv2d(x, w, b, 1, "same", (1, 3)), (2, 3, 5, 9), (4, 3, 4, 2), IN_TILES),
    "groups": (lambda x, w, b: F.conv2d(x, w, b, groups=2), (2, 6, 5, 5), (4, 3, 3, 3), IN_TILES),
    "1 x 1": (F.conv2d, (2, 5, 6, 4), (3, 5, 1, 1), {"add_channel_bias", "conv_tiles_by_weight", "add_parts"}),
    "1 x 1, strided": (lambda x, w, b: F.conv2d(x, w, b, 2), (2, 5, 6, 5), (3, 5, 1, 1), IN_TILES | {"col2im"}),
    "1-d": (lambda x, w, b: F.conv1d(x, w, b, padding=2), (2, 3, 40), (70, 3, 5), IN_TILES),
    "3-d": (lambda x, w, b: F.conv3d(x, w, b, padding=(1, 0, 1)), (1, 2, 4, 5, 3), (3, 2, 3, 2, 3), IN_TILES),
    "many channels": (lambda x, w, b: F.conv2d(x, w, b, padding=1), (1, 2, 4, 4), (100, 2, 3, 3),
                      {"im2col", "add_channel_bias", "conv_tiles"}),
    "depthwise": (lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=4), (2, 4, 9, 7), (4, 1, 3, 3), DEPTHWISE),
    "depthwise, strided": (lambda x, w, b: F.conv2d(x, w, b, 2, 1, groups=3), (2, 3, 9, 7), (6, 1, 3, 3),
                           DEPTHWISE | {"depthwise_by_image"}),
    "depthwise, large": (lambda x, w, b: F.conv2d(x, w, b, padding=3, groups=2), (1, 2, 6, 9), (2, 1, 7, 7), DEPTHWISE),
    "depthwise, 1-d": (lambda x, w, b: F.conv1d(x, w, b, 1, 4, 2, groups=3), (2, 3, 40), (3, 1, 5), DEPTHWISE),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(launched, name):
    function, x, w, kernels = CONVOLUTIONS[name]
    agree(function, normal(*x), normal(*w), normal(w[0]))
    assert kernels <= set(launched)
    assert not (set().union(*[row[3] for row in CONVOLUTIONS.values()]) - kernels) & set(launched)


TRANSPOSED = {
    "strided": (lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1), (2, 4, 4, 3), (4, 3, 3, 3), "col2im"),
    "stride 1": (lambda x, w, b: F.conv_transpose2d(x, w, b, padding=1), (2, 4, 4, 3), (4, 3, 3, 3), "conv_tiles"),
    "groups": (lambda x, w, b: F.conv_transpose1d(x, w, b, 2, groups=2), (2, 4, 9), (4, 2, 3), "col2im"),
    "1 x 1": (F.conv_transpose2d, (2, 4, 4, 3), (4, 3, 1, 1), "add_channel_bias"),
    "3-d": (lambda x, w, b: F.conv_transpose3d(x, w, b, dilation=2), (1, 2, 3, 3, 2), (2, 3, 2, 2, 2), "conv_tiles"),
    "depthwise": (lambda x, w, b: F.conv_transpose2d(x, w, b, groups=4), (2, 4, 5, 3), (4, 1, 3, 3),
                  "depthwise_forward"),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolution(launched, name):
    function, x, w, kernel = TRANSPOSED[name]
    made = w[1] * (2 if name == "groups" else 4 if name == "depthwise" else 1)
    agree(function, normal(*x), normal(*w), normal(made))
    assert kernel in launched


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["3 x 3", "groups", "strided", "depthwise", "many channels"])
def test_convolution_on_tensor_cores(launched, cores, name, dtype):
    function, x, w, _ = CONVOLUTIONS[name]
    with torch.backends.cudnn.flags(allow_tf32=True):
        agree(function, normal(*x, dtype=dtype), normal(*w, dtype=dtype), normal(w[0], dtype=dtype),
              tolerance=4e-2 if dtype is torch.bfloat16 else 5e-3)  # fmt: skip
    assert "conv_tiles" in launched or name == "depthwise"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", ["3 x 3", "strided"])
def test_without_tensor_cores_half_precision_goes_to_cublas(launched, name, dtype):
    function, x, w, _ = CONVOLUTIONS[name]
    agree(function, normal(*x, dtype=dtype), normal(*w, dtype=dtype), normal(w[0], dtype=dtype), tolerance=4e-2)
    assert {"im2col", "col2im"} <= set(launched) and "conv_tiles" not in launched


def test_launches_of_a_layer_and_its_gradient(launched):
    x, w, b = [t.cuda().requires_grad_() for t in (normal(2, 4, 7, 6), normal(5, 4, 3, 3), normal(5))]
    y = F.conv2d(x, w, b, padding=1)
    assert launched == ["conv_tiles"]
    y.backward(torch.ones_like(y))
    assert launched.count("conv_tiles") == 2 and launched.count("conv_tiles_by_weight") == 1 and len(launched) <= 8


def test_the_batch_is_split_where_columns_would_be_too_large(launched, monkeypatch):
    monkeypatch.setattr(convolution, "WORKSPACE", 2000)
    monkeypatch.setattr(conv_tiles, "MOST_ROWS", {False: 0})
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 4e-2)):
        function, x, w, _ = CONVOLUTIONS["strided"]
        agree(function, normal(5, *x[1:], dtype=dtype), normal(*w, dtype=dtype), normal(w[0], dtype=dtype),
              tolerance=tolerance)  # fmt: skip
    assert launched.count("im2col") > 10 and launched.count("col2im") > 5


def test_few_tiles_with_a_long_way_are_left_to_cublas(xp, monkeypatch):
    monkeypatch.setattr(conv_tiles, "processors", lambda xp, device: (132, 2048))
    x = normal(1).cuda()._array
    assert conv_tiles.fit(x, 64, 27, 49) and conv_tiles.fit(x, 64, 2304, 4900) and not conv_tiles.fit(x, 64, 2304, 49)


def test_gradients_of_gradients(launched):
    def slopes(x, w):
        y = F.conv2d(x, w, padding=1, stride=(1, 2))
        (by_x, by_w) = torch.autograd.grad((y * y).sum(), (x, w), create_graph=True)
        return torch.cat([(by_x * by_x).sum()[None], (by_w * by_w).sum()[None]])

    agree(slopes, normal(1, 2, 4, 5), normal(3, 2, 3, 3))
    agree(lambda x: (torch.autograd.grad((F.max_pool2d(x, 2) ** 3).sum(), x, create_graph=True)[0] ** 2).sum(),
          normal(1, 2, 4, 5))  # fmt: skip
    assert "max_pool_pick" in launched


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_layouts(xp, dtype):
    last = lambda t: t.contiguous(memory_format=torch.channels_last)
    close = {"tolerance": 1e-5 if dtype is torch.float32 else 4e-2}
    x, w = normal(2, 4, 7, 6, dtype=dtype), normal(5, 4, 3, 3, dtype=dtype)
    agree(lambda x, w: F.conv2d(last(x), last(w)), x, w, **close)
    agree(lambda x, w: F.conv2d(x[:, :, ::2].transpose(2, 3), w), x, w, **close)
    agree(lambda x: F.max_pool2d(last(x), 3, 2), x, **close)
    agree(lambda x: F.max_pool2d(last(x), 3, 2, return_indices=True)[0], x, **close)
    agree(lambda x: F.avg_pool2d(last(x), 3, 2), x, **close)
    agree(lambda x: F.adaptive_avg_pool2d(x[:, 0].expand(3, 2, 7, 6), 2), x, **close)
    device = last(x.cuda())
    assert F.conv2d(device, w.cuda()).stride() == F.conv2d(last(x), w).stride()
    assert F.max_pool2d(device, 2).stride() == F.max_pool2d(last(x), 2).stride()


PLACES = {"max_pool_with_places", "max_pool_backward_at_places"}
POOLINGS = {
    "max": (lambda x: F.max_pool2d(x, 2), {"max_pool_forward", "max_pool_backward"}),
    "max, ceil": (lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), {"max_pool_forward", "max_pool_backward"}),
    "max, dilated": (lambda x: F.max_pool2d(x, 2, 1, 1, (3, 2)), {"max_pool_forward", "max_pool_backward"}),
    "max, indices": (lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[0], PLACES),
    "max, 1-d": (lambda x: F.max_pool1d(x[0], 3, 2), {"max_pool_forward", "max_pool_backward"}),
    "max, 3-d": (lambda x: F.max_pool3d(x, (2, 3, 1), 1), {"max_pool_forward", "max_pool_backward"}),
    "max, large": (lambda x: F.max_pool2d(x.repeat(1, 1, 3, 3), (18, 15)), PLACES),
    "average": (lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), {"avg_pool_forward", "avg_pool_backward"}),
    "average, inside": (lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), {"avg_pool_forward",
                                                                                     "avg_pool_backward"}),
    "average, divisor": (lambda x: F.avg_pool2d(x, (2, 3), divisor_override=-3), {"avg_pool_forward",
                                                                                  "avg_pool_backward"}),
    "average, 1-d": (lambda x: F.avg_pool1d(x[0], 3, 1, 1), {"avg_pool_forward", "avg_pool_backward"}),
    "average, 3-d": (lambda x: F.avg_pool3d(x, 2, 1, 1), {"avg_pool_forward", "avg_pool_backward"}),
    "adaptive": (lambda x: F.adaptive_avg_pool2d(x, (3, 5)), {"adaptive_avg_forward", "adaptive_avg_backward"}),
    "global": (lambda x: F.adaptive_avg_pool2d(x, 1), {"plane_means", "adaptive_avg_backward"}),
    "adaptive, 3-d": (lambda x: F.adaptive_avg_pool3d(x, (2, 3, 4)), {"adaptive_avg_forward", "adaptive_avg_backward"}),
    "adaptive max": (lambda x: F.adaptive_max_pool2d(x, (4, 3)), {"adaptive_max_forward", "adaptive_max_backward"}),
    "adaptive max, 1-d": (lambda x: F.adaptive_max_pool1d(x[0], 4), {"adaptive_max_forward", "adaptive_max_backward"}),
    "unfold": (lambda x: F.unfold(x, (2, 3), padding=1, stride=2), {"im2col", "col2im"}),
    "fold": (lambda x: F.fold(x.reshape(2, 12, 14), (4, 9), (2, 3), stride=(2, 1)), {"im2col", "col2im"}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "dtype"), [
    *[(name, torch.float32) for name in POOLINGS],
    *[(name, torch.bfloat16) for name in ("max, ceil", "max, indices", "average", "adaptive", "adaptive max")],
    ("unfold", torch.bfloat16),
])  # fmt: skip
def test_pooling(launched, name, dtype):
    function, kernels = POOLINGS[name]
    agree(function, normal(2, 4, 7, 6, dtype=dtype), tolerance=1e-5 if dtype is torch.float32 else 4e-2)
    assert kernels <= set(launched)


RESIZED = [
    {"scale_factor": 2}, {"size": (5, 9), "mode": "nearest-exact"}, {"size": (3, 13), "mode": "bilinear"},
    {"scale_factor": 2, "mode": "bilinear", "align_corners": True}, {"size": (9, 4), "mode": "bicubic"},
    {"size": (3, 2), "mode": "bilinear", "antialias": True},
]  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_interpolation(launched, dtype):
    close = {"tolerance": 1e-5 if dtype is torch.float32 else 4e-2}
    x = normal(2, 3, 7, 6, dtype=dtype)
    for named in RESIZED:
        agree(lambda x, named=named: F.interpolate(x, **named), x, **close)
    agree(lambda x: F.interpolate(x[0], 11, mode="linear"), x, **close)
    agree(lambda x: F.interpolate(x[None], (2, 9, 5), mode="trilinear"), x, **close)
    assert launched == ["resample"] * 2 * (len(RESIZED) + 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_grid_sample(launched, dtype):
    image, grid = normal(2, 3, 5, 4, dtype=dtype), torch.rand(2, 3, 6, 2).mul(2.4).sub(1.2).to(dtype)
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border"):
            sample = lambda x, at, m=mode, p=padding: F.grid_sample(x, at, m, p, align_corners=False)
            agree(sample, image, grid, tolerance=1e-5 if dtype is torch.float32 else 1e-2)
    assert {"read_places", "spread_places_atomic", "join_places"} <= set(launched)
    volume, places = normal(1, 2, 3, 4, 3), torch.rand(1, 2, 2, 3, 3) - 0.5
    agree(lambda x, at: F.grid_sample(x, at, align_corners=True), volume, places)


def test_indices_lowest_numbers_and_nan(xp):
    x = torch.tensor([[[1.0, float("nan"), 3.0, float("nan"), 5.0, 5.0, *[float("-inf")] * 3]]])
    for pool in (lambda x: F.max_pool1d(x, 3, return_indices=True),
                 lambda x: F.adaptive_max_pool1d(x, 3, return_indices=True)):  # fmt: skip
        (values, places), (on_gpu, there) = pool(x), pool(x.cuda())
        assert repr(values.tolist()) == repr(on_gpu.tolist()) and places.tolist() == there.tolist()
    device = x.cuda().requires_grad_()
    F.max_pool1d(device, 3).sum().backward()
    assert device.grad.tolist() == [[[0, 1, 0, 1, 0, 0, 1, 0, 0]]]


def test_what_kernels_do_not_take(launched):
    numbers = torch.arange(24).reshape(1, 2, 3, 4)
    functions = lambda x: F.max_pool2d(x, 2), lambda x: F.avg_pool2d(x, 2), lambda x: F.conv2d(x, x[:, :, :2, :2])
    for function in functions:
        assert function(numbers).tolist() == function(numbers.cuda()).tolist()
    x, w = torch.randn(1, 2, 4, 4, dtype=torch.complex64), torch.randn(3, 2, 3, 3, dtype=torch.complex64)
    assert np.allclose(F.conv2d(x, w).numpy(), F.conv2d(x.cuda(), w.cuda()).cpu().numpy(), 1e-4, 1e-4)
    empty = torch.empty(0, 2, 4, 4, device="cuda")
    assert F.max_pool2d(empty, 2).shape == (0, 2, 2, 2) and F.conv2d(empty, normal(3, 2, 3, 3).cuda()).shape[0] == 0
    assert F.avg_pool2d(empty, 2).shape == (0, 2, 2, 2) and "avg_pool_forward" not in launched
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        x = normal(1, 1, 4, 4).cuda().requires_grad_() * 1
        y = F.max_pool2d(x, 2)
        x += 1
        y.sum().backward()
