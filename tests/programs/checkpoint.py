"""torch.utils.checkpoint: the same gradients, computed again in backward."""

# --- without reentrance
checkpoint = torch.utils.checkpoint.checkpoint
calls = []


def part(a, b, factor=1.0):
    calls.append(torch.is_grad_enabled())
    return (a * b).exp().sin() * factor


a = torch.tensor([0.1, 0.2], requires_grad=True)
b = torch.tensor([1.0, 2.0], requires_grad=True)
y = checkpoint(part, a, b, use_reentrant=False, factor=3.0)
print(y, calls)
y.sum().backward()
print(a.grad, b.grad, calls)
checkpoint(part, a, b, use_reentrant=False).sum().backward()
print(a.grad, b.grad, len(calls))

# --- with reentrance
checkpoint = torch.utils.checkpoint.checkpoint
calls = []


def part(a, n):
    calls.append(torch.is_grad_enabled())
    return (a * n).exp(), a


a = torch.tensor([0.1, 0.2], requires_grad=True)
y, z = checkpoint(part, a, 2, use_reentrant=True)
print(y.requires_grad, z.requires_grad, y.grad_fn.name(), calls)
(y.sum() + z.sum()).backward()
print(a.grad, calls)

# --- captured parameters
checkpoint = torch.utils.checkpoint.checkpoint
w = torch.tensor([2.0, 3.0], requires_grad=True)
for reentrant in (False, True):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    checkpoint(lambda t: (t * w) ** 2, x, use_reentrant=reentrant).sum().backward()
    print(x.grad, w.grad)

# --- random numbers are the same again
checkpoint = torch.utils.checkpoint.checkpoint
for reentrant in (False, True):
    torch.manual_seed(0)
    x = torch.ones(4, requires_grad=True)
    y = checkpoint(lambda t: t * torch.rand(4) * t, x, use_reentrant=reentrant)
    print(torch.rand(1))
    y.sum().backward()
    print(y, x.grad, torch.rand(1))

# --- second derivative
checkpoint = torch.utils.checkpoint.checkpoint
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = checkpoint(lambda t: t**3, x, use_reentrant=False)
(g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), x)
print(g, h)

# --- backward twice
checkpoint = torch.utils.checkpoint.checkpoint
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = checkpoint(lambda t: t**3, x, use_reentrant=False).sum()
y.backward(retain_graph=True)
y.backward()
print(x.grad)

# --- nested
checkpoint = torch.utils.checkpoint.checkpoint
x = torch.tensor([1.0, 2.0], requires_grad=True)


def inner(t):
    return checkpoint(lambda u: u.sin() * u, t, use_reentrant=False) * t


y = checkpoint(inner, x, use_reentrant=False)
y.sum().backward()
print(x.grad)

# --- a sequence
x = torch.tensor([0.1, 0.2], requires_grad=True)
parts = [torch.sin, torch.exp, torch.tanh, torch.sigmoid, torch.cos]
y = torch.utils.checkpoint.checkpoint_sequential(parts, 2, x, use_reentrant=False)
y.sum().backward()
print(y, x.grad)

# --- unexpected arguments
checkpoint = torch.utils.checkpoint.checkpoint
checkpoint(torch.sin, torch.ones(1), use_reentrant=True, foo=3)

# --- the second run does something else
checkpoint = torch.utils.checkpoint.checkpoint
first = [True]


def part(t):
    if first:
        first.clear()
        return t.sin().exp()
    return t + 1


x = torch.ones(2, requires_grad=True)
y = checkpoint(part, x, use_reentrant=False)
try:
    y.sum().backward()
except RuntimeError as error:
    print(type(error).__name__, str(error).splitlines()[0])
