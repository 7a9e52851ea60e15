"""Random numbers are PyTorch's: the same calls with the same seed in both libraries, states across both, error texts.

Integers, float32 and the half types must be equal bit for bit (float32 normal numbers where PyTorch uses its AVX2 code,
as on every x86 machine of today). Where a number is computed in float64 with logarithms or sines, NumPy's vectorised
functions and the C library's may differ in the last place, so float64 results are compared to 1e-11.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import course_lib as ours

theirs = pytest.importorskip("torch", reason="PyTorch is not installed: no numbers to compare with (extra `parity`)")

VECTOR_CODE = theirs.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8", "bool")
SIZES = (0, 1, 2, 7, 15, 16, 17, 31, 32, 100, 1000, 20_011)


def numbers(t) -> np.ndarray:
    """A tensor of either library as an array; the half types widened, which is exact."""
    if "float16" in str(t.dtype):
        t = t.float()
    return np.asarray(t.detach().numpy())


def assert_same(mine, other, exact: bool = True) -> None:
    assert str(mine.dtype) == str(other.dtype) and tuple(mine.shape) == tuple(other.shape)
    a, b = numbers(mine), numbers(other)
    if exact and a.dtype not in (np.float64, np.complex128):
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, rtol=1e-11 if a.dtype == np.float64 else 3e-6, atol=1e-13 if exact else 1e-6)


def assert_same_place(rtol: float = 1e-12) -> None:
    """Both default generators have used up the same words, and keep the same normal number for the next call."""
    a, b = ours.get_rng_state().numpy(), theirs.get_rng_state().numpy()
    np.testing.assert_array_equal(a[:5016], b[:5016])
    np.testing.assert_array_equal(a[5040:5044], b[5040:5044])
    np.testing.assert_allclose(a[5024:5032].view(np.float64), b[5024:5032].view(np.float64), rtol=1e-11, atol=1e-13)


def both(program, exact: bool = True, seed: int = 0) -> None:
    """Run a program with each library; compare the tensors it returns and the place where it left the generator."""
    made = []
    for T in (ours, theirs):
        T.manual_seed(seed)
        result = program(T)
        made.append(result if isinstance(result, (tuple, list)) else [result])
    for mine, other in zip(*made, strict=True):
        assert_same(mine, other, exact)
    assert_same_place()


# ---- every kind of draw ------------------------------------------------------------------------------------------

FILLS = {
    "uniform_()": FLOATS, "uniform_(-1.3, 2.9)": FLOATS, "uniform_(1000, 1001)": FLOATS, "uniform_(-2, 0)": FLOATS,
    "bernoulli_()": FLOATS + INTEGERS, "bernoulli_(0.137)": FLOATS + INTEGERS, "bernoulli_(1)": ("float32",),
    "random_()": FLOATS + INTEGERS, "random_(2)": FLOATS + INTEGERS, "random_(0, 100)": FLOATS + INTEGERS[:-1],
    "random_(-100, 127)": FLOATS + INTEGERS[:4], "random_(-(2**40), 2**50)": ("int64",),
    "random_(-(2**63), None)": ("int64", "float32", "float64", "bfloat16"), "random_(-5, 2**28 - 6)": ("int64",),
    "random_(7, None)": FLOATS + INTEGERS[:-1], "random_(0, 2**28)": ("int64", "int32"),
    "random_(-(2**63), 2**63 - 1)": ("int64",), "random_(0, 2049)": ("float16",), "random_(10)": ("uint16", "uint64"),
    "exponential_()": FLOATS, "exponential_(0.3)": FLOATS, "cauchy_()": FLOATS, "cauchy_(1.3, 2.7)": FLOATS,
    "log_normal_()": FLOATS, "log_normal_(0.5, 0.1)": FLOATS, "geometric_(0.3)": FLOATS + INTEGERS[:-1],
    "geometric_(0.02)": FLOATS,
}  # fmt: skip


@pytest.mark.parametrize("call", FILLS)
def test_fills(call):
    for dtype in FILLS[call]:
        both(lambda T, d=dtype: [eval(f"T.empty(n, dtype=T.{d}).{call}", {"T": T, "n": n}) for n in SIZES], seed=3)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("mean_std", [(0, 1), (0, 0.3), (-2, 1), (1.7, 2.3), (0.1, 0)])
def test_normal_fills(dtype, mean_std):
    exact = VECTOR_CODE
    both(lambda T: [T.empty(n, dtype=getattr(T, dtype)).normal_(*mean_std) for n in (*SIZES, 3, 16, 5)], exact)


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 + 7, 2**64 - 1, -5])
def test_seeds(seed):
    both(lambda T: [T.rand(700), T.randn(3), T.randn(33), T.randint(0, 9, (5,)), T.randperm(50)], VECTOR_CODE, seed)


def test_a_million_numbers():
    def program(T):
        n = 1_000_000
        return [T.rand(n), T.randn(n), T.empty(n).normal_(1.5, 0.1), T.randint(0, 1000, (n,)), T.randperm(200_000),
                T.empty(n).exponential_(), T.empty(n).bernoulli_(0.4), T.empty(n).log_normal_()]  # fmt: skip

    for seed in range(2):
        both(program, VECTOR_CODE, seed)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 256, 999, 1000, 1001, 30_000])
def test_permutations(n):
    dtypes = ["int64", "int32", "float32", "float64"] + ["uint8", "float16", "bfloat16"] * (n <= 256)
    both(lambda T: [T.randperm(n, dtype=getattr(T, d)) for d in dtypes])


LAYOUTS = {
    "transposed": lambda T, d: T.zeros(37, 20, dtype=d).t(),
    "permuted": lambda T, d: T.zeros(4, 5, 6, dtype=d).permute(2, 0, 1),
    "columns": lambda T, d: T.zeros(30, 6, dtype=d)[:, 1:4],
    "every second": lambda T, d: T.zeros(101, dtype=d)[::2],
    "a row": lambda T, d: T.zeros(3, 40, dtype=d)[1],
    "a column": lambda T, d: T.zeros(40, 3, dtype=d)[:, 1],
    "with a size of one": lambda T, d: T.zeros(7, 1, 5, dtype=d).transpose(0, 2),
}


FILL_A_LAYOUT = (
    lambda T, t: t.uniform_(),
    lambda T, t: t.normal_(1, 2),
    lambda T, t: t.bernoulli_(0.4),
    lambda T, t: t.random_(9),
    lambda T, t: t.bernoulli_((T.arange(t.numel()) / t.numel()).reshape(t.shape)),
    lambda T, t: t.copy_(T.rand_like(t)),
    lambda T, t: t.copy_(T.randn_like(t)),
    lambda T, t: t.copy_(T.randint_like(t, 3, 50)),
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    def program(T, dtype):
        return [fill(T, LAYOUTS[layout](T, getattr(T, dtype))) for fill in FILL_A_LAYOUT]

    for dtype in FLOATS:
        both(lambda T, d=dtype: program(T, d), VECTOR_CODE)


def test_complex():
    def program(T):
        made = [T.randn(n, dtype=d) for n in (1, 7, 8, 40) for d in (T.complex64, T.complex128)]
        made += [T.rand(3, 4, dtype=T.complex64), T.empty(3, 5, dtype=T.complex64).t().normal_(1, 2)]
        made.append(T.empty(3, dtype=T.complex128).uniform_(-1, 1))
        return [*made, T.normal(T.zeros(3, dtype=T.complex64), 2.0)]

    both(program, VECTOR_CODE)


def test_normal_with_tensors():
    def program(T):
        mean, std = T.arange(24.0).reshape(4, 6) / 8 - 1, T.arange(6.0) / 3
        return [T.normal(mean, std), T.normal(mean, 0.7), T.normal(mean), T.normal(1.3, std), T.normal(2, 3, (5, 5)),
                T.normal(mean.double(), std), T.normal(mean, std.double()), T.normal(mean.t(), 1.0),
                T.normal(0.5, std.half()), T.normal(mean.bfloat16(), std),
                T.normal(mean, std, out=T.empty(4, 6))]  # fmt: skip

    both(program, VECTOR_CODE)


def test_bernoulli_by_probabilities():
    def program(T):
        made = []
        for d in FLOATS:
            p = T.rand(50).to(getattr(T, d))
            made += [T.bernoulli(p), T.empty(50, dtype=T.int32).bernoulli_(p), T.bernoulli(p, 0.2), p.bernoulli()]
            made += [T.bernoulli(p.reshape(5, 10).t()), T.empty(3, 50).bernoulli_(p), T.zeros(4).bernoulli_(p[0])]
        return [*made, T.bernoulli(T.rand(3), out=T.empty(3, dtype=T.bool))]

    both(program)


def test_multinomial():
    def program(T):
        made = []
        for d in ("float32", "float64"):
            weights = T.rand(3, 40, dtype=getattr(T, d))
            made += [T.multinomial(weights, n) for n in (1, 5, 40)]
            made += [T.multinomial(weights, n, replacement=True) for n in (1, 60)]
            made += [T.multinomial(weights[0], 6), weights[1].multinomial(7, replacement=True)]
            made += [T.multinomial(weights.t(), 2)]
        # In the half types two categories may win with the same score; then PyTorch's order follows its sort.
        made += [T.multinomial(T.rand(3, 40).half(), 60, True), T.multinomial(T.rand(3, 40).bfloat16(), 60, True)]
        return [*made, T.multinomial(T.tensor([0.0, 10.0, 3.0, 0.0]), 2)]

    for seed in range(3):
        both(program, seed=seed)


def test_poisson_and_binomial():
    def program(T):
        made = []
        for top in (1, 12, 100, 5000):
            rates = T.rand(300) * top
            made += [T.poisson(rates.to(d)) for d in (T.float32, T.float64, T.float16, T.bfloat16)]
            count, chance = T.floor(rates), T.rand(300)
            made += [T.binomial(count, chance), T.binomial(count.double(), chance.double())]
        chance = T.tensor([-0.5, 0.0, 0.3, 0.5, 1.0, 1.5])
        return [*made, T.poisson(T.rand(5, 4).t() * 9), T.binomial(T.full((4, 6), 9.0), chance.expand(4, 6))]

    both(program)


def test_dropout_draws_the_same_noise():
    from course_lib.ops.random_fill import fill_dropout_noise
    from course_lib.random import stream_of

    for dtype in FLOATS:
        for p in (0.1, 0.5, 0.73):
            ours.manual_seed(0)
            noise = ours.empty(5, 40, dtype=getattr(ours, dtype)).t()
            fill_dropout_noise(noise._array, p, stream_of(None))
            theirs.manual_seed(0)
            x = theirs.ones(5, 40, dtype=getattr(theirs, dtype)).t()
            assert_same(noise, theirs.nn.functional.dropout(x, p))


# ---- states across the libraries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [0, 1, 623, 624, 625, 5000])
def test_states_are_exchanged(words):
    for pairs in (0, 1):
        for giver, taker in ((ours, theirs), (theirs, ours)):
            giver.manual_seed(11)
            giver.empty(words, dtype=giver.int32).random_()
            giver.randn(pairs)
            state = giver.get_rng_state()
            if taker is theirs:
                taker.set_rng_state(theirs.from_numpy(state.numpy().copy()))
            else:
                taker.set_rng_state(ours.from_numpy(state.numpy().copy()))
            assert taker.get_rng_state().tolist() == state.tolist() and taker.initial_seed() == 11
            for draw in (lambda T: T.randn(5), lambda T: T.rand(700), lambda T: T.randn(64), lambda T: T.randperm(9)):
                assert_same(draw(ours), draw(theirs), VECTOR_CODE)
            assert_same_place()


def test_generators_beside_the_default_one():
    def program(T):
        g, h = T.Generator().manual_seed(5), T.Generator()
        made = [T.rand(5, generator=g), T.rand(3), T.randn(3, generator=g), T.randn(3, generator=h)]
        c = g.clone_state()
        made += [T.randn(4, generator=g), T.randn(4, generator=c), T.zeros(4).normal_(generator=g)]
        made += [T.randint(9, (4,), generator=c), T.randperm(7, generator=c)]
        return [*made, T.multinomial(T.ones(5), 2, generator=g)]

    both(program)


# ---- any sequence of calls ---------------------------------------------------------------------------------------

small = st.integers(0, 40)
shapes = st.lists(st.integers(0, 7), max_size=3).map(tuple)
floats = st.sampled_from(FLOATS)
finite = st.floats(-50, 50, width=16)
calls = st.one_of(
    st.tuples(st.just("rand"), shapes, floats).map(lambda c: lambda T: T.rand(c[1], dtype=getattr(T, c[2]))),
    st.tuples(shapes, floats).map(lambda c: lambda T: T.randn(c[0], dtype=getattr(T, c[1]))),
    st.tuples(shapes, floats, finite, st.floats(0, 9, width=16)).map(
        lambda c: lambda T: T.empty(c[0], dtype=getattr(T, c[1])).normal_(c[2], c[3])
    ),
    st.tuples(shapes, floats, finite, st.floats(0, 9, width=16)).map(
        lambda c: lambda T: T.empty(c[0], dtype=getattr(T, c[1])).uniform_(c[2], c[2] + c[3])
    ),
    st.tuples(st.integers(-(2**63), 2**62), st.integers(1, 2**62), shapes).map(
        lambda c: lambda T: T.randint(c[0], c[0] + c[1], c[2])
    ),
    st.tuples(st.integers(-100, 20), st.integers(1, 90), shapes, st.sampled_from(INTEGERS[:4] + FLOATS)).map(
        lambda c: lambda T: T.randint(c[0], c[0] + c[1], c[2], dtype=getattr(T, c[3]))
    ),
    small.map(lambda n: lambda T: T.randperm(n)),
    st.tuples(shapes, st.floats(0, 1)).map(lambda c: lambda T: T.empty(c[0]).bernoulli_(c[1])),
    st.tuples(shapes, floats).map(lambda c: lambda T: T.empty(c[0], dtype=getattr(T, c[1])).log_normal_()),
    st.tuples(shapes, floats).map(lambda c: lambda T: T.empty((*c[0], 2), dtype=getattr(T, c[1]))[..., 0].normal_()),
    st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda c: lambda T: T.multinomial(T.ones(9), min(c), c[0] > 4)),
    st.floats(0, 40).map(lambda rate: lambda T: T.poisson(T.full((3,), rate))),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(calls, min_size=1, max_size=8), st.integers(-(2**63), 2**64 - 1))
def test_any_sequence_of_calls(sequence, seed):
    both(lambda T: [call(T) for call in sequence], VECTOR_CODE, seed)


# ---- mistakes ----------------------------------------------------------------------------------------------------

MISTAKES = """
T.rand(-1)
T.rand('a')
T.rand(True)
T.rand(T.tensor([2, 3]))
T.rand(2, dtype=T.bool)
T.rand(2, out=T.empty(2), dtype=T.float64)
T.randint(2, (3,), dtype=T.complex64)
T.randint(10, (3,), dtype=T.bool)
T.randint(-1, 10, (3,), dtype=T.uint8)
T.randint(-5, (3,))
T.randint(1.5, (3,))
T.randint(0, 2**63, (3,))
T.randint(0, 70000, (3,), dtype=T.half)
T.randperm(5.0)
T.randperm(257, dtype=T.uint8)
T.randperm(3, dtype=T.bool)
T.rand_like(3)
T.randn_like(T.zeros(2, dtype=T.int64))
T.normal(T.zeros(3), -1.)
T.normal(T.zeros(3, dtype=T.int64), 1.)
T.bernoulli(.5)
T.bernoulli(T.tensor([1, 0]))
T.bernoulli(T.tensor([.1, 1.9]))
T.bernoulli(T.tensor([.1], dtype=T.complex64))
T.empty(3).bernoulli_(T.tensor([.3, .4]))
T.empty(3).bernoulli_(T.tensor([1, 0, 1]))
T.empty(3, dtype=T.complex64).bernoulli_(.5)
T.empty(3).bernoulli_(float('nan'))
T.empty(3).uniform_(-1e39, 1)
T.empty(3).uniform_(0, float('nan'))
T.empty(3).uniform_(-3e38, 3e38)
T.empty(3, dtype=T.half).uniform_(0, 70000)
T.empty(3, dtype=T.bool).uniform_()
T.empty(3).normal_(0, float('nan'))
T.empty(3).normal_(T.zeros(3), 1)
T.empty(3).random_(0)
T.empty(3, dtype=T.uint8).random_(257)
T.empty(3).random_(2**24, None)
T.empty(3, dtype=T.uint16).random_()
T.empty(3, dtype=T.complex64).random_(10)
T.empty(0).random_(5, 5)
T.empty(3, dtype=T.int32).random_(-2**63, None)
T.empty(3, dtype=T.int64).exponential_()
T.empty(3, dtype=T.bool).geometric_(.5)
T.empty(3, dtype=T.int64).cauchy_()
T.empty(3, dtype=T.complex64).log_normal_()
T.multinomial(T.ones(3), 0)
T.multinomial(T.tensor([-1., 2.]), 2, True)
T.multinomial(T.tensor([float('inf'), 2.]), 2, True)
T.multinomial(T.tensor([1, 2]), 1)
T.multinomial(T.ones(2, 2, 2), 1)
T.multinomial(T.ones(3), 2, out=T.empty(2))
T.multinomial(T.ones(3), 2.0)
T.poisson(T.tensor([1, 20]))
T.poisson(3.)
T.binomial(T.tensor([10, 20]), T.tensor([.5, .5]))
T.binomial(T.tensor([10.]).half(), T.tensor([.5]).half())
T.Generator('foo:')
T.Generator().manual_seed('a')
T.Generator().get_offset()
T.set_rng_state([1])
"""


@pytest.mark.parametrize("expression", MISTAKES.strip().splitlines())
def test_mistakes(expression):
    texts = []
    for T in (ours, theirs):
        with pytest.raises(Exception) as caught:
            eval(expression, {"T": T})
        texts.append((type(caught.value).__name__, str(caught.value)))
    assert texts[0] == texts[1]


def test_a_float_dtype_with_gaps_warns():
    for T in (ours, theirs):
        T.manual_seed(0)
        with pytest.warns(UserWarning, match=r"to - 1 is out of bounds \[-\(2\^11\), 2\^11\]\. Due to precision"):
            made = T.empty(1000, dtype=T.half).random_(0, 65504)
        assert made.max().item() < 65504 and math.isfinite(made.sum(dtype=T.float64).item())
        if T is ours:
            expected = made.tolist()
    assert made.tolist() == expected
