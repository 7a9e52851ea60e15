# --- an operation of one's own
import numpy as np

@torch.library.custom_op("mylib::wave", mutates_args=())
def wave(x: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
    return torch.from_numpy(np.sin(x.numpy())) * scale

print(wave, wave._qualname, wave._schema)
print(wave(torch.ones(2)), torch.ops.mylib.wave(torch.ones(2), 2.0), torch.ops.mylib.wave.default(torch.ones(1), scale=3.0))
x = torch.ones(2, requires_grad=True)
try:
    wave(x).sum().backward()
except RuntimeError as error:
    print(error)

@wave.register_fake
def _(x, scale=1.0):
    return torch.empty_like(x)

def setup(ctx, inputs, output):
    ctx.save_for_backward(inputs[0])
    ctx.scale = inputs[1]

def backward(ctx, g):
    (x,) = ctx.saved_tensors
    return g * x.cos() * ctx.scale, None

wave.register_autograd(backward, setup_context=setup)
y = wave(x, scale=2.0)
print(y.requires_grad, y.grad_fn.name())
y.sum().backward()
print(x.grad)
# --- an operation that changes its argument
@torch.library.custom_op("mylib::increase", mutates_args={"x"})
def increase(x: torch.Tensor, by: int) -> None:
    x.add_(by)

z = torch.zeros(2)
print(increase(z, 3), z, increase._schema)
# --- schemas
from collections.abc import Sequence

def first(
    x: torch.Tensor, y: torch.Tensor | None, sizes: Sequence[int], *, name: str = "a", flag: bool = False
) -> torch.Tensor:
    return x

def second(xs: list[torch.Tensor], n: int = 3, p: float | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    return xs[0], xs[0]

print(torch.library.infer_schema(first, mutates_args=()))
print(torch.library.infer_schema(second, mutates_args={"xs"}))
for bad in (lambda x: x, lambda: None):
    try:
        torch.library.infer_schema(bad, mutates_args=())
    except ValueError as error:
        print(error)
# --- operations that are defined by their schema
L = torch.library.Library("other", "DEF")
L.define("twice(Tensor x) -> Tensor")
L.impl("twice", lambda x: x * 2, "CompositeImplicitAutograd")
print(torch.ops.other.twice(torch.ones(2)))
torch.library.define("third::times", "(Tensor x, int n=2) -> Tensor")

@torch.library.impl("third::times", "cpu")
def times(x, n=2):
    return x * n

print(torch.ops.third.times(torch.ones(1)), torch.ops.third.times(torch.ones(1), n=5))
try:
    torch.ops.mylib.nothing
except AttributeError as error:
    print(error)
print(torch.ops.aten.relu(torch.tensor([-1.0, 2.0])), torch.ops.aten.add.Tensor(torch.ones(1), 2), torch.ops.aten.mm.default)
