"""What benchmarks/gpu.py measures: the same small programs for PyTorch and course_lib, `T` being either of them."""

from __future__ import annotations

import functools
from typing import NamedTuple


class Case(NamedTuple):
    """One row: `make(T, device)` gives the step to time, for either library T."""

    group: str
    name: str
    make: object
    bytes: int = 0  # that a step must move
    flops: int = 0
    peak: str = ""  # the precision whose fastest product is the peak
    is_training: bool = False  # then launches are counted, and the peak of memory is read
    needs_gpu: bool = False


PRECISIONS = {"fp32": "float32", "tf32": "float32", "fp16": "float16", "bf16": "bfloat16"}


def matmul(n: int, precision: str) -> Case:
    def make(T, device):
        T.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        a, b = [T.randn(n, n, device=device).to(getattr(T, PRECISIONS[precision])) for _ in "ab"]
        return lambda: a @ b

    return Case("matmul", f"{n} × {n}, {precision}", make, flops=2 * n**3, peak=precision)


def memory_bound(name: str, text: str, moved: float, shape, gradient_moves: float = 0, dtype: str = "float32") -> Case:
    """An expression of x (and y, w, …) that must move `moved` numbers for each of x; with a gradient, more of them."""
    code = compile(text, name, "eval")
    count = 1
    for n in shape:
        count *= n

    def make(T, device):
        kind = getattr(T, dtype)
        x, y = [T.randn(*shape, device=device).to(kind) for _ in "xy"]
        w, b = [T.randn(shape[-1], device=device).to(kind) for _ in "wb"]
        channels = T.ones(shape[1] if len(shape) > 1 else 1, device=device)
        places = T.arange(shape[0], device=device) % shape[-1]
        names = {"T": T, "F": T.nn.functional, "x": x, "y": y, "w": w, "b": b, "c": channels, "places": places}
        if not gradient_moves:
            return lambda: eval(code, names)
        leaves = [t.requires_grad_() for t in (x, w, b, channels)]
        g = T.ones_like(eval(code, names))

        def step():
            for leaf in leaves:
                leaf.grad = None
            eval(code, names).backward(g)

        return step

    size = 4 if dtype == "float32" else 2
    name += (" and back" if gradient_moves else "") + ("" if dtype == "float32" else f", {dtype}")
    return Case("memory", name, make, bytes=int(size * (moved + gradient_moves) * count))


