"""The text of tensors, against texts that PyTorch 2.13 printed (recorded here, so that torch is not needed).

tests/parity/test_printing.py evaluates the same expressions with PyTorch, so a wrong recording cannot stay.
"""

import math

import numpy as np
import pytest

import course_lib as torch
from course_lib import printing

# An expression, then what PyTorch prints for it. An empty line inside a text belongs to the text.
RECORDED = """
>>> torch.tensor(1.0)
tensor(1.)
>>> torch.tensor(-0.0)
tensor(-0.)
>>> torch.tensor(3)
tensor(3)
>>> torch.tensor(True)
tensor(True)
>>> torch.tensor(1 + 2j)
tensor(1.+2.j)
>>> torch.tensor(1e-10)
tensor(1.0000e-10)
>>> torch.tensor(0.1, dtype=torch.float64)
tensor(0.1000, dtype=torch.float64)
>>> torch.tensor([1.0, 2.0, 3.0])
tensor([1., 2., 3.])
>>> torch.tensor([0.1, -22.75])
tensor([  0.1000, -22.7500])
>>> torch.tensor([-0.0, 0.0])
tensor([-0., 0.])
>>> torch.tensor([-0.0, 1.5])
tensor([-0.0000, 1.5000])
>>> torch.tensor([1.0, nan])
tensor([1., nan])
>>> torch.tensor([0.0, -inf])
tensor([0., -inf])
>>> torch.tensor([1.5, -inf])
tensor([1.5000,   -inf])
>>> torch.tensor([1000.0, 1.0])
tensor([1000.,    1.])
>>> torch.tensor([1001.0, 1.0])
tensor([1.0010e+03, 1.0000e+00])
>>> torch.tensor([1e8])
tensor([100000000.])
>>> torch.tensor([1.1e8])
tensor([1.1000e+08])
>>> torch.tensor([0.0, 1e-5, inf])
tensor([0.0000e+00, 1.0000e-05,        inf])
>>> torch.tensor([0.0001])
tensor([1.0000e-04])
>>> torch.tensor([0.00010001])
tensor([0.0001])
>>> torch.tensor([3e38, 1e-45])
tensor([3.0000e+38, 1.4013e-45])
>>> torch.tensor([1e308, 1e-308], dtype=torch.float64)
tensor([1.0000e+308, 1.0000e-308], dtype=torch.float64)
>>> torch.tensor([65504.0, 6e-8], dtype=torch.float16)
tensor([6.5504e+04, 5.9605e-08], dtype=torch.float16)
>>> torch.tensor([1.005, 2.5], dtype=torch.bfloat16)
tensor([1.0078, 2.5000], dtype=torch.bfloat16)
>>> torch.tensor([1, 2], dtype=torch.uint8)
tensor([1, 2], dtype=torch.uint8)
>>> torch.tensor([-(2**63), 2**63 - 1])
tensor([-9223372036854775808,  9223372036854775807])
>>> torch.tensor([[1, -2], [3, 100]])
tensor([[  1,  -2],
        [  3, 100]])
>>> torch.tensor([-1, 5], dtype=torch.int8)
tensor([-1,  5], dtype=torch.int8)
>>> torch.tensor([True, False])
tensor([ True, False])
>>> torch.tensor([1 + 2j, -3.5 - 4j])
tensor([ 1.0000+2.j, -3.5000-4.j])
>>> torch.tensor([complex(nan, nan), complex(inf, 1.5)])
tensor([nan+nanj, inf+1.5000j])
>>> torch.tensor([1 + 100j, 1 - 1j])
tensor([1.+100.j, 1.-1.j])
>>> torch.tensor([1 + 1000j, 1 + 0.5j])
tensor([1.+1.0000e+03j, 1.+5.0000e-01j])
>>> torch.tensor([1 + 2j], dtype=torch.complex128)
tensor([1.+2.j], dtype=torch.complex128)
>>> torch.tensor([])
tensor([])
>>> torch.tensor([], dtype=torch.int64)
tensor([], dtype=torch.int64)
>>> torch.zeros(0, 3)
tensor([], size=(0, 3))
>>> torch.zeros(2, 0, dtype=torch.bool)
tensor([], size=(2, 0), dtype=torch.bool)
>>> torch.zeros(2, 2, 2)
tensor([[[0., 0.],
         [0., 0.]],

        [[0., 0.],
         [0., 0.]]])
>>> torch.zeros(1, 2, 1, 2)
tensor([[[[0., 0.]],

         [[0., 0.]]]])
>>> torch.zeros(30)
tensor([0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.,
        0., 0., 0., 0., 0., 0.])
>>> torch.arange(1001)
tensor([   0,    1,    2,  ...,  998,  999, 1000])
>>> torch.arange(24)
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23])
>>> torch.zeros(1001, 1)
tensor([[0.],
        [0.],
        [0.],
        ...,
        [0.],
        [0.],
        [0.]])
>>> torch.zeros(4, 4, 400)
tensor([[[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]],

        [[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]],

        [[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]],

        [[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]]])
>>> torch.zeros(30, 40, dtype=torch.float64) + 0.5
tensor([[0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        ...,
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000]],
       dtype=torch.float64)
>>> torch.tensor([1 + 1j] * 11)
tensor([1.+1.j, 1.+1.j, 1.+1.j, 1.+1.j, 1.+1.j, 1.+1.j, 1.+1.j, 1.+1.j, 1.+1.j, 1.+1.j,
        1.+1.j])
>>> torch.tensor([1.5], requires_grad=True)
tensor([1.5000], requires_grad=True)
>>> torch.tensor([1.5], dtype=torch.float64, requires_grad=True)
tensor([1.5000], dtype=torch.float64, requires_grad=True)
>>> torch.tensor([1.5], requires_grad=True) * 2
tensor([3.], grad_fn=<MulBackward0>)
>>> torch.zeros(0, 2, requires_grad=True) * 2
tensor([], size=(0, 2), grad_fn=<MulBackward0>)
>>> torch.full((3, 9), 0.5, requires_grad=True) * 1
tensor([[0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000]],
       grad_fn=<MulBackward0>)
>>> torch.full((2, 3), 0.5, dtype=torch.float64, requires_grad=True) * 1
tensor([[0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000]], dtype=torch.float64, grad_fn=<MulBackward0>)
>>> [torch.tensor(1.0), torch.tensor([1, 2])]
[tensor(1.), tensor([1, 2])]
>>> {"weight": torch.tensor([0.5])}
{'weight': tensor([0.5000])}
>>> (torch.zeros(2, 3).shape, torch.float32, torch.device("cpu"), torch.device("cuda", 0))
(torch.Size([2, 3]), torch.float32, device(type='cpu'), device(type='cuda', index=0))
"""
NAMES = {"torch": torch, "nan": math.nan, "inf": math.inf}


