"""torch.func: derivatives as transforms, vmap, and how they nest."""

# --- grad
f = torch.func.grad(lambda x: (x**3).sum())
x = torch.tensor([1.0, 2.0])
print(f(x), torch.func.grad(torch.sin)(torch.tensor(0.0)))
print(torch.func.grad(torch.func.grad(lambda x: x**4))(torch.tensor(2.0)))
print(torch.func.grad(torch.func.grad(torch.func.grad(torch.sin)))(torch.tensor(0.0)))
print(f(x).requires_grad, x.requires_grad)

# --- grad by several arguments
def f(x, y):
    return (x * x * y).sum()


x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
print(torch.func.grad(f)(x, y), torch.func.grad(f, 1)(x, y))
print(torch.func.grad(f, (0, 1))(x, y), torch.func.grad(f, -1)(x, y))
torch.func.grad(f, 5)(x, y)

# --- grad by a dictionary
params = {"w": torch.tensor([1.0, 2.0]), "b": torch.tensor(0.5)}
def loss(p, x):
    return ((p["w"] * x).sum() + p["b"]) ** 2


print(torch.func.grad(loss)(params, torch.tensor([3.0, 4.0])))

# --- grad with auxiliary output
def f(x):
    return ((x**2).sum(), x * 10)


print(torch.func.grad(f, has_aux=True)(torch.tensor([1.0, 2.0])))
print(torch.func.grad_and_value(f, has_aux=True)(torch.tensor([1.0, 2.0])))
print(torch.func.grad_and_value(lambda x: (x**2).sum())(torch.tensor([1.0, 2.0])))

# --- grad of what is no scalar
torch.func.grad(lambda x: x * 2)(torch.ones(2))

# --- grad of what is no tensor
torch.func.grad(lambda x: 3.0)(torch.ones(2))

# --- aux is missing
torch.func.grad(lambda x: x.sum(), has_aux=True)(torch.ones(2))

# --- grad and keyword arguments
print(torch.func.grad(lambda x, *, power: (x**power).sum())(torch.tensor([1.0, 2.0]), power=3))

# --- grad of something constant
print(torch.func.grad(lambda x: torch.tensor(1.0))(torch.ones(2)))
print(torch.func.grad(lambda x, y: y.sum())(torch.ones(2), torch.ones(2)))

# --- grad inside and outside of no_grad
x = torch.tensor(2.0)
with torch.no_grad():
    print(torch.func.grad(lambda x: x**2)(x))


def f(x):
    with torch.no_grad():
        c = x**2
    return x - c


print(torch.func.grad(f)(x))

# --- grad inside ordinary autograd
x = torch.tensor(2.0, requires_grad=True)
y = torch.func.grad(lambda t: t**3)(x)
print(y.requires_grad)
y.backward()
print(x.grad)

# --- grad with a captured parameter
w = torch.tensor(3.0, requires_grad=True)
g = torch.func.grad(lambda x: w * x**2)(torch.tensor(2.0))
print(g.requires_grad, g.item())
g.backward()
print(w.grad)

# --- vjp
value, pull = torch.func.vjp(torch.sin, torch.tensor([0.0, 1.0]))
print(value, pull(torch.ones(2)), pull(torch.tensor([1.0, 0.0])))
value, pull = torch.func.vjp(lambda x, y: (x * y, x.sum()), torch.ones(2), torch.tensor([2.0, 3.0]))
print(value, pull((torch.ones(2), torch.tensor(1.0))))
value, pull, aux = torch.func.vjp(lambda x: (x * 2, x + 1), torch.ones(2), has_aux=True)
print(value, pull(torch.ones(2)), aux)
value, pull = torch.func.vjp(lambda d: {"out": d["a"] * d["b"]}, {"a": torch.ones(2), "b": torch.full((2,), 3.0)})
print(value, pull({"out": torch.ones(2)}))

