# --- strided views stay inside the memory
for size, stride, offset in [((2,), (1,), -1), ((-1,), (1,), 0), ((2,), (2**62,), 0), ((), (), 3), ((0,), (1,), 100)]:
    try:
        print(torch.zeros(3).as_strided(size, stride, offset).shape)
    except RuntimeError as error:
        print(error)
# --- a wide dtype needs whole elements
for make in (lambda: torch.zeros(3), lambda: torch.zeros(4)[1:3], lambda: torch.zeros(4, 4).T, lambda: torch.tensor(1.)):
    try:
        print(make().view(torch.float64))
    except RuntimeError as error:
        print(error)
# --- a negative number over unsigned integers
u = torch.tensor([2, 1], dtype=torch.uint8)
print(-1 / u, 300 / u, u / -1)
# --- bools are not subtracted
for f in (lambda: torch.tensor([1, 2]) - True, lambda: 1 - torch.tensor([True]), lambda: torch.tensor([True]) - torch.tensor([True])):
    try:
        print(f())
    except RuntimeError as error:
        print(error)
# --- dtypes without a kernel
c, b = torch.tensor([1j]), torch.tensor([True])
for f in (lambda: c < c, lambda: b % b, lambda: c // c, lambda: b << b, lambda: b.argmax(), lambda: c.amax(), lambda: c.max(),
          lambda: b.round(), lambda: b.abs(), lambda: torch.maximum(c, c), lambda: torch.maximum(b, 1), lambda: b ** b, lambda: c.clamp(0)):
    try:
        print(f())
    except (RuntimeError, TypeError) as error:
        print(type(error).__name__, error)
# --- views of several outputs cannot follow their base
y = torch.ones(4, 2, requires_grad=True) * 1
v, w = y.chunk(2)[0], y.unbind()[1]
y.mul_(2)
for view in (v, w):
    try:
        print(view.grad_fn)
    except RuntimeError as error:
        print(error)
print(v)
# --- a part of one of several outputs is not changed in place
y = torch.ones(4, 2, requires_grad=True) * 1
y.unbind()[1][0].mul_(2)
# --- views ask for a gradient where their base does
x = torch.ones(4, requires_grad=True)
with torch.no_grad():
    v = x[:2]
print(v.requires_grad, v.is_leaf, (v * 2).requires_grad)
# --- values that do not fit an index
x = torch.zeros(2, 3)
for key, value in [(0, torch.zeros(4)), (0, torch.zeros(2, 3)), ([0], torch.tensor(2)), ([0], x[1:]), (False, torch.zeros(2, 7))]:
    try:
        x[key] = value
        print(x)
    except RuntimeError as error:
        print(error)
# --- a resized view starts where it starts
x = torch.arange(6)
print(x[2:4].resize_(4), x[2:4].resize_(3).storage_offset())
# --- an expanded tensor is filled
x = torch.zeros(1).expand(3)
print(x.fill_(2), x.zero_(), torch.zeros(3).expand(1, 3).stride())

# --- what an index picks lies in order
x = torch.arange(24.0).reshape(2, 3, 4)
index = torch.tensor([2, 0])
for picked in (x[:, index], x[:, :, index], x[..., [0, -1]], x[:, index, index], x[:, x[0, :, 0] > 2], x[:, [0]], x[:, index[:0]], x[None, :, index]):
    print(picked.stride(), picked.is_contiguous(), picked.view(-1).tolist())
y = torch.arange(6.0, requires_grad=True)
picked = y.view(2, 3)[:, [2, 0, 2]]
(picked.view(-1) * torch.arange(6.0)).sum().backward()
print(picked, y.grad)
