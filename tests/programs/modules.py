"""nn.Module: registration, attributes, walking, conversion, state dicts; Parameter and Buffer."""

# --- parameters
import copy
import pickle

nn = torch.nn
data = torch.ones(2)
p = nn.Parameter(data)
print(p, type(p).__name__, p.is_leaf, p.data is data, p._version)
data.add_(1)
print(p, p._version)
p.grad, p.note = torch.ones(2), "kept"
copied, pickled = copy.deepcopy(p), pickle.loads(pickle.dumps(p))
print(copied, copied.grad, hasattr(copied, "note"), pickled, pickled.grad, pickled.note)
print(p * 1, type(p * 1).__name__, type(p.data).__name__, type(p.detach()).__name__, type(p[0:1]).__name__)
print(nn.Parameter(), nn.Parameter(torch.ones(1), requires_grad=False), nn.Parameter(p) is p)
print(isinstance(p, torch.Tensor), isinstance(data, nn.Parameter), nn.Parameter(p * 2).grad_fn)
print(copy.deepcopy(nn.Parameter(torch.ones(2, 3).t())).stride())
for wrong in (torch.ones(2, dtype=torch.int64), [1.0]):
    try:
        nn.Parameter(wrong)
    except Exception as error:
        print(type(error).__name__, error)

# --- a tensor of one's own class as parameter, and buffers
nn = torch.nn


class Mine(torch.Tensor):
    pass


class MyParameter(nn.Parameter):
    pass


p = nn.Parameter(torch.ones(2).as_subclass(Mine))
print(p, type(p).__name__, isinstance(p, nn.Parameter))
p = MyParameter(torch.ones(1))
print(p, type(p).__name__, isinstance(p, nn.Parameter), isinstance(nn.Parameter(torch.ones(1)), MyParameter))
b = nn.Buffer(torch.ones(2), persistent=False)
print(b, type(b).__name__, isinstance(b, nn.Buffer), isinstance(torch.ones(2), nn.Buffer), b.persistent, nn.Buffer())

# --- uninitialized parameters
import copy
import pickle

nn = torch.nn
u = nn.UninitializedParameter(dtype=torch.float64)
print(u, u.dtype, u.device, u.requires_grad, u.is_leaf, isinstance(u, nn.Parameter), u.data, u.size())
print(copy.deepcopy(u), pickle.loads(pickle.dumps(u)), u.grad, u.is_floating_point())
for ask in (lambda: u.shape, lambda: u.share_memory_()):
    try:
        ask()
    except RuntimeError as error:
        print(error)
for ask in (lambda: u + 1, lambda: u.numel(), lambda: u.sum()):
    try:
        ask()
    except ValueError as error:
        print(str(error).split(" in ")[0], str(error).split(". ", 1)[1])
u.materialize((2, 3))
print(type(u).__name__, u.shape, u.dtype)
b = nn.parameter.UninitializedBuffer()
b.materialize((2,), dtype=torch.float16)
print(type(b).__name__, b.shape, b.dtype, b.requires_grad, isinstance(b, nn.Buffer))

# --- what an attribute becomes
nn = torch.nn
m = nn.Module()
m.a = nn.Parameter(torch.ones(1))
m.b = nn.Buffer(torch.ones(1), persistent=False)
m.c = nn.Identity()
m.d = torch.ones(1)
print(list(m._parameters), list(m._buffers), list(m._modules), "d" in m.__dict__, m.state_dict())
m.a = m.c = m.b = None
print(m._parameters, m._buffers, m._modules, m.state_dict(), m)
m.b = torch.zeros(2)
m.a = nn.Parameter(torch.zeros(1))
print(m._buffers, m.state_dict())
m.b = nn.Parameter(torch.ones(1))
m.d = nn.Parameter(torch.ones(1))
print(list(m._parameters), m._buffers, m._non_persistent_buffers_set, "d" in m.__dict__)
del m.a
print(hasattr(m, "a"), list(m._parameters))
m._parameters["e"] = nn.Parameter(torch.full((1,), 5.0))
m._buffers["f"] = torch.full((1,), 6.0)
print(m.e, m.f)
m._parameters["e"] = nn.Parameter(torch.full((1,), 7.0))
print(m.e)
del m._parameters["e"], m._buffers["f"]
print(hasattr(m, "e"), hasattr(m, "f"))
m.e = 3
print(m.e, "e" in dir(m), "d" in dir(m), "forward" in dir(m))