def recorded() -> list[tuple[str, str]]:
    """(expression, text) of every recorded case."""
    blocks = RECORDED.removeprefix("\n>>> ").removesuffix("\n").split("\n>>> ")
    return [(expression, text) for expression, _, text in (block.partition("\n") for block in blocks)]


@pytest.fixture(autouse=True)
def default_options():
    yield
    torch.set_printoptions(profile="default")


@pytest.mark.parametrize(("expression", "text"), recorded())
def test_recorded_text(expression, text):
    value = eval(expression, NAMES)
    assert repr(value) == text
    assert str(value) == text


# ---- options -----------------------------------------------------------------------------------------------------

# Arguments of set_printoptions, an expression, what PyTorch prints for it then.
OPTIONS = [
    ("precision=2", "torch.tensor([1.23456, 2.5])", "tensor([1.23, 2.50])"),
    ("precision=0", "torch.tensor([0.4, 1.6])", "tensor([0, 2])"),
    ("precision=10", "torch.tensor([0.1])", "tensor([0.1000000015])"),
    ("sci_mode=True", "torch.tensor([1.0, 20.0])", "tensor([1.0000e+00, 2.0000e+01])"),
    ("sci_mode=True", "torch.tensor([0.0, nan])", "tensor([0., nan])"),
    ("sci_mode=False", "torch.tensor([1e-10, 1.0])", "tensor([0.0000, 1.0000])"),
    ("sci_mode=False", "torch.tensor([1e10])", "tensor([10000000000.])"),
    ("threshold=5", "torch.arange(7)", "tensor([0, 1, 2,  ..., 4, 5, 6])"),
    (
        "threshold=5, edgeitems=1",
        "torch.zeros(3, 3)",
        "tensor([[0.,  ..., 0.],\n        ...,\n        [0.,  ..., 0.]])",
    ),
    ("threshold=5, edgeitems=0", "torch.zeros(3, 3)", "tensor([...], size=(3, 3))"),
    ("edgeitems=0", "torch.zeros(2)", "tensor([0., 0.], size=(2,))"),
    ("linewidth=20", "torch.arange(6)", "tensor([0, 1, 2, 3,\n        4, 5])"),
    ("linewidth=37", "torch.tensor([1.5], dtype=torch.float64)", "tensor([1.5000],\n       dtype=torch.float64)"),
    ("linewidth=38", "torch.tensor([1.5], dtype=torch.float64)", "tensor([1.5000], dtype=torch.float64)"),
    ("profile='short'", "torch.arange(1001) / 2", "tensor([  0.00,   0.50,  ..., 499.50, 500.00])"),
    ("profile='full'", "'...' in repr(torch.arange(1001))", "False"),
]


