"""Hooks, saved tensors, anomaly and inference mode, all arguments of backward and grad."""

# --- errors of grad
x = torch.ones(2, requires_grad=True)
z = torch.ones(2)


def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


grad = torch.autograd.grad
y = x * 2
attempt(lambda: grad(y, x))
attempt(lambda: grad(y, x, torch.ones(3)))
attempt(lambda: grad(y, x, torch.ones(2, dtype=torch.complex64)))
attempt(lambda: grad(y, z, torch.ones(2)))
attempt(lambda: grad(y.sum(), []))
attempt(lambda: grad([], x))
attempt(lambda: grad(y, x, [None]))
attempt(lambda: grad(y, x, 3.0))
attempt(lambda: grad([y, y], x, [torch.ones(2)]))
attempt(lambda: grad(y.sum(), 3))
attempt(lambda: grad(3, x))

# --- unused inputs
x = torch.ones(2, requires_grad=True)
z = torch.ones(2, requires_grad=True)
print(torch.autograd.grad((x * 2).sum(), [x, z], materialize_grads=True))
print(torch.autograd.grad((x * 2).sum(), [x, z], allow_unused=True))
try:
    torch.autograd.grad((x * 2).sum(), [x, z], materialize_grads=True, allow_unused=False)
except ValueError as error:
    print(error)
torch.autograd.grad((x * 2).sum(), [x, z], allow_unused=False)

# --- several gradients at once
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x**2
print(torch.autograd.grad(y, x, torch.eye(3), is_grads_batched=True))
a = torch.ones(2, requires_grad=True)
vectors = [torch.eye(2), torch.tensor([1.0, 2.0])]
print(torch.autograd.grad([x[:2] * a, x.sum()], [x, a], vectors, is_grads_batched=True))

# --- several outputs
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.tensor([3.0, 4.0], requires_grad=True)
print(torch.autograd.grad([(x * y).sum(), x * 3], [x, y], [None, torch.tensor([1.0, 10.0])]))
torch.autograd.backward([(x * y).sum(), x * 3], [None, torch.ones(2)])
print(x.grad, y.grad)
torch.autograd.backward([x.sum(), x * 3], [None])

# --- backward for some inputs only
x = torch.ones(2, requires_grad=True)
w = torch.full((2,), 3.0, requires_grad=True)
m = x * w
y = (m * m).sum()
y.backward(inputs=[x], retain_graph=True)
print(x.grad, w.grad)
y.backward(inputs=w, retain_graph=True)
print(x.grad, w.grad)
y.backward(inputs=[m])
print(m.grad, x.grad)
y.backward(inputs=[])

# --- backward for an input that needs no gradient
x = torch.ones(2, requires_grad=True)
x.sum().backward(inputs=[torch.ones(2)])

# --- backward with create_graph
x = torch.tensor(2.0, requires_grad=True)
(x**3).backward(create_graph=True)
print(x.grad)
x.grad.backward()
print(x.grad)

# --- backward of a leaf
x = torch.ones(2, requires_grad=True)
x.backward(torch.tensor([3.0, 4.0]))
print(x.grad)
x[0].backward()
print(x.grad)

# --- a gradient of another dtype is cast
x = torch.ones(2, requires_grad=True)
(x * 2).backward(torch.ones(2, dtype=torch.float64))
print(x.grad, x.grad.dtype)

# --- complex output
x = torch.ones(2, requires_grad=True)
(x * (1 + 1j)).sum().backward()

# --- complex gradient
z = torch.tensor([1.0 + 2.0j, 3.0 - 1.0j], requires_grad=True)
(z * z.conj()).real.sum().backward()
print(z.grad)
z.grad = None
(z * z).backward(torch.tensor([1.0 + 0.0j, 1.0j]))
print(z.grad)

