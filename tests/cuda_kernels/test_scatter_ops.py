"""Indexing, scattering and embeddings on a GPU: the numbers of the CPU, by kernels, and without waiting for the GPU."""

import contextlib

import numpy as np
import pytest
from values import both, nothing_read

import course_lib as torch
from course_lib.nn import functional as F

PLACES = torch.tensor([3, 0, 3, 3, 1, 0, 6] * 15)
CELLS = torch.from_numpy(np.random.default_rng(0).integers(0, 7, (2, 40, 5)))


@pytest.fixture(params=[False, True], ids=["any order", "fixed order"])
def deterministic(request):
    torch.use_deterministic_algorithms(request.param)
    yield request.param
    torch.use_deterministic_algorithms(False)


def on(x):
    """A function that brings its tensors to where x lies."""
    return lambda t: t.to(x.device)


# The function, the shapes of its operands, the kernels of its forward, the kernels of its backward.
OPS = {
    "embedding": (lambda w: F.embedding(on(w)(PLACES), w, 3), [(7, 13)], ["take_rows"], ["add_up_short_index"]),
    "embedding of int32": (lambda w: F.embedding(on(w)(PLACES.int()), w), [(7, 40)], ["take_rows"],
                           ["add_up_short_index"]),
    "embedding by frequency": (lambda w: F.embedding(on(w)(PLACES.view(15, 7)), w, scale_grad_by_freq=True), [(7, 13)],
                               ["take_rows"], ["add_up_short_index"]),
    "index_select": (lambda x: x.index_select(1, on(x)(PLACES)), [(3, 7, 5)], ["take_rows"], ["add_rows"]),
    "x[index]": (lambda x: x[on(x)(PLACES - 7)], [(7, 5)], ["take_rows"], ["element_places_apart", "sum_of_runs"]),
    "x[:, i, j]": (lambda x: x[:, on(x)(CELLS[0]), on(x)(CELLS[1] - 7)], [(2, 7, 7, 3)],
                   ["look_at_index", "look_at_index", "take_rows"], ["element_places_apart", "sum_of_runs"]),
    "gather": (lambda x: x.gather(1, on(x)(CELLS)), [(2, 7, 5)], ["gather_elements_apart"], ["add_elements"]),
    "gather at an expanded index": (lambda x: x.gather(1, on(x)(CELLS[:, :, :1]).expand(2, 40, 5)), [(2, 7, 5)],
                                    ["gather_elements_apart"], ["add_elements"]),
    "take_along_dim": (lambda x: x.take_along_dim(on(x)(CELLS), 1), [(2, 7, 5)], None, ["add_elements"]),
    "index_add": (lambda x, s: x.index_add(1, on(x)(PLACES), s, alpha=0.5), [(2, 7, 5), (2, 105, 5)], ["add_rows"],
                  ["take_rows"]),
    "scatter_add": (lambda x, s: x.scatter_add(1, on(x)(CELLS), s), [(2, 7, 5), (2, 40, 5)], ["add_elements"],
                    ["gather_elements_apart"]),
    "index_put, accumulated": (lambda x, s: x.index_put((on(x)(PLACES),), s, accumulate=True), [(7, 5), (105, 5)],
                               ["look_at_index", "element_places_apart", "sum_of_runs"], ["take_rows"]),
    **{f"scatter_reduce {how}": (lambda x, s, how=how: x.scatter_reduce(1, on(x)(CELLS), s, how, include_self=False),
                                 [(2, 7, 5), (2, 40, 5)], None, None) for how in ("sum", "mean", "prod", "amax")},
    "index_reduce": (lambda x, s: x.index_reduce(0, on(x)(PLACES), s, "amin"), [(7, 5), (105, 5)], None, None),
}  # fmt: skip


def stages(names: list, deterministic: bool, dtype) -> list:
    """The kernels that stand for a short name: sums have two stages, in a fixed order three."""
    in_order = deterministic or dtype is torch.bfloat16
    made = []
    for name in names:
        if name in ("add_rows", "add_elements") and in_order:
            made += ["element_places_apart", "sum_of_runs_in_pieces", "sum_of_runs_of_pieces"]
        elif name == "sum_of_runs":
            made += [f"{name}_in_pieces", f"{name}_of_pieces"]
        else:
            made.append({"add_rows": "add_rows_atomic", "add_elements": "add_elements_atomic_apart"}.get(name, name))
    return made


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", OPS)
def test_ops_at_places(launched, deterministic, name, dtype):
    function, shapes, forward, backward = OPS[name]
    torch.manual_seed(0)
    for a, b in zip(*both(function, *[torch.randn(shape).to(dtype) for shape in shapes]), strict=True):
        close = (1e-5, 1e-5) if dtype is torch.float32 else (0.05, 0.3 if "freq" in name or "sum" in name else 0.1)
        assert np.allclose(a, b, *close)
    if forward is not None:
        at_places = [name for name in launched if name != "times_forward"]
        assert at_places == stages([*forward, *backward], deterministic, dtype)


