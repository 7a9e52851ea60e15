# --- eight bits are stored and converted
x = torch.tensor([1.0, 2.3, -500.0, 0.01, 1e6, float("nan"), 0.0])
for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"):
    dtype = getattr(torch, name)
    y = x.to(dtype)
    print(name, dtype.itemsize, dtype.is_floating_point, dtype.is_signed)
    print(y, y.float(), torch.finfo(dtype).max)
    print(y[0], y[1:3].tolist(), y.clone().dtype, y.half().dtype, y.view(torch.uint8)[:4].tolist(), y.nbytes)
print(torch.zeros(2, dtype=torch.float8_e5m2), torch.empty(3, dtype=torch.float8_e4m3fn).shape)
print(torch.tensor([1.0, 3.0, 5.9, 6.0]).to(torch.float8_e8m0fnu).float(), torch.float8_e8m0fnu.is_signed)
print(torch.tensor([1.0, 2.0], dtype=torch.float8_e4m3fn), y.reshape(7, 1).shape)
# --- eight bits do not meet other types
try:
    torch.promote_types(torch.float8_e4m3fn, torch.float32)
except RuntimeError as error:
    print(error)
try:
    torch.ones(1).to(torch.float8_e5m2) + torch.ones(1)
except RuntimeError as error:
    print(error)
# --- eight bits in a file
import io

for dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
    file = io.BytesIO()
    torch.save({"w": torch.arange(4.0).to(dtype)}, file)
    file.seek(0)
    print(torch.load(file))
