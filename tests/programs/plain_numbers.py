"""Tensors and plain numbers: which kinds meet, how half precision rounds, signs of zero."""

# --- alpha of another kind
x = torch.tensor([True, False])
print(x.add(x, alpha=3), x.add(x, alpha=0), x.add(True, alpha=True))
for tensor, alpha in ((torch.ones(2), True), (torch.arange(2), 0.5), (torch.ones(2), 1j)):
    for call in (torch.add, torch.sub, torch.Tensor.add_):
        try:
            print(call(tensor, tensor, alpha=alpha))
        except RuntimeError as error:
            print(error)

# --- whole quotients of half precision
for dtype in (torch.float16, torch.bfloat16):
    x = torch.tensor([1.0, -1.0, 4.1, 7.0]).to(dtype)
    print(x // 0.1, torch.div(x, 0.1, rounding_mode="trunc"), 3 // x, x // torch.tensor(0.1))

# --- half precision in place with a tensor without dimensions
for dtype in (torch.float16, torch.bfloat16):
    x = torch.tensor([1.0, 3.3, -7.7]).to(dtype)
    print(x.clone().mul_(torch.tensor(0.3001)).double(), x.clone().div_(torch.tensor(3.7)).double(), (x**3).double(), (x**-2).double())

# --- a remainder of zero has the dividend's sign
print(torch.tensor([-3.0, 3.0, -0.0]) % 3, torch.tensor([-3.0, 3.0]) % -3, -6 % torch.tensor([3.0, -3.0]), torch.tensor([-4]) % 2.0)
x = torch.tensor([-3.0, 4.0])
x %= 3
print(x)

# --- limits outside of a dtype
print(torch.tensor([3, 200], dtype=torch.uint8).clamp(min=-2))
