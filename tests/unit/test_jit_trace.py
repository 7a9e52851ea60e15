"""torch.jit.trace: what a traced program remembers, and what it warns of or refuses."""

import copy
import io
import warnings

import pytest

import course_lib as torch
from course_lib import nn
from course_lib.nn import functional as F


def reloaded(program):
    file = io.BytesIO()
    torch.jit.save(program, file)
    file.seek(0)
    return torch.jit.load(file)


def traced(function, *inputs, **options):
    return torch.jit.trace(function, inputs, **options)


def same(a, b) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(64, 5)
        self.register_buffer("scale", torch.ones(2), persistent=False)

    def forward(self, x):
        x = F.max_pool2d(self.norm(self.conv(x)).relu(), 2)
        return self.head(x.view(x.size(0), -1)) * self.scale[0]


# ---- sizes, views, in place ----------------------------------------------------------------------------------------

SHAPES = {
    "view with size()": lambda x: x.view(x.size(0), -1),
    "reshape with arithmetic": lambda x: x.reshape(x.shape[0] * x.shape[1], -1),
    "halves": lambda x: x[:, : x.shape[1] // 2],
    "from the end": lambda x: x[x.size(0) - 1],
    "a part of a size": lambda x: x.view(x.size()[:-1] + (2, 3)).reshape(*x.shape[:2], -1),
    "flatten": lambda x: x.flatten(1),
    "new tensors": lambda x: x + torch.ones(x.shape[0], 1, 1) * torch.arange(x.shape[2]),
    "numel": lambda x: x.view(x.numel()),
    "unpacked": lambda x: (lambda b, t, c: x.transpose(0, 1).reshape(t, b * c))(*x.shape),
    "picked by a tensor": lambda x: x[:, torch.tensor([0, 2])],
    "picked by a mask": lambda x: x[x > 0],
    "chunks": lambda x: torch.cat(x.chunk(2, 1)[::-1], 1),
    "in place": lambda x: (x * 1).add_(2).mul_(x),
    "operators in place": lambda x: operators_in_place(x),
    "written through a view": lambda x: written_through_a_view(x),
    "a slice assigned": lambda x: assigned(x),
    "einsum": lambda x: torch.einsum("btc,bsc->bts", x, x),
    "an activation as argument": lambda x: (lambda f: f(x))(F.gelu),
    "numbers first": lambda x: 1 - 2 / (x + 3),
}


def operators_in_place(x):
    y = x.clone()
    y += 1
    y *= x
    y **= 2
    return y


def written_through_a_view(x):
    y = x * 2
    y[0].mul_(10)
    return y


def assigned(x):
    y = torch.zeros(x.shape)
    y[:, 1:] = x[:, :-1]
    y[x > 1] = 7.0
    return y


@pytest.mark.parametrize("name", SHAPES)
def test_other_sizes(name):
    function = SHAPES[name]
    torch.manual_seed(0)
    program = traced(function, torch.randn(2, 4, 6))
    for shape in ((2, 4, 6), (3, 4, 6), (1, 4, 6)):
        x = torch.randn(shape)
        same(program(x), function(x))
        same(reloaded(program)(x), function(x))


def test_inputs_are_not_written_into():
    x = torch.ones(3)
    traced(lambda x: x.add_(1), x)
    assert x.tolist() == [1, 1, 1]


def test_one_tensor_given_twice_is_two_inputs():
    x = torch.ones(2)
    assert traced(lambda a, b: a - 2 * b, x, x)(torch.ones(2), torch.zeros(2)).tolist() == [1, 1]


def test_nested_inputs_and_outputs():
    def function(pair, named):
        return pair[0] + named["k"], [pair[1] * 2]

    program = reloaded(traced(function, (torch.ones(2), torch.ones(3)), {"k": torch.ones(2)}))
    total, (double,) = program((torch.ones(2), torch.zeros(1)), {"k": torch.ones(2)})
    assert total.tolist() == [2, 2]
    assert double.tolist() == [0]


def test_keyword_inputs():
    program = torch.jit.trace(nn.Linear(2, 1), example_kwarg_inputs={"input": torch.ones(1, 2)})
    assert program(input=torch.ones(3, 2)).shape == (3, 1)


# ---- modules -------------------------------------------------------------------------------------------------------


def test_module_without_its_class():
    net = Net().eval()
    program = reloaded(torch.jit.trace(net, torch.randn(2, 1, 8, 8)))
    x = torch.randn(5, 1, 8, 8)
    same(program(x), net(x))
    assert list(program.state_dict()) == list(net.state_dict())
    assert type(program) is torch.jit.RecursiveScriptModule
    assert program.original_name == "Net"
    assert "scale" in dict(program.named_buffers())


def test_repr_and_code():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 3)

        def forward(self, x):
            return self.layer(x).relu()

    program = torch.jit.trace(Small(), torch.ones(1, 2))
    assert repr(program) == "Small(\n  original_name=Small\n  (layer): Linear(original_name=Linear)\n)"
    assert program.code == (
        "def forward(self, x):\n"
        "    linear = torch.nn.functional.linear(x, self.layer.weight, self.layer.bias)\n"
        "    relu = torch.relu(linear)\n"
        "    return relu\n"
    )
    assert "%relu : Float(1, 3) = torch.relu(%linear)" in str(program.graph)


def test_weights_train_and_load():
    net = Net()
    program = reloaded(torch.jit.trace(net, torch.randn(2, 1, 8, 8)))
    optimizer = torch.optim.SGD(program.parameters(), lr=0.1)
    x = torch.randn(4, 1, 8, 8)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = program(x).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert program.norm.num_batches_tracked.item() == net.norm.num_batches_tracked.item() + 3
    program.load_state_dict(net.state_dict())
    same(program.head.weight, net.head.weight)
    assert program.double()(x.double()).dtype is torch.float64


