"""nn.Module, its containers, initial values and nn.utils on both libraries: random programs, states, seeds."""

from __future__ import annotations

import importlib
import itertools
import random
import warnings

import numpy as np
import pytest

import course_lib

torch = pytest.importorskip("torch", reason="PyTorch is not installed: modules are not compared with it")

LIBRARIES = (torch, course_lib)


def same_on_both(run) -> None:
    """`run(library)` returns the same texts on both libraries."""
    expected, found = (run(library) for library in LIBRARIES)
    assert found == expected


def outcome(f) -> str:
    """What a call returns, or how it fails."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            text = repr(f())
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
    return " ".join([text, *(str(w.message) for w in caught)]).replace("course_lib.", "torch.")


# ---- attributes --------------------------------------------------------------------------------------------------

NAMES = ("weight", "bias", "child", "seen", "plain", "forward")


def value_of(library, kind: str):
    nn = library.nn
    return {
        "parameter": lambda: nn.Parameter(library.ones(2)),
        "buffer": lambda: nn.Buffer(library.zeros(2), persistent=False),
        "module": lambda: nn.Linear(1, 1),
        "tensor": lambda: library.ones(3),
        "computed": lambda: nn.Parameter(library.ones(2)) * 2,
        "none": lambda: None,
        "number": lambda: 7,
    }[kind]()


def step(library, module, seed: int):
    """One random change of the module's attributes; the same on both libraries."""
    choose = random.Random(seed)
    name, kind = (
        choose.choice(NAMES),
        choose.choice(["parameter", "buffer", "module", "tensor", "computed", "none", "number"]),
    )
    value = value_of(library, kind)
    action = choose.choice(["set", "set", "set", "delete", "register", "table", "out of table", "read"])
    if action == "set":
        setattr(module, name, value)
    elif action == "delete":
        delattr(module, name)
    elif action == "register":
        register = choose.choice(["register_parameter", "register_buffer", "add_module"])
        return getattr(module, register)(name, value)
    elif action == "table":
        if kind in ("parameter", "module"):
            (module._parameters if kind == "parameter" else module._modules)[name] = value
    elif action == "out of table":
        choose.choice([module._parameters, module._buffers, module._modules]).pop(name, None)
    else:
        return type(getattr(module, name)).__name__


def described(module) -> list:
    """Everything that can be asked of the module without looking at numbers."""
    own = [name for name in NAMES if name in module.__dict__]
    tables = [
        list(module._parameters),
        list(module._buffers),
        list(module._modules),
        sorted(module._non_persistent_buffers_set),
    ]
    named = [
        [name for name, _ in walk()] for walk in (module.named_parameters, module.named_buffers, module.named_modules)
    ]
    readable = [type(getattr(module, name, None)).__name__ for name in NAMES]
    return [own, tables, named, readable, list(module.state_dict()), repr(module)]


@pytest.mark.parametrize("seed", range(40))
def test_random_changes_of_attributes_have_the_same_outcome(seed):
    def run(library):
        module, texts = library.nn.Module(), []
        for number in range(40):
            texts.append(outcome(lambda n=number: step(library, module, 1000 * seed + n)))
            texts.append(described(module))
        return texts

    same_on_both(run)


# ---- trees -------------------------------------------------------------------------------------------------------


def random_tree(nn, choose: random.Random, depth: int = 0):
    """A random tree of layers and containers."""
    leaves = [
        lambda: nn.Linear(2, 3),
        lambda: nn.BatchNorm1d(3),
        lambda: nn.ReLU(),
        lambda: nn.Conv1d(1, 2, 3, bias=False),
    ]
    if depth == 3 or choose.random() < 0.3:
        return choose.choice(leaves)()
    children = [random_tree(nn, choose, depth + 1) for _ in range(choose.randint(0, 3))]
    if children and choose.random() < 0.3:
        children.append(children[0])
    kind = choose.choice(["sequential", "list", "dict", "own"])
    if kind == "sequential":
        return nn.Sequential(*children)
    if kind == "list":
        return nn.ModuleList(children)
    if kind == "dict":
        return nn.ModuleDict({f"key{number}": child for number, child in enumerate(children)})
    made = nn.Module()
    for number, child in enumerate(children):
        setattr(made, f"child{number}", child)
    made.extra = nn.ParameterList([nn.Linear(1, 1).weight])
    return made


@pytest.mark.parametrize("seed", range(25))
def test_random_trees_print_name_and_initialise_alike(seed):
    def run(library):
        library.manual_seed(seed)
        tree = random_tree(library.nn, random.Random(seed))
        texts = [repr(tree)]
        for duplicates in (True, False):
            texts.append([name for name, _ in tree.named_modules(remove_duplicate=duplicates)])
            texts.append([name for name, _ in tree.named_parameters(prefix="p", remove_duplicate=duplicates)])
        order = []
        tree.apply(lambda module: order.append(type(module).__name__))
        numbers = {name: t.detach().numpy().tolist() for name, t in tree.state_dict().items()}
        return [*texts, order, numbers, dict(tree.state_dict()._metadata)]

    same_on_both(run)