def convolution(channels: int, made: int, size: int, kernel: int, groups: int = 1) -> Case:
    def make(T, device):
        x = T.randn(32, channels, size, size, device=device)
        w = T.randn(made, channels // groups, kernel, kernel, device=device)
        return lambda: T.nn.functional.conv2d(x, w, padding=kernel // 2, groups=groups)

    name = f"32 × {channels} × {size}², {kernel} × {kernel} → {made}" + (", depthwise" if groups > 1 else "")
    return Case("conv2d", name, make, flops=2 * 32 * made * size**2 * kernel**2 * channels // groups)


def attention(length: int, precision: str, causal: bool, backward: bool = False) -> Case:
    def make(T, device):
        dtype = getattr(T, PRECISIONS[precision])
        q, k, v = [T.randn(4, 16, length, 64, device=device).to(dtype).requires_grad_(backward) for _ in "qkv"]
        g = T.ones_like(q)

        def step():
            out = T.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
            if backward:
                q.grad = k.grad = v.grad = None
                out.backward(g)

        return step

    name = f"64 heads of {length} × 64, {precision}" + (", causal" if causal else "") + (" and back" * backward)
    return Case("attention", name, make, flops=4 * 64 * length**2 * 64 * (3.5 if backward else 1))


def embedding(rows: int, width: int, count: int) -> Case:
    def make(T, device):
        table = T.randn(rows, width, device=device).requires_grad_()
        places = T.randint(0, rows, (count,), device=device)
        g = T.ones(count, width, device=device)

        def step():
            table.grad = None
            T.nn.functional.embedding(places, table).backward(g)

        return step

    return Case("embedding", f"{count:,} of {rows:,} rows of {width} and back", make,
                bytes=4 * width * (4 * count + rows))  # fmt: skip


def adam(n: int) -> Case:
    def make(T, device):
        p = T.nn.Parameter(T.randn(n, device=device))
        p.grad = T.randn(n, device=device)
        return T.optim.Adam([p]).step

    return Case("optimizer", f"Adam, {n:,} numbers", make, bytes=4 * 7 * n)  # reads p g m v, writes p m v


def clip_and_step(**sizes) -> Case:
    """What follows backward in the GPT's step: the norm of all gradients, clipping, AdamW."""

    def make(T, device):
        parameters = list(gpt_model(T, **sizes).to(device).parameters())
        for p in parameters:
            p.grad = T.randn(*p.shape, device=device)
        optimizer = T.optim.AdamW(parameters, lr=1e-3)

        def step():
            T.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()

        return step

    return Case("optimizer", "clip_grad_norm_ and AdamW of the GPT", make)


# ---- training steps ----------------------------------------------------------------------------------------------


def training_step(T, model, loss_of, device, precision: str = "fp32", graphed: bool = False):
    """A step of AdamW; in bf16 under autocast; as a CUDA graph."""
    model = model.to(device)
    optimizer = T.optim.AdamW(model.parameters(), lr=1e-3, capturable=graphed)

    def step():
        optimizer.zero_grad()
        if precision == "bf16":
            with T.autocast(device, dtype=T.bfloat16):
                loss = loss_of(model)
        else:
            loss = loss_of(model)
        loss.backward()
        optimizer.step()

    return as_graph(T, step) if graphed else step


def as_graph(T, step):
    """The step as one launch; it runs a few times before, on a stream of its own, as PyTorch asks for."""
    side = T.cuda.Stream()
    side.wait_stream(T.cuda.current_stream())
    with T.cuda.stream(side):
        for _ in range(3):
            step()
    T.cuda.current_stream().wait_stream(side)
    graph = T.cuda.CUDAGraph()
    with T.cuda.graph(graph):
        step()
    return graph.replay


def mlp(T, device, width: int = 1024, batch: int = 256, **how):
    nn = T.nn
    model = nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
    x, y = T.rand(batch, 784, device=device), T.arange(batch, device=device) % 10
    return training_step(T, model, lambda m: nn.functional.cross_entropy(m(x), y), device, **how)


def cnn(T, device, batch: int = 128, **how):
    nn, layers = T.nn, []
    for before, after in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, 10))
    x, y = T.rand(batch, 3, 32, 32, device=device), T.arange(batch, device=device) % 10
    return training_step(T, model, lambda m: nn.functional.cross_entropy(m(x), y), device, **how)


def gpt_model(T, layers: int = 6, width: int = 384, heads: int = 6, length: int = 256, batch: int = 16):
    """Blocks of causal attention and an MLP, between an embedding and a linear layer."""
    nn, F = T.nn, T.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x):
            split = self.qkv(self.first(x)).view(batch, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            seen = F.scaled_dot_product_attention(split[0], split[1], split[2], is_causal=True)
            x = x + self.out(seen.transpose(1, 2).reshape(batch, length, width))
            return x + self.mlp(self.second(x))

    return nn.Sequential(nn.Embedding(512, width), *[Block() for _ in range(layers)], nn.LayerNorm(width),
                         nn.Linear(width, 512))  # fmt: skip


def gpt(T, device, length: int = 256, batch: int = 16, precision: str = "fp32", graphed: bool = False, **sizes):
    model = gpt_model(T, length=length, batch=batch, **sizes)
    tokens = T.arange(batch * (length + 1), device=device).view(batch, length + 1) * 7 % 512
    x, y = tokens[:, :-1], tokens[:, 1:].reshape(-1)
    loss_of = lambda m: T.nn.functional.cross_entropy(m(x).view(-1, 512), y)
    return training_step(T, model, loss_of, device, precision, graphed)


_LITTLE = {"layers": 2, "width": 48, "heads": 2, "length": 16, "batch": 2}


STEPS = {"MLP": mlp, "CNN": cnn, "GPT": gpt}
SMALL_STEPS = {  # all their calls, and little to compute: to try the program on a small machine
    "MLP": functools.partial(mlp, width=64, batch=16),
    "CNN": functools.partial(cnn, batch=2),
    "GPT": functools.partial(gpt, **_LITTLE),
}


# ---- all rows ----------------------------------------------------------------------------------------------------


def cases(scale: int) -> list[Case]:
    """All rows; `scale` divides the sizes, to try the program itself on a small machine."""
    many = 100_000_000 // scale**2
    table, images = (many // 4096, 4096), (many // (64 * 56 * 56), 64, 56, 56)  # beyond any cache on a GPU
    found = [matmul(n // scale, precision) for precision in PRECISIONS for n in (256, 512, 1024, 2048, 4096, 8192)]
    found += [
        memory_bound("copy", "x.clone()", 2, (many,)),
        memory_bound("x + y", "x + y", 3, (many,)),
        memory_bound("gelu", "F.gelu(x)", 2, (many,)),
        memory_bound("gelu", "F.gelu(x)", 2, (many,), dtype="bfloat16"),
        memory_bound("gelu", "F.gelu(x)", 2, (many,), 3),
        memory_bound("dropout", "F.dropout(x, 0.1)", 2.25, (many,)),  # a byte a number says what was kept
        memory_bound("sum", "x.sum()", 1, (many,)),
        memory_bound("max of rows", "x.amax(1)", 1, table),
        memory_bound("softmax of rows", "T.softmax(x, 1)", 2, table),
        memory_bound("softmax of rows", "T.softmax(x, 1)", 2, table, 3),
        memory_bound("cross entropy", "F.cross_entropy(x, places)", 1, table, 2),
        memory_bound("layer norm of rows", "F.layer_norm(x, w.shape, w, b)", 2, table),
        memory_bound("layer norm of rows", "F.layer_norm(x, w.shape, w, b)", 2, table, 3),
        memory_bound("layer norm of rows", "F.layer_norm(x, w.shape, w, b)", 2, table, 3, "bfloat16"),
        memory_bound("rms norm of rows", "F.rms_norm(x, w.shape, w)", 2, table, 3),
        memory_bound("batch norm of images", "F.batch_norm(x, None, None, c, c, training=True)", 3, images, 5),
        memory_bound("max pool of images", "F.max_pool2d(x, 2)", 1.25, images),
        memory_bound("mean pool of images", "F.avg_pool2d(x, 2)", 1.25, images, 1.25),
    ]
    found += [convolution(64 // scale, 64 // scale, 56, 3), convolution(256 // scale, 256 // scale, 14, 3),
              convolution(256 // scale, 1024 // scale, 14, 1), convolution(3, 64, 64, 7),
              convolution(256 // scale, 256 // scale, 28, 3, groups=256 // scale)]  # fmt: skip
    found += [attention(1024 // scale, precision, causal, backward) for precision in ("fp32", "bf16")
              for causal in (False, True) for backward in (False, True)]  # fmt: skip
    found += [embedding(50_000 // scale, 768 // scale, 16_384 // scale), adam(many // 4), adam(100_000)]
    found.append(clip_and_step() if scale == 1 else clip_and_step(**_LITTLE))
    for precision, graphed in (("fp32", False), ("bf16", False), ("fp32", True), ("bf16", True)):
        for name, make in (STEPS if scale == 1 else SMALL_STEPS).items():
            found.append(_training(name, make, precision, graphed))
    return found


def _training(name: str, make, precision: str, graphed: bool) -> Case:
    def made(T, device):
        return make(T, device, precision=precision, graphed=graphed)

    label = f"{name}, {precision}" + (" autocast" if precision == "bf16" else "") + (", as a CUDA graph" * graphed)
    return Case("training step", label, made, is_training=True, needs_gpu=graphed)
