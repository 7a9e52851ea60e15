"""Mixed precision: which ops autocast lowers, nesting, decorators, custom functions, GradScaler."""

# --- the mode
def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


def state():
    return torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled(), torch.get_autocast_dtype("cpu")


print(state(), torch.get_autocast_dtype("cuda"), torch.is_autocast_cache_enabled())
with torch.autocast("cpu") as region:
    print(type(region).__name__, state())
    with torch.autocast("cpu", torch.float16, cache_enabled=False):
        print(state(), torch.is_autocast_cache_enabled())
        with torch.autocast("cpu", enabled=False):
            print(state())
    print(state(), torch.is_autocast_cache_enabled())
print(state())
torch.set_autocast_enabled("cpu", True)
torch.set_autocast_dtype("cpu", torch.float16)
print(state(), (torch.ones(1, 1) @ torch.ones(1, 1)).dtype)
torch.set_autocast_dtype("cpu", torch.bfloat16)
torch.set_autocast_enabled("cpu", False)
print(state(), torch.autocast_increment_nesting(), torch.autocast_decrement_nesting())
print([torch.amp.is_autocast_available(kind) for kind in ("cpu", "cuda", "meta")])
attempt(lambda: torch.autocast("meta"))
attempt(lambda: torch.autocast(3))
attempt(lambda: torch.autocast("q"))
attempt(lambda: torch.get_autocast_dtype(3))
attempt(lambda: torch.is_autocast_enabled("q"))
attempt(lambda: torch.autocast("cpu")(3))
attempt(lambda: torch.amp.custom_fwd(device_type=3))

# --- warnings
import warnings


def warned(f):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = f()
    texts = [f"{w.category.__name__}: {str(w.message).split(' (Triggered')[0]}" for w in caught]
    print(getattr(result, "_enabled", result), texts)


warned(lambda: torch.autocast("cpu", torch.float64))
warned(lambda: torch.autocast("cpu", torch.float64, enabled=False))
warned(lambda: torch.autocast("cuda", enabled=False))
warned(lambda: torch.cpu.amp.autocast())
warned(lambda: torch.cpu.amp.autocast(False))
warned(lambda: torch.cpu.amp.GradScaler())
warned(lambda: torch.cuda.amp.autocast(enabled=False))
warned(lambda: torch.cuda.amp.GradScaler(enabled=False))
warned(lambda: type(torch.cuda.amp.custom_fwd(cast_inputs=torch.float32)).__name__)
warned(lambda: type(torch.cuda.amp.custom_bwd(len)).__name__)

# --- dtypes of results
F = torch.nn.functional
a, b = torch.rand(3, 3), torch.rand(3, 3)
half = torch.rand(3, 3).bfloat16()
image, volume = torch.rand(1, 2, 5, 5), torch.rand(1, 2, 4, 4, 4)
calls = {
    "a @ b": lambda: a @ b,
    "matmul": lambda: a.matmul(b),
    "mixed": lambda: torch.matmul(a, half),
    "double": lambda: a.double() @ b.double(),
    "mm": lambda: a.mm(b),
    "mm out": lambda: torch.mm(a, b, out=torch.zeros(3, 3)),
    "bmm": lambda: a[None].bmm(b[None]),
    "matrix and vector": lambda: a @ b[0],
    "mv": lambda: a.mv(b[0]),
    "dot": lambda: a[0].dot(b[0]),
    "outer": lambda: torch.outer(a[0], b[0]),
    "addmm": lambda: torch.addmm(a, a, b),
    "baddbmm": lambda: torch.baddbmm(a[None], a[None], b[None]),
    "einsum": lambda: torch.einsum("ij,jk", a, b),
    "tensordot": lambda: torch.tensordot(a, b, 1),
    "multi_dot": lambda: torch.linalg.multi_dot([a, b, a]),
    "linear": lambda: F.linear(a, b, b[0]),
    "linear of vectors": lambda: F.linear(a, b),
    "conv1d": lambda: F.conv1d(a[None], b[:, :, None]),
    "conv2d": lambda: F.conv2d(image, torch.rand(1, 2, 3, 3), torch.rand(1)),
    "conv_transpose2d": lambda: F.conv_transpose2d(image, torch.rand(2, 1, 3, 3)),
    "attention": lambda: F.scaled_dot_product_attention(a[None], a[None], b[None]),
    "prelu": lambda: F.prelu(a, torch.ones(1)),
    "sum of float and half": lambda: a + half,
    "half softmax": lambda: half.softmax(0),
    "half sum": lambda: half.sum(),
    "half prod": lambda: half.prod(),
    "half layer_norm": lambda: F.layer_norm(half, (3,)),
    "half mse": lambda: F.mse_loss(half, half),
    "half and float mse": lambda: F.mse_loss(half, a),
    "half cross entropy": lambda: F.cross_entropy(half, torch.tensor([0, 1, 2])),
    "half binary": lambda: F.binary_cross_entropy(half, half),
    "half with logits": lambda: F.binary_cross_entropy_with_logits(half, half),
    "half cdist": lambda: torch.cdist(half, half),
    "half trace": lambda: half.trace(),
    "half inverse": lambda: torch.linalg.inv(torch.eye(2).bfloat16()),
    "half svd": lambda: torch.linalg.svd(half)[1],
    "half avg_pool3d": lambda: F.adaptive_avg_pool3d(volume.bfloat16(), 1),
    "half max_pool3d": lambda: F.max_pool3d(volume.bfloat16(), 2),
    "half grid_sample": lambda: F.grid_sample(image.bfloat16(), torch.zeros(1, 1, 1, 2)),
    "half reflected": lambda: F.pad(half[None], (1, 1), mode="reflect"),
    "half wrapped around": lambda: F.pad(half[None], (1, 1), mode="circular"),
    "half with zeros": lambda: F.pad(half, (1, 1)),
    "cat": lambda: torch.cat([a, half]),
    "stack": lambda: torch.stack([half, a]),
    "half cat": lambda: torch.cat([half, half]),
    "index_copy": lambda: half.index_copy(0, torch.tensor([0]), a[:1]),
    "embedding": lambda: F.embedding(torch.tensor([0]), a),
    "MultiheadAttention": lambda: torch.nn.MultiheadAttention(3, 1)(a, a, a)[0],
    "TransformerEncoderLayer": lambda: torch.nn.TransformerEncoderLayer(3, 1, 4)(a),
    "GRUCell": lambda: torch.nn.GRUCell(3, 2)(a),
}
for lower in (torch.bfloat16, torch.float16):
    with torch.autocast("cpu", lower):
        for name, call in calls.items():
            print(name, call().dtype)
            if lower is torch.float16 and name == "prelu":
                break

