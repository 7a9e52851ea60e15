"""torch.nn.init: the numbers for a seed, and what is refused."""

# --- every function, several shapes and dtypes
init = torch.nn.init
names = ("uniform_", "normal_", "trunc_normal_", "ones_", "zeros_", "eye_", "dirac_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "orthogonal_")
for shape in ((3, 4), (5, 3, 2), (4, 2, 3, 3), (0, 3), (1, 7)):
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for name in names:
            torch.manual_seed(3)
            try:
                t = getattr(init, name)(torch.empty(shape, dtype=dtype))
            except (ValueError, RuntimeError) as error:
                print(name, shape, type(error).__name__, error)
                continue
            print(name, shape, [round(v, 4) + 0.0 for v in t.flatten()[:4].tolist()], round(t.double().sum().item(), 2) + 0.0, torch.rand(1))

# --- truncated normal numbers of any interval
init = torch.nn.init
for mean, std, a, b in ((0, 1, 0, 0.5), (0.1, 2, 0, 0.5), (0, 1, 1, 9), (0, 1, -9, -1), (0, 1, -0.38, 0.385), (0, 1, -0.38, 0.39), (0, 1, 6, 7), (0, 0.02, -2, 2)):
    for dtype in (torch.float32, torch.bfloat16):
        torch.manual_seed(3)
        t = init.trunc_normal_(torch.empty(5, 6, dtype=dtype), mean, std, a, b)
        print(a, b, [round(v, 4) for v in t.flatten()[::5].tolist()], torch.rand(1))

# --- arguments
init = torch.nn.init
generator = lambda: torch.Generator().manual_seed(5)
torch.manual_seed(0)
for name in ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "orthogonal_"):
    print(name, [round(v, 4) for v in getattr(init, name)(torch.empty(2, 2), generator=generator()).flatten().tolist()])
print(init.sparse_(torch.empty(4, 3), 0.5, generator=generator()) == 0, init.constant_(torch.empty(2), 0.3))
print(init.kaiming_uniform_(torch.empty(4, 3).t(), mode="fan_out", nonlinearity="tanh"), init.dirac_(torch.empty(4, 2, 3), groups=2)[2])
p = torch.nn.Parameter(torch.empty(2, 3))
print(init.trunc_normal_(p) is p, init.uniform_(p, -1, 1), p.grad_fn, p._version > 0)
print([round(init.calculate_gain(n), 6) for n in ("linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu")], init.calculate_gain("leaky_relu", 2))
print(init._calculate_fan_in_and_fan_out(torch.empty(3, 4, 5, 6)))

# --- refused and deprecated
import warnings

init, empty = torch.nn.init, torch.empty


def attempt(f):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            print(tuple(f().shape))
        except Exception as error:
            print(type(error).__name__, error)
        for warning in caught:
            print(warning.category.__name__, warning.message)


attempt(lambda: init.xavier_uniform_(empty(3)))
attempt(lambda: init.kaiming_uniform_(empty(0, 3)))
attempt(lambda: init.kaiming_uniform_(empty(3, 3), mode="x"))
attempt(lambda: init.kaiming_normal_(empty(3, 3), nonlinearity="x"))
attempt(lambda: init.calculate_gain("leaky_relu", "a"))
attempt(lambda: init.calculate_gain("leaky_relu", True))
attempt(lambda: init.eye_(empty(3)))
attempt(lambda: init.dirac_(empty(3)))
attempt(lambda: init.dirac_(empty(3, 3, 3), groups=2))
attempt(lambda: init.sparse_(empty(3, 3, 3), 0.1))
attempt(lambda: init.orthogonal_(empty(3)))
attempt(lambda: init.trunc_normal_(empty(3), mean=5))
attempt(lambda: init.trunc_normal_(empty(3), a=2, b=1))
attempt(lambda: init.normal_(empty(3, dtype=torch.int64)))
attempt(lambda: init.xavier_uniform_(empty(3, 3, dtype=torch.int64)))
for name in ("uniform", "normal", "eye", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal"):
    attempt(lambda: getattr(init, name)(empty(3, 3)))
attempt(lambda: init.constant(empty(2), 1))
attempt(lambda: init.dirac(empty(2, 2, 2)))
attempt(lambda: init.sparse(empty(2, 2), 0.5))
