"""Semantics of autograd: accumulation, views, in-place changes, errors. Each part runs on its own."""

# --- a sum of products
a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
b = torch.tensor([4.0, 5.0, 6.0], requires_grad=True)
(a * b + a).sum().backward()
print(a.grad, b.grad)

# --- gradients accumulate
x = torch.tensor(2.0, requires_grad=True)
for _ in range(3):
    (x * x).backward()
print(x.grad)
x.grad.zero_()
print(x.grad)

# --- two leaves that get the same gradient own it separately
x = torch.zeros(2, requires_grad=True)
y = torch.zeros(2, requires_grad=True)
(x + y).sum().backward()
x.grad.add_(1)
print(x.grad, y.grad)

# --- a gradient that was passed in stays the caller's
x = torch.zeros(2, requires_grad=True)
g = torch.ones(2)
x.backward(g)
x.grad.mul_(5)
print(g, x.grad)

# --- a gradient that was passed in is not handed to several leaves
x = torch.zeros(2, requires_grad=True)
y = torch.zeros(2, requires_grad=True)
g = torch.ones(2)
(x - y).backward(g)
x.grad.add_(1)
print(g, x.grad, y.grad)

# --- broadcasting backward
x = torch.ones(3, 1, requires_grad=True)
y = torch.arange(4.0, requires_grad=True)
(x * y).sum().backward()
print(x.grad, y.grad)

# --- mixed dtypes backward
x = torch.ones(2, requires_grad=True)
y = torch.ones(2, dtype=torch.float64, requires_grad=True)
z = (x * y * 3).sum()
z.backward()
print(z.dtype, x.grad, y.grad)

# --- in place on a view reaches the base
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * 2
y[0].mul_(10)
y.sum().backward()
print(x.grad, y)

# --- in place on a row
x = torch.arange(6.0).reshape(2, 3).requires_grad_()
y = x * 1
y[1] = y[0] * 2
y.sum().backward()
print(y, x.grad)

# --- assigning a tensor that needs gradient into zeros
w = torch.tensor([3.0, 4.0], requires_grad=True)
z = torch.zeros(4)
z[1:3] = w
print(z.requires_grad, z.grad_fn)
(z * torch.arange(4.0)).sum().backward()
print(w.grad)

# --- an older view of a changed base gets a new history
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 1
v = y[0]
y.mul_(3)
print(v, v.grad_fn)
v.backward()
print(x.grad)

# --- views of views
x = torch.arange(12.0).requires_grad_()
y = x.clone()
y.view(3, 4)[1].view(2, 2)[0].mul_(5)
y.sum().backward()
print(x.grad)

# --- transposed view changed in place
x = torch.arange(6.0).requires_grad_()
y = (x * 1).view(2, 3)
y.t().add_(torch.ones(3, 2)).mul_(2)
y[:, 1].sum().backward()
print(x.grad)

# --- exp saves its result
x = torch.tensor([0.0, 1.0], requires_grad=True)
y = x.exp()
y.add_(1)
y.sum().backward()

# --- a saved operand was changed
x = torch.tensor([1.0, 2.0], requires_grad=True)
w = x * 2
y = w * w
w.add_(1)
y.sum().backward()

# --- in place multiply saves the old self
x = torch.tensor([1.0, 2.0], requires_grad=True)
w = torch.tensor([3.0, 4.0], requires_grad=True)
y = x * 1
y.mul_(w)
y.sum().backward()
print(x.grad, w.grad)

# --- leaf in place
x = torch.ones(2, requires_grad=True)
x.add_(1)

# --- view of a leaf in place
x = torch.ones(2, requires_grad=True)
x[0].add_(1)

# --- leaf in place without recording
x = torch.ones(2, requires_grad=True)
with torch.no_grad():
    x.add_(1)
    x[0] = 5
print(x, x._version)

