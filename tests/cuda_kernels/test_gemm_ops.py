"""Products of matrices on a GPU: the numbers, and that each is one call of cuBLAS with nothing copied around it."""

import itertools

import cublas_on_numpy
import ml_dtypes
import numpy as np
import pytest
from values import both

import course_lib as torch
from course_lib.backends import cuda, cuda_gemm
from course_lib.nn import functional as F

EXACT = {"float16": 2e-3, "bfloat16": 1e-2, "float32": 1e-5, "float64": 1e-13, "complex64": 1e-5, "complex128": 1e-13}
LAYOUTS = ["rows", "columns", "gaps", "steps", "moved batch", "expanded"]


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


@pytest.fixture
def elements():
    """Random numbers of a dtype, complex ones too."""
    random = np.random.default_rng(0)

    def made(shape, dtype):
        values = random.standard_normal(shape)
        if np.dtype(dtype).kind == "c":
            values = values + 1j * random.standard_normal(shape)
        return values.astype(dtype)

    return made


def laid_out(xp, elements, shape, dtype, how: str):
    """An array of the device whose elements lie in memory in one way or another."""
    *batch, rows, columns = shape
    if how == "columns":
        return xp.asarray(elements((*batch, columns, rows), dtype)).swapaxes(-1, -2)
    if how == "gaps":
        whole = xp.asarray(elements([n + 1 for n in shape], dtype))
        return whole[tuple([slice(n) for n in shape])]
    if how == "steps":
        return xp.asarray(elements([2 * n for n in shape], dtype))[tuple([slice(None, None, 2)] * len(shape))]
    if how == "moved batch":  # (b, n, k) lies as (n, b, k), as the heads of attention do
        return xp.moveaxis(xp.asarray(elements((rows, *batch, columns), dtype)), 0, -2)
    if how == "expanded":
        return xp.broadcast_to(xp.asarray(elements((1,) * len(batch) + (rows, columns), dtype)), shape)
    return xp.asarray(elements(shape, dtype))


def expected(a, b, dtype, before=0, alpha=1, beta=0) -> np.ndarray:
    wide = np.complex128 if np.dtype(dtype).kind == "c" else np.float64
    return alpha * (a.get().astype(wide) @ b.get().astype(wide)) + (beta * before if beta else 0)


def close(found, wanted) -> bool:
    tolerance = EXACT[found.dtype.name]
    host = found.get().astype(wanted.dtype)
    return host.shape == wanted.shape and np.allclose(host, wanted, tolerance, tolerance * 4, equal_nan=True)