@pytest.mark.parametrize(("options", "expression", "text"), OPTIONS)
def test_options(options, expression, text):
    eval(f"torch.set_printoptions({options})", NAMES)
    assert repr(eval(expression, NAMES)) == text


def test_a_profile_is_the_start_and_the_other_options_change_it():
    torch.set_printoptions(precision=9, edgeitems=7)
    torch.set_printoptions(profile="short", linewidth=60)
    options = printing.get_printoptions()
    assert options == {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 60, "sci_mode": None}


def test_sci_mode_goes_back_to_automatic_when_it_is_left_out():
    torch.set_printoptions(sci_mode=True)
    torch.set_printoptions(precision=3)
    assert printing.get_printoptions()["sci_mode"] is None


def test_the_context_manager_puts_the_options_back_after_an_error():
    before = printing.get_printoptions()
    with pytest.raises(KeyError), printing.printoptions(precision=1, sci_mode=True):
        assert repr(torch.tensor(2.0)) == "tensor(2.0e+00)"
        raise KeyError
    assert printing.get_printoptions() == before


# ---- suffixes ----------------------------------------------------------------------------------------------------


def test_the_default_dtype_is_not_told():
    torch.set_default_dtype(torch.float64)
    try:
        assert repr(torch.tensor([0.5])) == "tensor([0.5000])"
        assert repr(torch.tensor([0.5], dtype=torch.float32)) == "tensor([0.5000], dtype=torch.float32)"
        assert repr(torch.tensor([1j])) == "tensor([0.+1.j])"
    finally:
        torch.set_default_dtype(torch.float32)


class Tensor:
    """What printing asks of a tensor, for the cases that need a GPU or another class."""

    grad_fn = None

    def __init__(self, array, dtype=torch.float32, device="cpu", requires_grad=False):
        self._array, self.shape, self.dtype = array, torch.Size(array.shape), dtype
        self.device, self.requires_grad = torch.device(device), requires_grad

    def dim(self) -> int:
        return len(self.shape)


class Device:
    """What printing asks of a CUDA array; it notes what is copied to the host."""

    def __init__(self, array):
        self.array, self.size, self.ndim, self.shape = array, array.size, array.ndim, array.shape
        self.copied = []

    def __getitem__(self, index):
        return self._like(self.array[index])

    def __array_function__(self, function, types, args, kwargs):
        parts, axis = args
        return self._like(function([part.array for part in parts], axis))

    def _like(self, array):
        other = Device(array)
        other.copied = self.copied
        return other

    def get(self):
        self.copied.append(self.array.shape)
        return self.array


