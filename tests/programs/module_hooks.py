"""Hooks of nn.Module: forward, backward, state dicts, registration; of one module and of all."""

# --- forward hooks: order and what they may change
nn = torch.nn


def say(name, result=None):
    def hook(*args, **named):
        print(name, [type(a).__name__ if isinstance(a, nn.Module) else a for a in args], named)
        return result

    return hook


class Scale(nn.Module):
    def forward(self, x, by=1.0):
        return x * by


m, x = Scale(), torch.ones(2)
handles = [
    m.register_forward_pre_hook(say("pre 1")),
    m.register_forward_pre_hook(say("pre 2", x * 2), prepend=True),
    m.register_forward_pre_hook(say("pre 3", ((x * 3,), {"by": 2.0})), with_kwargs=True),
    m.register_forward_hook(say("after 1")),
    m.register_forward_hook(say("after 2", torch.zeros(1)), prepend=True),
    m.register_forward_hook(say("after 3"), with_kwargs=True),
]
print(m(x, by=3.0))
for handle in handles:
    handle.remove()
    handle.remove()
print(m._forward_hooks, m._forward_pre_hooks, m._forward_hooks_with_kwargs, m._forward_pre_hooks_with_kwargs)
with m.register_forward_pre_hook(say("two arguments", (x, 2.0))):
    print(m(x))
with m.register_forward_pre_hook(say("no pair", 3), with_kwargs=True):
    try:
        m(x)
    except RuntimeError as error:
        print(error)
m._forward_hooks["key"] = say("put in by hand")
print(m(x))
m._forward_hooks.clear()
print(m(x))

# --- forward hooks after an error
import warnings

nn = torch.nn
recording = lambda: warnings.catch_warnings(record=True)
simplefilter = warnings.simplefilter


def say(name):
    return lambda module, *args: print(name, args)


def raising(*args):
    raise RuntimeError("boom")


class Bad(nn.Module):
    def forward(self, x):
        raise ValueError("no")


def run(module):
    with recording() as caught:
        simplefilter("always")
        try:
            module(torch.ones(1))
        except Exception as error:
            print(type(error).__name__, error)
        for warning in caught:
            print(warning.message)


bad = Bad()
bad.register_forward_hook(say("only after success"))
bad.register_forward_hook(say("always"), always_call=True)
bad.register_forward_hook(raising, always_call=True)
bad.register_forward_hook(say("always, with names"), always_call=True, with_kwargs=True)
run(bad)
good = nn.Identity()
good.register_forward_hook(say("done"), always_call=True)
good.register_forward_hook(raising)
good.register_forward_hook(say("later"), always_call=True)
run(good)
early = nn.Identity()
early.register_forward_pre_hook(raising)
early.register_forward_hook(say("always"), always_call=True)
run(early)

# --- full backward hooks
nn = torch.nn


def say(name, result=None):
    def hook(module, *grads):
        print(name, type(module).__name__, grads)
        return result

    return hook


m = nn.Linear(2, 2)
nn.init.ones_(m.weight)
x = torch.ones(1, 2, requires_grad=True)
first = m.register_full_backward_hook(say("first"))
second = m.register_full_backward_hook(say("second", (torch.full((1, 2), 7.0),)), prepend=True)
m.register_full_backward_pre_hook(say("pre"))
m.register_full_backward_pre_hook(say("pre, before", (torch.full((1, 2), 5.0),)), prepend=True)
y = m(x)
print(y.grad_fn.name())
y.sum().backward()
print(x.grad, m.weight.grad)
second.remove()
m.zero_grad()
m(torch.ones(1, 2)).sum().backward()
print(m.weight.grad)
with torch.no_grad():
    print(m(x).grad_fn)
try:
    m.register_backward_hook(print)
except RuntimeError as error:
    print(error)

# --- full backward hooks: several inputs and outputs, and what is refused
import warnings

nn = torch.nn
recording = lambda: warnings.catch_warnings(record=True)
simplefilter = warnings.simplefilter


class Several(nn.Module):
    def forward(self, x, k, z):
        return x * 2, k, z * 3


x = torch.ones(1, requires_grad=True)
m = Several()
m.register_full_backward_hook(lambda *args: print(args[1:]))
out = m(x, 3, torch.ones(2))
print(out)
out[0].sum().backward()
m(x, 3, x * 2)[2].backward()


class Dictionary(nn.Module):
    def forward(self, x):
        return {"a": x * 2}


def run(f):
    with recording() as caught:
        simplefilter("always")
        try:
            print(f())
        except RuntimeError as error:
            print(error)
        for warning in caught:
            print(warning.category.__name__, warning.message)


m = Dictionary()
m.register_full_backward_hook(print)
run(lambda: m(x))
for register in ("register_full_backward_hook", "register_full_backward_pre_hook"):
    m = nn.Identity()
    getattr(m, register)(lambda *args: (1, 2, 3))
    run(lambda: m(x).backward())
m = nn.Linear(1, 1)
m.register_full_backward_hook(lambda *args: (torch.ones(1),))
run(lambda: m(torch.ones(1)).backward())
m = nn.Linear(1, 1)
m.register_full_backward_hook(lambda *args: None)
run(lambda: m(torch.ones(1)).backward())

