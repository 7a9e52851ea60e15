"""Tensors as objects: views in place, set_, storages, the older constructors and methods, switches, torch.testing."""

# --- views in place keep the history right
x = torch.arange(6.0).view(2, 3).requires_grad_()
y = x * 1
y.unsqueeze_(0)
y.transpose_(0, 2)
print(y._version, y.shape, y.stride())
y.squeeze_(-1).t_()
y.swapaxes_(0, 1)
print(y._version, y.shape, y.stride())
(y * torch.arange(6.0).view(3, 2)).sum().backward()
print(x.grad)

# --- a view changed in place
x = torch.ones(2, 3, requires_grad=True)
w = x * 1
u = w[0]
u.unsqueeze_(0)
print(u.shape, u._is_view(), w._version)
u.mul_(3)
w.sum().backward()
print(w, x.grad)

# --- a leaf is refused
torch.ones(2, requires_grad=True).unsqueeze_(0)

# --- set_ and resize_as_
a = torch.ones(2, 3)
print(a.set_(torch.arange(3.0)))
print(a.resize_as_(torch.ones(2, 1)).shape)
print(a.set_().shape)
print(a.set_(torch.arange(6.0).untyped_storage(), 1, (2,), (2,)))
a.set_(torch.ones(2).double())

# --- storages
x = torch.arange(3.0)
print(x[1:].untyped_storage().nbytes(), x[1:].storage_offset())
print(x.untyped_storage().data_ptr() == x[1:].untyped_storage().data_ptr())
print(torch.ones(1).untyped_storage())

# --- older constructors
print(torch.FloatTensor([1, 2]), torch.LongTensor([[1], [2]]), torch.BoolTensor([0, 2]))
print(torch.FloatTensor(2, 3).shape, torch.IntTensor(4).dtype, torch.FloatTensor())
print(isinstance(torch.ones(1), torch.FloatTensor), isinstance(torch.tensor(1), torch.FloatTensor))
print(torch.ones(1).type(torch.LongTensor), torch.FloatTensor, torch.typename(torch.ones(1)))
print(torch.ones(1).new([3, 4]), torch.tensor(1).new(2, 3).dtype)
torch.FloatTensor(torch.tensor([1]))

# --- element by element
print(torch.tensor([1.0, 2.0]).apply_(lambda v: v * 2))
print(torch.tensor([1.0, 2.0]).map_(torch.tensor([3.0, 4.0]), lambda a, b: a + b))
torch.ones(1, requires_grad=True).apply_(abs)

# --- a diagonal filled
print(torch.ones(2, 3).fill_diagonal_(5), torch.ones(5, 2).fill_diagonal_(7, wrap=True))
torch.ones(2, 3, 4).fill_diagonal_(7)

# --- switches
torch.use_deterministic_algorithms(True)
print(torch.are_deterministic_algorithms_enabled(), torch.get_deterministic_debug_mode())
torch.set_deterministic_debug_mode("default")
print(torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision())
torch.set_deterministic_debug_mode("x")

# --- memory of others
import numpy

x = torch.from_dlpack(numpy.arange(3.0))
print(x, numpy.from_dlpack(x))
print(torch.frombuffer(bytearray(b"\x01\x00\x02\x00"), dtype=torch.int16))
print(torch.asarray([1, 2]), torch.asarray(numpy.ones(2), copy=False))
torch.frombuffer(bytearray(b"\x01\x00\x02"), dtype=torch.int16)

# --- complex views share memory
z = torch.tensor([1 + 2j, 3 - 1j])
r = torch.view_as_real(z)
r[0, 0] = 9
print(z, torch.view_as_complex(r), r.stride(), z.angle())
torch.view_as_complex(torch.ones(3))

# --- in place and out of composed functions
x = torch.tensor([0.25, 0.5], requires_grad=True)
y = x * 1
y.logit_()
y.sum().backward()
print(y.detach(), x.grad)
out = torch.empty(0)
print(torch.quantile(torch.arange(5.0), 0.3, out=out), out)
print(torch.exp_(torch.zeros(2)))
torch.tensor([1, 2]).float_power_(2)

# --- assert_close
torch.testing.assert_close([1, torch.tensor([1.0, 2.0])], [1, torch.tensor([1.0, 3.0])])

# --- assert_close of dicts
torch.testing.assert_close({"a": 1}, {"b": 1})

# --- make_tensor
torch.manual_seed(0)
print(torch.testing.make_tensor(2, 2, dtype=torch.float32, device="cpu"))
print(torch.testing.make_tensor((3,), dtype=torch.uint8, device="cpu", low=1, high=5))
print(torch.testing.make_tensor(4, 4, dtype=torch.float64, device="cpu", noncontiguous=True).stride())
