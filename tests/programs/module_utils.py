"""torch.nn.utils and torch.func on modules: clipping, vectors, parametrizations, pruning, weight norms, stateless calls."""

# --- clipping by norm
import warnings

nn, u = torch.nn, torch.nn.utils
ps = [nn.Parameter(torch.zeros(3)) for _ in range(3)]


def grads():
    for number, p in enumerate(ps[:2]):
        p.grad = torch.arange(3.0) * (number + 1)


for order in (2, 1, float("inf"), 3.5, 0, "inf"):
    grads()
    print(u.clip_grad_norm_(ps, 1.0, order), [p.grad for p in ps])
grads()
print(u.clip_grad_norm_((p for p in ps), 1000.0), u.clip_grad_norm_([], 1.0), u.clip_grad_norm_(ps[1], 1.0), ps[1].grad)
print(u.get_total_norm([]), u.get_total_norm(torch.ones(4)), u.get_total_norm([torch.ones(4).double(), torch.ones(5)]))
u.clip_grads_with_norm_(ps, 1.0, torch.tensor(4.0))
print([p.grad for p in ps])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(u.clip_grad_norm_((p for p in []), 1.0), u.clip_grad_norm(ps, 1.0))
    print([f"{w.category.__name__} {w.message}" for w in caught])
ps[0].grad = torch.tensor([float("nan"), 1.0, 2.0])
try:
    u.clip_grad_norm_(ps, 1.0, error_if_nonfinite=True)
except RuntimeError as error:
    print(error)
print(u.clip_grad_norm_(ps, 1.0), ps[0].grad)

# --- clipping by value
nn, u = torch.nn, torch.nn.utils
ps = [nn.Parameter(torch.zeros(3)) for _ in range(2)]
ps[0].grad = torch.tensor([-2.0, 0.1, 5.0])
u.clip_grad_value_(ps, 0.3)
print(ps[0].grad)
u.clip_grad_value_(ps[0], 0.2)
print(ps[0].grad)

# --- parameters as a vector
nn, u = torch.nn, torch.nn.utils
m = nn.Linear(2, 1)
nn.init.ones_(m.weight)
nn.init.zeros_(m.bias)
v = u.parameters_to_vector(m.parameters())
print(v)
u.vector_to_parameters(v.detach() * 3 + 1, m.parameters())
print(list(m.parameters()))
for wrong in ([1], torch.ones(1)):
    try:
        u.vector_to_parameters(wrong, m.parameters())
    except (TypeError, RuntimeError) as error:
        print(type(error).__name__, error)

# --- a parametrization
import copy
import importlib
import pickle

nn, parametrize = torch.nn, importlib.import_module(f"{torch.__name__}.nn.utils.parametrize")


class Double(nn.Module):
    def forward(self, x):
        return x * 2

    def right_inverse(self, x):
        return x / 2


class Triple(nn.Module):
    def forward(self, x):
        return x * 3


m = nn.Linear(2, 2)
nn.init.ones_(m.weight)
weight = m.weight
print(parametrize.register_parametrization(m, "weight", Double()) is m, m, type(m).__name__, type(m).__mro__[1] is nn.Linear)
print(m.weight, list(m.state_dict()), [name for name, _ in m.named_parameters()], m.parametrizations.weight.original is weight)
m.weight = torch.full((2, 2), 6.0)
print(m.weight, weight)
parametrize.register_parametrization(m, "weight", Triple())
print(m.weight, parametrize.is_parametrized(m), parametrize.is_parametrized(m, "bias"), parametrize.type_before_parametrizations(m) is nn.Linear)
with parametrize.cached():
    print(m.weight is m.weight)
