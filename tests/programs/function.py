"""torch.autograd.Function: forward and backward by hand, marks, errors, second derivatives."""

# --- square
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = Square.apply(x)
print(y, y.grad_fn.name(), type(y.grad_fn).__name__, y.grad_fn.next_functions[0][0].name(), y.is_leaf)
y.sum().backward()
print(x.grad)

# --- constants, None and flags
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor, name=None, *rest):
        ctx.factor = factor
        print(ctx.needs_input_grad, name, rest)
        return x * factor

    @staticmethod
    def backward(ctx, g):
        print(ctx.needs_input_grad)
        return g * ctx.factor, None, None, None


x = torch.tensor([1.0, 2.0], requires_grad=True)
Scale.apply(x, 3, "s", True).sum().backward()
print(x.grad)
print(Scale.apply(torch.ones(1), 2, None, None).requires_grad)
with torch.no_grad():
    print(Scale.apply(x, 2, None, None).requires_grad)

# --- trailing Nones too many are allowed
class Extra(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g, None, None


x = torch.ones(2, requires_grad=True)
Extra.apply(x).sum().backward()
print(x.grad)

# --- several inputs and outputs
class SumAndProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a + b, a * b

    @staticmethod
    def backward(ctx, by_sum, by_product):
        a, b = ctx.saved_tensors
        print(by_sum, by_product)
        return by_sum + by_product * b, by_sum + by_product * a


a = torch.tensor([1.0, 2.0], requires_grad=True)
b = torch.tensor([3.0, 4.0], requires_grad=True)
s, p = SumAndProduct.apply(a, b)
print(s.grad_fn is p.grad_fn, s.output_nr, p.output_nr)
p.sum().backward()
print(a.grad, b.grad)
s, p = SumAndProduct.apply(a, b)
(s.sum() + 2 * p.sum()).backward()
print(a.grad, b.grad)

# --- no zeros for outputs without gradient
class Both(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 1, x * 2

    @staticmethod
    def backward(ctx, g, h):
        print(g, h)
        return h * 2


x = torch.ones(2, requires_grad=True)
Both.apply(x)[1].sum().backward()
print(x.grad)

# --- a separate setup_context
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(x, factor=2.0):
        return factor * x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, factor = inputs
        ctx.save_for_backward(x)
        ctx.factor = factor

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return ctx.factor * 3 * x**2 * g, None


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = Cube.apply(x, 3.0)
print(y)
(g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), x)
print(g, h)
print(Cube.apply(x))

# --- second derivative through a saved output
class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        result = x.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, g):
        (result,) = ctx.saved_tensors
        return g * result


x = torch.tensor([0.0, 1.0], requires_grad=True)
y = Exp.apply(x)
(g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), x, create_graph=True)
(k,) = torch.autograd.grad(h.sum(), x)
print(g, h, k)

# --- differentiable once
class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        print(torch.is_grad_enabled())
        return 2 * x * g


x = torch.tensor([1.0, 2.0], requires_grad=True)
(g,) = torch.autograd.grad(Once.apply(x).sum(), x)
print(g)
(g,) = torch.autograd.grad((Once.apply(x) * x).sum(), x, create_graph=True)
print(g.requires_grad)
torch.autograd.grad(g.sum(), x)