# --- jvp
print(torch.func.jvp(torch.sin, (torch.tensor([0.0, 1.0]),), (torch.tensor([1.0, 2.0]),)))
print(torch.func.jvp(lambda x, y: x * y, (torch.ones(2), torch.tensor([2.0, 3.0])), (torch.ones(2), torch.zeros(2))))
print(torch.func.jvp(lambda x: (x**2, x.sum()), (torch.tensor([1.0, 2.0]),), (torch.tensor([1.0, 1.0]),)))
print(torch.func.jvp(lambda x: (x**2, x + 1), (torch.tensor(3.0),), (torch.tensor(1.0),), has_aux=True))
print(torch.func.jvp(lambda x: torch.ones(2), (torch.tensor(3.0),), (torch.tensor(1.0),)))

# --- jvp of jvp, grad of jvp, jvp of grad
x, t = torch.tensor(2.0), torch.tensor(1.0)
def cube(x):
    return x**3


print(torch.func.jvp(lambda x: torch.func.jvp(cube, (x,), (t,))[1], (x,), (t,)))
print(torch.func.grad(lambda x: torch.func.jvp(cube, (x,), (t,))[1])(x))
print(torch.func.jvp(torch.func.grad(cube), (x,), (t,)))

# --- perturbations are not confused
x = torch.tensor(1.0)
print(torch.func.grad(lambda x: x * torch.func.grad(lambda y: x + y)(torch.tensor(1.0)))(x))
t = torch.tensor(1.0)
print(torch.func.jvp(lambda x: x * torch.func.jvp(lambda y: x + y, (x,), (t,))[1], (x,), (t,)))

# --- jacrev and jacfwd
def f(x):
    return torch.stack([x[0] * x[1], x[0] ** 2, x[1].sin()])


x = torch.tensor([2.0, 1.0])
for jac in (torch.func.jacrev, torch.func.jacfwd):
    print(jac(f)(x))
    print(jac(lambda x, y: x * y, (0, 1))(x, torch.tensor([3.0, 4.0])))
    print(jac(lambda x, y: x * y, 1)(x, torch.tensor([3.0, 4.0])))
    print(jac(lambda x: (x.sum(), {"a": x * 2}))(x))
    print(jac(lambda x: (x * 2, x + 1), has_aux=True)(x))
    print(jac(lambda p: p["w"] * p["b"])({"w": x, "b": torch.tensor(2.0)}))
    print(jac(jac(lambda x: (x**3).sum()))(x))
    print(jac(lambda x: x @ x.t())(torch.ones(2, 2)).shape)

# --- hessian
print(torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0])))
print(torch.func.hessian(lambda x, y: (x * y**2).sum(), (0, 1))(torch.tensor([1.0]), torch.tensor([2.0])))

# --- linearize
value, push = torch.func.linearize(lambda x: x.sin(), torch.tensor([0.0, 1.0]))
print(value, push(torch.tensor([1.0, 2.0])))

# --- vmap
x, y = torch.arange(6.0).reshape(2, 3), torch.ones(2, 3)
print(torch.vmap(torch.dot)(x, y))
print(torch.vmap(torch.dot, in_dims=(1, 1))(x, y))
print(torch.vmap(torch.mul, in_dims=(0, None))(x, torch.tensor([1.0, 10.0, 100.0])))
print(torch.vmap(lambda r: r * 2, out_dims=1)(x))
print(torch.vmap(lambda r: (r.sum(), r), out_dims=(0, 1))(x))
print(torch.vmap(lambda r: {"s": r.sum(), "l": [r, r + 1]})(x))
print(torch.vmap(lambda r, scale: r * scale)(x, scale=torch.tensor([1.0, 2.0, 3.0])))
print(torch.vmap(lambda p, r: p["w"] * r, in_dims=({"w": None}, 0))({"w": torch.tensor(3.0)}, x))
print(torch.vmap(lambda r: torch.tensor(1.0))(x))
print(torch.vmap(lambda r: r.sum(), in_dims=-1)(x))