# --- names and values that are refused
nn = torch.nn
m = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: m.register_parameter(3, None))
attempt(lambda: m.register_parameter("a.b", None))
attempt(lambda: m.register_parameter("", None))
attempt(lambda: m.register_parameter("forward", None))
attempt(lambda: m.register_parameter("w", torch.ones(1)))
attempt(lambda: m.register_parameter("w", 3))
attempt(lambda: m[0].register_parameter("w", nn.Parameter(torch.ones(1)).mul_(1) if False else None))
attempt(lambda: m.register_buffer("w", 3))
attempt(lambda: m.register_buffer("forward", None))
attempt(lambda: m.register_buffer("a.b", None))
attempt(lambda: m.register_buffer("", None))
attempt(lambda: m.register_buffer(3, None))
attempt(lambda: m.add_module("x", 3))
attempt(lambda: m.add_module("a.b", None))
attempt(lambda: m.add_module("", None))
attempt(lambda: m.add_module(3, None))
attempt(lambda: m.add_module("forward", None))
attempt(lambda: setattr(m[0], "weight", torch.ones(1)))
attempt(lambda: setattr(m[1], "running_mean", 3))
attempt(lambda: setattr(m, "0", 3))
attempt(lambda: delattr(m, "zz"))
attempt(lambda: m.zz)
attempt(lambda: m.train(3))
attempt(lambda: nn.Module(3))
attempt(lambda: nn.Module(a=3))
attempt(lambda: nn.Module()(3))
attempt(lambda: m.to(torch.int64))
attempt(lambda: m.load_state_dict([1]))

# --- before Module.__init__
nn = torch.nn
for name, value in (("p", nn.Parameter(torch.ones(1))), ("m", nn.Identity()), ("b", nn.Buffer(torch.ones(1))), ("t", 3)):

    class Early(nn.Module):
        def __init__(self):
            setattr(self, name, value)
            print(getattr(self, name))
            self.missing

    try:
        Early()
    except AttributeError as error:
        print(error)
for register in ("register_parameter", "register_buffer", "add_module"):

    class Early(nn.Module):
        def __init__(self):
            getattr(self, register)("x", None)

    try:
        Early()
    except AttributeError as error:
        print(error)

# --- Module.__init__ of a class with several bases
nn = torch.nn


class Mixin:
    def __init__(self, value):
        self.value = value


class Both(nn.Module, Mixin):
    call_super_init = True

    def __init__(self):
        super().__init__(5)


print(Both().value, Both()._parameters)

# --- walking the tree
nn = torch.nn
shared = nn.Linear(1, 1)
m = nn.Sequential(shared, nn.Sequential(shared, nn.BatchNorm1d(1)))
m[1][0].extra = shared.weight
print([name for name, _ in m.named_modules()])
print([name for name, _ in m.named_modules(prefix="p", remove_duplicate=False)])
print([name for name, _ in m.named_parameters()], [name for name, _ in m.named_parameters(remove_duplicate=False)])
print([name for name, _ in m.named_parameters(prefix="p", recurse=False)], [n for n, _ in m[0].named_parameters("q", False)])
print([name for name, _ in m.named_buffers()], len(list(m.buffers())), len(list(m.modules())), len(list(m.children())))
print([name for name, _ in m[1].named_children()], list(m.state_dict()))
m.apply(lambda module: print(type(module).__name__))

# --- by dotted names
nn = torch.nn
m = nn.Sequential(nn.Linear(1, 2), nn.Sequential(nn.BatchNorm1d(2)))


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


for target in ("", "1.0", "0.x", "0.weight", "5"):
    attempt(lambda: m.get_submodule(target))
for target in ("0.weight", "0.w", "0.training", "weight"):
    attempt(lambda: m.get_parameter(target).shape)
for target in ("1.0.running_mean", "0.weight", "0.zz"):
    attempt(lambda: m.get_buffer(target))
attempt(lambda: m.set_submodule("1.0", nn.ReLU()))
attempt(lambda: m.set_submodule("new", nn.Tanh()))
attempt(lambda: m.set_submodule("", nn.ReLU()))
attempt(lambda: m.set_submodule("0", 3))
attempt(lambda: m.set_submodule("0.x", nn.ReLU(), strict=True))
attempt(lambda: m.set_submodule("0.weight", nn.ReLU()))
attempt(lambda: m.set_submodule("q.r", nn.ReLU()))
print(m)

# --- modes, gradients and conversions
nn = torch.nn
m = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
weight = m[0].weight
print(m.train(False) is m, m[1].training, m.eval().training, m.train()[0].training)
m(torch.ones(3, 2)).sum().backward()
m.zero_grad(set_to_none=False)
print(weight.grad)
m.zero_grad()
print(weight.grad, m.requires_grad_(False)[0].weight.requires_grad, m.requires_grad_()[1].bias.requires_grad)
m(torch.ones(3, 2)).sum().backward()
for convert in (m.double, m.half, m.bfloat16, m.float, m.cpu, m.share_memory):
    print(convert() is m, m[0].weight is weight, weight.dtype, weight.grad.dtype, m[1].num_batches_tracked.dtype, m[1].running_mean.dtype)
print(m.to(torch.float64)[0].weight.dtype, m.to("cpu", torch.float32)[0].weight.dtype, m.to(torch.ones(1).double())[1].bias.dtype)
print(m.type(torch.float32)[1].num_batches_tracked.dtype, m.type("torch.DoubleTensor")[0].weight.dtype)
print(m.to_empty(device="cpu")[0].weight.shape, m.compile())
conv = nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
print(conv.weight.stride(), conv.bias.stride())
print(nn.Linear(2, 2).to(torch.complex64).weight.dtype)

# --- conversions: spellings, a warning, a refusal
import warnings

