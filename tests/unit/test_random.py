"""Random numbers: short sequences recorded from PyTorch 2.13, states, in-place rules, error texts, and the moments.

The recorded sequences run on PyTorch itself too where it is installed.
"""

import copy
import math
import pickle
import subprocess
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest

import course_lib as ours
from course_lib.backends import shuffle
from course_lib.backends.box_muller import fma_float64
from course_lib.backends.loading import Loading
from course_lib.backends.streams import Stream

RECORDED = {  # after manual_seed(0)
    "rand(4)": [0.49625658988952637, 0.7682217955589294, 0.08847743272781372, 0.13203048706054688],
    "rand(2, dtype=float64)": [0.9700530018065531, 0.707819864399788],
    "rand(3, dtype=half)": [0.496337890625, 0.76806640625, 0.0885009765625],
    "randn(3)": [1.5409960746765137, -0.293428897857666, -2.1787893772125244],
    "randn(17)": [-1.1258398294448853, -1.6959311962127686, 0.5666506290435791, 0.7935083508491516,
                  0.5988394618034363, -1.5550950765609741, -0.3413603901863098, 1.85300612449646,
                  0.46809640526771545, -0.5854975581169128, -0.1733967512845993, 0.18347793817520142,
                  1.3893661499023438, 1.586334228515625, 0.946298360824585, -0.843676745891571, 0.9318265914916992],
    "randn(2, dtype=complex64)":
        [1.0896488428115845 - 0.20748557150363922j, -1.5406367778778076 + 0.40194159746170044j],
    "randint(0, 10, (8,))": [4, 9, 3, 0, 3, 9, 7, 3],
    "randint(-(2**63), 2**63 - 1, (2,))": [900450186894289455, 3969543146641149120],
    "randperm(10)": [4, 1, 7, 5, 3, 9, 0, 8, 6, 2],
    "randperm(5000)[:6]": [1044, 2591, 4111, 725, 1703, 1919],
    "empty(8).bernoulli_(0.5)": [0, 0, 1, 0, 0, 0, 1, 1],
    "bernoulli(tensor([0.1, 0.5, 0.9]))": [0, 0, 1],
    "empty(3).uniform_(-2, 3)": [0.48128294944763184, 1.841109037399292, -1.5576128959655762],
    "empty(2, 3).t().uniform_()": [[0.49625658988952637, 0.13203048706054688],
                                   [0.7682217955589294, 0.30742281675338745],
                                   [0.08847743272781372, 0.6340786814689636]],
    "empty(3).normal_(5, 2)": [8.081992149353027, 4.413142204284668, 0.6424212455749512],
    "empty(3).exponential_(2)": [1.754163146018982, 0.6151923537254333, 0.3075220584869385],
    "empty(3).cauchy_(1, 2)": [22.195459365844727, 2.5295345783233643, 0.743401288986206],
    "empty(3).log_normal_()": [59.2634162902832, 1.5115599632263184, 0.03481946140527725],
    "empty(5).geometric_(0.3)": [1, 1, 3, 1, 2],
    "empty(3, dtype=int64).random_()": [900450186894289455, 3969543146641149121, 1895649597198586620],
    "multinomial(tensor([1., 2., 3., 4.]), 3)": [2, 1, 3],
    "multinomial(tensor([.1, .2, .7]), 4, True)": [2, 2, 2, 2],
    "poisson(tensor([.5, 4., 30., 200.]))": [2, 5, 26, 185],
    "poisson(tensor([0., 1e-30, 1e-9]))": [0, 0, 0],
    "binomial(tensor([10., 100., 5., 40.]), tensor([.3, .4, .9, .8]))": [6, 38, 5, 33],
    "normal(tensor([0., 100.]), tensor([1., 10.]))": [1.5409960746765137, 97.06571],
}  # fmt: skip


def run(torch, expression: str, seed: int = 0):
    torch.manual_seed(seed)
    return eval(expression, {name: getattr(torch, name) for name in dir(torch) if not name.startswith("__")})


@pytest.mark.parametrize("expression", RECORDED)
def test_the_numbers_are_the_recorded_ones(torch, expression):
    made, expected = np.array(run(torch, expression).tolist()), np.array(RECORDED[expression])
    np.testing.assert_allclose(made, expected, rtol=2e-7 if made.dtype.kind in "fc" else 0)