def test_shared_weights_stay_shared():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x))

    program = reloaded(torch.jit.trace(Tied(), torch.ones(1, 3)))
    assert program.a.weight is program.b.weight


def test_copies_are_apart():
    program = torch.jit.trace(Net().eval(), torch.randn(2, 1, 8, 8))
    twin = copy.deepcopy(program)
    x = torch.randn(1, 1, 8, 8)
    before = program(x)
    with torch.no_grad():
        twin.head.weight.zero_()
    same(program(x), before)
    assert not torch.equal(twin(x), before)


def test_several_methods():
    class Coder(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            return self.layer(x)

        def encode(self, x):
            return self.layer(x) * 2

    program = reloaded(torch.jit.trace_module(Coder(), {"forward": torch.ones(1, 2), "encode": torch.ones(1, 2)}))
    x = torch.randn(3, 2)
    same(program.encode(x), program(x) * 2)


def test_dropout_is_drawn_anew():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.jit.trace(nn.Dropout(0.5), torch.ones(100))
    assert not torch.equal(program(torch.ones(100)), program(torch.ones(100)))


def test_autocast_is_kept():
    layers = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2)).eval()

    def lowered(x):
        with torch.autocast("cpu", torch.bfloat16):
            return layers(x) + F.conv1d(x[None], x[None, :, :1])[0, :, :1]

    layers.requires_grad_(False)
    x = torch.randn(3, 4)
    program = reloaded(traced(lowered, x))
    assert program(x).dtype is lowered(x).dtype
    same(program(x), lowered(x))


def test_function_with_its_own_backward():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x**3

        @staticmethod
        def backward(ctx, grad):
            return grad

    assert traced(lambda x: Cube.apply(x) + 1, torch.ones(2))(torch.full((2,), 2.0)).tolist() == [9, 9]


def test_freeze():
    program = torch.jit.trace(Net().eval(), torch.randn(2, 1, 8, 8))
    frozen = torch.jit.freeze(program)
    assert not any(p.requires_grad for p in frozen.parameters())
    assert all(p.requires_grad for p in program.parameters())
    with pytest.raises(RuntimeError, match="eval mode"):
        torch.jit.freeze(program.train())
    assert torch.jit.optimize_for_inference(program.eval())(torch.ones(1, 1, 8, 8)).shape == (1, 5)


def test_nothing_stays_behind():
    shape = vars(torch.Tensor)["shape"]
    with pytest.raises(ZeroDivisionError):
        traced(lambda x: x / (1 // 0), torch.ones(1))
    assert vars(torch.Tensor)["shape"] is shape
    assert not torch.jit.is_tracing()
    assert type(torch.ones(2).shape[0]) is int
    kept = []
    traced(lambda x: kept.append(x.shape[0]) or x * 2, torch.ones(3), check_trace=False)
    assert kept[0] == 3
    assert type(kept[0] + 1) is int


def test_is_tracing_inside():
    seen = []
    traced(lambda x: seen.append(torch.jit.is_tracing()) or x * 2, torch.ones(1), check_trace=False)
    assert seen == [True]


def test_packed_sequences_of_other_lengths():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(4, 5, batch_first=True)

        def forward(self, x, lengths):
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            out, last = self.rnn(packed)
            return (*nn.utils.rnn.pad_packed_sequence(out, batch_first=True), last)

    module = Packed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = reloaded(traced(module, torch.randn(3, 6, 4), torch.tensor([2, 6, 3])))
    x, lengths = torch.randn(3, 5, 4), torch.tensor([5, 1, 4])
    for a, b in zip(program(x, lengths), module(x, lengths), strict=True):
        same(a, b)


# ---- warnings and errors -------------------------------------------------------------------------------------------


def test_warns_where_the_check_differs():
    with pytest.warns(torch.jit.TracerWarning, match="does not match the corresponding output"):
        traced(lambda x: x + torch.rand(2), torch.ones(2))


def test_check_inputs_find_a_forgotten_branch():
    def function(x):
        return x * 2 if x.sum() > 0 else x

    with pytest.warns(torch.jit.TracerWarning) as caught:
        traced(function, torch.ones(2), check_inputs=[(-torch.ones(2),)])
    texts = " ".join([str(w.message) for w in caught])
    assert "Python boolean" in texts
    assert "does not match" in texts


ERRORS = [
    (lambda: torch.jit.trace(lambda x, n: x * n, (torch.ones(2), 3)), RuntimeError, r"Type 'Tuple\[Tensor, int\]'"),
    (lambda: torch.jit.trace(lambda x: 3, torch.ones(2)), RuntimeError, "can be output from traced functions"),
    (lambda: torch.jit.trace(lambda x: {"a": x}, torch.ones(2)), RuntimeError, "strict=False"),
    (lambda: torch.jit.trace(lambda x: x), TypeError, "not iterable"),
    (lambda: torch.jit.freeze(Net()), RuntimeError, "Freezing expects a ScriptModule"),
]


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_errors(number):
    call, kind, text = ERRORS[number]
    with pytest.raises(kind, match=text):
        call()


def test_weights_of_nobody_are_refused():
    weight = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="Cannot insert a Tensor that requires grad as a constant"):
        traced(lambda x: x * weight, torch.ones(2))


def test_wrong_arguments():
    program = torch.jit.trace(nn.Linear(2, 1), torch.ones(1, 2))
    with pytest.raises(RuntimeError, match=r"expected at most 2 argument\(s\) but received 3"):
        program(torch.ones(1, 2), 3)
    with pytest.raises(RuntimeError, match="missing value for argument 'input'"):
        program()
    with pytest.raises(RuntimeError, match="Expected a value of type 'Tensor' for argument 'input'"):
        program(3)
