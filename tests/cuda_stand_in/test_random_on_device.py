"""Random numbers of tensors on a GPU: PyTorch's CUDA stream, its generators and their states."""

import pickle

import numpy as np
import pytest

import course_lib as torch
from course_lib import random
from course_lib.backends.philox import PhiloxStream, philox


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Generators of GPUs that nobody has used."""
    monkeypatch.setattr(random, "device_generators", {})
    monkeypatch.setattr(random, "_seed_of_new_devices", [None])


# ---- the numbers ---------------------------------------------------------------------------------------------------


def test_known_answers_of_philox():
    """The test vectors of Random123, the authors' library."""
    words = [int(word[0]) for word in philox(0, np.zeros(1, np.uint64), 0)]
    assert words == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    ones = 2**64 - 1
    words = [int(word[0]) for word in philox(ones, np.array([ones], np.uint64), ones)]
    assert words == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


@pytest.mark.parametrize(
    ("seed", "uniform", "normal"),
    [
        (0, [0.3990, 0.5167, 0.0249], [-0.9247, -0.4253, -2.6438]),
        (42, [0.6130, 0.0101, 0.3984], [0.1940, 2.1614, -0.1721]),
    ],
)
def test_numbers_of_pytorch_on_a_gpu(seed, uniform, normal):
    """Recorded from PyTorch on NVIDIA GPUs."""
    torch.manual_seed(seed)
    x = torch.rand(3, device="cuda")
    assert x.is_cuda and x.tolist() == pytest.approx(uniform, abs=6e-5)
    torch.manual_seed(seed)
    assert torch.randn(3, device="cuda").tolist() == pytest.approx(normal, abs=6e-5)


def test_long_rows_take_all_words_of_a_call():
    stream = PhiloxStream(5, blocks=2)  # 512 threads
    words = [np.concatenate([philox(call, np.arange(512, dtype=np.uint64), 5)[k] for call in (0,)]) for k in range(4)]
    assert (stream.words(1500) == np.concatenate(words)[:1500]).all() and stream.offset == 4
    assert (stream.words(2) == philox(1, np.arange(2, dtype=np.uint64), 5)[0]).all() and stream.offset == 8
    stream.words(5000)  # three calls of four words for each thread
    assert stream.offset == 20
    wide = PhiloxStream(5, blocks=2).words64(1024)
    first = [part.astype(np.uint64) for part in philox(0, np.arange(512, dtype=np.uint64), 5)]
    assert (wide == np.concatenate([first[0] << np.uint64(32) | first[1], first[2] << np.uint64(32) | first[3]])).all()


def moments(x):
    x = x.cpu().double()
    return x.mean().item(), x.std().item()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("draw", "mean", "std"),
    [
        (lambda x: x.uniform_(-1, 3), 1.0, 4 / 12**0.5),
        (lambda x: x.normal_(2, 0.5), 2.0, 0.5),
        (lambda x: x.exponential_(2.0), 0.5, 0.5),
        (lambda x: x.geometric_(0.5), 2.0, 2**0.5),
        (lambda x: x.bernoulli_(0.3), 0.3, 0.21**0.5),
        (lambda x: x.log_normal_(0.0, 0.25), 1.0317, 0.262),
        (lambda x: x.random_(0, 10), 4.5, 2.872),
        (lambda x: x.cauchy_(1.0, 1.0).clamp_(-1, 3), 1.0, 1.3225),
    ],
)
def test_distributions(dtype, draw, mean, std):
    torch.manual_seed(3)
    found = moments(draw(torch.empty(20_000, dtype=dtype, device="cuda")))
    assert found == pytest.approx((mean, std), abs=0.05)


def test_uniform_never_reaches_its_upper_bound():
    torch.manual_seed(0)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        x = torch.rand(50_000, dtype=dtype, device="cuda")
        assert x.min() >= 0 and x.max() < 1


def test_whole_numbers_permutations_and_trials():
    torch.manual_seed(1)
    wide = torch.randint(-5, 2**40, (1000,), device="cuda")
    assert wide.min() >= -5 and wide.max() > 2**39 and wide.dtype is torch.int64
    assert sorted(torch.randperm(50, device="cuda").tolist()) == list(range(50))
    weights = torch.tensor([0.0, 1.0, 3.0], device="cuda")
    drawn = torch.multinomial(weights, 4000, replacement=True)
    assert drawn.is_cuda and drawn.bincount(minlength=3)[2].item() / 4000 == pytest.approx(0.75, abs=0.03)
    assert set(torch.multinomial(weights, 2).tolist()) == {1, 2}
    rates = torch.full((4000,), 5.0, device="cuda")
    assert torch.poisson(rates).mean().item() == pytest.approx(5, abs=0.15)
    assert torch.binomial(rates, rates / 10).mean().item() == pytest.approx(2.5, abs=0.1)
    p = torch.tensor([0.0, 1.0], device="cuda").repeat(500)
    assert torch.bernoulli(p).tolist() == p.tolist() == torch.empty_like(p).bernoulli_(p).tolist()
    means = torch.normal(torch.zeros(2000, device="cuda"), 2.0)
    assert means.is_cuda and means.std().item() == pytest.approx(2, abs=0.1)
    assert torch.rand_like(p, memory_format=torch.contiguous_format).is_cuda