def test_a_second_draw_goes_on_with_the_normal_number_that_was_left_over(torch):
    torch.manual_seed(0)
    first, second = torch.randn(3).tolist(), torch.randn(2).tolist()
    assert first == pytest.approx([1.5409960746765137, -0.293428897857666, -2.1787893772125244])
    assert second == pytest.approx([0.5684312582015991, -1.0845223665237427])


# ---- generators and states ---------------------------------------------------------------------------------------


def test_a_state_has_pytorchs_layout(torch):
    torch.manual_seed(0)
    torch.rand(700)
    torch.randn(3)
    state = torch.get_rng_state()
    assert state.shape == (5056,) and state.dtype == torch.uint8
    assert state[:20].tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 29, 2, 0, 0, 1, 0, 0, 0, 84, 0, 0, 0]
    assert int((state.long() * torch.arange(5056)).sum()) == 802398006
    assert torch.randn(3).tolist() == pytest.approx([0.2681654393672943, 0.9764833450317383, 0.6328479051589966])
    torch.set_rng_state(state)
    torch.randn(3)
    assert torch.rand(2).tolist() == [0.06460016965866089, 0.041240811347961426]


def test_a_generator_is_independent_of_the_default_one(torch):
    g = torch.Generator()
    assert g.initial_seed() == 67280421310721 and g.device == torch.device("cpu")
    assert g.manual_seed(-1) is g and g.initial_seed() == 2**64 - 1
    g.manual_seed(0)
    torch.manual_seed(0)
    expected = torch.rand(5).tolist()
    torch.rand(100)
    assert torch.rand(5, generator=g).tolist() == expected


def test_copies_of_a_generator_go_on_alike(torch):
    g = torch.Generator().manual_seed(5)
    torch.randn(3, generator=g)
    copies = [g.clone_state(), copy.deepcopy(g), pickle.loads(pickle.dumps(g))]
    expected = torch.randn(4, generator=g).tolist()
    for other in copies:
        assert other is not g and torch.randn(4, generator=other).tolist() == expected
    before = g.get_state()
    drawn = torch.rand(1000, generator=g).tolist()
    assert g.set_state(before) is g and torch.rand(1000, generator=g).tolist() == drawn


def test_seed_picks_another_seed_each_time(torch):
    g = torch.Generator()
    seeds = {g.seed() for _ in range(4)}
    assert len(seeds) == 4 and g.initial_seed() in seeds


def test_fork_rng_gives_the_numbers_back(torch):
    torch.manual_seed(3)
    with torch.random.fork_rng():
        inside = torch.rand(4).tolist()
        torch.manual_seed(99)
    assert torch.rand(4).tolist() == inside and torch.initial_seed() == 3
    with torch.random.fork_rng(enabled=False):
        inside = torch.rand(4).tolist()
    assert torch.rand(4).tolist() != inside


def test_nothing_is_seeded_at_import():
    program = "import course_lib as t; assert t.random.default_generator._made is None; a = t.rand(3)"
    subprocess.run([sys.executable, "-c", program + "; b = t.rand(3); assert a.tolist() != b.tolist()"], check=True)


def test_threads_that_share_a_generator_get_different_numbers():
    stream, drawn = Stream(0), []

    def work():
        for _ in range(200):
            drawn.extend(stream.words64(7).tolist())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(drawn)) == len(drawn) == 4 * 200 * 7


# ---- in place ----------------------------------------------------------------------------------------------------

IN_PLACE = ["uniform_()", "normal_()", "random_()", "random_(5)", "bernoulli_()", "exponential_()", "geometric_(.5)",
            "cauchy_()", "log_normal_()"]  # fmt: skip


@pytest.mark.parametrize("call", IN_PLACE)
def test_in_place_methods_keep_autograds_rules(torch, call):
    def on(x):
        return eval(f"x.{call}", {"x": x})

    x = torch.zeros(3)
    before = x._version
    assert on(x) is x and x._version == before + 1
    leaf = torch.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"^a leaf Variable that requires grad is being used in an in-place"):
        on(leaf)
    with torch.no_grad():
        on(leaf)
    product = leaf * 2
    on(product[:2])
    product.sum().backward()
    assert leaf.grad.tolist() == [0, 0, 2]  # what was overwritten has no say in the result


