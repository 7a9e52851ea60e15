"""torch.jit beside PyTorch's: the same programs, weights, warnings and errors."""

from __future__ import annotations

import io
import re
import warnings
from functools import partial

import pytest

real = pytest.importorskip("torch")

import course_lib  # noqa: E402

BOTH = (course_lib, real)


def quiet(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()


def numbers(result) -> list:
    if isinstance(result, (list, tuple)):
        return [numbers(part) for part in result]
    return result.tolist() if hasattr(result, "tolist") else result


def reloaded(torch, program):
    file = io.BytesIO()
    torch.jit.save(program, file)
    file.seek(0)
    return torch.jit.load(file)


# ---- traces: what holds for other sizes and values -----------------------------------------------------------------


def keeps_the_branch(torch, x):
    return x * 2 if bool(x.sum() > 0) else x


def unrolls_the_loop(torch, x):
    total = x[0] * 0
    for row in x:
        total = total + row
    return total


def fixes_a_number(torch, x):
    return x * x.sum().item()


def follows_sizes(torch, x):
    b, n = x.shape
    return x.view(b * n)[: b * n // 2].reshape(-1), torch.zeros(n, b) + x.size(1), x.new_full((x.numel(),), 2.0)


def writes_in_place(torch, x):
    y = x.clone()
    y[0] = 5.0
    y[:, 1:].mul_(3)
    y += x
    return y, y.t().relu_().sum()


def picks(torch, x):
    return x[x > 0], x[torch.arange(x.shape[0]), 0], x.masked_fill(x < 0, 0.0), torch.where(x > 0, x, -x)


def orders(torch, x):
    values, places = x.sort(1)
    return values, places, x.max(1).values, x.topk(1).indices, *x.split(1, 1)


TRACED = [keeps_the_branch, unrolls_the_loop, fixes_a_number, follows_sizes, writes_in_place, picks, orders]


@pytest.mark.parametrize("function", TRACED)
def test_traces_generalize_alike(function):
    results = []
    for torch in BOTH:
        example = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -6.0]])
        run = partial(function, torch)
        program = quiet(lambda torch=torch, run=run, x=example: torch.jit.trace(lambda x: run(x), x, check_trace=False))
        others = [example, -example, example * 0.5]
        if function not in (unrolls_the_loop, orders):  # both keep a number of parts
            others.append(torch.tensor([[1.0, 2.0], [-3.0, 4.0], [5.0, -6.0], [0.0, 1.0]]))
        programs = (program, reloaded(torch, program))
        results.append([numbers(quiet(lambda p=p, x=x: p(x))) for p in programs for x in others])
    assert results[0] == results[1]


WARNS = {
    "bool": lambda torch, x: x * bool(x.sum() > 0),
    "int": lambda torch, x: x * int(x.sum()),
    "float": lambda torch, x: x * float(x.sum()),
    "item": lambda torch, x: x * x.sum().item(),
    "list": lambda torch, x: x * x.tolist()[0],
    "len": lambda torch, x: x * len(x),
    "numpy": lambda torch, x: (x.numpy(), x * 2)[1],
    "iteration": lambda torch, x: sum(row for row in x),
}


@pytest.mark.parametrize("name", WARNS)
def test_warnings(name):
    texts = []
    for torch in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.jit.trace(lambda x, torch=torch: WARNS[name](torch, x), torch.ones(1), check_trace=False)
        texts.append({str(w.message) for w in caught if w.category is torch.jit.TracerWarning})
    assert texts[0]
    assert texts[0] <= texts[1]


ERRORS = {
    "a number as input": lambda torch: torch.jit.trace(lambda x, n: x * n, (torch.ones(2), 3)),
    "a number as output": lambda torch: torch.jit.trace(lambda x: 3, torch.ones(2)),
    "a dictionary": lambda torch: torch.jit.trace(lambda x: {"a": x}, torch.ones(2)),
    "no inputs": lambda torch: torch.jit.trace(lambda x: x),
    "freezing a module": lambda torch: torch.jit.freeze(torch.nn.ReLU()),
    "freezing in training": lambda torch: torch.jit.freeze(torch.jit.trace(torch.nn.Dropout(0.0), torch.ones(1))),
    "a missing file": lambda torch: torch.jit.load("nowhere.pt"),
    "a missing folder": lambda torch: torch.jit.trace(torch.nn.ReLU(), torch.ones(1)).save("/no/where.pt"),
    "too many arguments": lambda torch: torch.jit.trace(torch.nn.ReLU(), torch.ones(1))(torch.ones(1), 2),
    "too few arguments": lambda torch: torch.jit.trace(torch.nn.ReLU(), torch.ones(1))(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    found = []
    for torch in BOTH:
        with pytest.raises(Exception) as caught:
            quiet(lambda torch=torch: ERRORS[name](torch))
        text = re.sub(r" ?Declaration:.*", "", str(caught.value).splitlines()[0])
        found.append((caught.type.__name__, text))
    assert found[0] == found[1]


# ---- modules -------------------------------------------------------------------------------------------------------


def network(torch):
    nn = torch.nn

    class Gate(nn.Module):
        def __init__(self, factor: int):
            super().__init__()
            self.factor = factor

        def forward(self, x):
            if bool(x.sum() > 0):
                return x
            else:
                return -x * self.factor

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = Gate(3)
            self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(2)])
            self.head = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
            self.register_buffer("scale", torch.ones(2))

        def forward(self, x):
            for layer in self.layers:
                x = torch.relu(layer(self.gate(x)))
            return self.head(x) * self.scale

    torch.manual_seed(0)
    return Net()


@pytest.mark.parametrize("way", ["trace", "script"])
def test_modules(way):
    seen = []
    for torch in BOTH:
        net = network(torch)
        example = torch.tensor([[1.0, 2.0, -1.0]])
        make = (lambda t=torch, n=net, x=example: t.jit.trace(n, x)) if way == "trace" else (
            lambda t=torch, n=net: t.jit.script(n))  # fmt: skip
        program = quiet(make)
        again = reloaded(torch, program)
        inputs = [example, -example, torch.tensor([[0.5, -0.5, 2.0], [1.0, 1.0, 1.0]])]
        outputs = [quiet(lambda p=p, x=x: p(x)) for p in (program, again) for x in inputs]
        facts = [repr(program), repr(again), list(program.state_dict()), list(again.state_dict())]
        facts += [type(program).__name__, type(again).__name__, [name for name, _ in again.named_modules()]]
        facts += [again.original_name, sorted(name for name, p in again.named_parameters() if p.requires_grad)]
        seen.append((facts, [real.tensor(o.tolist()) for o in outputs]))
    assert seen[0][0] == seen[1][0]
    for ours, theirs in zip(seen[0][1], seen[1][1], strict=True):
        real.testing.assert_close(ours, theirs)


def test_scripted_programs_train_alike():
    losses = []
    for torch in BOTH:
        program = quiet(lambda torch=torch: torch.jit.script(network(torch)))
        optimizer = torch.optim.SGD(program.parameters(), lr=0.1)
        x = torch.tensor([[1.0, 2.0, -1.0], [0.3, -2.0, 1.0]])
        found = []
        for _ in range(10):
            optimizer.zero_grad()
            loss = (program(x) - 1).square().sum()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        losses.append(found)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
