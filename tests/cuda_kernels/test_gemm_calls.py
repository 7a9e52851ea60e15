"""What products ask of cuBLAS, by the strict stand-in: one call each, with nothing copied around it."""

import itertools

import cublas_on_numpy
import pytest
from test_gemm_values import close, elements, expected, laid_out

import course_lib as torch
from course_lib.backends import cuda


@pytest.fixture
def calls(xp):
    """What cuBLAS was asked for."""
    cublas_on_numpy.CALLS.clear()
    return cublas_on_numpy.CALLS


@pytest.fixture
def arrays_made(xp):
    """The sizes in bytes of the arrays that were allocated."""
    sizes = []

    class Hook(xp.cuda.MemoryHook):
        def malloc_postprocess(self, size, **_):
            sizes.append(size)

    with Hook():
        yield sizes


def test_one_call_and_one_array(xp, calls, arrays_made):
    """No layout that cuBLAS can read is copied, and batches in even steps are one call."""
    for left, right in itertools.product(("rows", "columns", "gaps"), repeat=2):
        for batch in ((), (6,)):
            a = laid_out(xp, (*batch, 4, 5), "f4", left)
            b = laid_out(xp, (*batch, 5, 2), "f4", right)
            calls.clear()
            arrays_made.clear()
            cuda.product(a, b)
            assert [name for name, _ in calls] == ["gemmStridedBatchedEx" if batch else "gemmEx"]
            assert arrays_made == [a.itemsize * 8 * (6 if batch else 1)]


def test_one_matrix_for_a_whole_batch_is_one_large_product(xp, calls):
    cuda.product(xp.ones((2, 3, 4, 5), "f4"), xp.ones((5, 6), "f4"))
    cuda.product(xp.ones((8, 3, 5), "f4")[:, -1:], xp.ones((5, 6), "f4"))  # of every sequence the last step
    assert [(name, found["n"]) for name, found in calls] == [("gemmEx", 24), ("gemmEx", 8)]


def test_batches_in_uneven_steps(xp, calls, arrays_made):
    heads = [laid_out(xp, (2, 5, 3, 4), "f4", "moved batch") for _ in "ab"]
    few = [xp.asarray(elements((2, 3, 5, 4), "f4")).transpose(0, 2, 1, 3) for _ in "ab"]  # (2, 5, 3, 4)
    for a, b in (heads, few):
        calls.clear()
        arrays_made.clear()
        assert close(cuda.product(a, b.swapaxes(-1, -2)), expected(a, b.swapaxes(-1, -2), "f4"))
        assert len(arrays_made) == 1 and len(calls) == (1 if a is heads[0] else 2)
    many = [xp.asarray(elements((9, 3, 8, 4), "f4")).transpose(0, 2, 1, 3) for _ in "ab"]
    calls.clear()
    arrays_made.clear()
    assert close(cuda.product(many[0], many[1].swapaxes(-1, -2)), expected(many[0], many[1].swapaxes(-1, -2), "f4"))
    assert len(arrays_made) == 3 and len(calls) == 1  # a copy each is cheaper than eight calls


def test_the_current_stream_and_the_device_of_the_operands(xp, calls):
    stream = xp.cuda.Stream()
    with stream:
        cuda.product(xp.ones((2, 2), "f4"), xp.ones((2, 2), "f4"))
    assert calls[0][1]["stream"] == stream.ptr
    with xp.cuda.Device(1):
        a = xp.ones((2, 2), "f4")
    assert cuda.product(a, a).device.id == 1 and cuda.inner(a[0], a[1]).device.id == 1


def test_tf32_and_sums_in_float16(xp, calls):
    a = xp.full((1, 1), 1 + 2**-20, "f4")
    matmul = torch.backends.cuda.matmul
    assert cuda.product(a, a).get() != 1 and cuda.product(a, a, tf32=True).get() == 1
    torch.set_float32_matmul_precision("high")
    try:
        assert matmul.allow_tf32 and matmul.fp32_precision == "tf32"
        assert cuda.product(a, a).get() == 1 and cuda.product(a, a, tf32=False).get() != 1
    finally:
        torch.set_float32_matmul_precision("highest")
    assert not matmul.allow_tf32 and torch.get_float32_matmul_precision() == "highest"
    matmul.allow_fp16_accumulation = True
    try:
        cuda.product(xp.ones((1, 1), "f2"), xp.ones((1, 1), "f2"))
    finally:
        matmul.allow_fp16_accumulation = False
    assert calls[-1][1]["compute"] == cublas_on_numpy.CONSTANTS["CUBLAS_COMPUTE_16F"]
    with pytest.raises(RuntimeError, match="Unknown precision: exact"):
        matmul.fp32_precision = "exact"


def test_a_step_through_linear(calls, launched, arrays_made):
    """Forward: the bias and one product. Backward: two products and the bias' sums. No other launch, and no copy."""
    layer = torch.nn.Linear(8, 4).cuda()
    x = torch.randn(2, 3, 8, device="cuda", requires_grad=True)
    g = torch.randn(2, 3, 4, device="cuda")
    arrays_made.clear()
    launched.clear()
    made = layer(x)
    assert [name for name, _ in calls] == ["gemmEx"] and launched == ["bias_rows"]
    assert arrays_made == [4 * 24]
    made.backward(g)
    assert [name for name, _ in calls] == ["gemmEx"] * 3 and len(launched) == 2 and "columns" in launched[1]
    assert arrays_made[1:] == [4 * 48, 4 * 32, 4 * 4]
    assert all(t.grad.is_contiguous() for t in (x, *layer.parameters()))


def test_a_step_through_linear_without_bias(calls, launched, arrays_made):
    """The gradient of a weight that the product sees transposed is laid out like the weight itself."""
    layer = torch.nn.Linear(8, 4, bias=False).cuda()
    x = torch.randn(6, 8, device="cuda", requires_grad=True)
    g = torch.randn(6, 4, device="cuda")
    arrays_made.clear()
    launched.clear()
    layer(x).backward(g)
    assert [name for name, _ in calls] == ["gemmEx"] * 3 and not launched
    assert arrays_made == [4 * 24, 4 * 48, 4 * 32] and layer.weight.grad.is_contiguous()


def test_heads_of_attention_are_copied_once_for_both_directions(calls, arrays_made):
    q, k = [torch.randn(9, 8, 6, 4, device="cuda", requires_grad=True) for _ in "qk"]
    g = torch.randn(9, 6, 8, 8, device="cuda")
    arrays_made.clear()
    (q.transpose(1, 2) @ k.transpose(1, 2).mT).backward(g)
    whole, made = 4 * 9 * 8 * 6 * 4, 4 * 9 * 6 * 8 * 8
    assert [name for name, _ in calls] == ["gemmStridedBatchedEx"] * 3
    assert arrays_made[:3] == [whole, whole, made] and arrays_made.count(whole) == 6  # two of them for leaves


def test_integers_are_multiplied_otherwise(calls):
    a = torch.arange(6).reshape(2, 3)
    assert (a.cuda() @ a.t().cuda()).tolist() == (a @ a.t()).tolist() and not calls


def test_autocast_multiplies_in_half_precision(calls):
    layer = torch.nn.Linear(4, 3).cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        made = layer(torch.randn(2, 4, device="cuda"))
    made.float().sum().backward()
    assert made.dtype is torch.bfloat16 and layer.weight.grad.dtype is torch.float32
    assert {found["type"] for _, found in calls} == {cublas_on_numpy.KINDS["CUDA_R_16BF"]}
