"""Tensors where Python, NumPy and nested lists expect numbers and sequences; with the warnings that PyTorch prints."""

# --- a tensor as index, length and factor
import operator

print(operator.index(torch.tensor([1])), [1, 2, 3][torch.tensor([[1]])], range(torch.tensor([3])))
print(torch.zeros(torch.tensor([2]), torch.tensor([3])).shape, torch.arange(5)[: torch.tensor([2])])
for value in (3.0, [1, 2], [1.5]):
    try:
        operator.index(torch.tensor(value))
    except TypeError as error:
        print(error)

# --- int, float and complex take one element
import math

for convert in (int, float, complex, math.sqrt, math.floor):
    for value in ([1, 2], [], [[7]], 3.7, 1 + 2j, 1 + 0j):
        try:
            print(convert.__name__, value, convert(torch.tensor(value)))
        except Exception as error:
            print(convert.__name__, value, type(error).__name__, error)

# --- reversed, del
print(reversed(torch.arange(6).view(3, 2)), reversed(torch.tensor(3)))
x = torch.ones(2)
del x[0]

# --- NumPy's functions give tensors back
import numpy as np
import warnings

warnings.simplefilter("ignore")
print(np.sin(torch.ones(2)), np.exp(torch.tensor(1.0)), np.isnan(torch.ones(2)), np.add(torch.ones(2), torch.ones(2)))
print(np.arange(5)[torch.tensor([1])])

# --- what the types print
print(*[str(c).replace("course_lib", "torch") for c in (type(torch.ones(1)), torch.Size, torch.Tensor)])
print(isinstance(torch.ones(1), torch.Tensor))

# --- sizes
print((3,) + torch.Size([1]), torch.Size([torch.tensor(2)]), torch.Size([True]))
for sizes in ([1.5], [None], "ab"):
    try:
        torch.Size(sizes)
    except TypeError as error:
        print(error)

# --- attributes refuse what they cannot be
x = torch.ones(2)
for name, value in (("data", 1), ("requires_grad", "a"), ("grad", torch.ones(2, dtype=torch.int64))):
    try:
        setattr(x, name, value)
    except Exception as error:
        print(type(error).__name__, error)

# --- numbers of several kinds in one list
import numpy as np

for data in ([torch.ones(1), torch.ones(1, 1)], [torch.tensor(1), 2.5], [2.5, torch.tensor(1.0, dtype=torch.float64)],
             [np.float64(1), np.float64(2)], [np.float32(1), 2], [np.int8(1), True], [[torch.tensor(1.0)], [2]],
             [np.ones(2, "f4"), [1, 2]], [torch.tensor(1, dtype=torch.int32), torch.tensor(2, dtype=torch.int16)],
             bytearray(b"ab"), [1, 2j], [True, 2.5]):
    print(torch.tensor(data))

# --- lists that are no tensors
for data in ([torch.ones(2), torch.ones(2)], [1, torch.ones(2)], None, [None], [1, None], [[1, 2], None], object(),
             {1: 2}, "a", ["a"], [1, "a"], [[1, 2], 3], [[1, 2], "ab"], [[1, 2], [3]], [1, [2]], 2**63):
    try:
        print(torch.tensor(data))
    except Exception as error:
        print(type(error).__name__, error)

# --- numbers that a dtype cannot hold
for data, dtype in (([300.5], torch.int8), ([float("nan")], torch.int8), (1e10, torch.int32), ([-1.5], torch.uint8),
                    (-1, torch.uint8), ([1 + 2j], torch.float32), (2**63, torch.uint64), (2**63, torch.float32)):
    try:
        print(torch.tensor(data, dtype=dtype))
    except Exception as error:
        print(type(error).__name__, error)

# --- arrays of a foreign byte order
import numpy as np

torch.from_numpy(np.array([1, 2], dtype=">i4"))

# --- a list that stands for a tuple of indices
import warnings

x = torch.arange(9).view(3, 3)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(x[[[0, 1], [0, 1]]], x[[slice(0, 2), 1]], x[[torch.tensor([0, 1])]], x[[None, 1]], x[[0, 1]])

# --- transposing what is no matrix
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(torch.tensor(1.0).T, torch.tensor(1.0).H, torch.ones(2, 3, 4).T.shape)
    for make in (lambda x: x.H, lambda x: x.mT, lambda x: x.mH):
        for shape in ((2,), (2, 3, 4)):
            try:
                print(make(torch.ones(shape)).shape)
            except RuntimeError as error:
                print(error)

# --- Python's types stand for dtypes
print(torch.ones(2).to(int), torch.ones(2).to(float), torch.ones(2).to(bool))

# --- a device's index
torch.device("cpu", -2)

# --- a subclass around the memory of a tensor
class Named(torch.Tensor):
    @staticmethod
    def __new__(cls, data, name):
        return torch.Tensor._make_subclass(cls, data, True)

    def __init__(self, data, name):
        self.name_given = name

data = torch.ones(2)
made = Named(data, "bias")
data[0] = 5
print(type(made).__name__, made.name_given, made.requires_grad, made.is_leaf, made.tolist(), isinstance(made, torch.Tensor))

# --- a tensor as dimension
print(torch.ones(2, 3).sum(torch.tensor(1)), torch.ones(2, 3).mean(torch.tensor(-1)))