layer = lambda: torch.nn.Linear(2, 2)
print(layer().to(torch.device("cpu"), torch.float64, True).weight.dtype, layer().to(tensor=torch.ones(1).half()).weight.dtype)
print(layer().to(dtype=torch.float64).weight.dtype, layer().to(device=None).weight.dtype, layer().to(None).weight.dtype)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(layer().to(torch.complex64).weight.dtype, [str(w.message) for w in caught])
try:
    layer().type(torch.int64)
except RuntimeError as error:
    print(error)

# --- representations
nn = torch.nn


class Extra(nn.Module):
    def __init__(self, text, *children):
        super().__init__()
        self.text = text
        for number, child in enumerate(children):
            self.add_module(f"child{number}", child)

    def extra_repr(self):
        return self.text


print(Extra(""), Extra("a=1"), Extra("a=1\nb=2"), Extra("a=1", Extra("")), Extra("a\nb", Extra("x\ny"), None))
print(nn.Module(), nn.Sequential(nn.Sequential(nn.Linear(1, 1), Extra("", Extra("z")))))

# --- state dicts: errors
nn = torch.nn
m = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1)))


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


print(m.state_dict()._metadata, m.load_state_dict(m.state_dict()))
attempt(lambda: m.load_state_dict({}))
attempt(lambda: m.load_state_dict({"0.weight": torch.ones(2, 2), "x": 1, "0.foo": 2, "1.0.foo.bar": 3, "1.1": 2}))
attempt(lambda: m.load_state_dict({"0.weight": 3}, strict=False))
attempt(lambda: m.load_state_dict({"0.weight": torch.ones(3, 2), "zz": 1}, strict=False))
attempt(lambda: m.load_state_dict({"0.weight": torch.ones(3, 2, dtype=torch.int64)}, strict=False, assign=True))
print(m[0].weight)
assigned = {"0.weight": torch.zeros(3, 2, dtype=torch.float64)}
attempt(lambda: m.load_state_dict(assigned, strict=False, assign=True))
print(m[0].weight, m[0].weight.data_ptr() == assigned["0.weight"].data_ptr())
scalar = nn.Module()
scalar.s = nn.Parameter(torch.tensor(1.0))
print(scalar.load_state_dict({"s": torch.tensor([2.0])}), scalar.s)

# --- state dicts: what they hold
from collections import OrderedDict

nn = torch.nn
m = nn.Linear(1, 1)
m.register_buffer("seen", torch.ones(1))
m.register_buffer("hidden", torch.ones(1), persistent=False)
m.register_buffer("nothing", None)
state = m.state_dict()
print(type(state).__name__, list(state), type(state["weight"]).__name__, state["weight"].requires_grad)
print(state["weight"].data_ptr() == m.weight.data_ptr(), m.state_dict(keep_vars=True)["weight"] is m.weight)
given = OrderedDict(before=1)
print(list(m.state_dict(destination=given, prefix="p.")), list(given), hasattr(given, "_metadata"))
with torch.no_grad():
    state["weight"].fill_(7)
print(m.weight)

# --- state dicts: extra state and versions
nn = torch.nn


class Extra(nn.Linear):
    _version = 3

    def get_extra_state(self):
        return {"count": 3}

    def set_extra_state(self, state):
        print("set", state)


class Older(nn.Linear):
    _version = 2

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        print(prefix, local_metadata, strict, list(state_dict))
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        error_msgs.append("an error of one's own")


m = nn.Sequential(Extra(1, 1))
print(list(m.state_dict()), m.state_dict()["0._extra_state"], dict(m.state_dict()._metadata))
print(m.load_state_dict(m.state_dict()))
for target, state in ((m, nn.Sequential(nn.Linear(1, 1)).state_dict()), (nn.Sequential(nn.Linear(1, 1)), m.state_dict()), (nn.Sequential(Older(1, 1)), m.state_dict())):
    try:
        target.load_state_dict(state)
    except RuntimeError as error:
        print(error)

# --- copies
import copy
import pickle

nn = torch.nn
torch.manual_seed(0)
m = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
m.register_forward_hook(print)
deep, shallow = copy.deepcopy(m), copy.copy(m)
print(deep[0].weight is m[0].weight, shallow[0] is m[0], len(deep._forward_hooks), torch.equal(deep[0].weight, m[0].weight))
m[0].weight = nn.Parameter(torch.zeros(2, 2))
print(deep[0].weight.sum() == 0, shallow[0].weight)
layer = nn.Linear(1, 1)
twin = copy.copy(layer)
twin.weight = nn.Parameter(torch.full((1, 1), 3.0))
print(layer.weight is twin.weight, twin.weight)
read = pickle.loads(pickle.dumps(nn.Sequential(layer, nn.ModuleList([layer]))))
print(read, read[0] is read[1][0], read[0].weight, list(read.state_dict()))

# --- shared parameters train together
nn = torch.nn
a, b = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
b.weight = a.weight
m = nn.Sequential(a, b)
m(torch.ones(1, 1)).backward()
print(len(list(m.parameters())), torch.allclose(a.weight.grad, 2 * a.weight), list(m.state_dict()), m.double()[0].weight is b.weight)