# --- vmap in vmap
x = torch.arange(24.0).reshape(2, 3, 4)
print(torch.vmap(torch.vmap(lambda v: v.sum()))(x))
print(torch.vmap(torch.vmap(torch.dot, in_dims=(None, 0)), in_dims=(0, None))(torch.eye(3), torch.ones(2, 3)))
mv = torch.vmap(torch.dot, in_dims=(0, None))
mm = torch.vmap(mv, in_dims=(None, 1), out_dims=1)
print(mm(torch.arange(6.0).reshape(2, 3), torch.ones(3, 2)))

# --- vmap and a matrix product
x = torch.arange(12.0).reshape(3, 4)
w = torch.ones(4, 2)
print(torch.vmap(lambda r: r @ w)(x))
print(torch.vmap(lambda r: torch.softmax(r, 0).argmax())(x))
print(torch.vmap(lambda r: r.reshape(2, 2).t())(x).shape)

# --- gradients for each sample
w = torch.tensor([1.0, 2.0])
x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
t = torch.tensor([1.0, 2.0, 3.0])
def loss(w, x, t):
    return ((w * x).sum() - t) ** 2


print(torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(w, x, t))
print(torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0), chunk_size=2)(w, x, t))
print(torch.vmap(torch.func.jacrev(lambda x: x**2))(x[:2]))
print(torch.vmap(torch.func.hessian(lambda x: (x**3).sum()))(x[:2]))

# --- gradient through vmap
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
torch.vmap(lambda r: (r**2).sum())(x).sum().backward()
print(x.grad)
print(torch.func.grad(lambda x: torch.vmap(lambda r: (r**3).sum())(x).sum())(torch.ones(2, 2)))

# --- vmap over nothing
print(torch.vmap(lambda r: r * 2)(torch.ones(0, 3)).shape)

# --- vmap without inputs
torch.vmap(lambda: torch.ones(1))()

# --- vmap with different sizes
torch.vmap(torch.add)(torch.ones(2), torch.ones(3))

# --- vmap over a number
def f(a, b):
    return a * b


torch.vmap(f)(torch.ones(2), 3)

# --- vmap over a dimension that is not there
def f(a):
    return a


torch.vmap(f, in_dims=3)(torch.ones(2))

# --- vmap over a scalar
def f(a):
    return a


torch.vmap(f)(torch.tensor(1.0))

# --- vmap of a function that returns a number
def f(a):
    return 3


torch.vmap(f)(torch.ones(2))

# --- random numbers need a mode
torch.vmap(lambda x: x + torch.rand(2))(torch.zeros(2))

# --- random numbers that are the same
torch.manual_seed(0)
print(torch.vmap(lambda x: x + torch.rand(2), randomness="same")(torch.zeros(3)))
print(torch.rand(1))

# --- random numbers that differ
torch.manual_seed(0)
print(torch.vmap(lambda x: x + torch.rand(2), randomness="different")(torch.zeros(3)))

# --- a wrong mode
torch.vmap(lambda x: x, randomness="always")(torch.ones(2))

# --- a wrong chunk size
torch.vmap(lambda x: x, chunk_size=0)(torch.ones(2))

# --- a model as a function
torch.manual_seed(0)
params = {"w1": torch.randn(3, 4), "w2": torch.randn(4, 1)}


def predict(params, x):
    return torch.tanh(x @ params["w1"]) @ params["w2"]


def loss(params, x, t):
    return ((predict(params, x) - t) ** 2).mean()


x, t = torch.linspace(-1, 1, 15).reshape(5, 3), torch.ones(5, 1)
for _ in range(3):
    grads, value = torch.func.grad_and_value(loss)(params, x, t)
    params = {k: params[k] - 0.1 * grads[k] for k in params}
    print(f"{value.item():.4f}")
per_sample = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(params, x, t)
print({k: tuple(v.shape) for k, v in per_sample.items()})