def test_drawing_has_zero_gradients(torch):
    mean, std = torch.zeros(3, 1, requires_grad=True), torch.ones(2, requires_grad=True)
    drawn = torch.normal(mean, std)
    assert drawn.grad_fn.name() == "NormalBackward3" and drawn.shape == (3, 2)
    drawn.sum().backward()
    assert mean.grad.tolist() == [[0], [0], [0]] and std.grad.tolist() == [0, 0]
    rate = torch.ones(3, requires_grad=True)
    torch.poisson(rate).sum().backward()
    assert rate.grad.tolist() == [0, 0, 0]


def test_out_is_filled_and_resized(torch):
    out = torch.empty(2, 2, dtype=torch.float64)
    torch.manual_seed(0)
    assert torch.rand(3, out=out) is out and out.shape == (3,)
    torch.manual_seed(0)
    assert out.tolist() == torch.rand(3, dtype=torch.float64).tolist()
    index = torch.empty(0, dtype=torch.int64)
    assert torch.multinomial(torch.ones(3), 2, out=index) is index and index.shape == (2,)


def test_like_functions_keep_the_layout(torch):
    x = torch.zeros(2, 3, dtype=torch.float64).t()
    assert torch.rand_like(x).stride() == (1, 3) and torch.randn_like(x).dtype == torch.float64
    assert torch.rand_like(x, memory_format=torch.contiguous_format).stride() == (2, 1)
    assert torch.randint_like(x, 3, 5).unique().tolist() == [3.0, 4.0]
    assert torch.rand_like(x, dtype=torch.float32, requires_grad=True).requires_grad


# ---- errors ------------------------------------------------------------------------------------------------------

ERRORS = {
    "Generator().manual_seed(1.5)": (RuntimeError, "manual_seed expected a long, but got float"),
    "manual_seed(2**64)": (ValueError, "Overflow when unpacking long long"),
    "set_rng_state(zeros(3, dtype=uint8))":
        (RuntimeError, "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be 3"),
    "set_rng_state(zeros(5056))": (TypeError, "RNG state must be a torch.ByteTensor"),
    "set_rng_state(zeros(5056, dtype=uint8))": (RuntimeError, "Invalid mt19937 state"),
    "rand(2, -1)": (RuntimeError, "Trying to create tensor with negative dimension -1: [2, -1]"),
    "rand(2.0)": (TypeError, "rand(): argument 'size' (position 1) must be tuple of ints, not float"),
    "rand(2, dtype=int64)": (NotImplementedError, "\"check_uniform_bounds\" not implemented for 'Long'"),
    "randn(2, dtype=bool)": (NotImplementedError, "\"normal_kernel_cpu\" not implemented for 'Bool'"),
    "randint(7, 5, (3,))": (RuntimeError, "random_ expects 'from' to be less than 'to', but got from=7 >= to=5"),
    "randint(300, (3,), dtype=uint8)": (RuntimeError, "to - 1 is out of bounds for unsigned char"),
    "randint(10, 3)": (TypeError, "randint(): argument 'size' (position 2) must be tuple of ints, not int"),
    "randint(0, 10, (2,), requires_grad=True)":
        (RuntimeError, "Only Tensors of floating point and complex dtype can require gradients"),
    "randperm(-1)": (RuntimeError, "Trying to create tensor with negative dimension -1: [-1]"),
    "randperm(3000, dtype=half)": (RuntimeError, "n cannot be greater than 2049 for Half type."),
    "normal(0., -1., (3,))": (RuntimeError, "normal expects std >= 0.0, but found std -1"),
    "normal(zeros(2), -ones(2))": (RuntimeError, "normal expects all elements of std >= 0.0"),
    "normal(zeros(3), ones(2))":
        (RuntimeError, "The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 0"),
    "zeros(3).uniform_(2, 1)":
        (RuntimeError, "uniform_ expects to return a [from, to) range, but found from=2 > to=1"),
    "zeros(3).bernoulli_(1.1)": (RuntimeError, "bernoulli_ expects p to be in [0, 1], but got p=1.1"),
    "zeros(1).expand(3).normal_()":
        (RuntimeError, "unsupported operation: more than one element of the written-to tensor refers to a single "
                       "memory location. Please clone() the tensor before performing the operation."),
    "zeros(3).exponential_(0)": (RuntimeError, "exponential_ expects lambda > 0.0, but found lambda=0"),
    "zeros(3).geometric_(1)": (RuntimeError, "geometric_ expects p to be in (0, 1), but got p=1"),
    "zeros(3).cauchy_(0, -1)": (RuntimeError, "cauchy_ expects sigma > 0.0, but found sigma=-1"),
    "zeros(3).log_normal_(1, 0)": (RuntimeError, "log_normal_ expects std > 0.0, but found std=0"),
    "multinomial(ones(3), 4)":
        (RuntimeError, "cannot sample n_sample > prob_dist.size(-1) samples without replacement"),
    "multinomial(zeros(3), 1)": (RuntimeError, "invalid multinomial distribution (sum of probabilities <= 0)"),
    "multinomial(-ones(3), 1)":
        (RuntimeError, "probability tensor contains either `inf`, `nan` or element < 0"),
    "poisson(-ones(3))": (RuntimeError, "invalid Poisson rate, expected rate to be non-negative"),
    "binomial(ones(3), ones(3, dtype=float64))": (RuntimeError, "Found dtype Double but expected Float"),
}  # fmt: skip


