"""torch.jit.script: control flow that stays, what a scripted program may name, and what is refused."""

import copy
import io
import math

import pytest

import course_lib as torch
from course_lib import Tensor, nn
from course_lib.nn import functional as F

LIMITS = (3, 2.5)
WIDE = torch.float64


def reloaded(program):
    file = io.BytesIO()
    torch.jit.save(program, file)
    file.seek(0)
    return torch.jit.load(file)


def same(a, b) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=0)


# ---- functions -----------------------------------------------------------------------------------------------------


def grown(x: Tensor, steps: int = 3) -> tuple[Tensor, list[int]]:
    """Doubles until it is large."""
    sums: list[int] = []
    while bool(x.sum() < 100):
        x = x * 2
        sums.append(int(x.sum()))
        if len(sums) == steps:
            break
    else:
        x = -x
    return x, sums[1:]


def branching(x: Tensor, y: Tensor | None = None) -> Tensor:
    if y is not None:
        x = x + y
    elif x.sum() > 0 and x.ndim == 1:
        x = x - 1
    return x if x.max() > 0 else F.relu(-x)


def loops(x: Tensor) -> Tensor:
    total = torch.zeros_like(x, dtype=WIDE)
    named: dict[str, Tensor] = {}
    for i in range(x.size(0)):
        if i % 2 == 0:
            continue
        total[i] += i
    for number, value in enumerate([x, x * 2]):
        assert number < 2, "too many"
        named["last"] = value
    squares = [row * row for row in x.unbind(0)]
    first, *_ = (row + 1 for row in squares)
    by_number = {i: row for i, row in enumerate(squares) if i < 2}
    named["last"] = named["last"] + first + by_number[0]
    with torch.no_grad():
        total += torch.stack(squares).sum(0)
    return total * LIMITS[0] + named["last"] + math.sqrt(4) + math.pi


def factorial(n: int) -> int:
    return 1 if n < 2 else n * factorial(n - 1)


def helped(x: Tensor) -> Tensor:
    return branching(x, grown(x)[0]) * factorial(3)


def annotated(x: Tensor) -> Tensor:
    parts = torch.jit.annotate(list[Tensor], [])
    parts.append(x)
    return torch.cat(parts)


def other_when_scripted(x):
    if not torch.jit.is_scripting():
        import os

        return os
    return x * 2


def complains(x: Tensor) -> Tensor:
    if x.ndim != 1:
        raise ValueError(f"expected 1 dimension, got {x.ndim}")
    return x


@pytest.mark.parametrize("function", [grown, branching, loops, helped, annotated])
def test_functions(function):
    program = torch.jit.script(function)
    for x in (torch.ones(2), torch.tensor([-3.0, 1.0, 5.0]), torch.full((3,), 100.0), -torch.ones(4)):
        same(program(x), function(x))
        same(reloaded(program)(x), function(x))


def test_arguments():
    program = reloaded(torch.jit.script(grown))
    assert program(torch.ones(2), 2)[1] == program(x=torch.ones(2), steps=2)[1] == [8]
    assert reloaded(torch.jit.script(factorial))(5) == 120


def test_decorator():
    @torch.jit.script
    def double(x):
        return x * 2

    assert type(double) is torch.jit.ScriptFunction
    assert double.name == "double"
    assert double(torch.ones(1)).item() == 2
    assert double.code == "def double(x):\n    return x * 2"


def test_is_scripting():
    assert torch.jit.script(other_when_scripted)(torch.ones(1)).item() == 2
    assert not torch.jit.is_scripting()


def test_errors_are_raised_inside():
    with pytest.raises(ValueError, match="expected 1 dimension, got 2"):
        reloaded(torch.jit.script(complains))(torch.ones(1, 1))


# ---- modules -------------------------------------------------------------------------------------------------------


class Gate(nn.Module):
    def __init__(self, factor=3):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        if bool(x.sum() > 0):
            return x
        return self.other(x)

    def other(self, x):
        return -x * self.factor

    @torch.jit.export
    def extra(self, x):
        return x + self.factor


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = Gate()
        self.linear = nn.Linear(4, 4)
        self.steps = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.named = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.ReLU()})
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(4))])
        self.memory = nn.LSTM(4, 4)
        self.drop = nn.Dropout(0.5)
        self.activation = F.gelu
        self.register_buffer("calls", torch.zeros(()))
        self.seen = 0

    def forward(self, x, h):
        new = torch.tanh(self.gate(self.linear(x)) + h)
        for step in self.steps:
            new = self.activation(step(new))
        for name, layer in self.named.items():
            new = layer(new) if name else new
        if self.training:
            new = self.drop(new)
        self.calls += 1
        self.seen += 1
        out, (last, cell) = self.memory(new.unsqueeze(0))
        return new * self.scales[0], out + self.gate.factor * self.linear.in_features + last + cell


def test_module():
    torch.manual_seed(0)
    cell = Cell().eval()
    program = torch.jit.script(cell)
    for _ in range(4):
        x, h = torch.randn(2, 4), torch.randn(2, 4)
        expected = cell(x, h)
        same(program(x, h), expected)
        same(reloaded(program)(x, h), expected)
    assert list(program.state_dict()) == list(cell.state_dict())
    assert program.linear.weight is cell.linear.weight


def test_state_is_written_and_kept():
    program = torch.jit.script(Cell().eval())
    program(torch.ones(1, 4), torch.ones(1, 4))
    again = reloaded(program)
    again(torch.ones(1, 4), torch.ones(1, 4))
    assert (again.seen, again.calls.item(), program.seen) == (2, 2, 1)