# --- version counters are shared
x = torch.zeros(3)
v = x[1:]
d = x.detach()
x.add_(1)
v.mul_(2)
print(x._version, v._version, d._version, x.data._version)

# --- backward twice
x = torch.tensor(2.0, requires_grad=True)
y = x * x
y.backward()
y.backward()

# --- backward twice with retain_graph
x = torch.tensor(2.0, requires_grad=True)
y = x * x
y.backward(retain_graph=True)
y.backward()
print(x.grad)

# --- backward of a vector needs a gradient
x = torch.ones(2, requires_grad=True)
(x * 2).backward()

# --- backward of something without history
torch.ones(2).sum().backward()

# --- gradient of the wrong shape
x = torch.ones(2, requires_grad=True)
(x * 2).backward(torch.ones(3))

# --- second derivative
x = torch.tensor(3.0, requires_grad=True)
y = x**3
(g,) = torch.autograd.grad(y, x, create_graph=True)
(h,) = torch.autograd.grad(g, x, create_graph=True)
(k,) = torch.autograd.grad(h, x)
print(g, h, k)

# --- second derivative through an in-place view
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * x
y[1:].mul_(x[:2])
(g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
(h,) = torch.autograd.grad((g * g).sum(), x)
print(g, h)

# --- second derivative of exp, sin, division
x = torch.tensor([0.5, 1.5], requires_grad=True)
y = (x.exp() * x.sin() / (x + 1)).sum()
(g,) = torch.autograd.grad(y, x, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), x)
print(g, h)

# --- an input that was not used
x = torch.ones(2, requires_grad=True)
y = torch.ones(2, requires_grad=True)
print(torch.autograd.grad((x * 2).sum(), [x, y], allow_unused=True))
torch.autograd.grad((x * 2).sum(), [x, y])

# --- grad of an intermediate tensor
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 2
z = (y * y).sum()
print(torch.autograd.grad(z, [y, x]))
print(x.grad)

# --- retain_grad and the grad of a tensor that is no leaf
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 2
y.retain_grad()
(y * y).sum().backward()
print(y.grad, y.is_leaf, x.is_leaf, y.retains_grad)

# --- hooks
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 2
handle = y.register_hook(lambda g: g * 10)
x.register_hook(lambda g: print("leaf", g))
y.sum().backward(retain_graph=True)
handle.remove()
y.sum().backward()
print(x.grad)

# --- hook after accumulation
x = torch.tensor([1.0], requires_grad=True)
x.register_post_accumulate_grad_hook(lambda t: print("now", t.grad))
(x * 3).sum().backward()

# --- detach cuts
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = (x * 2).detach()
print(y, y.requires_grad, (y * x).requires_grad)

# --- detach in place
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 2
y.detach_()
print(y.requires_grad, y.is_leaf)

# --- no_grad as decorator
@torch.no_grad()
def double(t):
    return t * 2


print(double(torch.ones(1, requires_grad=True)).requires_grad, torch.is_grad_enabled())

# --- set_grad_enabled
x = torch.ones(1, requires_grad=True)
with torch.set_grad_enabled(False):
    print((x * 2).requires_grad)
    with torch.enable_grad():
        print((x * 2).requires_grad)
torch.set_grad_enabled(False)
print((x * 2).requires_grad)
torch.set_grad_enabled(True)
print((x * 2).requires_grad)

# --- a generator keeps its mode
@torch.no_grad()
def steps():
    for i in range(2):
        yield torch.is_grad_enabled()


print([(inside, torch.is_grad_enabled()) for inside in steps()])

