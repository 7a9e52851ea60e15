"""course_lib.vision on both libraries: its own source, with real PyTorch put in, must draw and compute the same.

torchvision itself is not installed here. So this compares what lies below it: random draws in the order of the source,
interpolation, initial weights, outputs and gradients of the models.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import course_lib
from course_lib import vision as ours

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with (extra `parity`)")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

PIXELS = np.random.default_rng(0).integers(0, 256, (23, 31, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """course_lib.vision with `import torch` in place of `import course_lib as torch`."""
    source, folder = Path(ours.__file__).parent, tmp_path_factory.mktemp("vision")
    for path in source.rglob("*.py"):
        text = path.read_text(encoding="utf-8").replace("import course_lib as torch", "import torch")
        text = re.sub(r"from course_lib(?=\.nn|\.utils| import nn)", "from torch", text)
        target = folder / "vision_on_pytorch" / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    yield importlib.import_module("vision_on_pytorch")
    sys.path.remove(str(folder))


def image_as(kind: str, T):
    """The same picture as PIL image, as uint8 tensor, as float tensor, or in gray."""
    if kind == "PIL":
        return Image.fromarray(PIXELS)
    if kind == "gray PIL":
        return Image.fromarray(PIXELS).convert("L")
    whole = T.from_numpy(PIXELS.copy()).permute(2, 0, 1)
    if kind == "batch":
        return T.stack([whole, whole.flip(0)]).float() / 255
    return whole if kind == "uint8" else whole.float() / 255 if kind == "float" else whole[:1]


def plain(value):
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    if isinstance(value, Image.Image):
        return np.asarray(value).tolist(), value.mode
    return value.detach().numpy(), str(value.dtype)


def same(a, b, within: float) -> None:
    if isinstance(a, list):
        assert len(a) == len(b)
        for left, right in zip(a, b):
            same(left, right, within)
        return
    assert a[1] == b[1]
    np.testing.assert_allclose(np.asarray(a[0], float), np.asarray(b[0], float), rtol=0, atol=within)


TRANSFORMS = {
    "Resize": lambda T: T.Resize(12),
    "Resize larger": lambda T: T.Resize((40, 35)),
    "Resize, longest edge": lambda T: T.Resize(12, max_size=14),
    "Resize, bicubic": lambda T: T.Resize((12, 40), T.InterpolationMode.BICUBIC),
    "Resize, nearest": lambda T: T.Resize((12, 40), T.InterpolationMode.NEAREST),
    "Resize, no antialias": lambda T: T.Resize(12, antialias=False),
    "CenterCrop": lambda T: T.CenterCrop(16),
    "CenterCrop larger": lambda T: T.CenterCrop((30, 20)),
    "FiveCrop": lambda T: T.FiveCrop(8),
    "TenCrop": lambda T: T.TenCrop((8, 9), vertical_flip=True),
    "Pad": lambda T: T.Pad((1, 2, 3, 4), fill=5),
    "Pad, reflect": lambda T: T.Pad((1, 2), padding_mode="reflect"),
    "Pad, edge": lambda T: T.Pad(3, padding_mode="edge"),
    "Pad, symmetric": lambda T: T.Pad(3, padding_mode="symmetric"),
    "RandomCrop": lambda T: T.RandomCrop(16, padding=2),
    "RandomCrop of all": lambda T: T.RandomCrop((23, 31)),
    "RandomCrop of small": lambda T: T.RandomCrop(33, pad_if_needed=True, padding_mode="edge"),
    "RandomResizedCrop": lambda T: T.RandomResizedCrop(10),
    "RandomResizedCrop, bad ratios": lambda T: T.RandomResizedCrop(10, scale=(1, 1), ratio=(3.0, 4.0)),
    "RandomHorizontalFlip": lambda T: T.RandomHorizontalFlip(),
    "RandomVerticalFlip": lambda T: T.RandomVerticalFlip(0.3),
    "RandomRotation": lambda T: T.RandomRotation(40, fill=(1, 2, 3)),
    "RandomRotation, expand": lambda T: T.RandomRotation((20, 80), T.InterpolationMode.BILINEAR, expand=True),
    "RandomRotation, center": lambda T: T.RandomRotation(30, center=(3, 4)),
    "RandomAffine": lambda T: T.RandomAffine(20, (0.1, 0.2), (0.7, 1.3), 10),
    "RandomAffine, bilinear": lambda T: T.RandomAffine(
        (5, 9), shear=(1, 2, 3, 4), interpolation=T.InterpolationMode.BILINEAR
    ),
    "GaussianBlur": lambda T: T.GaussianBlur((5, 3)),
    "RandomInvert": lambda T: T.RandomInvert(),
    "RandomAdjustSharpness": lambda T: T.RandomAdjustSharpness(1.8),
    "ColorJitter": lambda T: T.ColorJitter(0.5, 0.4, (0.3, 1.6), 0.2),
    "Grayscale": lambda T: T.Grayscale(3),
    "RandomGrayscale": lambda T: T.RandomGrayscale(0.5),
    "RandomApply": lambda T: T.RandomApply([T.RandomCrop(9)], 0.6),
}
GRAY_TOO = set(TRANSFORMS) - {"RandomRotation"}


@pytest.mark.parametrize("title", TRANSFORMS)
@pytest.mark.parametrize("kind", ["PIL", "gray PIL", "uint8", "float", "batch", "gray"])
def test_transforms(theirs, title, kind):
    if "gray" in kind and title not in GRAY_TOO:
        return
    results = []
    for T, vision in ((course_lib, ours), (torch, theirs)):
        T.manual_seed(3)
        transform = TRANSFORMS[title](vision.transforms)
        results.append(([plain(transform(image_as(kind, T))) for _ in range(4)], T.rand(1).item(), repr(transform)))
    # a sum in another order may fall on the other side of a half, and so round to the next integer
    same(results[0][0], results[1][0], within=1.0 if kind in {"uint8", "gray"} else 2e-5)
    assert results[0][1:] == results[1][1:]


TENSOR_TRANSFORMS = {
    "Normalize": lambda T: T.Normalize([0.1, 0.2, 0.3], [0.5, 0.4, 0.3]),
    "RandomErasing": lambda T: T.RandomErasing(0.8),
    "RandomErasing, random": lambda T: T.RandomErasing(1.0, value="random"),
    "RandomErasing, colour": lambda T: T.RandomErasing(1.0, scale=(0.5, 0.9), value=(1, 2, 3)),
    "RandomOrder": lambda T: T.v2.RandomOrder([T.RandomCrop(20), T.RandomHorizontalFlip()]),
    "RandomChoice": lambda T: T.v2.RandomChoice([T.RandomCrop(20), T.RandomHorizontalFlip()], p=[1, 3]),
}


@pytest.mark.parametrize("title", TENSOR_TRANSFORMS)
def test_transforms_of_tensors(theirs, title):
    results = []
    for T, vision in ((course_lib, ours), (torch, theirs)):
        T.manual_seed(3)
        transform = TENSOR_TRANSFORMS[title](vision.transforms)
        results.append(([plain(transform(image_as("float", T))) for _ in range(6)], T.rand(1).item()))
    same(results[0][0], results[1][0], within=1e-6)
    assert results[0][1] == results[1][1]


@pytest.mark.parametrize("name", ["uint8", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("to", ["uint8", "int16", "int32", "int64", "float32", "float64"])
def test_convert_image_dtype(theirs, name, to):
    results = []
    for T, vision in ((course_lib, ours), (torch, theirs)):
        image = image_as("float" if "float" in name else "uint8", T).to(getattr(T, name))
        try:
            results.append(plain(vision.transforms.functional.convert_image_dtype(image, getattr(T, to))))
        except RuntimeError as error:
            results.append(str(error))
    if isinstance(results[0], str):
        assert results[0] == results[1]
    else:
        same(results[0], results[1], within=0)


def test_make_grid(theirs):
    grids = []
    for T, vision in ((course_lib, ours), (torch, theirs)):
        T.manual_seed(0)
        images = T.randn(7, 1, 5, 6)
        grids.append([plain(vision.utils.make_grid(images, **settings)) for settings in (
            {}, {"nrow": 3, "padding": 1, "pad_value": 0.5}, {"normalize": True},
            {"normalize": True, "scale_each": True}, {"normalize": True, "value_range": (-1, 1)})])  # fmt: skip
    same(*grids, within=1e-6)


def test_fake_data(theirs):
    found = []
    for T, vision in ((course_lib, ours), (torch, theirs)):
        T.manual_seed(0)
        dataset = vision.datasets.FakeData(5, (3, 6, 7), random_offset=2)
        found.append([(np.asarray(image).tolist(), label) for image, label in (dataset[i] for i in range(5))])
        found[-1].append(T.rand(1).item())
    assert found[0] == found[1]


MODELS = {
    "LeNet": ((4, 1, 28, 28), lambda M: M.LeNet()),
    "ResNet-18": ((2, 3, 64, 64), lambda M: M.resnet18(num_classes=10)),
    "ResNet-34, last norms zero": ((2, 3, 32, 32), lambda M: M.resnet34(num_classes=7, zero_init_residual=True)),
    "ResNet-50": ((2, 3, 64, 64), lambda M: M.resnet50(num_classes=10)),
    "ResNet-50, dilated": ((2, 3, 64, 64), lambda M: M.ResNet(
        M.resnet.Bottleneck, [1, 1, 1, 1], 5, groups=2, replace_stride_with_dilation=[False, True, True])),
}  # fmt: skip


@pytest.mark.parametrize("title", MODELS)
def test_models(theirs, title):
    """Keys, initial weights, repr, output, gradients, and the running statistics after one step."""
    shape, make = MODELS[title]
    found = []
    for T, vision in ((course_lib, ours), (torch, theirs)):
        T.manual_seed(1)
        model = make(vision.models)
        weights = {name: value.numpy().copy() for name, value in model.state_dict().items()}
        model.double()  # batch norm over few pixels magnifies the rounding of float32
        output = model(T.randn(*shape).double())
        output.square().sum().backward()
        gradients = {name: p.grad.numpy() for name, p in model.named_parameters()}
        found.append((weights, output.detach().numpy(), gradients, repr(model), model.state_dict()))
    (weights, output, gradients, text, after), (weights2, output2, gradients2, text2, after2) = found
    assert text == text2
    assert list(weights) == list(weights2) and list(after) == list(after2)
    for name, value in weights2.items():
        np.testing.assert_allclose(weights[name], value, rtol=1e-6, atol=1e-7, err_msg=name)
    np.testing.assert_allclose(output, output2, rtol=1e-5)
    for name, value in gradients2.items():
        error = np.abs(gradients[name] - value).max()
        assert error <= 1e-5 * np.abs(value).max() + 1e-9, name
    for name, value in after2.items():
        np.testing.assert_allclose(after[name].numpy(), value.numpy(), rtol=1e-5, atol=1e-6, err_msg=name)
