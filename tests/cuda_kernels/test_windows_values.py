"""Windows of images: unrolling, depthwise convolution, pooling.

Every kernel gives the numbers of the library's CPU ops; here for windows of any size, and for what the ops do not ask.
"""

import numpy as np
import pytest
from values import HALVES, close, reference, tensor

from course_lib.backends import cuda_kernels as kernels
from course_lib.backends.cuda_kernels import conv_tiles, depthwise
from course_lib.backends.cuda_kernels.windows import looking_back
from course_lib.backends.sliding import Sliding
from course_lib.nn import functional as F

WINDOWS = [Sliding((3, 3), (1, 1), (1, 1), (1, 1)), Sliding((2, 3), (2, 1), (0, 1), (2, 1)),
           Sliding((1, 1), (3, 2), (0, 0), (1, 1)), Sliding((7, 5), (2, 3), (3, 2), (1, 1))]  # fmt: skip


def size_of(shape, sliding):
    return tuple([(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, (k, s, p, d) in zip(shape, zip(*sliding))])


@pytest.mark.parametrize("sliding", WINDOWS)
def test_im2col(make, sliding):
    x, size = make(2, 3, 9, 7), size_of((9, 7), sliding)
    unfold = lambda x: F.unfold(x, sliding.kernel, sliding.dilation, sliding.padding, sliding.stride)
    columns = kernels.im2col(x, size, sliding)
    g = make(*columns.shape)
    expected = reference(unfold, x, g=g)
    assert close(columns, expected.value)
    assert close(kernels.col2im(g, x.shape, size, sliding), expected.grads[0])
    rows = columns.get().swapaxes(0, 1).reshape(columns.shape[1], -1)
    assert close(kernels.im2col(x, size, sliding, as_one_matrix=True), rows)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("sliding", WINDOWS[:2])
def test_depthwise_convolution(make, sliding, dtype):
    size = size_of((9, 7), sliding)
    for times in (1, 2):
        x, weight = make(2, 3, 9, 7, dtype=dtype), make(3 * times, 1, *sliding.kernel, dtype=dtype)
        bias = make(3 * times, dtype=dtype)
        y = depthwise.depthwise_conv(x, weight, bias, size, sliding)
        g = make(*y.shape, dtype=dtype)
        conv = lambda x, w, b: F.conv2d(x, w, b, sliding.stride, sliding.padding, sliding.dilation, 3)
        expected = reference(conv, x, weight, bias, g=g)
        assert close(y, expected.value)
        assert close(depthwise.depthwise_conv_by_image(g, weight, x.shape, sliding), expected.grads[0])
        assert close(depthwise.depthwise_conv_by_weight(g, x, sliding.kernel, sliding), expected.grads[1])


@pytest.mark.parametrize("sliding", [Sliding((3, 3), (1, 2), (1, 1), (1, 1)), Sliding((2, 3), (2, 3), (0, 1), (2, 1)),
                                     Sliding((6, 7), (2, 2), (3, 3), (1, 1))])  # fmt: skip
def test_max_pooling(make, sliding):
    x, size = make(2, 3, 9, 8), size_of((9, 8), sliding)
    y, cells = kernels.max_pool(x, size, sliding)
    g = make(*y.shape)
    pool = lambda x, **more: F.max_pool2d(x, *sliding, **more)
    expected = reference(pool, x, g=g)
    assert close(y, expected.value)
    assert close(kernels.max_pool_backward(g, cells, x.shape, sliding), expected.grads[0])
    assert close(kernels.max_pool_pick(x, cells, sliding), expected.value)
    y, places = kernels.max_pool_with_places(x, size, sliding)
    assert close(y, expected.value) and places.get().tolist() == pool(tensor(x), return_indices=True)[1].tolist()
    assert close(kernels.max_pool_backward(g, places, x.shape, sliding), expected.grads[0])


def test_the_maximum_of_a_window_with_nan_is_nan(xp):
    lowest = float("-inf")
    x = xp.asarray(np.array([[[1.0, float("nan"), 3.0, 5.0, 5.0, 2.0, lowest, lowest, lowest]]], "f4"))
    sliding = Sliding((1, 3), (1, 3), (0, 0), (1, 1))
    y, places = kernels.max_pool_with_places(x, (1, 3), sliding)
    assert close(y, [[[float("nan"), 5.0, lowest]]]) and places.get().tolist() == [[[1, 3, 6]]]
    assert kernels.max_pool(x, (1, 3), sliding)[1].get().tolist() == [[[1, 0, 0]]]


@pytest.mark.parametrize("padded", [True, False])
def test_average_pooling(make, padded):
    for sliding in (WINDOWS[0], WINDOWS[1]._replace(dilation=(1, 1)), WINDOWS[3]):
        x, size = make(2, 3, 9, 8), size_of((9, 8), sliding)
        y = kernels.avg_pool(x, size, sliding, padded)
        g = make(*y.shape)
        pool = lambda x, s=sliding[:3]: F.avg_pool2d(x, *s, count_include_pad=padded)
        expected = reference(pool, x, g=g)
        assert close(y, expected.value)
        assert close(kernels.avg_pool_backward(g, x.shape, sliding, padded), expected.grads[0])


@pytest.mark.parametrize(("cores", "dtype"), [(False, "float32"), (False, "float64"), (True, "float32"),
                                              (True, "float16"), (True, "bfloat16")])  # fmt: skip
@pytest.mark.parametrize(("x", "w", "groups", "sliding"), [
    ((6, 40, 15, 13), (9, 40, 3, 3), 1, WINDOWS[0]),  # a long way, and a batch that is shared out
    ((2, 6, 9, 12), (140, 3, 2, 3), 2, WINDOWS[1]._replace(stride=(1, 1))),
    ((3, 3, 2, 6), (66, 3, 1, 2), 1, Sliding((1, 2), (2, 3), (0, 1), (1, 2))),
])  # fmt: skip
def test_convolution_in_tiles(make, monkeypatch, x, w, groups, sliding, cores, dtype):
    monkeypatch.setattr(conv_tiles, "has_cores", lambda device: cores)
    size, rows = size_of(x[2:], sliding), w[0] // groups
    x, w, bias, g = [make(*shape, dtype=dtype) for shape in (x, w, w[:1], (x[0], w[0], *size))]
    conv = lambda x, w, b: F.conv2d(x, w, b, sliding.stride, sliding.padding, sliding.dilation, groups)
    expected, tolerance = reference(conv, x, w, bias, g=g), "float16" if cores and dtype == "float32" else None
    y = conv_tiles.conv_tiles(x, w, bias, rows, size, sliding, groups)
    assert close(y, expected.value, tolerance)
    by_weight = conv_tiles.conv_tiles_by_weight(x, g, sliding, groups)
    assert close(by_weight, expected.grads[1], tolerance)
    if set(sliding.stride) == {1}:
        back = looking_back(sliding)
        by_image = conv_tiles.conv_tiles(g, w, None, w.shape[1], x.shape[2:], back, groups, turned=True)
        assert close(by_image, expected.grads[0], tolerance)