# --- names of the nodes
x = torch.ones(2, 2, requires_grad=True)
for y in (x + 1, x * 2, x - 1, x / 2, -x, x**2, x.sum(), x.mean(), x.exp(), x.t(), x.view(4), x[0], x[:, 1], x[None], x @ x,
          x.max(), x.reshape(4), x.relu(), x.sigmoid(), x.tanh(), x.log(), x.sqrt(), x.abs(), x.clamp(0), x.clone(),
          x.unsqueeze(0), x.squeeze(), x.expand(2, 2, 2), x.permute(1, 0), x[x > 0], x.masked_fill(x > 2, 0), x.double(),
          torch.cat([x, x]), torch.stack([x, x]), torch.where(x > 0, x, x), x.prod(), x.cumsum(0), x.flatten(), x.std(),
          x.var(), x.pow(3), x.sin(), x.cos(), x.max(0)[0], x.sort()[0], x.gather(0, torch.zeros(1, 2).long())):  # fmt: skip
    print(y.grad_fn.name())

# --- the graph from the end to the leaf
x = torch.ones(2, requires_grad=True)
y = (x * 2).sum()
node = y.grad_fn
while node is not None:
    print(node.name())
    node = node.next_functions[0][0] if node.next_functions else None

# --- the leaf at the end of the graph
y = (torch.ones(2, requires_grad=True) * 2).sum()
print(y.grad_fn.next_functions[0][0].next_functions[0][0].variable)

# --- assigning .grad
x = torch.ones(2, requires_grad=True)
x.grad = torch.full((2,), 7.0)
print(x.grad)
x.grad = None
print(x.grad)
x.grad = torch.ones(3)

# --- requires_grad of a computed tensor cannot be switched off
y = torch.ones(2, requires_grad=True) * 2
y.requires_grad = False

# --- a deep chain
x = torch.ones(1, requires_grad=True)
y = x
for _ in range(20000):
    y = y + 1
y.backward()
print(y, x.grad)

# --- a diamond
x = torch.tensor(2.0, requires_grad=True)
a = x * 3
b = a * a
c = a + b
c.backward()
print(x.grad)

# --- copying with history
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.zeros(2, 2)
y.copy_(x)
y.sum().backward()
print(y, x.grad)

# --- fill_ and zero_ cut a part off
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * 2
y[:1].zero_()
y[2:].fill_(9)
y.sum().backward()
print(y, x.grad)

# --- indexing with repeated positions accumulates
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
x[[0, 0, 2]].sum().backward()
print(x.grad)

# --- writing at an index list
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * 1
y[[0, 2]] = y[[1, 1]] * 10
y.sum().backward()
print(y, x.grad)

# --- masked assignment
x = torch.tensor([-1.0, 2.0, -3.0], requires_grad=True)
y = x * 1
y[y < 0] = 0.0
y.sum().backward()
print(y, x.grad)

# --- expand and sum
x = torch.tensor([[1.0], [2.0]], requires_grad=True)
y = x.expand(2, 3) * torch.arange(6.0).reshape(2, 3)
y.sum().backward()
print(x.grad)

# --- writing to an expanded tensor
x = torch.zeros(1, 3).expand(2, 3)
x.add_(1)

# --- the data attribute goes around autograd
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * x
x.data.mul_(10)
y.sum().backward()
print(x.grad, x._version)

# --- deepcopy
import copy

x = torch.tensor([1.0], requires_grad=True)
y = copy.deepcopy(x)
print(y, y.requires_grad, y is x)
copy.deepcopy(x * 2)

# --- linear regression step by step
torch.manual_seed(0)
x = torch.linspace(-1, 1, 20).unsqueeze(1)
t = 2 * x + 3
w = torch.zeros(1, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for step in range(5):
    loss = ((x @ w + b - t) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
        w.grad.zero_()
        b.grad.zero_()
    print(f"{loss.item():.4f} {w.item():.4f} {b.item():.4f}")

# --- gradients of complex powers
for exponent in (1.5 + 0j, 0j, 2 + 1j):
    base = torch.tensor([1 + 2j, 0j], requires_grad=True)
    power = torch.tensor([exponent, exponent], requires_grad=True)
    result = base**power
    print(torch.autograd.grad(result, (base, power), torch.ones_like(result)))