# --- in place
class AddOne(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.add_(1)
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 10


x = torch.ones(2, requires_grad=True)
y = x * 2
z = AddOne.apply(y)
print(z is y, y, y._version)
y.sum().backward()
print(x.grad)
AddOne.apply(x)

# --- in place on a view
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return g * 2


x = torch.ones(3, requires_grad=True)
y = x * 1
Double.apply(y[:2])
print(y)
y.sum().backward()
print(x.grad)

# --- dirty but not returned
class Forgets(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x + 1

    @staticmethod
    def backward(ctx, g):
        return g


Forgets.apply(torch.ones(2, requires_grad=True) * 1)

# --- returns its input
class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 3


x = torch.ones(2, requires_grad=True)
y = Same.apply(x)
print(y is x, y, y.grad_fn.name())
y.sum().backward()
print(x.grad)
c = torch.ones(2)
print(Same.apply(c) is c, Same.apply(c))

# --- returns a view of its input
class Row(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x[0]

    @staticmethod
    def backward(ctx, g):
        full = g.new_zeros(ctx.shape)
        full[0] = g
        return full


x = torch.ones(2, 3, requires_grad=True)
y = Row.apply(x)
print(y)
(y * 2).sum().backward()
print(x.grad)

# --- not differentiable outputs
class Sorted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        values, order = x.sort()
        ctx.mark_non_differentiable(order)
        ctx.save_for_backward(order)
        return values, order

    @staticmethod
    def backward(ctx, g, unused):
        print(unused)
        (order,) = ctx.saved_tensors
        return torch.zeros_like(g).scatter(0, order, g)


x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
values, order = Sorted.apply(x)
print(values, order, order.requires_grad)
(values * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
print(x.grad)

# --- a float output that is marked
class Marked(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        a, b = x * 1, x * 2
        ctx.mark_non_differentiable(b)
        return a, b

    @staticmethod
    def backward(ctx, g, h):
        print(g, h)
        return g + h


x = torch.ones(2, requires_grad=True)
a, b = Marked.apply(x)
print(a.requires_grad, b.requires_grad, b)
a.sum().backward()
print(x.grad)

# --- outputs that are no tensors
class Mixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2, "text", 3

    @staticmethod
    def backward(ctx, g, text, number):
        print(g, text, number)
        return g * 2


x = torch.ones(2, requires_grad=True)
y, text, number = Mixed.apply(x)
print(y, text, number)
y.sum().backward()
print(x.grad)

# --- too few gradients
class Few(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        return a * b

    @staticmethod
    def backward(ctx, g):
        return g


Few.apply(torch.ones(2, requires_grad=True), torch.ones(2)).sum().backward()

# --- too many gradients
class Many(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 2

    @staticmethod
    def backward(ctx, g):
        return g, g


Many.apply(torch.ones(2, requires_grad=True)).sum().backward()

# --- a gradient for what is no tensor
class Odd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, n):
        return a * n

    @staticmethod
    def backward(ctx, g):
        return g, g


Odd.apply(torch.ones(2, requires_grad=True), 3).sum().backward()

# --- a gradient of the wrong shape
class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 2

    @staticmethod
    def backward(ctx, g):
        return torch.ones(5)


Wrong.apply(torch.ones(2, requires_grad=True)).sum().backward()

# --- a gradient that is summed to the shape
class Broad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b, g * a


a = torch.ones(3, 1, requires_grad=True)
b = torch.arange(2.0, requires_grad=True)
Broad.apply(a, b).sum().backward()
print(a.grad, b.grad)

# --- a gradient of another dtype
class Other(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a.double()

    @staticmethod
    def backward(ctx, g):
        print(g.dtype)
        return g * 2


a = torch.ones(2, requires_grad=True)
Other.apply(a).sum().backward()
print(a.grad)

# --- no gradient at all
class Nothing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        return a + b

    @staticmethod
    def backward(ctx, g):
        return None, g


a = torch.ones(2, requires_grad=True)
b = torch.ones(2, requires_grad=True)
Nothing.apply(a, b).sum().backward()
print(a.grad, b.grad)

# --- saved tensor changed in place
class Saves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


x = torch.ones(2, requires_grad=True)
w = x * 2
y = Saves.apply(w)
w.add_(1)
y.sum().backward()

# --- backward twice
class Saves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


x = torch.ones(2, requires_grad=True)
y = Saves.apply(x).sum()
y.backward(retain_graph=True)
y.backward()
print(x.grad)
y.backward()

# --- saving what is no tensor
class Saves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(3, x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g


Saves.apply(torch.ones(2, requires_grad=True))

# --- saving None
class Saves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(None, x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        nothing, x = ctx.saved_tensors
        print(nothing)
        return g * x


x = torch.ones(2, requires_grad=True)
Saves.apply(x).sum().backward()
print(x.grad)

# --- no forward
class Empty(torch.autograd.Function):
    pass


Empty.apply(torch.ones(1))

# --- no backward
class Half(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 0.5


Half.apply(torch.ones(1, requires_grad=True)).backward()

# --- an instance cannot be called
class Half(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 0.5


Half()(torch.ones(1))

# --- an error in backward
class Fails(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 0.5

    @staticmethod
    def backward(ctx, g):
        raise ValueError("from backward")


Fails.apply(torch.ones(1, requires_grad=True)).backward()

# --- an error in forward
class Fails(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        raise KeyError("from forward")


Fails.apply(torch.ones(1, requires_grad=True))

# --- forward does not record
class Inside(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x * 2
        print(torch.is_grad_enabled(), y.requires_grad, x.requires_grad)
        with torch.enable_grad():
            inner = x.detach().requires_grad_()
            value = (inner**3).sum()
        (ctx.slope,) = torch.autograd.grad(value, inner)
        return value.detach()

    @staticmethod
    def backward(ctx, g):
        print(torch.is_grad_enabled())
        return g * ctx.slope


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = Inside.apply(x)
y.backward()
print(x.grad)

# --- straight through
class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, g):
        return g


x = torch.tensor([0.4, 1.6], requires_grad=True)
(Round.apply(x) * torch.tensor([1.0, 2.0])).sum().backward()
print(x.grad)

# --- gradient reversal inside a chain
class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return -ctx.strength * g, None


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = Reverse.apply(x * 3, 0.5)
(y**2).sum().backward()
print(x.grad)

# --- attributes with common names
class Names(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.inputs, ctx.outputs, ctx.saved, ctx.hooks, ctx.edges, ctx.sequence = 1, 2, 3, 4, 5, 6
        return x * 2

    @staticmethod
    def backward(ctx, g):
        print(ctx.inputs, ctx.outputs, ctx.saved, ctx.hooks, ctx.edges, ctx.sequence)
        return g * 2


x = torch.ones(1, requires_grad=True)
y = Names.apply(x)
y.backward()
print(x.grad)

# --- hooks on the node
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


x = torch.ones(2, requires_grad=True)
y = Twice.apply(x)
y.grad_fn.register_hook(lambda grad_in, grad_out: print("after", grad_in, grad_out))
y.grad_fn.register_prehook(lambda grad_out: (grad_out[0] * 10,))
y.sum().backward()
print(x.grad)

# --- a list as gradients
class Listed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        return a + b

    @staticmethod
    def backward(ctx, g):
        return [g, g * 2]


a = torch.ones(1, requires_grad=True)
b = torch.ones(1, requires_grad=True)
Listed.apply(a, b).backward()

# --- keyword arguments
class Plain(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, n=2):
        ctx.n = n
        return x * n

    @staticmethod
    def backward(ctx, g):
        return g * ctx.n, None


x = torch.ones(1, requires_grad=True)
Plain.apply(x, n=3).backward()
print(x.grad)

# --- a Function inside the backward of a Function
class Sin(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * Cos.apply(x)


class Cos(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.cos()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return -g * Sin.apply(x)


x = torch.tensor(1.0, requires_grad=True)
y = Sin.apply(x)
for _ in range(4):
    print(f"{y.item():.5f}")
    (y,) = torch.autograd.grad(y, x, create_graph=True)

# --- integer input
class Take(torch.autograd.Function):
    @staticmethod
    def forward(ctx, table, index):
        ctx.save_for_backward(index)
        ctx.shape = table.shape
        return table[index]

    @staticmethod
    def backward(ctx, g):
        (index,) = ctx.saved_tensors
        return torch.zeros(ctx.shape).index_add(0, index, g), None


table = torch.arange(6.0).reshape(3, 2).requires_grad_()
y = Take.apply(table, torch.tensor([0, 0, 2]))
print(y, len(y.grad_fn.next_functions))
y.sum().backward()
print(table.grad)

# --- vjp is another name
class Named(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def vjp(ctx, g):
        return g * 5


x = torch.ones(1, requires_grad=True)
Named.apply(x).backward()
print(x.grad)