# ---- generators ----------------------------------------------------------------------------------------------------


def test_each_device_draws_from_its_own_generator():
    torch.manual_seed(7)
    on_cpu = torch.rand(4)
    on_gpu = torch.rand(4, device="cuda")
    on_other = torch.rand(4, device="cuda:1")
    assert on_gpu.tolist() == on_other.tolist() != on_cpu.tolist()
    torch.manual_seed(7)
    torch.rand(9, device="cuda")
    assert torch.rand(4).tolist() == on_cpu.tolist()  # what a GPU draws does not move the CPU's row
    torch.rand(4, device="cuda:1")
    torch.cuda.manual_seed(7)
    assert torch.rand(4, device="cuda").tolist() == on_gpu.tolist()
    assert torch.rand(4, device="cuda:1").tolist() != on_gpu.tolist()
    torch.cuda.manual_seed_all(7)
    assert torch.empty(4, device="cuda:1").uniform_().tolist() == on_gpu.tolist()
    assert torch.cuda.initial_seed() == 7


def test_a_generator_must_be_of_the_device():
    gpu, cpu = torch.Generator("cuda"), torch.Generator()
    assert gpu.device == torch.device("cuda:0") and gpu.initial_seed() == 67280421310721
    gpu.manual_seed(0)
    assert torch.rand(3, device="cuda", generator=gpu).tolist() == pytest.approx([0.3990, 0.5167, 0.0249], abs=6e-5)
    p = torch.full((3,), 0.5, device="cuda")
    for draw in (
        lambda: torch.rand(3, device="cuda", generator=cpu),
        lambda: p.normal_(generator=cpu),
        lambda: torch.bernoulli(p, generator=cpu),
        lambda: torch.poisson(p, cpu),
    ):
        with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator but found 'cpu'"):
            draw()
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'cuda'"):
        torch.rand(3, generator=gpu)
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'cuda'"):
        torch.bernoulli(torch.zeros(2), generator=gpu)
    assert torch.poisson(p, None).is_cuda and torch.poisson(p, gpu).is_cuda


def test_state_is_seed_and_offset():
    g = torch.Generator("cuda").manual_seed(5)
    torch.rand(10, device="cuda", generator=g)
    state = g.get_state()
    assert state.device.type == "cpu" and state.tolist() == [5, *[0] * 7, 4, *[0] * 7] and g.get_offset() == 4
    after = torch.randn(4, device="cuda", generator=g).tolist()
    again = pickle.loads(pickle.dumps(torch.Generator("cuda").set_state(state)))
    assert torch.randn(4, device="cuda", generator=again).tolist() == after
    g.set_offset(4)
    assert torch.randn(4, device="cuda", generator=g.clone_state()).tolist() == after
    with pytest.raises(RuntimeError, match="offset must be a multiple of 4"):
        g.set_offset(3)
    with pytest.raises(RuntimeError, match="RNG state is wrong size"):
        g.set_state(torch.get_rng_state())
    with pytest.raises(RuntimeError, match="CPU Generator does not use offset"):
        torch.Generator().get_offset()


def test_states_of_the_default_generators():
    torch.manual_seed(2)
    states = torch.cuda.get_rng_state_all()
    first = torch.rand(3, device="cuda").tolist()
    assert len(states) == 2 and states[0].numel() == 16
    torch.cuda.set_rng_state_all(states)
    assert torch.rand(3, device="cuda").tolist() == first == torch.rand(3, device="cuda:1").tolist()


@pytest.mark.parametrize("devices", [None, [0], ["cuda:0"]])
def test_fork_rng_keeps_the_gpus_too(devices):
    torch.manual_seed(0)
    torch.rand(1, device="cuda")
    with torch.random.fork_rng(devices):
        inside = torch.rand(3, device="cuda").tolist()
        torch.manual_seed(9)
    assert torch.rand(3, device="cuda").tolist() == inside


def test_fork_rng_without_gpus_leaves_theirs_alone():
    torch.manual_seed(0)
    with torch.random.fork_rng([]):
        inside = torch.rand(3, device="cuda").tolist()
    assert torch.rand(3, device="cuda").tolist() != inside


def test_a_gpu_first_used_inside_fork_rng_begins_anew():
    torch.manual_seed(0)
    with torch.random.fork_rng():
        inside = torch.rand(3, device="cuda").tolist()
        torch.manual_seed(1)
    assert torch.rand(3, device="cuda").tolist() == inside


def test_layers_on_a_gpu_are_the_same_for_a_seed():
    def weights():
        torch.manual_seed(4)
        return torch.nn.Linear(3, 2, device="cuda").weight.tolist()

    assert weights() == weights()
    x = torch.ones(8, 16, device="cuda")
    torch.manual_seed(4)
    first = torch.nn.functional.dropout(x, 0.5)
    torch.manual_seed(4)
    assert torch.nn.functional.dropout(x, 0.5).tolist() == first.tolist() and 0 in first