# --- things that need a gradient
def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: torch.ones(2, dtype=torch.int64).requires_grad_())
attempt(lambda: torch.ones(2).register_hook(print))
attempt(lambda: torch.ones(2).retain_grad())
attempt(lambda: (torch.ones(2, requires_grad=True) * 2).register_post_accumulate_grad_hook(print))
attempt(lambda: torch.ones(2).register_post_accumulate_grad_hook(print))
attempt(lambda: torch.ones(2).backward())
attempt(lambda: torch.tensor([1, 2], requires_grad=True))
x = torch.ones(2, requires_grad=True)
x.retain_grad()
print(x.retains_grad)

# --- a hook replaces the gradient
x = torch.ones(2, requires_grad=True)
y = x * 2
y.register_hook(lambda g: g * 10)
y.register_hook(lambda g: g + 1)
y.sum().backward()
print(x.grad)

# --- a hook returns nonsense
y = torch.ones(2, requires_grad=True) * 2
y.register_hook(lambda g: 3)
y.sum().backward()

# --- a hook changes the size
y = torch.ones(2, requires_grad=True) * 2
y.register_hook(lambda g: torch.ones(3))
y.sum().backward()

# --- hooks on a leaf run in order and once
x = torch.ones(2, requires_grad=True)
x.register_hook(lambda g: print("first", g))
handle = x.register_hook(lambda g: g * 2)
x.register_hook(lambda g: print("third", g))
(x * x + x).sum().backward()
print(x.grad)
handle.remove()
handle.remove()
(x * 1).sum().backward()
print(x.grad)

# --- a leaf's hook runs for grad as well
x = torch.ones(2, requires_grad=True)
x.register_hook(lambda g: g * 5)
print(torch.autograd.grad(x.sum(), x))

# --- a hook handle as context
x = torch.ones(2, requires_grad=True)
y = x * 2
with y.register_hook(lambda g: g * 100):
    y.sum().backward(retain_graph=True)
y.sum().backward()
print(x.grad)

# --- hooks before and after a node
x = torch.ones(2, requires_grad=True)
y = x * 2
y.grad_fn.register_hook(lambda grad_in, grad_out: print("after", grad_in, grad_out))
y.grad_fn.register_prehook(lambda grad_out: print("before", grad_out))
y.sum().backward()
print(x.grad)

# --- a hook after a node replaces the gradients
x = torch.ones(2, requires_grad=True)
y = x * 2
y.grad_fn.register_hook(lambda grad_in, grad_out: (grad_in[0] * 5, grad_in[1]))
y.sum().backward()
print(x.grad)

# --- a hook after a node must return a tuple
y = torch.ones(2, requires_grad=True) * 2
y.grad_fn.register_hook(lambda grad_in, grad_out: grad_in[0] * 5)
y.sum().backward()

# --- hooks of the node at a leaf
x = torch.ones(2, requires_grad=True)
node = torch.autograd.graph.get_gradient_edge(x).node
node.register_prehook(lambda g: (g[0] * 2,))
node.register_hook(lambda grad_in, grad_out: print("after", grad_in, grad_out))
(x * 3).sum().backward()
print(x.grad)

# --- retained gradient and hooks
x = torch.ones(2, requires_grad=True)
y = x * 2
y.retain_grad()
y.register_hook(lambda g: g * 7)
y.sum().backward()
print(y.grad, x.grad)

# --- retained gradient of a tensor changed in place
x = torch.ones(2, requires_grad=True)
y = x * 2
y.retain_grad()
y.mul_(5)
y.sum().backward()
print(y.grad, x.grad)

# --- hooks before and after a change in place
x = torch.ones(2, requires_grad=True)
y = x * 2
y.register_hook(lambda g: print("old", g))
y.mul_(2)
y.register_hook(lambda g: print("new", g))
y.sum().backward()

# --- hook after accumulation, and stepping in it
w = torch.ones(2, requires_grad=True)


def step(p):
    with torch.no_grad():
        p -= 0.1 * p.grad
    p.grad = None


handle = w.register_post_accumulate_grad_hook(step)
for _ in range(2):
    (w * w).sum().backward()
    print(w, w.grad)
handle.remove()
(w * w).sum().backward()
print(w.grad)

