"""Views that must not be changed in place, what an in-place change does to gradients, and layout of gradients."""

# --- views with several siblings
def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


x = torch.ones(4, requires_grad=True)
attempt(lambda: (x * 1).unbind(0)[1].add_(1))
attempt(lambda: (x * 1).split(2)[0].add_(1))
attempt(lambda: (x * 1).split([1, 3])[1].mul_(2))
attempt(lambda: (x * 1).chunk(2)[0].exp_())
for piece in (x.unbind(0)[2], x.split(2)[1], x.split([1, 3])[1], x.chunk(2)[1]):
    print(piece.grad_fn.name(), piece.output_nr, piece._base is x)
first, second, *_ = x.unbind(0)
(first * 2 + second * 3).backward()
print(x.grad)
a, b = x.split([1, 3])
(g,) = torch.autograd.grad((b**3).sum(), x, create_graph=True)
print(g, torch.autograd.grad(g.sum(), x))
print(sum(x).grad_fn.name(), torch.autograd.grad(sum(x), x))

# --- views made without recording
def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


x = torch.ones(4, requires_grad=True)
y = x * 1
with torch.no_grad():
    v, w = y[0:2], x[0:2]
attempt(lambda: v.add_(1))
attempt(lambda: w.add_(1))
with torch.no_grad():
    w.add_(1)
print(x)
z = torch.zeros(4)
with torch.no_grad():
    v = z[:2]
attempt(lambda: v.add_(x[:2]))
attempt(lambda: v.mul_(2))
with torch.inference_mode():
    v = x.view(4)
attempt(lambda: v.add_(1))

# --- views made by a Function
def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


class Front(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x[:2]

    @staticmethod
    def backward(ctx, g):
        return torch.cat([g, g * 0])


class Halves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x[:2], x[2:]

    @staticmethod
    def backward(ctx, g, h):
        return torch.cat([g, h])


x = torch.ones(4, requires_grad=True)
attempt(lambda: Front.apply(x * 1).add_(1))
attempt(lambda: Halves.apply(x * 1)[0].add_(1))
Front.apply(x).sum().backward()
print(x.grad)

# --- detached tensors share numbers and versions
x = torch.ones(4, requires_grad=True)
d = x.detach()
d.add_(1)
(x * x).sum().backward()
print(x.grad, x._version, d._version)
y = x * x
d.mul_(2)
y.sum().backward()

# --- requires_grad of computed tensors and wrong dtypes
def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


x = torch.ones(2, requires_grad=True)
attempt(lambda: (x * 2).requires_grad_(False))
attempt(lambda: setattr(torch.zeros(2, dtype=torch.int32), "requires_grad", True))
attempt(lambda: torch.zeros(2, dtype=torch.int32).requires_grad_())
attempt(lambda: setattr(x, "grad", 3))
attempt(lambda: setattr(x, "grad", torch.ones(2, dtype=torch.float64)))
attempt(lambda: setattr(x, "grad", torch.ones(3)))
attempt(lambda: setattr(x, "grad", x))
print(x.requires_grad_(False).requires_grad, x.requires_grad_().requires_grad)

# --- changes without recording are noticed
x = torch.ones(2, requires_grad=True)
m = x * 2
n = m * m
with torch.no_grad():
    m.zero_()
n.sum().backward()

# --- gradients lie in memory as their leaves
x = torch.ones(2, 3, requires_grad=True)
(x.t() * 2).sum().backward()
print(x.grad.stride(), x.grad.is_contiguous())
y = torch.ones(3, 2).t().requires_grad_()
(y * 2).sum().backward()
print(y.stride(), y.grad.stride())
z = torch.ones(2, requires_grad=True)
z.expand(3, 2).sum().backward()
print(z.grad, z.grad.is_contiguous())

# --- modes as decorators
x = torch.ones(2, requires_grad=True)


@torch.enable_grad()
def on(t):
    return t * 2


@torch.set_grad_enabled(False)
def off(t):
    return t * 2


with torch.no_grad():
    print(on(x).requires_grad)
print(off(x).requires_grad, torch.is_grad_enabled())

# --- new tensors from those that require gradients
x = torch.ones(2, requires_grad=True)
print(torch.zeros_like(x).requires_grad, torch.ones_like(x, requires_grad=True).requires_grad)
print(x.clone().requires_grad, x.detach().requires_grad, x.data.requires_grad, x.numpy(force=True))
print(x.tolist(), float(x.sum()), x.view(2)._base is x, x._is_view(), (x * 1)[0].is_leaf)

# --- what an op in place on a view saved is freed by backward
x = torch.ones(3, requires_grad=True)
y = x + 1
y[:2].exp_()
total = y.sum()
total.backward()
print(x.grad)
total.backward()

# --- a change that reads a part of what it writes is refused
def attempt(change):
    x = torch.arange(6.0)
    try:
        print(change(x))
    except RuntimeError as error:
        print(error)
for change in (lambda x: x[1:].copy_(x[:-1]), lambda x: x[1:].add_(x[:-1]), lambda x: x.div_(x[2]), lambda x: x.view(2, 3).sub_(x[:3]),
               lambda x: x[:4].view(2, 2).mul_(x[:4].view(2, 2).t()), lambda x: x.__setitem__(slice(1, None), x[:-1]), lambda x: x[1:].addcmul_(x[:-1], x[:-1]),
               lambda x: x.add_(x), lambda x: x[:3].add_(x[:3]), lambda x: x[:3].add_(x[3:]), lambda x: x[::2].add_(x[1::2]), lambda x: x.masked_fill_(x > 2, x[1])):
    attempt(change)
    with torch.no_grad():
        attempt(change)