@pytest.mark.parametrize("expression", ERRORS)
def test_mistakes_get_pytorchs_texts(torch, expression):
    kind, text = ERRORS[expression]
    with pytest.raises(kind) as caught:
        run(torch, expression)
    assert type(caught.value) is kind and str(caught.value) == text


# ---- the numbers have the distribution ---------------------------------------------------------------------------

MOMENTS = {  # mean and variance
    "rand(100_000)": (1 / 2, 1 / 12),
    "randn(100_000)": (0, 1),
    "randn(400, 250, dtype=float64).t().normal_(3, 2)": (3, 4),
    "randint(0, 6, (100_000,))": (2.5, 35 / 12),
    "randperm(100_000)": (49_999.5, (100_000**2 - 1) / 12),
    "empty(100_000).bernoulli_(0.3)": (0.3, 0.21),
    "empty(100_000).exponential_(2)": (1 / 2, 1 / 4),
    "empty(100_000).geometric_(0.25)": (4, 12),
    "empty(100_000).log_normal_(0, 0.5)": (math.exp(1 / 8), (math.exp(1 / 4) - 1) * math.exp(1 / 4)),
    "poisson(full((20_000,), 3.))": (3, 3),
    "poisson(full((20_000,), 30.))": (30, 30),
    "binomial(full((20_000,), 10.), full((20_000,), .3))": (3, 2.1),
    "binomial(full((20_000,), 100.), full((20_000,), .6))": (60, 24),
    "multinomial(tensor([1., 2., 1.]), 100_000, True)": (1, 1 / 2),
}


@pytest.mark.parametrize("expression", MOMENTS)
def test_mean_and_variance(expression):
    numbers = np.array(run(ours, expression, seed=1).tolist(), np.float64)
    mean, variance = MOMENTS[expression]
    error = math.sqrt(variance / numbers.size)
    assert abs(numbers.mean() - mean) < 5 * error
    assert numbers.var() == pytest.approx(variance, rel=0.06)


# ---- the parts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 3, 1000])
@pytest.mark.parametrize("seconds", [0, math.inf], ids=["LAPACK", "a loop"])
def test_a_shuffle_exchanges_one_after_the_other(n, seconds, monkeypatch):
    monkeypatch.setattr(shuffle, "_lapack", Loading(seconds))
    rng = np.random.default_rng(n)
    for width in (max(n, 1), 3):  # partners anywhere, and close by: long chains of exchanges
        partner = np.minimum(np.arange(n) + rng.integers(0, width, n), n - 1).astype(np.int32)
        row = list(range(n))
        for i, other in enumerate(partner.tolist()):
            row[i], row[other] = row[other], row[i]
        made = shuffle.shuffled(partner)
        assert made.tolist() == row and made.dtype == np.int64


def test_multiply_add_in_float64_is_rounded_once():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 2000)) * 10.0 ** rng.integers(-5, 5, (3, 2000))
    c[:1000] = -(a * b)[:1000] * (1 + rng.integers(-3, 4, 1000) * 2.0**-52)  # almost nothing is left over
    exact = [float(Fraction(x) * Fraction(y) + Fraction(z)) for x, y, z in zip(a.tolist(), b.tolist(), c.tolist())]
    assert fma_float64(a, b, c).tolist() == exact
    assert fma_float64(np.array([1e300]), 1e300, 0.0).tolist() == [math.inf]