@pytest.mark.parametrize("name", ["embedding", "x[index]", "gather", "index_add", "scatter_add", "index_select"])
def test_gradients_of_gradients(xp, name):
    function, shapes, *_ = OPS[name]
    torch.manual_seed(0)
    operands, seconds = [torch.randn(shape) for shape in shapes], []
    for device in ("cpu", "cuda"):
        mine = [t.to(device).requires_grad_() for t in operands]
        slopes = torch.autograd.grad((function(*mine) ** 3).sum(), mine, create_graph=True)
        seconds.append([t.cpu() for t in torch.autograd.grad(sum((s**2).sum() for s in slopes), mine)])
    assert all(torch.allclose(a, b, 1e-3, 1e-3) for a, b in zip(*seconds, strict=True))


def test_nothing_is_waited_for(xp):
    torch.manual_seed(0)
    table = torch.randn(7, 6, device="cuda", requires_grad=True)
    index, cells = PLACES.cuda(), CELLS[0, :7].cuda()
    mask, number = table.detach() > 0, torch.tensor(2.0, device="cuda")
    with nothing_read():
        made = F.embedding(index, table).sum() + table[index].sum()
        made = made + table.index_select(1, cells[:, 0].clamp(max=5)).sum() + table.gather(0, cells[:, :1]).sum()
        made = made + table.masked_fill(mask, 0).sum() + torch.where(mask, table, number).sum()
        made = made + table.take_along_dim(cells[:, :1], 0).sum()
        made = made + torch.zeros(7, 6, device="cuda").index_add(0, index, table[index]).sum()
        made = made + torch.zeros(7, device="cuda").scatter_add(0, index, index.float()).sum()
        made = made + F.one_hot(index, 7).sum() + F.cross_entropy(table, index[:7].clamp(max=5))
        made = made + table.masked_scatter(mask, table.detach()).sum()
        made.backward()
        changed = table.detach().clone()
        changed[mask] = 0.0
        changed[index] = 1.0
        changed[index[:3]] += 2.0
    assert table.grad.isfinite().all()


def test_elsewhere_than_in_the_kernels(launched):
    """Integers are taken by kernels, since they are only moved; what is not dense, empty or bool is done otherwise."""
    x = torch.arange(12).reshape(4, 3)
    index = torch.tensor([3, 1])
    assert x.cuda()[index.cuda()].tolist() == x[index].tolist()
    assert launched == ["take_rows"]
    launched.clear()
    assert x.cuda().t()[index.cuda() - 1].tolist() == x.t()[index - 1].tolist()
    assert (x > 3).cuda()[index.cuda()].tolist() == (x > 3)[index].tolist()
    assert x.cuda()[index[:0].cuda()].shape == (0, 3)
    assert x.cuda().index_add(0, index.cuda(), x[:2].cuda()).tolist() == x.index_add(0, index, x[:2]).tolist()
    assert set(launched) == {"look_at_index"}


def test_a_wrong_index_is_an_error_when_the_gpu_is_waited_for(xp):
    table, wrong = torch.ones(4, 3, device="cuda"), torch.tensor([1, 9], device="cuda")
    calls = [lambda: F.embedding(wrong, table), lambda: table[wrong], lambda: table.index_select(0, wrong),
             lambda: table.t()[:, wrong], lambda: table.index_add(0, wrong, table[:2]),
             lambda: F.one_hot(wrong, 4), lambda: table.index_fill(0, wrong, 0.0),
             lambda: table.gather(0, wrong.view(2, 1).expand(2, 3))]  # fmt: skip
    for call in calls:
        with contextlib.suppress(IndexError):  # the stand-in's own indexing may refuse by itself
            call()
        with pytest.raises(torch.AcceleratorError, match="device-side assert triggered .index 9 is out of bounds for"):
            torch.cuda.synchronize()
    F.embedding(wrong, table)
    with pytest.raises(torch.AcceleratorError, match="device-side assert"):
        table.sum().item()
    assert table.sum().item() == 12  # the GPU goes on working