print(m.weight is m.weight)
m(torch.ones(1, 2)).sum().backward()
print(weight.grad)
copied = copy.deepcopy(m)
print(copied, torch.equal(copied.weight, m.weight), copied.parametrizations.weight.original is weight)


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: pickle.dumps(m))
attempt(lambda: setattr(m, "weight", torch.ones(2, 2)))
attempt(lambda: parametrize.remove_parametrizations(m, "bias"))
attempt(lambda: torch.func.functional_call(m, {"parametrizations.weight.original": torch.zeros(2, 2)}, torch.ones(2)).sum() == m.bias.sum())
parametrize.remove_parametrizations(m, "weight")
print(m.weight, type(m) is nn.Linear, m, m.weight is weight, hasattr(m, "parametrizations"))
parametrize.register_parametrization(m, "weight", Double())
parametrize.remove_parametrizations(m, "weight", leave_parametrized=False)
print(m.weight)

# --- a parametrization by several tensors, and of a buffer
import importlib

nn, parametrize = torch.nn, importlib.import_module(f"{torch.__name__}.nn.utils.parametrize")


class Sum(nn.Module):
    def forward(self, a, b):
        return a + b

    def right_inverse(self, w):
        return w * 0.25, w * 0.75


class Negative(nn.Module):
    def forward(self, x):
        return -x


m = nn.BatchNorm1d(2)
parametrize.register_parametrization(m, "weight", Sum())
parametrize.register_parametrization(m, "running_var", Negative())
print(m.weight, m.running_var, list(m.state_dict()))
m.weight = torch.full((2,), 8.0)
print(m.parametrizations.weight.original0, m.parametrizations.weight.original1, m)
try:
    parametrize.remove_parametrizations(m, "weight", leave_parametrized=False)
except ValueError as error:
    print(error)
other = parametrize.transfer_parametrizations_and_params(m, nn.BatchNorm1d(2))
print(other.weight, other.running_var, other.parametrizations.weight[0] is m.parametrizations.weight[0])
parametrize.remove_parametrizations(m, "weight")
parametrize.remove_parametrizations(m, "running_var")
print(m.weight, m.running_var, list(m.state_dict()), type(m).__name__)

# --- parametrizations that are refused
import importlib

nn, parametrize = torch.nn, importlib.import_module(f"{torch.__name__}.nn.utils.parametrize")


class By(nn.Module):
    def __init__(self, f, inverse=None):
        super().__init__()
        self.f = f
        if inverse is not None:
            self.right_inverse = inverse

    def forward(self, *x):
        return self.f(*x)


def attempt(m, name, *args, **named):
    try:
        print(parametrize.register_parametrization(m, name, By(*args), **named).weight.shape)
    except Exception as error:
        print(type(error).__name__, error)


same = lambda x: x
attempt(nn.Linear(2, 2), "zz", same)
for f in (lambda x: 3, lambda x: x.double(), lambda x: x[0]):
    attempt(nn.Linear(2, 2), "weight", f)
    attempt(nn.Linear(2, 2), "weight", same, f)
    m = parametrize.register_parametrization(nn.Linear(2, 2), "weight", By(same))
    attempt(m, "weight", f)
    attempt(m, "weight", same, f)
attempt(nn.Linear(2, 2), "weight", lambda *x: x[0], lambda x: [x, 3])
m, p = nn.Linear(2, 2), By(lambda *x: x[0], lambda x: (x, x))
parametrize.register_parametrization(m, "weight", p)
for inverse in (lambda x: 3, lambda x: [x], lambda x: [x, 3], lambda x: [x.double(), x]):
    p.right_inverse = inverse
    try:
        m.weight = torch.ones(2, 2)
    except ValueError as error:
        print(error)
try:
    parametrize.ParametrizationList([], torch.ones(1))
except ValueError as error:
    print(error)

# --- weight normalization
import warnings

nn, u = torch.nn, torch.nn.utils
weight = torch.tensor([[3.0, 4.0], [6.0, 8.0]])


def layer():
    made = nn.Linear(2, 2, bias=False)
    made.weight.data = weight.clone()
    return made


