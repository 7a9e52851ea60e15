"""Windows of images: unrolling, depthwise convolution, pooling.

Every kernel gives the numbers of the library's CPU ops.
"""

import numpy as np
import pytest
from values import HALVES, close, reference, tensor

from course_lib.backends import cuda_kernels as kernels
from course_lib.nn import functional as F

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
