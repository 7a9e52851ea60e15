"""autograd.functional, gradcheck and forward mode."""

# --- products with the jacobian
F = torch.autograd.functional
x = torch.tensor([1.0, 2.0])
y = torch.tensor([3.0, 4.0], requires_grad=True)


def cube(x):
    return x**3


def total(x):
    return (x**3).sum()


def pair(x, y):
    return x * y, (x + y).sum()


print(F.vjp(cube, x, torch.ones(2)))
print(F.vjp(total, x))
print(F.vjp(pair, (x, y), (torch.ones(2), torch.tensor(1.0))))
print(F.vjp(lambda x, y: (x * y * y).sum(), (x, y), create_graph=True))
print(F.vjp(lambda x, y: x.sum(), (x, y)))
print(F.jvp(cube, x, torch.tensor([1.0, 10.0])))
print(F.jvp(lambda t: t * torch.ones(3), torch.tensor(2.0)))
print(F.jvp(pair, (x, y), (torch.ones(2), torch.ones(2))))
print(F.jvp(pair, (x, y), (torch.ones(2), torch.ones(2)), create_graph=True))
print(F.jvp(lambda x: torch.ones(3), x, torch.ones(2)))
print(x.requires_grad, y.grad)

# --- errors of products
F = torch.autograd.functional
x = torch.tensor([1.0, 2.0])


def attempt(f, *args, **named):
    try:
        print(f(*args, **named))
    except Exception as error:
        print(type(error).__name__, error)


attempt(F.vjp, lambda x: x**2, x)
attempt(F.vjp, lambda x: x.sum(), x, torch.ones(3))
attempt(F.vjp, lambda x: x * 2, x, torch.ones(3))
attempt(F.vjp, lambda x: 3, x)
attempt(F.vjp, lambda x: [x, 3], x)
attempt(F.vjp, lambda x: x, 3)
attempt(F.vjp, lambda x: x, (x, 3))
attempt(F.vjp, lambda x, y: (x, y), (x, x), torch.ones(2))
attempt(F.vjp, lambda x, y: (x, y), (x, x))
attempt(F.jvp, lambda x: x * 2, x)
attempt(F.jvp, lambda x: x * 2, x, torch.ones(3))
attempt(F.jvp, lambda x: torch.ones(3), x, torch.ones(2), strict=True)
attempt(F.vjp, lambda x: torch.ones(3), x, torch.ones(3), strict=True)
attempt(F.vjp, lambda x, y: x.sum(), (x, x), strict=True)
attempt(F.hvp, lambda x: x * 2, x, torch.ones(2))
attempt(F.hvp, lambda x: (x.sum(), x.sum()), x, torch.ones(2))
attempt(F.hvp, lambda x: (x**2).sum(), x, torch.ones(3))
attempt(F.hvp, lambda x: (x**2).sum(), x)
attempt(F.hvp, lambda x: x.sum(), x, torch.ones(2), strict=True)
attempt(F.vhp, lambda x: x.sum(), x, torch.ones(2), strict=True)

# --- jacobian
F = torch.autograd.functional
x = torch.tensor([1.0, 2.0])
y = torch.tensor([3.0, 4.0], requires_grad=True)
print(F.jacobian(lambda x: x**3, x))
print(F.jacobian(lambda x: (x**3).sum(), x))
print(F.jacobian(lambda x: (x**3).sum(), x, create_graph=True))
print(F.jacobian(lambda x, y: (x * y, (x + y).sum()), (x, y)))
print(F.jacobian(lambda x, y: (x * y, (x + y).sum()), (x, y), vectorize=True))
print(F.jacobian(lambda x: torch.ones(2), x))
print(F.jacobian(lambda x: x.exp().sum(1), torch.zeros(2, 3)).shape)
print(F.jacobian(lambda x: x**2, x, vectorize=True, strategy="forward-mode"))