m = u.parametrizations.weight_norm(layer())
print(m, m.weight.detach(), list(m.state_dict()), m.parametrizations.weight.original0)
m(torch.tensor([1.0, 0.0])).sum().backward()
print(m.parametrizations.weight.original0.grad, m.parametrizations.weight.original1.grad)
for dim in (None, 1, -1):
    print(u.parametrizations.weight_norm(layer(), dim=dim).parametrizations.weight.original0)
print(m.load_state_dict({"weight_g": torch.ones(2, 1), "weight_v": weight}), m.weight.detach())
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    m = u.weight_norm(layer())
    print([str(w.message) for w in caught])
print(list(m.state_dict()), m.weight_g, m.weight_v)
m(torch.tensor([1.0, 0.0])).sum().backward()
print(m.weight_g.grad, m.weight_v.grad)
with torch.no_grad():
    m.weight_g.mul_(2)
print(m(torch.tensor([1.0, 0.0])).detach())
try:
    u.weight_norm(m)
except RuntimeError as error:
    print(error)
print(u.remove_weight_norm(m) is m, m.weight, list(m.state_dict()), m._forward_pre_hooks)
try:
    u.remove_weight_norm(m)
except ValueError as error:
    print(error)

# --- spectral normalization
nn, u = torch.nn, torch.nn.utils
torch.manual_seed(0)
x = torch.ones(2, 4)
rounded = lambda t: [round(value, 3) + 0.0 for value in t.detach().flatten().tolist()]
for norm in (u.spectral_norm, u.parametrizations.spectral_norm):
    m = norm(nn.Linear(4, 3))
    print(m, rounded(m.weight), list(m.state_dict()))
    m(x).sum().backward()
    print([(name, rounded(p.grad)) for name, p in m.named_parameters()], [(name, rounded(b)) for name, b in m.named_buffers()])
    m.eval()
    print(rounded(m(x)), [(name, rounded(b)) for name, b in m.named_buffers()], m.load_state_dict(m.state_dict()))
m.weight = torch.ones(3, 4)
print(rounded(m.weight), rounded(u.parametrizations.spectral_norm(nn.Linear(4, 3), "bias").bias))
m = u.spectral_norm(nn.ConvTranspose1d(2, 3, 2))
print(m.weight_u.shape, m.state_dict()._metadata[""], rounded(m(torch.ones(1, 2, 2))))


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: u.spectral_norm(m))
attempt(lambda: m.load_state_dict({"bias": torch.ones(3)}))
attempt(lambda: list(u.remove_spectral_norm(m).state_dict()))
attempt(lambda: u.remove_spectral_norm(m))
attempt(lambda: u.spectral_norm(nn.Linear(1, 1), n_power_iterations=0))
attempt(lambda: u.parametrizations.spectral_norm(nn.Linear(1, 1), n_power_iterations=0))
attempt(lambda: u.parametrizations.spectral_norm(nn.Linear(1, 1), dim=5))
attempt(lambda: u.parametrizations.spectral_norm(nn.Linear(1, 1), "zz"))

# --- orthogonal parametrizations
nn, orthogonal = torch.nn, torch.nn.utils.parametrizations.orthogonal
rounded = lambda t: [round(value, 3) + 0.0 for value in t.detach().flatten().tolist()]
for shape in ((3, 3), (3, 4), (4, 3)):
    for chosen in (None, "matrix_exp", "cayley", "householder"):
        for trivialization in (True, False):
            torch.manual_seed(0)
            m = orthogonal(nn.Linear(*shape), orthogonal_map=chosen, use_trivialization=trivialization)
            print(shape, chosen, trivialization, rounded(m.weight), list(m.state_dict()))
            m(torch.ones(shape[0])).sum().backward()
            print(rounded(m.parametrizations.weight.original.grad))


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: orthogonal(nn.Linear(2, 2), "bias"))
attempt(lambda: orthogonal(nn.Linear(2, 2), "zz"))
attempt(lambda: orthogonal(nn.Linear(2, 2), orthogonal_map="q"))
m = orthogonal(nn.Linear(2, 2))
attempt(lambda: setattr(m, "weight", torch.ones(3, 3)))
m.weight = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
print(m, rounded(m.weight))
attempt(lambda: setattr(orthogonal(nn.Linear(2, 2), use_trivialization=False), "weight", torch.eye(2)))
m = orthogonal(nn.Linear(2, 2), orthogonal_map="householder", use_trivialization=False)
m.weight = torch.eye(2)
print(rounded(m.weight))