def test_modes_and_copies():
    program = torch.jit.script(Cell())
    assert not program.eval().drop.training
    twin = copy.deepcopy(program)
    with torch.no_grad():
        twin.linear.weight.zero_()
    assert program.linear.weight.abs().sum() > 0
    assert twin(torch.ones(1, 4), torch.ones(1, 4))[0].shape == (1, 4)


def test_exported_methods():
    program = reloaded(torch.jit.script(Cell()))
    assert program.gate.extra(torch.ones(1)).item() == 4
    assert "def other(self, x):" in program.gate.other.code


def test_a_class_of_the_older_kind():
    class Older(torch.jit.ScriptModule):
        __constants__ = ["factor"]

        def __init__(self):
            super().__init__()
            self.factor = 2
            self.layer = nn.Linear(2, 2)

        @torch.jit.script_method
        def forward(self, x):
            if x.sum() > 0:
                x = x * self.factor
            return self.layer(x)

    module, x = Older(), torch.ones(1, 2)
    same(reloaded(module)(x), module(x))
    same(reloaded(module)(-x), module(-x))


def test_properties():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.base = 2

        @property
        def scale(self):
            return self.base * 3

        def forward(self, x):
            return x * self.scale + self.scale

    assert reloaded(torch.jit.script(Scaled()))(torch.ones(1)).item() == 12


def test_layers_of_the_library():
    layers = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten()).eval()
    program = reloaded(torch.jit.script(layers))
    x = torch.randn(2, 1, 5, 5)
    same(program(x), layers(x))
    assert isinstance(program, torch.jit.ScriptModule)
    assert repr(program).startswith("RecursiveScriptModule(\n  original_name=Sequential\n  (0): RecursiveScriptModule(")


def test_a_transformer():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    x = torch.randn(2, 3, 8)
    same(reloaded(torch.jit.script(encoder))(x), encoder(x))


def test_helpers_of_nn():
    class Reads(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(4, 5, batch_first=True)

        def forward(self, x, lengths):
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            out, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
            mask = nn.Transformer.generate_square_subsequent_mask(out.size(1))
            return out, mask, packed.batch_sizes

    module, x = Reads(), torch.randn(2, 3, 4)
    for lengths in (torch.tensor([1, 3]), torch.tensor([2, 2])):
        same(list(reloaded(torch.jit.script(module))(x, lengths)), list(module(x, lengths)))


def test_a_trace_inside():
    layer = torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2))

    class Repeated(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x, times: int):
            for _ in range(times):
                x = self.layer(x)
            return x

    x = torch.ones(1, 2)
    same(reloaded(torch.jit.script(Repeated()))(x, 2), layer(layer(x)))


def test_ignored_and_unused_methods():
    class Talks(nn.Module):
        def forward(self, x, flag: bool):
            return self.absent(x) if flag else self.shown(x)

        @torch.jit.ignore
        def shown(self, x):
            return max((x,), key=lambda y: y.ndim)

        @torch.jit.unused
        def absent(self, x):
            return open("nothing")

    program = torch.jit.script(Talks())
    assert program(torch.ones(1), False).item() == 1
    with pytest.raises(RuntimeError, match="marked with @torch.jit.unused"):
        program(torch.ones(1), True)
    with pytest.raises(RuntimeError, match="Could not export Python function call 'shown'"):
        program.save(io.BytesIO())


def test_programs_inside_programs():
    double = torch.jit.script(lambda_free_double)

    @torch.jit.script
    def quadruple(x):
        return double(double(x))

    assert reloaded(quadruple)(torch.ones(1)).item() == 4


def lambda_free_double(x):
    return x * 2


def test_an_attribute_that_no_program_can_hold():
    class Holds(nn.Module):
        def __init__(self):
            super().__init__()
            self.rest = object()
            self.factor = 2

        def forward(self, x):
            return x * self.factor

        @torch.jit.export
        def looks(self, x):
            return self.rest

    with pytest.raises(torch.jit.UnsupportedNodeError, match="the attribute 'rest'"):
        torch.jit.script(Holds())


# ---- refused -------------------------------------------------------------------------------------------------------


def uses_lambda(x):
    return (lambda y: y)(x)


def imports(x):
    import os

    return os, x


def opens(x):
    return open("x")


def looks_inside(x):
    return x.__class__


def leaves_for_numpy(x):
    return x.numpy()


def tries(x):
    try:
        return x
    except ValueError:
        return x


def nests(x):
    def inner(y):
        return y

    return inner(x)


def waits(x):
    with open("x") as file:
        return file


REFUSED = {
    uses_lambda: "lambda functions",
    imports: "imports",
    opens: "the name 'open'",
    looks_inside: "the attribute '__class__'",
    leaves_for_numpy: "the attribute 'numpy'",
    tries: "try blocks",
    nests: "functions inside functions",
    waits: "with statements",
}


@pytest.mark.parametrize("function", REFUSED)
def test_refused(function):
    with pytest.raises(torch.jit.UnsupportedNodeError) as caught:
        torch.jit.script(function)
    text = str(caught.value)
    assert REFUSED[function] in text or (function is waits and "the name 'open'" in text)
    assert "(line " in text
    assert f"in {function.__name__} of test_jit_script.py" in text


def test_source_is_needed():
    space: dict = {}
    exec("def typed(x): return x", space)
    with pytest.raises(OSError, match="Can't get source for"):
        torch.jit.script(space["typed"])