# --- training a step
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(16, 4), torch.randn(16, 1)
for step in range(3):
    optimizer.zero_grad()
    with torch.autocast("cpu"):
        out = model(x)
        loss = torch.nn.functional.mse_loss(out, y)
    loss.backward()
    optimizer.step()
    print(out.dtype, loss.dtype, f"{loss.item():.2f}", model[0].weight.grad.dtype, model[0].weight.dtype)

# --- decorators
@torch.autocast("cpu")
def product(x):
    return x @ x


@torch.autocast("cpu", enabled=False)
def exact(x):
    return x @ x


x = torch.ones(2, 2)
print(product.__name__, product(x).dtype, exact(x).dtype)
with torch.autocast("cpu"):
    print(product(x).dtype, exact(x).dtype)


class Doubled(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx, x):
        print("forward", x.dtype, torch.is_autocast_enabled("cpu"))
        return x * 2

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx, g):
        print("backward", g.dtype, torch.is_autocast_enabled("cpu"))
        return g * 2


class Tripled(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu")
    def forward(ctx, x):
        print("forward", x.dtype, torch.is_autocast_enabled("cpu"))
        return x * 3

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx, g):
        print("backward", g.dtype, torch.is_autocast_enabled("cpu"))
        return g * 3


for function in (Doubled, Tripled):
    x = torch.ones(2, 2, requires_grad=True)
    with torch.autocast("cpu"):
        y = function.apply(x @ x)
    y.sum().backward()
    print(y.dtype, x.grad)
    print(function.apply(x).dtype)

# --- GradScaler
def attempt(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


s = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
w = torch.tensor([1.0, 2.0], requires_grad=True)
o = torch.optim.SGD([w], lr=0.25)
for i in range(6):
    o.zero_grad()
    s.scale((w * w).sum() * (float("inf") if i == 3 else 1.0)).backward()
    if i == 4:
        s.unscale_(o)
        print(w.grad)
    print(i, s.step(o), s.update(), w.tolist(), s.get_scale(), s.state_dict())
attempt(lambda: s.scale([torch.ones(1), (torch.ones(2),)]))
attempt(lambda: s.scale(3))
attempt(lambda: s.update())
attempt(lambda: s.step(o, closure=3))
o.zero_grad()
s.scale((w * w).sum()).backward()
s.unscale_(o)
attempt(lambda: s.unscale_(o))
s.step(o)
attempt(lambda: s.step(o))
attempt(lambda: s.unscale_(o))
s.update(4.0)
print(s.get_scale())
s.update(torch.tensor(16.0))
print(s.get_scale(), s.get_growth_factor(), s.get_backoff_factor(), s.get_growth_interval(), s.is_enabled())
s.set_growth_factor(3.0), s.set_backoff_factor(0.25), s.set_growth_interval(7)
print(s.state_dict())
d = torch.amp.GradScaler("cpu", enabled=False)
print(d.state_dict(), d.get_scale(), d.scale(w) is w, d.step(o), d.update(), d.unscale_(o))
n = torch.amp.GradScaler("cpu")
n.load_state_dict(s.state_dict())
print(n.state_dict(), n.get_scale())
attempt(lambda: n.load_state_dict({}))
attempt(lambda: n.step(o))
attempt(lambda: torch.amp.GradScaler("cpu", growth_factor=0.5))
attempt(lambda: torch.amp.GradScaler("cpu", backoff_factor=2))

# --- checkpointing computes again as it was
from_checkpoint = torch.utils.checkpoint.checkpoint
w = torch.ones(2, 2, requires_grad=True)
kind = w.device.type


def part(x):
    out = x @ w
    print(out.dtype, torch.is_autocast_enabled(kind))
    return (out * out).sum()


for reentrant in (True, False):
    for inside in (True, False):
        x = torch.ones(2, 2, requires_grad=True)
        with torch.autocast(kind, torch.bfloat16, enabled=inside):
            y = from_checkpoint(part, x, use_reentrant=reentrant)
        with torch.autocast(kind, torch.bfloat16, enabled=not inside):
            y.backward()
        print(y.dtype, x.grad)

# --- the scaler's name in torch itself
print(torch.GradScaler is torch.amp.GradScaler)