@pytest.mark.parametrize("seed", range(25))
def test_states_of_random_trees_load_with_the_same_errors(seed):
    def run(library):
        choose = random.Random(seed)
        tree = random_tree(library.nn, choose)
        state = tree.state_dict()
        for key in list(state):
            fate = choose.choice(["keep", "keep", "drop", "reshape", "number", "rename", "double"])
            if fate in ("drop", "rename"):
                value = state.pop(key)
                if fate == "rename":
                    state[key + choose.choice(["x", ".y"])] = value
            elif fate != "keep":
                state[key] = {"reshape": library.ones(7), "number": 3, "double": state[key].double()}[fate]
        return [
            outcome(lambda s=strict, a=assign: tree.load_state_dict(state, strict=s, assign=a))
            for strict in (True, False)
            for assign in (False, True)
        ]

    same_on_both(run)


def test_a_state_dict_of_pytorch_loads():
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    )
    nn = course_lib.nn
    ours = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    ours.load_state_dict({name: course_lib.tensor(t.numpy()) for name, t in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((4, 1, 4, 4), dtype=np.float32)
    for mode in (True, False):
        expected = theirs.train(mode)(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(
            ours.train(mode)(course_lib.tensor(x)).detach().numpy(), expected, rtol=1e-5, atol=1e-5
        )


# ---- initial values ----------------------------------------------------------------------------------------------

STREAMS = (
    "uniform_",
    "normal_",
    "trunc_normal_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("shape", [(3, 5), (40, 30), (6, 4, 3, 3), (17, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_initial_values_are_equal_bit_for_bit(name, shape, dtype):
    def run(library):
        library.manual_seed(11)
        t = library.empty(shape, dtype=getattr(library, dtype))
        return [getattr(library.nn.init, name)(t).numpy().tobytes(), library.rand(1).item()]

    same_on_both(run)


@pytest.mark.parametrize("seed", range(30))
def test_truncated_normal_numbers_of_random_intervals(seed):
    def run(library):
        choose = random.Random(seed)
        mean, std, a = choose.uniform(-1, 1), choose.uniform(0.1, 2), choose.uniform(-3, 3)
        b, dtype = a + choose.uniform(0.01, 3), getattr(library, choose.choice(["float32", "float64", "bfloat16"]))
        library.manual_seed(seed)
        t = library.nn.init.trunc_normal_(library.empty(7, 9, dtype=dtype), mean, std, a, b)
        return [t.tolist(), library.rand(1).item()]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_on_both(run)


@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 7), (4, 3, 2)])
def test_orthogonal_and_sparse_values(shape):
    for name, arguments in (("orthogonal_", (1.5,)), ("sparse_", (0.4,))):
        if name == "sparse_" and len(shape) != 2:
            continue
        found = []
        for library in LIBRARIES:
            library.manual_seed(5)
            found.append(getattr(library.nn.init, name)(library.empty(shape), *arguments).numpy())
        np.testing.assert_allclose(found[1], found[0], atol=1e-5)


# ---- nn.utils ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_random_rounds_of_pruning_leave_the_same_masks(seed):
    def run(library):
        prune = importlib.import_module(f"{library.__name__}.nn.utils.prune")
        choose = random.Random(seed)
        library.manual_seed(seed)
        module = library.nn.Conv1d(4, 6, 3)
        texts = []
        for _ in range(4):
            name, amount = choose.choice(["weight", "bias"]), choose.choice([0.2, 0.5, 1, 2, 0, 1.0])
            method = choose.choice(
                ["random_unstructured", "l1_unstructured", "ln_structured", "random_structured", "remove"]
            )
            more = {
                "ln_structured": (amount, choose.choice([1, 2, float("inf")]), choose.choice([0, 1, -1])),
                "random_structured": (amount, choose.choice([0, 1])),
                "remove": (),
            }
            arguments = more.get(method, (amount,))
            texts.append(outcome(lambda: type(getattr(prune, method)(module, name, *arguments)).__name__))  # noqa: B023
            texts.append({key: t.tolist() for key, t in module.state_dict().items() if key.endswith("mask")})
            texts.append(sorted(module.state_dict()))
        return texts

    same_on_both(run)


@pytest.mark.parametrize(
    ("norm", "layer"),
    [
        ("orthogonal", "Linear"),
        *itertools.product(["weight_norm", "spectral_norm"], ["Linear", "Conv2d", "ConvTranspose1d"]),
    ],
)
def test_parametrized_layers_train_alike(norm, layer):
    shapes = {
        "Linear": ((4, 3), (5, 4)),
        "Conv2d": ((2, 3, 2), (2, 2, 4, 4)),
        "ConvTranspose1d": ((3, 2, 2), (2, 3, 4)),
    }
    arguments, shape = shapes[layer]
    found = []
    for library in LIBRARIES:
        library.manual_seed(0)
        module = getattr(library.nn.utils.parametrizations, norm)(getattr(library.nn, layer)(*arguments))
        x = library.randn(shape)
        losses = []
        for _ in range(5):
            loss = (module(x) ** 2).sum()
            module.zero_grad()
            loss.backward()
            library.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            with library.no_grad():
                for p in module.parameters():
                    p -= 0.1 * p.grad
            losses.append(loss.item())
        found.append([*losses, *(t.double().sum().item() for t in module.state_dict().values())])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("order", [0.5, 1, 2, 3, float("inf")])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_clipping_by_norm(order, dtype):
    found = []
    for library in LIBRARIES:
        library.manual_seed(0)
        parameters = [
            library.nn.Parameter(library.zeros(shape, dtype=getattr(library, dtype)))
            for shape in ((3, 4), (5,), (), (2, 2, 2))
        ]
        for p in parameters:
            p.grad = library.randn(p.shape).to(p.dtype) * 10
        parameters[0].grad = parameters[0].grad.t().contiguous().t()
        norm = library.nn.utils.clip_grad_norm_(parameters, 2.0, order)
        found.append(
            [norm.item(), str(norm.dtype), *(v for p in parameters for v in p.grad.double().flatten().tolist())]
        )
    assert found[1][1] == found[0][1]
    np.testing.assert_allclose(
        found[1][:1] + found[1][2:], found[0][:1] + found[0][2:], rtol=1e-2 if dtype == "bfloat16" else 1e-5
    )


# ---- hooks -------------------------------------------------------------------------------------------------------


def shapes(value):
    """What a hook was given, without the numbers."""
    if hasattr(value, "shape"):
        return list(value.shape)
    if isinstance(value, (tuple, list)):
        return [shapes(v) for v in value]
    return {key: shapes(v) for key, v in value.items()} if isinstance(value, dict) else type(value).__name__


def random_hook(choose: random.Random, kind: str, log: list, number: int):
    """A hook that notes its call and sometimes returns something in place of what it was given."""
    changes = choose.random() < 0.3

    def hook(module, *args):
        log.append((number, kind, type(module).__name__, shapes(args)))
        if not changes:
            return None
        if kind == "forward_pre":
            return tuple(a * 2 for a in args[0])
        if kind == "forward":
            return args[-1] * 3
        return tuple(None if g is None else g * 0.5 for g in args[0])

    return hook


@pytest.mark.parametrize("seed", range(30))
def test_random_hooks_are_called_alike(seed):
    def run(library):
        choose, nn, log, handles = random.Random(seed), library.nn, [], []
        library.manual_seed(seed)
        net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Tanh(), nn.Identity()), nn.Linear(4, 2))
        everywhere = importlib.import_module(f"{library.__name__}.nn.modules.module")
        texts, numbers = [], []
        try:
            for number in range(12):
                kind = choose.choice(["forward_pre", "forward", "full_backward", "full_backward_pre"])
                hook = random_hook(choose, kind, log, number)
                if choose.random() < 0.2:
                    handles.append(getattr(everywhere, f"register_module_{kind}_hook")(hook))
                else:
                    module = choose.choice(list(net.modules()))
                    handles.append(getattr(module, f"register_{kind}_hook")(hook, prepend=choose.random() < 0.4))
                if choose.random() < 0.3:
                    choose.choice(handles).remove()
                x = library.ones(2, 3, requires_grad=choose.random() < 0.5)
                out = net(x)
                net.zero_grad()
                texts.append(outcome(lambda o=out: o.sum().backward()))
                texts.append([list(log), *(shapes(t.grad) for t in (x, *net.parameters()))])
                numbers += [
                    out.sum().item(),
                    *(t.grad.sum().item() for t in (x, *net.parameters()) if t.grad is not None),
                ]
                log.clear()
        finally:
            for handle in handles:
                handle.remove()
        return texts, numbers

    (expected, theirs), (found, ours) = (run(library) for library in LIBRARIES)
    assert found == expected
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_gradients_of_convolutions_as_functions(dims, groups):
    found = []
    for library in LIBRARIES:
        library.manual_seed(0)
        x, w = library.randn(2, 4, *[6] * dims), library.randn(6, 4 // groups, *[3] * dims)
        settings = (2, 1, 1, groups)
        g = library.randn(getattr(library.nn.functional, f"conv{dims}d")(x, w, None, *settings).shape)
        by_input, by_weight = (getattr(library.nn.grad, f"conv{dims}d_{of}") for of in ("input", "weight"))
        found.append([by_input(x.shape, w, g, *settings).numpy(), by_weight(x, w.shape, g, *settings).numpy()])
    for ours, theirs in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