# --- the gradient edge
x = torch.ones(2, requires_grad=True)
y = x * 2
edge = torch.autograd.graph.get_gradient_edge(y)
print(edge.node.name(), edge.output_nr, edge.node is y.grad_fn)
print(torch.autograd.grad((y * y).sum(), edge))
edge = torch.autograd.graph.get_gradient_edge(x * 3)
torch.autograd.backward(edge, torch.ones(2))
print(x.grad)
torch.autograd.graph.get_gradient_edge(torch.ones(2))

# --- what a node saved
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * x
print(y.grad_fn._saved_self, y.grad_fn._saved_other)
print(x.exp().grad_fn._saved_result)
print(hasattr(x.exp().grad_fn, "_saved_self"), hasattr(x.sum().grad_fn, "_saved_result"))
print(torch.equal(x.sin().grad_fn._saved_self, x))
y.sum().backward()
print(y.grad_fn._saved_self)

# --- metadata of a node
y = torch.ones(2, requires_grad=True) * 2
y.grad_fn.metadata["note"] = 3
print(y.grad_fn.metadata)

# --- hooks on saved tensors
def pack(t):
    print("pack", t)
    return [t.detach()]


def unpack(packed):
    print("unpack", packed[0])
    return packed[0]


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.tensor([3.0, 4.0])
with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
    z = (x * y).exp().sin()
print("outside", x * x)
z.sum().backward()
print(x.grad)

# --- saved tensors as something else
x = torch.tensor([1.0, 2.0], requires_grad=True)
with torch.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), lambda v: torch.tensor(v)):
    y = x**2 * x.exp()
(g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), x)
print(g, h)

# --- saved tensors, nested and in place
x = torch.tensor([1.0, 2.0], requires_grad=True)
hooks = torch.autograd.graph.saved_tensors_hooks
with hooks(lambda t: t * 2, lambda t: t):
    a = x * x
    with hooks(lambda t: t * 3, lambda t: t):
        b = x * x
    c = x * x
for t in (a, b, c):
    print(torch.autograd.grad(t.sum(), x))

# --- saved tensors of an operation in place
x = torch.tensor([1.0, 2.0], requires_grad=True)
w = torch.tensor([3.0, 4.0], requires_grad=True)
with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
    y = x * 1
    y.mul_(w)
    y.exp_()
    y.mul_(2)
y.sum().backward()
print(x.grad, w.grad)

# --- unpack returns nonsense
x = torch.tensor([1.0, 2.0], requires_grad=True)
with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
    y = x * x
try:
    y.sum().backward()
except TypeError:
    print("TypeError")

# --- saved tensors on the cpu
x = torch.tensor([1.0, 2.0], requires_grad=True)
with torch.autograd.graph.save_on_cpu():
    y = (x * x).exp()
y.sum().backward()
print(x.grad)

# --- no hooks on saved tensors here
with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
    torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t).__enter__()

# --- mutation of saved tensors is allowed
x = torch.tensor([1.0, 2.0], requires_grad=True)
with torch.autograd.graph.allow_mutation_on_saved_tensors():
    w = x * 2
    y = w * w
    w.zero_()
    y.sum().backward()
print(x.grad)

# --- increment_version
x = torch.ones(2)
torch.autograd.graph.increment_version(x)
print(x._version)

# --- hook for several gradients
a = torch.ones(2, requires_grad=True)
b = torch.ones(2, requires_grad=True)
handle = torch.autograd.graph.register_multi_grad_hook([a, b], lambda grads: print(grads))
(a * 2 + b * 3).sum().backward()
handle.remove()
(a * 2 + b * 3).sum().backward()
print(a.grad)

# --- hook for several gradients, some of which do not come
a = torch.ones(2, requires_grad=True)
b = torch.ones(2, requires_grad=True)
handle = torch.autograd.graph.register_multi_grad_hook([a, b], lambda grads: print("all", grads))
(a * 2).sum().backward()
(a + b).sum().backward()
handle.remove()
torch.autograd.graph.register_multi_grad_hook([a, b], lambda grad: print("any", grad), mode="any")
(a * 2).sum().backward()
(a * 2 + b).sum().backward()

# --- anomaly: nan
x = torch.tensor([0.0, 1.0], requires_grad=True)
with torch.autograd.detect_anomaly():
    y = (x.sqrt() * 0).sum()
    y.backward()