DTYPES = ["float16", ml_dtypes.bfloat16, "float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_all_layouts(xp, elements, dtype):
    for batch in ((), (3,), (2, 3)):
        for left, right in itertools.product(LAYOUTS, LAYOUTS):
            a = laid_out(xp, elements, (*batch, 4, 5), dtype, left)
            b = laid_out(xp, elements, (*batch, 5, 2), dtype, right)
            made = cuda.product(a, b)
            assert made.flags.c_contiguous and made.dtype == dtype
            assert close(made, expected(a, b, dtype)), (batch, left, right)


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64"])
@pytest.mark.parametrize("layout", LAYOUTS[:5])
def test_into_an_array_that_is_there(xp, elements, layout, dtype):
    for batch, alpha, beta in itertools.product(((), (2,)), (1, 0.5), (0, 1, -2)):
        a, b = xp.asarray(elements((*batch, 3, 4), dtype)), xp.asarray(elements((*batch, 4, 5), dtype))
        out = laid_out(xp, elements, (*batch, 3, 5), dtype, layout)
        if beta == 0:
            out.fill(float("nan"))
        before = out.get()
        assert cuda.product(a, b, out, alpha=alpha, beta=beta) is out
        assert close(out, expected(a, b, dtype, before, alpha, beta)), (batch, alpha, beta)


@pytest.mark.parametrize(("a", "b"), [
    ((4, 5), (5, 3)), ((1, 5), (5, 3)), ((4, 5), (5, 1)), ((4, 1), (1, 3)), ((1, 1), (1, 1)), ((2, 4, 5), (5, 3)),
    ((2, 4, 5), (1, 5, 3)), ((4, 5), (2, 5, 3)), ((2, 3, 4, 5), (3, 5, 2)), ((2, 1, 4, 5), (3, 5, 2)),
    ((5, 1, 2, 3), (1, 6, 3, 2)), ((0, 4, 5), (5, 3)), ((4, 0), (0, 3)), ((2, 4, 0), (0, 3)), ((0, 5), (5, 3)),
    ((4, 5), (5, 0)), ((2, 1, 0, 5), (3, 5, 2)),
])  # fmt: skip
def test_sizes_and_broadcasting(xp, elements, a, b):
    a, b = xp.asarray(elements(a, "f4")), xp.asarray(elements(b, "f4"))
    assert close(cuda.product(a, b), expected(a, b, "f4"))


def test_nothing_to_add_up_leaves_what_was_there_times_beta(xp):
    a, b, out = xp.ones((2, 0), "f4"), xp.ones((0, 3), "f4"), xp.full((2, 3), 4.0, "f4")
    assert cuda.product(a, b, out, beta=0.5).get().tolist() == [[2.0] * 3] * 2
    out.fill(float("nan"))
    assert cuda.product(a, b, out).get().tolist() == [[0.0] * 3] * 2


def test_one_call_and_one_array(xp, elements, calls, arrays_made):
    """No layout that cuBLAS can read is copied, and batches in even steps are one call."""
    for left, right in itertools.product(("rows", "columns", "gaps"), repeat=2):
        for batch in ((), (6,)):
            a = laid_out(xp, elements, (*batch, 4, 5), "f4", left)
            b = laid_out(xp, elements, (*batch, 5, 2), "f4", right)
            calls.clear()
            arrays_made.clear()
            cuda.product(a, b)
            assert [name for name, _ in calls] == ["gemmStridedBatchedEx" if batch else "gemmEx"]
            assert arrays_made == [a.itemsize * 8 * (6 if batch else 1)]


def test_one_matrix_for_a_whole_batch_is_one_large_product(xp, calls):
    cuda.product(xp.ones((2, 3, 4, 5), "f4"), xp.ones((5, 6), "f4"))
    cuda.product(xp.ones((8, 3, 5), "f4")[:, -1:], xp.ones((5, 6), "f4"))  # of every sequence the last step
    assert [(name, found["n"]) for name, found in calls] == [("gemmEx", 24), ("gemmEx", 8)]


def test_batches_in_uneven_steps(xp, elements, calls, arrays_made):
    heads = [laid_out(xp, elements, (2, 5, 3, 4), "f4", "moved batch") for _ in "ab"]
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


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_inner_products(xp, elements, calls, dtype):
    a, b = xp.asarray(elements(30, dtype))[::3], xp.asarray(elements(10, dtype))
    assert close(cuda.inner(a, b), expected(a, b, dtype))
    assert xp.cuda.cublas.getPointerMode(xp.cuda.device.get_cublas_handle()) == 0
    assert cuda.inner(a[:0], b[:0]).get() == 0 and len(calls) == 1


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


def test_sizes_beyond_32_bits_are_an_error():
    with pytest.raises(RuntimeError, match="32 bits, and got 2147483648"):
        cuda_gemm._plan((2**31, 1), (4, 4), (1, 1), (4, 4), (2**31, 1), (4, 4), 4)


# ---- ops -----------------------------------------------------------------------------------------------------------

OPS = {
    "mm": (torch.mm, (3, 4), (4, 5)),
    "mm of transposed views": (lambda a, b: torch.mm(a.t(), b.t()), (4, 3), (5, 4)),
    "bmm": (torch.bmm, (2, 3, 4), (2, 4, 5)),
    "mv": (torch.mv, (3, 4), (4,)),
    "dot": (torch.dot, (7,), (7,)),
    "matmul, one matrix": (torch.matmul, (2, 3, 4), (4, 5)),
    "matmul, batches broadcast": (torch.matmul, (2, 1, 3, 4), (3, 4, 5)),
    "matmul, vector first": (torch.matmul, (4,), (2, 4, 5)),
    "addmm": (lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2), (5,), (3, 4), (4, 5)),
    "addmm, whole": (torch.addmm, (3, 5), (3, 4), (4, 5)),
    "baddbmm": (lambda c, a, b: torch.baddbmm(c, a, b, alpha=3), (2, 3, 1), (2, 3, 4), (2, 4, 5)),
    "addbmm": (lambda c, a, b: torch.addbmm(c, a, b, beta=2), (3, 5), (2, 3, 4), (2, 4, 5)),
    "addmv": (lambda c, a, b: torch.addmv(c, a, b, beta=2), (3,), (3, 4), (4,)),
    "linear": (F.linear, (2, 3, 4), (5, 4), (5,)),
    "linear without bias": (F.linear, (2, 3, 4), (5, 4)),
    "bilinear": (F.bilinear, (3, 4), (3, 5), (2, 4, 5), (2,)),
    "einsum": (lambda a, b: torch.einsum("bqhd,bkhd->bhqk", a, b), (2, 3, 2, 4), (2, 5, 2, 4)),
    "tensordot": (lambda a, b: torch.tensordot(a, b, ([1], [0])), (3, 4, 2), (4, 5)),
    "multi_dot": (lambda *m: torch.linalg.multi_dot(m), (3, 4), (4, 2), (2, 5)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", OPS)
def test_ops_and_their_gradients(calls, name, dtype):
    torch.manual_seed(0)
    function, *shapes = OPS[name]
    operands = [torch.randn(shape, dtype=dtype) for shape in shapes]
    tolerance = 1e-5 if dtype is torch.float32 else 3e-2
    for a, b in zip(*both(function, *operands), strict=True):
        assert a.shape == b.shape and np.allclose(a, b, tolerance, tolerance * 4)
    assert calls


def test_gradients_of_gradients(xp):
    found = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        x, w, b = [torch.randn(shape).to(device).requires_grad_() for shape in ((3, 4), (5, 4), (5,))]
        made = (F.linear(x, w, b) ** 2).sum() + (torch.addmm(b, x, w.t(), alpha=2) ** 3).sum()
        slopes = torch.autograd.grad(made, (x, w, b), create_graph=True)
        found.append([t.tolist() for t in torch.autograd.grad(sum((s**2).sum() for s in slopes), (x, w, b))])
    for a, b in zip(*found, strict=True):
        assert np.allclose(a, b, 1e-3)


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
    assert torch.equal((a.cuda() @ a.t().cuda()).cpu(), a @ a.t())
    assert torch.equal(F.linear(a.cuda(), a.cuda(), a[:, 0].cuda()).cpu(), F.linear(a, a, a[:, 0]))
    assert not calls


def test_autocast_multiplies_in_half_precision(calls):
    layer = torch.nn.Linear(4, 3).cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        made = layer(torch.randn(2, 4, device="cuda"))
    made.float().sum().backward()
    assert made.dtype is torch.bfloat16 and layer.weight.grad.dtype is torch.float32
    assert {found["type"] for _, found in calls} == {cublas_on_numpy.KINDS["CUDA_R_16BF"]}