def test_launches_that_are_waited_for_tell_at_once(xp, monkeypatch):
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    with pytest.raises(torch.AcceleratorError, match="device-side assert"):
        F.embedding(torch.tensor([5], device="cuda"), torch.ones(4, 3, device="cuda"))


@pytest.mark.parametrize(("change", "kernels"), [
    (lambda x, t: x.index_add_(0, t(PLACES), t(torch.ones(105, 5)), alpha=2), ["add_rows_atomic"]),
    (lambda x, t: x.scatter_add_(0, t(PLACES).view(21, 5), t(torch.ones(21, 5))), ["add_elements_atomic_apart"]),
    (lambda x, t: x.scatter_(0, t(PLACES[:5]).view(1, 5), 3.0), ["look_at_index"]),
    (lambda x, t: x.__setitem__(t(PLACES[:2]), 3.0), ["look_at_index"]),
    (lambda x, t: x[:, 1:3].__setitem__(t(PLACES[:2]), 3.0), ["look_at_index"]),
    (lambda x, t: x[:, 1:3].index_put_((t(PLACES),), t(torch.ones(105, 2)), accumulate=True), None),
    (lambda x, t: x[1:].index_add_(1, t(PLACES % 5), x[1:, :1].expand(6, 105)), None),
    (lambda x, t: x.__setitem__(t(torch.arange(7) > 3), 2.5), None),
    (lambda x, t: x.__setitem__(t(torch.arange(35).view(7, 5) % 3 > 0), t(torch.tensor(1.5))), None),
])  # fmt: skip
def test_changes_in_place(launched, change, kernels):
    """They write into the tensor itself, also where it is a view, but for values that are its own."""
    ends = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        x = torch.randn(7, 5).to(device)
        place, version = x.data_ptr(), x._version
        change(x, on(x))
        assert x.data_ptr() == place and x._version == version + 1
        ends.append(x.tolist())
    assert np.allclose(*ends, 1e-5, 1e-5)
    assert kernels is None or launched == kernels


BAGS = torch.tensor([1, 6, 3, 0, 3, 3, 2, 2, 5])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("named", [
    {"offsets": [0, 2, 2, 5]}, {"offsets": [0, 3, 9], "include_last_offset": True, "padding_idx": 3}, {},
    {"padding_idx": 3}, {"scale_grad_by_freq": True},
])  # fmt: skip
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags(launched, mode, named, dtype):
    if mode == "max" and "scale_grad_by_freq" in named:
        named = {}
    index = BAGS if "offsets" in named else BAGS.view(3, 3)

    def bags(table):
        more = {**named, "offsets": on(table)(torch.tensor(named["offsets"]))} if "offsets" in named else named
        return F.embedding_bag(on(table)(index), table, mode=mode, **more)

    torch.manual_seed(0)
    for a, b in zip(*both(bags, torch.randn(7, 5).to(dtype)), strict=True):
        assert np.allclose(a, b, *((1e-5, 1e-5) if dtype is torch.float32 else (0.05, 0.1)))
    assert "embedding_bag" in launched


def test_weighted_bags_wait_for_nothing(xp):
    made = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        table, weights = torch.randn(7, 5).to(device).requires_grad_(), torch.rand(9).to(device).requires_grad_()
        index, offsets = BAGS.to(device), torch.tensor([0, 4], device=device)
        with nothing_read() if device == "cuda" else contextlib.nullcontext():
            found = F.embedding_bag(index, table, offsets, mode="sum", per_sample_weights=weights, padding_idx=2)
            (found * torch.arange(5.0, device=device)).sum().backward()
        made.append([t.detach().cpu() for t in (found, table.grad, weights.grad)])
    assert all(torch.allclose(a, b, 1e-5, 1e-5) for a, b in zip(*made, strict=True))


def test_indices_that_do_not_fit_together(xp):
    for device in ("cpu", "cuda"):
        x = torch.ones(3, 4, device=device)
        with pytest.raises(IndexError, match="shape mismatch: indexing tensors could not be broadcast together"):
            x[torch.tensor([0, 1], device=device), torch.tensor([0, 1, 2], device=device)]