def test_a_device_array_is_cut_on_the_device_and_copied_once():
    array = Device(np.zeros((100, 2, 50), np.float32))
    printing.format_array(array)
    assert array.copied == [(6, 2, 6)]


def test_the_device_is_told_first():
    tensor = Tensor(Device(np.zeros((0, 2))), torch.float64, "cuda:0", requires_grad=True)
    expected = "tensor([], device='cuda:0', size=(0, 2), dtype=torch.float64,\n       requires_grad=True)"
    assert printing.tensor_repr(tensor) == expected


def test_a_history_made_impossible_prints_as_invalid():
    def grad_fn(self):
        raise RuntimeError("Output 0 of UnbindBackward0 is a view and is being modified inplace")

    broken = type("Tensor", (Tensor,), {"grad_fn": property(grad_fn)})
    assert printing.tensor_repr(broken(np.zeros(3, np.float32))) == "tensor([0., 0., 0.], grad_fn=<Invalid>)"


def test_a_name_with_namespaces_prints_its_last_part():
    class CopySlices:
        def name(self):
            return "torch::autograd::CopySlices"

    tensor = Tensor(np.float32([2.0]), requires_grad=True)
    tensor.grad_fn = CopySlices()
    assert printing.tensor_repr(tensor) == "tensor([2.], grad_fn=<CopySlices>)"


# ---- classes -----------------------------------------------------------------------------------------------------


class Tagged(Tensor):
    pass


class Parameter(Tensor):
    pass


class Scale(Parameter):
    pass


@pytest.mark.parametrize(
    ("cls", "text"),
    [
        (Tagged, "Tagged([[1., 2.],\n        [3., 4.]])"),
        (Parameter, "Parameter containing:\ntensor([[1., 2.],\n        [3., 4.]])"),
        (Scale, "Parameter containing:\nParameter(Scale([[1., 2.],\n       [3., 4.]]))"),
    ],
)
def test_the_class_stands_in_front(cls, text):
    assert printing.tensor_repr(cls(np.float32([[1.0, 2.0], [3.0, 4.0]]))) == text


def test_structseq_repr():
    values = (torch.tensor([2.0]), torch.tensor([1]))
    text = printing.structseq_repr("torch.return_types.max", ("values", "indices"), values)
    assert text == "torch.return_types.max(\nvalues=tensor([2.]),\nindices=tensor([1]))"


# ---- format ------------------------------------------------------------------------------------------------------


def test_format_of_a_zero_dim_tensor_is_that_of_its_number():
    assert f"{torch.tensor(1.5)}" == "1.5"
    assert f"{torch.tensor(1.5):8.3f}|" == "   1.500|"
    assert f"{torch.tensor(255):#x}" == "0xff"
    assert f"{torch.tensor(True)}" == "True"
    assert f"{torch.tensor(0.5, requires_grad=True):.2f}" == "0.50"
    assert f"{torch.tensor(1.5)!r}" == "tensor(1.5000)"


def test_format_of_other_tensors_is_their_text():
    assert f"{torch.tensor([1.5])}" == "tensor([1.5000])"
    with pytest.raises(TypeError, match=r"^unsupported format string passed to Tensor.__format__$"):
        format(torch.tensor([1.5]), ".2f")
    with pytest.raises(TypeError, match=r"^unsupported format string passed to Parameter.__format__$"):
        printing.tensor_format(Parameter(np.float32(1.5)), ".2f")


# ---- cost --------------------------------------------------------------------------------------------------------


def test_a_huge_array_costs_its_edge_items_only():
    petabytes = np.broadcast_to(np.float32(0.5), (10**5, 10**5, 10**5))
    assert printing.format_array(petabytes).count("0.5000") == 6**3


@pytest.mark.parametrize("shape", [(7, 10**6), (10**6, 7), (2, 3, 10**5), (10**5, 1, 7)])
def test_only_the_items_shown_decide_the_style(shape):
    array = np.zeros(shape, np.float32)
    array[tuple(size // 2 for size in shape)] = 1e30
    assert "e+" not in printing.format_array(array)