# --- errors of jacobian and hessian
F = torch.autograd.functional
x = torch.tensor([1.0, 2.0])


def attempt(f, *args, **named):
    try:
        print(f(*args, **named))
    except Exception as error:
        print(type(error).__name__, error)


attempt(F.jacobian, lambda x: x * 2, x, strategy="forward-mode")
attempt(F.jacobian, lambda x: x * 2, x, strategy="sideways")
attempt(F.jacobian, lambda x: torch.ones(2), x, strict=True)
attempt(F.jacobian, lambda x, y: x * 2, (x, x), strict=True)
attempt(F.jacobian, lambda x: x * 2, x, strict=True, vectorize=True)
attempt(F.hessian, lambda x: x * 2, x)
attempt(F.hessian, lambda x: x.sum(), x)
attempt(F.hessian, lambda x: x.sum(), x, strict=True)
attempt(F.hessian, lambda x: 3, x)

# --- hessian
F = torch.autograd.functional
x = torch.tensor([1.0, 2.0])
y = torch.tensor([3.0, 4.0])
print(F.hessian(lambda x: (x**3).sum(), x))
print(F.hessian(lambda x, y: (x * y * y).sum(), (x, y)))
print(F.hessian(lambda x, y: (x * y * y).sum(), (x, y), create_graph=True))
print(F.hessian(lambda x: (x**3).sum(), x, vectorize=True))
print(F.vhp(lambda x: (x**3).sum(), x, torch.ones(2)))
print(F.vhp(lambda x, y: (x * y * y).sum(), (x, y), (torch.ones(2), torch.ones(2))))
print(F.hvp(lambda x: (x**3).sum(), x, torch.tensor([1.0, 10.0])))
print(F.hvp(lambda x, y: (x * y * y).sum(), (x, y), (torch.ones(2), torch.ones(2))))
print(F.vhp(lambda x: x.sum(), x, torch.ones(2)))

# --- the caller's graph stays whole
F = torch.autograd.functional
w = torch.tensor([1.0, 2.0], requires_grad=True)
x = torch.tensor([3.0, 4.0], requires_grad=True)
jac = F.jacobian(lambda t: t * w * t, x, create_graph=True)
jac.sum().backward()
print(w.grad, x.grad)

# --- gradcheck
gradcheck, gradgradcheck = torch.autograd.gradcheck, torch.autograd.gradgradcheck
x = torch.tensor([[0.5, 2.0], [1.0, 3.0]], dtype=torch.float64, requires_grad=True)
y = torch.tensor([1.5, -2.0], dtype=torch.float64, requires_grad=True)
print(gradcheck(torch.sin, x), gradcheck(torch.mul, (x, y)), gradgradcheck(torch.mul, (x, y)))
print(gradcheck(lambda x: (x.sum(), x * 2), x), gradcheck(lambda a, n: a * n, (x, 3)))
print(gradcheck(lambda x: x.clone().mul_(2), x), gradcheck(torch.exp, x, fast_mode=True))
print(gradcheck(torch.exp, x, check_forward_ad=True), gradcheck(torch.matmul, (x, y)))
print(gradgradcheck(lambda x: (x**3).sum(), x, torch.tensor(2.0, dtype=torch.float64, requires_grad=True)))
print(gradcheck(torch.sin, torch.ones(0, 3, dtype=torch.float64, requires_grad=True)))
print(gradcheck(torch.sin, torch.tensor(0.5, dtype=torch.float64, requires_grad=True)))
print(gradcheck(lambda x: x.argmax(), x), x.grad)

# --- gradcheck with complex numbers
gradcheck, gradgradcheck = torch.autograd.gradcheck, torch.autograd.gradgradcheck
z = torch.tensor([1.0 + 2.0j, 3.0 - 1.0j], dtype=torch.complex128, requires_grad=True)
x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
print(gradcheck(lambda z: z * z.conj(), z), gradcheck(lambda z: z.abs(), z), gradcheck(lambda z: z**2, z))
print(gradcheck(lambda x: x * (1 + 2j), x), gradcheck(lambda z: z.real * 2, z))
print(gradgradcheck(lambda z: z * z * z.conj(), z))