# --- pruning
import copy
import importlib

nn, prune = torch.nn, importlib.import_module(f"{torch.__name__}.nn.utils.prune")
torch.manual_seed(0)
m = nn.Linear(4, 3)
rounded = lambda t: [round(value, 4) + 0.0 for value in t.detach().flatten().tolist()]
kinds = lambda m: [type(hook).__name__ for hook in m._forward_pre_hooks.values()]
for step in (
    lambda: prune.random_unstructured(m, "weight", 0.3),
    lambda: prune.l1_unstructured(m, "weight", 3),
    lambda: prune.ln_structured(m, "weight", 0.5, 2, 1),
    lambda: prune.random_structured(m, "weight", 1, 0),
    lambda: prune.identity(m, "bias"),
    lambda: prune.custom_from_mask(m, "bias", torch.tensor([0, 1, 0])),
):
    print(step() is m, rounded(m.weight), kinds(m), prune.is_pruned(m))
print(rounded(m.bias), m.bias_mask, list(m.state_dict()), [name for name, _ in m.named_parameters()])
m(torch.ones(4)).sum().backward()
print(m.weight_orig.grad, m.bias_orig.grad)
print(prune.remove(m, "weight"), rounded(m.weight), list(m.state_dict()), kinds(m))
a, b = nn.Linear(3, 2), nn.Linear(2, 2)
prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=0.4)
print(rounded(a.weight), rounded(b.weight))
prune.global_unstructured([(a, "weight"), (b, "bias")], prune.RandomUnstructured, amount=3)
print(rounded(a.weight), rounded(b.bias))
prune.global_unstructured([(a, "bias"), (b, "bias")], prune.L1Unstructured, amount=1, importance_scores={(a, "bias"): torch.tensor([0.0, 5.0])})
print(rounded(a.bias), rounded(b.bias))
print(prune.L1Unstructured(2).prune(torch.tensor([1.0, -5.0, 2.0, 0.1])), prune.LnStructured(1, 1).prune(torch.tensor([[1.0, 3.0], [2.0, 2.0]])))