# --- legacy backward hooks
import warnings

nn = torch.nn


class Calls(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, *args):
        return self.f(*args)


x = torch.ones(1, requires_grad=True)
for f, args in ((lambda x: x * 2, (x,)), (lambda x: (x * 2).exp(), (x,)), (lambda x: {"a": x * 2}, (x,)), (lambda x, k: x * 2, (x, 3)), (lambda x: (x * 2, x * 3), (x,)), (lambda x: [[x * 2]], (x,)), (lambda x: x, (x,))):
    m = Calls(f)
    m.register_backward_hook(lambda *grads: print(grads[1:]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = m(*args)
        while not isinstance(out, torch.Tensor):
            out = out["a"] if isinstance(out, dict) else out[0]
        out.backward()
        for warning in caught:
            print(warning.category.__name__, warning.message)
try:
    m.register_full_backward_hook(print)
except RuntimeError as error:
    print(error)

# --- hooks of all modules
import importlib

nn, everywhere = torch.nn, importlib.import_module(f"{torch.__name__}.nn.modules.module")


def say(name):
    return lambda module, *args: print(name, type(module).__name__, args)


m = nn.Linear(1, 1)
nn.init.ones_(m.weight)
nn.init.zeros_(m.bias)
handles = [
    everywhere.register_module_forward_pre_hook(say("global pre")),
    everywhere.register_module_forward_hook(say("global after")),
    everywhere.register_module_full_backward_hook(say("global backward")),
    everywhere.register_module_full_backward_pre_hook(say("global backward pre")),
]
m.register_forward_pre_hook(say("own pre"))
m.register_forward_hook(say("own after"))
m.register_full_backward_hook(say("own backward"))
m.register_full_backward_pre_hook(say("own backward pre"))
m(torch.ones(1, requires_grad=True)).sum().backward()
try:
    everywhere.register_module_backward_hook(print)
except RuntimeError as error:
    print(error)
for handle in handles:
    handle.remove()
with everywhere.register_module_forward_hook(lambda module, args, kwargs, output: print(kwargs, output), with_kwargs=True):
    nn.Identity()(input=torch.ones(1))
for kind in ("parameter", "buffer", "module"):
    register = getattr(everywhere, f"register_module_{kind}_registration_hook")
    with register(lambda module, name, value: print(kind, name, type(value).__name__)):
        made = nn.Linear(1, 1)
        made.register_buffer("buffer", torch.ones(1))
        made.child = nn.Identity()
        made.other = nn.Buffer(torch.ones(1))
        made.buffer = torch.zeros(1)
        made.bias = made.child = None
        made.add_module("none", None)
        made.register_parameter("no", None)
with everywhere.register_module_parameter_registration_hook(lambda module, name, value: nn.Parameter(value * 0 + 9)):
    made = nn.Module()
    made.weight = nn.Parameter(torch.ones(1))
    print(made.weight)

# --- hooks of state dicts
nn = torch.nn


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


m = nn.Sequential(nn.Linear(1, 1))
m.register_state_dict_pre_hook(lambda module, prefix, keep_vars: print("before", repr(prefix), keep_vars))
m[0].register_state_dict_post_hook(lambda module, state, prefix, metadata: print("after", list(state), prefix, metadata))
print(list(m.state_dict()))
m._register_state_dict_hook(lambda module, state, prefix, metadata: {"only": 1})
print(m.state_dict())
wrong = lambda module, state, prefix, metadata: 3
m = nn.Linear(1, 1)
m.register_state_dict_post_hook(wrong)
attempt(m.state_dict)
attempt(lambda: m._register_state_dict_hook(wrong))

# --- hooks of loading
import copy

nn = torch.nn


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


m = nn.Sequential(nn.Linear(1, 1))
m[0]._register_load_state_dict_pre_hook(lambda *args: print([list(a) if isinstance(a, dict) else a for a in args]))
m[0].register_load_state_dict_pre_hook(lambda module, state, prefix, *_: print(type(module).__name__, prefix))
m.register_load_state_dict_post_hook(lambda module, keys: print("after", keys))
m[0].register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
attempt(lambda: m.load_state_dict(m.state_dict()))
attempt(lambda: m.load_state_dict({}))
m.register_load_state_dict_post_hook(lambda module, keys: 3)
attempt(lambda: m.load_state_dict({}))
seen = []
m = nn.Linear(1, 1)
m.register_load_state_dict_pre_hook(lambda module, *_: seen.append(module))
copied = copy.deepcopy(m)
copied.load_state_dict(m.state_dict())
print(seen[0] is copied)


class Renames(nn.Linear):
    def _load_from_state_dict(self, state_dict, prefix, *args):
        state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
        super()._load_from_state_dict(state_dict, prefix, *args)


given = {"0.w": torch.full((1, 1), 4.0), "0.bias": torch.zeros(1)}
m = nn.Sequential(Renames(1, 1))
print(m.load_state_dict(given), m[0].weight, list(given))
