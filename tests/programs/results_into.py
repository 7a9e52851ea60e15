"""Results into `out=`: where memory or dtype forbid it; windows that would not be strided."""

# --- over what they are computed from
x = torch.arange(6.0)
index = torch.tensor([2, 1, 0])
for call in (lambda: torch.gather(x[:3], 0, index, out=x[:3]), lambda: torch.masked_select(x, x > 2, out=x), lambda: torch.cat([x[:2], x[4:]], out=x[:4]),
             lambda: torch.kthvalue(x, 2, out=(x, torch.tensor(0))), lambda: torch.gather(index, 0, index[:2], out=index[:2])):
    try:
        call()
    except RuntimeError as error:
        print(error)
print(x, torch.gather(x[:3], 0, index, out=x[3:]), x, torch.mul(x, 2, out=x))

# --- into another dtype
x = torch.arange(4.0)
double = torch.zeros(4, dtype=torch.float64)
for call in (lambda: torch.gather(x, 0, torch.tensor([0, 1, 2, 3]), out=double), lambda: torch.aminmax(x, dim=0, out=(torch.zeros(()), torch.zeros((), dtype=torch.float64))),
             lambda: torch.complex(double, double, out=torch.zeros(4, dtype=torch.complex64)), lambda: torch.arange(0, 64, 0.5, dtype=torch.int64),
             lambda: torch.arange(0, 1, 0)):
    try:
        print(call())
    except Exception as error:
        print(type(error).__name__, error)
print(torch.complex(double, double, out=torch.zeros(4, dtype=torch.complex128)))

# --- named results of functions that write
x = torch.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]])
values, indices = torch.empty(2), torch.empty(2, dtype=torch.int64)
print(torch.max(x, 1, out=(values, indices)), values)
print(torch.sort(x, out=(torch.empty(2, 3), torch.empty(2, 3, dtype=torch.int64))).indices)
print(torch.linalg.slogdet(torch.eye(2), out=(torch.empty(()), torch.empty(()))), torch.return_types.max_out.__name__)