class EveryOther(prune.BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask


EveryOther.apply(a, "bias")
print(rounded(a.bias))

# --- pruning that is refused
import importlib

nn, prune = torch.nn, importlib.import_module(f"{torch.__name__}.nn.utils.prune")


def attempt(f):
    m = nn.Linear(4, 3)
    try:
        print(f(m))
    except Exception as error:
        print(type(error).__name__, error, list(m.state_dict()))


attempt(lambda m: prune.random_unstructured(m, "weight", -1))
attempt(lambda m: prune.random_unstructured(m, "weight", 1.5))
attempt(lambda m: prune.random_unstructured(m, "weight", "a"))
attempt(lambda m: prune.random_unstructured(m, "weight", 100))
attempt(lambda m: prune.ln_structured(m, "bias", 1, 2, 0))
attempt(lambda m: prune.ln_structured(m, "weight", 1, 2, 5))
attempt(lambda m: prune.ln_structured(m, "weight", 9, 2, 0))
attempt(lambda m: prune.l1_unstructured(m, "zz", 1))
attempt(lambda m: prune.l1_unstructured(m, "weight", 1, importance_scores=torch.ones(2)))
attempt(lambda m: prune.custom_from_mask(m, "weight", torch.ones(2)))
attempt(lambda m: prune.global_unstructured(3, prune.L1Unstructured))
attempt(lambda m: prune.global_unstructured([(m, "weight")], prune.L1Unstructured, importance_scores=3, amount=1))
attempt(lambda m: prune.L1Unstructured(2).prune(torch.ones(2), importance_scores=torch.ones(3)))
attempt(lambda m: prune.remove(m, "weight"))
attempt(lambda m: prune.PruningContainer().add_pruning_method(3))

# --- layers and batch norms become one
nn, u = torch.nn, torch.nn.utils
for make, x in (
    (lambda: (nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3)), (2, 2, 5)),
    (lambda: (nn.Conv2d(2, 4, 3, groups=2, bias=False), nn.BatchNorm2d(4, affine=False)), (1, 2, 5, 5)),
    (lambda: (nn.ConvTranspose2d(2, 3, 2), nn.BatchNorm2d(3)), (1, 2, 4, 4)),
    (lambda: (nn.Linear(2, 3), nn.BatchNorm1d(3)), (4, 2)),
):
    torch.manual_seed(0)
    layer, norm = make()
    x = torch.randn(x)
    norm(layer(x))
    try:
        u.fuse_conv_bn_eval(layer, norm)
    except AssertionError as error:
        print(error)
    layer.eval(), norm.eval()
    if isinstance(layer, nn.Linear):
        fused = u.fuse_linear_bn_eval(layer, norm)
    else:
        fused = u.fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))
    print(fused, fused.weight.requires_grad, fused.bias.requires_grad, torch.allclose(fused(x), norm(layer(x)), atol=1e-6))
try:
    u.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), nn.BatchNorm1d(2).eval())
except AssertionError as error:
    print(error)

# --- calls with other parameters
nn, call = torch.nn, torch.func.functional_call


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1))
        self.register_buffer("calls", torch.zeros(1))
        self.plain = torch.ones(1)

    def forward(self, x, by=1.0):
        self.calls = self.calls + 1
        return x @ self.weight * by


def attempt(*args, **named):
    try:
        print(call(*args, **named))
    except Exception as error:
        print(type(error).__name__, error)


m, x = Counting(), torch.ones(1, 1)
given = {"weight": torch.tensor([[5.0]]), "calls": torch.tensor([7.0])}
attempt(m, given, (x,))
print(given, m.calls, m.weight)
attempt(m, given, x, {"by": 3.0})
attempt(m, (given, {"plain": x}), x)
attempt(m, (given, given), x)
attempt(m, given)
attempt(m, {"zz": x}, x)
attempt(m, {"zz.y": x}, x)
attempt(m, {"weight": 3}, x)
attempt(m, {"weight": x}, x, strict=True)
attempt(m, {"weight": x, "calls": x, "a": x, "b": x}, x, strict=True)
attempt(m, {"forward": x}, x)
attempt(m, [1], x)
attempt(m, 3, x)
print(hasattr(m, "zz"), m.weight, m.plain)
gradient = torch.func.grad(lambda p: call(m, p, x, {"by": 2.0}).sum())
print(gradient({"weight": m.weight.detach()}))

# --- calls with other parameters where some are shared
nn, call = torch.nn, torch.func.functional_call
m = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
nn.init.ones_(m[0].weight)
m[1].weight = m[0].weight
x, w = torch.ones(1, 1), torch.tensor([[3.0]])
print(call(m, {"0.weight": w}, x), call(m, {"1.weight": w}, x), call(m, {"0.weight": w}, x, tie_weights=False))
print(call(m, {"0.weight": w, "1.weight": w}, x), call(m, {"0.weight": w, "1.weight": w * 2}, x, tie_weights=False))
try:
    call(m, {"0.weight": w, "1.weight": w * 2}, x)
except ValueError as error:
    print(error)
print(call(m, dict(m.named_parameters()), x, strict=True), m[0].weight is m[1].weight)