class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g


print(gradcheck(lambda z: Wrong.apply(z).real, z, raise_exception=False))
gradcheck(Wrong.apply, z)

# --- gradcheck finds a wrong gradient
class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x * 2, x + y

    @staticmethod
    def backward(ctx, g, h):
        return g * 3 + h, h


x = torch.tensor([1.5, -2.0], dtype=torch.float64, requires_grad=True)
y = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
print(torch.autograd.gradcheck(Wrong.apply, (x, y), raise_exception=False))
torch.autograd.gradcheck(Wrong.apply, (x, y))

# --- gradcheck finds a missing gradient
x = torch.tensor([1.5, -2.0], dtype=torch.float64, requires_grad=True)
torch.autograd.gradcheck(lambda x: x.detach() * 2, x)

# --- gradcheck needs something to check
torch.autograd.gradcheck(torch.sin, torch.ones(2, dtype=torch.float64))

# --- gradcheck and overlapping memory
x = torch.ones(1, dtype=torch.float64, requires_grad=True).expand(2)
torch.autograd.gradcheck(torch.sin, x)

# --- gradcheck in single precision
x = torch.tensor([0.3], requires_grad=True)
try:
    torch.autograd.gradcheck(torch.sin, x)
except RuntimeError as error:
    print(type(error).__name__, str(error).splitlines()[0])

# --- gradcheck at a kink
torch.autograd.gradcheck(torch.relu, torch.tensor([0.0], dtype=torch.float64, requires_grad=True))

# --- forward mode
forward = torch.autograd.forward_ad
with forward.dual_level():
    x = forward.make_dual(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0]))
    print(x, x * 2, x.sum())
    print(forward.unpack_dual(x**3))
    print(forward.unpack_dual(x))
    print(forward.unpack_dual(torch.ones(2)))
    print(forward.unpack_dual((x * x).sum() + torch.tensor(1.0)).tangent)
    y = forward.make_dual(torch.tensor([3.0, 4.0]), torch.tensor([1.0, 0.0]))
    print(forward.unpack_dual(x * y).tangent, forward.unpack_dual(x.detach()).tangent)
    primal, tangent = forward.unpack_dual(torch.stack([x, y]).exp())
    print(primal, tangent)
    z = x * 1
    z[0] = y[1]
    z.mul_(2)
    print(forward.unpack_dual(z).tangent)
print(forward.unpack_dual(torch.ones(2)))

# --- forward mode and backward
forward = torch.autograd.forward_ad
w = torch.tensor([2.0, 3.0], requires_grad=True)
with forward.dual_level():
    x = forward.make_dual(torch.tensor([1.0, 2.0]), torch.ones(2))
    value, change = forward.unpack_dual(w * x * x)
    print(value.requires_grad, change.requires_grad)
    change.sum().backward()
print(w.grad)
x = torch.tensor([1.0, 2.0], requires_grad=True)
with forward.dual_level():
    dual = forward.make_dual(x, torch.tensor([1.0, 0.0]))
    change = forward.unpack_dual((dual**3).sum()).tangent
    print(torch.autograd.grad(change, x))

# --- errors of forward mode
forward = torch.autograd.forward_ad


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: forward.make_dual(torch.ones(2), torch.ones(2)))
with forward.dual_level():
    attempt(lambda: forward.make_dual(torch.ones(2), torch.ones(3)))
    attempt(lambda: forward.make_dual(torch.ones(2, dtype=torch.int64), torch.ones(2)))
    attempt(lambda: forward.make_dual(torch.ones(2), torch.ones(2, dtype=torch.int64)))
    attempt(forward.enter_dual_level)