# --- anomaly: without the nan check
x = torch.tensor([0.0, 1.0], requires_grad=True)
with torch.autograd.set_detect_anomaly(True, check_nan=False):
    print(torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled())
    y = (x.sqrt() * 0).sum()
    y.backward()
print(x.grad, torch.is_anomaly_enabled())

# --- anomaly: where it happened
warnings = __import__("warnings")
x = torch.tensor([0.0, 1.0], requires_grad=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        with torch.autograd.set_detect_anomaly(True):
            y = (x / 0) * 0
            y.sum().backward()
    except RuntimeError as error:
        print(error)
print(str(caught[-1].message).split(". ")[0], "Traceback of forward call" in str(caught[-1].message))

# --- inference mode
x = torch.ones(2, requires_grad=True)
with torch.inference_mode():
    a, b, v = torch.ones(2), x * 2, x.view(2)
    print(a.is_inference(), b.is_inference(), v.is_inference(), b.requires_grad)
    print(torch.is_inference_mode_enabled(), torch.is_grad_enabled())
    a.add_(1)
    b.mul_(2)
    with torch.inference_mode(False):
        print(torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.ones(1).is_inference())
print(torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.is_inference(a), torch.is_inference(x))
print(a, b, (a + x).requires_grad, a.clone().is_inference(), a[0].is_inference(), (a * 2).is_inference())

# --- inference tensors are not saved
x = torch.ones(2, requires_grad=True)
with torch.inference_mode():
    a = torch.ones(2)
x * a

# --- inference tensors are not changed outside
with torch.inference_mode():
    a = torch.ones(2)
a.add_(1)

# --- inference tensors have no version
with torch.inference_mode():
    a = torch.ones(2)
print(a._version)

# --- inference tensors never require gradients
with torch.inference_mode():
    a = torch.ones(2)
a.requires_grad_()

# --- inference mode as decorator
@torch.inference_mode()
def double(t):
    return t * 2


@torch.inference_mode
def triple(t):
    return t * 3


x = torch.ones(1, requires_grad=True)
for f in (double, triple):
    print(f(x).is_inference(), f(x).requires_grad, torch.is_inference_mode_enabled())

# --- a Variable is a tensor
x = torch.ones(2, requires_grad=True)
print(torch.autograd.Variable(x) is x, torch.autograd.Variable(torch.ones(1), requires_grad=True))
print(isinstance(x, torch.autograd.Variable))
with torch.autograd.set_multithreading_enabled(False):
    print((x * 2).requires_grad)

# --- deep chain with a hook at its end
x = torch.ones(1, requires_grad=True)
y = x
for _ in range(30000):
    y = y * 1.0
x.register_hook(lambda g: print(g))
y.backward()
del y

# --- wide
xs = [torch.full((1,), float(i), requires_grad=True) for i in range(3000)]
(torch.cat(xs) * torch.stack(xs).squeeze()).sum().backward()
print(xs[7].grad, xs[2999].grad)

# --- a node's hooks see what needs a gradient and where none came
def shown(y, of):
    y.grad_fn.register_prehook(lambda go: print("before", go))
    y.grad_fn.register_hook(lambda gi, go: print("after", gi, go))
    of.sum().backward()

x = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
for y in (x + 3, x * 3, x / 3, 3 / x, x * torch.ones(4)):
    shown(y, y)
a, b = x.split(2)
shown(a, a)
a, b = x.split(2)
shown(a, b)
a, b, c, d = x.unbind(0)
shown(a, b * 2)
shown(x.max(0).values, x.max(0).values)
values = x.max(0).values
shown(values, values)
q, r = torch.linalg.qr(torch.eye(2, requires_grad=True))
q.grad_fn.register_prehook(lambda go: print(go))
q.sum().backward()

class Three(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1, x * 2, x * 3

    @staticmethod
    def backward(ctx, *g):
        print(g)
        return g[0]

a, b, c = Three.apply(torch.tensor([1.0], requires_grad=True))
shown(a, a)