# --- many models at once
nn = torch.nn
models = [nn.Linear(2, 1) for _ in range(3)]
for number, model in enumerate(models):
    nn.init.constant_(model.weight, number)
    nn.init.zeros_(model.bias)
parameters, buffers = torch.func.stack_module_state(models)
print(parameters, buffers, parameters["weight"].is_leaf)
run = lambda p, x: torch.func.functional_call(models[0], p, (x,))
print(torch.vmap(run, in_dims=(0, None))(parameters, torch.ones(2)).detach())
for wrong in ([], [nn.Linear(1, 1), nn.ReLU()], [nn.ReLU(), nn.ReLU().eval()], [nn.Linear(1, 1), nn.Linear(1, 1).requires_grad_(False)]):
    try:
        torch.func.stack_module_state(wrong)
    except RuntimeError as error:
        print(error)

# --- lazy modules
import copy
import warnings

nn = torch.nn
torch.manual_seed(0)
m = nn.Sequential(nn.LazyConv1d(3, 2), nn.LazyBatchNorm1d(), nn.Flatten(), nn.LazyLinear(2))
print(m, m.state_dict()["3.weight"], m[1].running_mean, copy.deepcopy(m[0]).weight)
out = m(torch.ones(2, 2, 4))
print(m, [round(p.sum().item(), 4) for p in m.parameters()], m[3]._forward_pre_hooks, hasattr(m[3], "_load_hook"))
print(nn.LazyConvTranspose2d(3, 2, stride=2), nn.LazyInstanceNorm2d(), nn.LazyBatchNorm3d(affine=False), nn.LazyLinear(2, bias=False))
m = nn.LazyLinear(2)
print(m.load_state_dict(nn.LazyLinear(2).state_dict()), m.double().weight.dtype, m)
print(m.load_state_dict(nn.Linear(3, 2).state_dict()), type(m).__name__, m.weight.shape, m.weight.dtype)


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: m(torch.ones(1, 4).double()))
attempt(lambda: m(torch.ones(1, 3).double()).shape)
print(m, type(m).__name__)
attempt(lambda: nn.Linear(3, 2).load_state_dict(nn.LazyLinear(2).state_dict()))
attempt(lambda: nn.LazyLinear(2).share_memory())
attempt(lambda: nn.LazyConv2d(4, 3)(torch.ones(2, 3)))


class Unfinished(nn.modules.lazy.LazyModuleMixin, nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.UninitializedParameter()

    def forward(self, x):
        return x


attempt(lambda: Unfinished()(torch.ones(1)))
Unfinished.initialize_parameters = lambda self, x: None
attempt(lambda: Unfinished()(torch.ones(1)))

# --- modules made and wrapped
nn, u = torch.nn, torch.nn.utils
before = torch.get_rng_state()
print(u.skip_init(nn.Linear, 2, 3, bias=False), u.skip_init(nn.Linear, 2, 3, dtype=torch.float64).weight.dtype)
print(torch.equal(torch.get_rng_state(), before))
for wrong in (nn.ReLU, int):
    try:
        u.skip_init(wrong)
    except RuntimeError as error:
        print(error)
m = nn.Sequential(nn.Conv2d(3, 4, 2))
u.convert_conv2d_weight_memory_format(m, torch.channels_last)
print(m[0].weight.stride(), m[0].weight.is_contiguous(memory_format=torch.channels_last))
wrapped = nn.DataParallel(nn.Linear(2, 3), device_ids=[0])
print(wrapped, list(wrapped.state_dict()), wrapped(torch.ones(1, 2)).shape, wrapped.device_ids)
for given in ({"device": "cpu"}, {"zz": 1}, {"device": "cpu", "factory_kwargs": {"device": "cpu"}}, None, {"dtype": None, "factory_kwargs": {"device": "cpu"}}):
    try:
        print(nn.factory_kwargs(given))
    except TypeError as error:
        print(error)
