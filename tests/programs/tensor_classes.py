# --- results of a subclass are of the subclass
class Image(torch.Tensor):
    pass

image = torch.arange(6.0).reshape(2, 3).as_subclass(Image)
plain = torch.ones(2, 3)
for made in (image + 1, 1 + image, plain * image, image / 2, 1 / image, 2 ** image, image @ plain.T, -image, image > 1,
             image[0], image.T, image.sum(), torch.cat([plain, image]), torch.stack((image, plain)), image.to(torch.int64),
             image.clone(), image.detach(), torch.zeros_like(image), image.new_zeros(2), torch.relu(image),
             torch.nn.functional.softmax(image, -1), torch.linalg.norm(image), torch.fft.fft(image), image.data,
             torch.where(image > 1, image, plain), torch.einsum("ij,kj->ik", image, plain)):
    print(type(made).__name__, tuple(made.shape), made.dtype)
print([type(part).__name__ for part in image.split(1)], type(image.max(0).values).__name__, type(image.max(0)).__name__)
print([type(row).__name__ for row in image], type(image.shape).__name__, type(image.tolist()).__name__)
image.add_(1)
image += 1
image[0] = 5
print(type(image).__name__, image)
print(type(torch.tensor([1.0]) + torch.nn.Parameter(torch.ones(1))).__name__)
# --- gradients of a subclass are plain
class Image(torch.Tensor):
    pass

image = torch.ones(2, 2).as_subclass(Image).requires_grad_()
loss = (image * 3).sum()
print(type(loss).__name__, loss.grad_fn.name())
loss.backward()
print(type(image.grad).__name__, image.grad)
model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
out = model(image)
print(type(out).__name__, out.shape)
out.sum().backward()
print(type(model[0].weight.grad).__name__, type(torch.nn.Parameter(image.detach())).__name__)
# --- a subclass that notes calls
class Noting(torch.Tensor):
    calls = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append((func.__name__, [t.__name__ for t in types]))
        return super().__torch_function__(func, types, args, kwargs or {})

x = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).as_subclass(Noting)
t = torch.ones(2, 2)
x + t, t + x, 1 - x, x % 2, x == 1, abs(x), ~(x > 1), x[0], x.shape, x.T, x.size(0), len(x), x.view(-1), x.mean(0)
torch.add(t, x), t.add(x), torch.cat((t, x)), torch.nn.functional.relu(x), torch.linalg.det(x), float(x[0, 0])
print(*Noting.calls, sep="\n")
# --- a subclass that answers some functions
HANDLED = {}

def implements(function):
    def register(made):
        HANDLED[function] = made
        return made
    return register

class Scaled(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func in HANDLED:
            return HANDLED[func](*args, **(kwargs or {}))
        return super().__torch_function__(func, types, args, kwargs or {})

@implements(torch.mean)
def mean(input):
    return "my mean"

@implements(torch.Tensor.add)
def add(input, other):
    return "my sum"

s = torch.ones(3).as_subclass(Scaled)
print(torch.mean(s), type(s.mean()).__name__, s + 1, s.add(2), torch.add(s, 1), torch.mean(torch.ones(3)))
# --- two classes, and one that refuses
class A(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        print("A is asked about", func.__name__, [t.__name__ for t in types])
        return super().__torch_function__(func, types, args, kwargs)

class B(A):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        print("B is asked about", func.__name__, [t.__name__ for t in types])
        return super().__torch_function__(func, types, args, kwargs)

class Refusing(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented

a, b = torch.ones(1).as_subclass(A), torch.ones(1).as_subclass(B)
print(type(a + b).__name__, type(b * a).__name__)
try:
    torch.add(torch.ones(1), torch.ones(1).as_subclass(Refusing))
except TypeError as error:
    print(str(error).splitlines()[0])
# --- a class that carries more than a tensor
class Metadata:
    def __init__(self, data, name):
        self.tensor, self.name = torch.as_tensor(data), name

    def __repr__(self):
        return f"Metadata({self.name}: {self.tensor})"

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        plain = [a.tensor if isinstance(a, Metadata) else a for a in args]
        return Metadata(func(*plain, **(kwargs or {})), "+".join(a.name for a in args if isinstance(a, Metadata)))

class Unused(torch.Tensor):
    pass

m, n = Metadata([1.0, 4.0], "m"), Metadata([2.0, 2.0], "n")
print(torch.add(m, n), torch.sqrt(m), torch.add(torch.ones(2), n), torch.nn.functional.relu(m), torch.sum(m))
# --- a mode sees every call
class Names(torch.overrides.TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        print(func.__name__, end=" ")
        return func(*args, **(kwargs or {}))

class Doubling(torch.overrides.TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        return made * 2 if func is torch.ones else made

with Names():
    x = torch.ones(2)
    y = (x + 1).sum()
    torch.nn.functional.relu(y)
print()
with Doubling():
    print(torch.ones(2))
    with Names():
        print(torch.ones(2))
print(torch.ones(2))
# --- asking
class Sub(torch.Tensor):
    pass

class Duck:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return "duck"

x, s = torch.ones(2), torch.ones(2).as_subclass(Sub)
from_overrides = torch.overrides
print(from_overrides.has_torch_function((x, s)), from_overrides.has_torch_function((x, x)),
      from_overrides.has_torch_function((Duck(),)))
print(from_overrides.is_tensor_like(x), from_overrides.is_tensor_like(Duck()), from_overrides.is_tensor_like(3))
print(from_overrides.resolve_name(torch.add), from_overrides.resolve_name(torch.Tensor.add))
print(from_overrides.is_tensor_method_or_property(torch.Tensor.add), from_overrides.is_tensor_method_or_property(torch.add))
print(torch.is_tensor(s), isinstance(s, torch.Tensor), torch.add(x, Duck()), torch.overrides.has_torch_function_unary(s))

def double(x):
    if torch.overrides.has_torch_function_unary(x):
        return torch.overrides.handle_torch_function(double, (x,), x)
    return x + x

print(double(x), double(Duck()))
# --- functions are pickled beside a subclass
import pickle

class Sub(torch.Tensor):
    pass

F = torch.nn.functional
for function in (F.relu, F.linear, F.pad, F.mse_loss, torch.add, torch.linalg.norm, torch.Tensor.add):
    print(function.__name__, pickle.loads(pickle.dumps(function)) is function)
layer = torch.nn.TransformerEncoderLayer(8, 2, 16)
print(pickle.loads(pickle.dumps(layer)).activation is F.relu)
