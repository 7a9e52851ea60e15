"""Transforms of images: PIL images and tensors agree, known values, errors, random draws, samples of several parts."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

import course_lib as torch
from course_lib.vision import transforms as T
from course_lib.vision import utils
from course_lib.vision.transforms import functional as F
from course_lib.vision.transforms import v2

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8))
NEAREST, BILINEAR, BICUBIC = (T.InterpolationMode[name] for name in ("NEAREST", "BILINEAR", "BICUBIC"))

# (function, by how much tensor and PIL image may differ: Pillow rounds after each pass, and weights gray in 16 bits)
BOTH_KINDS = {
    "hflip": (F.hflip, 0),
    "vflip": (F.vflip, 0),
    "crop": (lambda x: F.crop(x, 3, 4, 5, 6), 0),
    "crop beyond the edges": (lambda x: F.crop(x, -3, 40, 50, 30), 0),
    "crop outside": (lambda x: F.crop(x, 50, 60, 4, 4), 0),
    "center_crop": (lambda x: F.center_crop(x, 20), 0),
    "center_crop of small": (lambda x: F.center_crop(x, [60, 61]), 0),
    "pad": (lambda x: F.pad(x, [3, 1, 2, 5], fill=7), 0),
    "pad edge": (lambda x: F.pad(x, [3, 1, 2, 5], padding_mode="edge"), 0),
    "pad reflect": (lambda x: F.pad(x, [3, 1], padding_mode="reflect"), 0),
    "pad symmetric": (lambda x: F.pad(x, 4, padding_mode="symmetric"), 0),
    "resize smaller": (lambda x: F.resize(x, 20), 1),
    "resize larger": (lambda x: F.resize(x, [80, 91]), 1),
    "resize bicubic": (lambda x: F.resize(x, [20, 91], BICUBIC), 2),
    "rotate 90": (lambda x: F.rotate(x, 90), 0),
    "rotate 270, expand": (lambda x: F.rotate(x, 270, expand=True), 0),
    "rotate -45.5, fill": (lambda x: F.rotate(x, -45.5, fill=[9, 8, 7]), 0),
    "rotate -45.5, expand": (lambda x: F.rotate(x, -45.5, expand=True), 0),
    "rotate about a corner": (lambda x: F.rotate(x, 20, center=[5, 7]), 0),
    "affine, shear and scale": (lambda x: F.affine(x, 0, [0, 0], 1.37, [11.3, 0]), 0),
    "affine of all": (lambda x: F.affine(x, 23.7, [3, -2], 0.83, [7.1, -4.2], fill=[9, 8, 7]), 0),
    "affine about a corner": (lambda x: F.affine(x, 21.3, [3, -2], 0.83, 7.1, center=[5, 7]), 0),
    "blur": (lambda x: F.gaussian_blur(x, [5, 3], [0.8, 1.2]), 0),
    "brightness": (lambda x: F.adjust_brightness(x, 1.7), 0),
    "contrast": (lambda x: F.adjust_contrast(x, 0.5), 1),
    "saturation": (lambda x: F.adjust_saturation(x, 1.7), 1),
    "sharpness": (lambda x: F.adjust_sharpness(x, 1.7), 0),
    "gamma": (lambda x: F.adjust_gamma(x, 0.5), 0),
    "hue": (lambda x: F.adjust_hue(x, 0.2), 10),
    "grayscale": (lambda x: F.rgb_to_grayscale(x, 3), 1),
    "invert": (F.invert, 0),
}


@pytest.mark.parametrize("title", BOTH_KINDS)
def test_pil_images_and_tensors_agree(title):
    function, tolerance = BOTH_KINDS[title]
    picture = np.asarray(function(PICTURE)).astype(int)
    tensor = function(F.pil_to_tensor(PICTURE)).permute(1, 2, 0).numpy().astype(int)
    assert picture.shape == tensor.shape
    assert np.abs(picture - tensor).max() <= tolerance


def test_nearest_pixel_of_pillow_is_nearest_exact():
    picture = np.asarray(F.resize(PICTURE, [20, 91], NEAREST))
    tensor = F.resize(F.pil_to_tensor(PICTURE), [20, 91], T.InterpolationMode.NEAREST_EXACT)
    assert np.array_equal(picture, tensor.permute(1, 2, 0).numpy())


@pytest.mark.parametrize("mode", ["1", "L", "P", "I", "F", "I;16", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_to_tensor_and_back(mode):
    gray = PICTURE.convert("L")
    if mode == "I;16":
        picture = Image.frombytes("I;16", gray.size, (np.asarray(gray).astype("<u2") * 100).tobytes())
    else:
        picture = (PICTURE if mode not in {"1", "I", "F", "LA"} else gray).convert(mode)
    tensor = F.to_tensor(picture)
    assert tensor.shape == (len(picture.getbands()), 37, 53)
    expected = {"I": torch.int32, "F": torch.float32, "I;16": torch.int16}.get(mode, torch.float32)
    assert tensor.dtype is expected
    if mode in {"1", "P"}:
        return
    back = F.to_pil_image(tensor, mode)
    assert back.mode == mode
    assert np.array_equal(np.asarray(back), np.asarray(picture))


def test_values_of_to_tensor():
    pixels = np.array([[[0, 51, 255]], [[102, 204, 1]]], dtype=np.uint8)
    tensor = T.ToTensor()(pixels)
    assert tensor.shape == (3, 2, 1) and tensor.is_contiguous()
    assert tensor[:, 0, 0].tolist() == pytest.approx([0.0, 0.2, 1.0])
    assert T.ToTensor()(pixels.astype(np.float64)).tolist() == pixels.transpose(2, 0, 1).tolist()
    assert F.pil_to_tensor(Image.fromarray(pixels)).tolist() == pixels.transpose(2, 0, 1).tolist()


def test_affine_turns_clockwise_and_moves_right_and_down():
    image = torch.zeros(1, 5, 5)
    image[0, 0, 2] = 1  # in the middle of the upper edge
    assert F.affine(image, 90, [0, 0], 1.0, 0)[0, 2].tolist() == [0, 0, 0, 0, 1]
    assert F.rotate(image, 90)[0, 2].tolist() == [1, 0, 0, 0, 0]
    assert F.affine(image, 0, [1, 2], 1.0, 0).nonzero().tolist() == [[0, 2, 3]]


def test_gaussian_blur_of_a_point():
    image = torch.zeros(1, 7, 7)
    image[0, 3, 3] = 1
    blurred = F.gaussian_blur(image, 3, 1.0)[0]
    weight = 2.718281828 ** -0.5
    row = torch.tensor([weight, 1.0, weight]) / (1 + 2 * weight)
    assert torch.allclose(blurred[2:5, 2:5], row[:, None] * row, atol=1e-6) and abs(blurred.sum() - 1) < 1e-6


def test_normalize():
    image = torch.tensor([[[0.5]], [[1.0]]])
    assert T.Normalize((0.5, 0.0), (0.5, 2.0))(image).flatten().tolist() == [0.0, 0.5]
    assert image.flatten().tolist() == [0.5, 1.0]
    T.Normalize((0.5, 0.0), (0.5, 2.0), inplace=True)(image)
    assert image.flatten().tolist() == [0.0, 0.5]


ERRORS = {
    "to_tensor of a list": (
        lambda: T.ToTensor()([1]), TypeError, "pic should be PIL Image or ndarray. Got <class 'list'>"),
    "to_tensor of a row": (
        lambda: T.ToTensor()(np.ones(3)), ValueError, "pic should be 2/3 dimensional. Got 1 dimensions."),
    "to_pil_image of 5 channels": (
        lambda: F.to_pil_image(torch.ones(5, 2, 2)), ValueError, "pic should not have > 4 channels. Got 5 channels."),
    "to_pil_image, wrong mode": (
        lambda: F.to_pil_image(torch.ones(1, 2, 2), "RGB"), ValueError,
        "Incorrect mode (RGB) supplied for input type uint8. Should be L"),
    "normalize integers": (
        lambda: F.normalize(torch.ones(1, 2, 2, dtype=torch.int64), [0], [1]), TypeError,
        "Input tensor should be a float tensor. Got torch.int64."),
    "normalize by zero": (
        lambda: F.normalize(torch.ones(1, 2, 2), [0], [0]), ValueError,
        "std evaluated to zero after conversion to torch.float32, leading to division by zero."),
    "crop too large": (
        lambda: T.RandomCrop(60)(PICTURE), ValueError,
        "Required crop size (60, 60) is larger than input image size (37, 53)"),
    "resize by text": (lambda: T.Resize(2.5), TypeError, "Size should be int or sequence. Got <class 'float'>"),
    "resize by three": (lambda: T.Resize([1, 2, 3]), ValueError, "If size is a sequence, it should have 1 or 2 values"),
    "resize an array": (
        lambda: T.Resize(3)(np.ones((4, 4))), TypeError, "img should be PIL Image. Got <class 'numpy.ndarray'>"),
    "max_size too small": (
        lambda: T.Resize(10, max_size=9)(PICTURE), ValueError,
        "max_size = 9 must be strictly greater than the requested size for the smaller edge size = 10"),
    "negative jitter": (
        lambda: T.ColorJitter(-1), ValueError, "If brightness is a single number, it must be non negative."),
    "hue too large": (lambda: F.adjust_hue(PICTURE, 0.6), ValueError, "hue_factor (0.6) is not in [-0.5, 0.5]."),
    "erase a picture": (
        lambda: T.RandomErasing(1.0)(PICTURE), TypeError, "img should be Tensor Image. Got <class 'PIL.Image.Image'>"),
    "unsafe cast": (
        lambda: F.convert_image_dtype(torch.ones(1), torch.int64), RuntimeError,
        "The cast from torch.float32 to torch.int64 cannot be performed safely"),
}  # fmt: skip


@pytest.mark.parametrize("title", ERRORS)
def test_errors(title):
    call, kind, text = ERRORS[title]
    with pytest.raises(kind) as raised:
        call()
    assert str(raised.value) == text


REPRS = {
    "ToTensor()": T.ToTensor(),
    "Resize(size=256, interpolation=bilinear, max_size=None, antialias=True)": T.Resize(256),
    "CenterCrop(size=(224, 224))": T.CenterCrop(224),
    "RandomCrop(size=(32, 32), padding=4)": T.RandomCrop(32, padding=4),
    "RandomHorizontalFlip(p=0.5)": T.RandomHorizontalFlip(),
    "RandomResizedCrop(size=(224, 224), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, "
    "antialias=True)": T.RandomResizedCrop(224),
    "RandomRotation(degrees=[-10.0, 10.0], interpolation=nearest, expand=False, fill=0)": T.RandomRotation(10),
    "ColorJitter(brightness=(0.5, 1.5), contrast=None, saturation=None, hue=None)": T.ColorJitter(0.5),
    "Normalize(mean=[0.5], std=[0.25])": T.Normalize([0.5], [0.25]),
    "Pad(padding=2, fill=0, padding_mode=constant)": T.Pad(2),
    "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)": T.RandomErasing(),
    "Compose(\n    ToTensor()\n    RandomVerticalFlip(p=0.1)\n)": T.Compose([T.ToTensor(), T.RandomVerticalFlip(0.1)]),
    "RandomApply(\n    p=0.5\n    ToTensor()\n)": T.RandomApply([T.ToTensor()]),
    "RandomChoice(\n    ToTensor()\n)(p=None)": T.RandomChoice([T.ToTensor()]),
}


@pytest.mark.parametrize("text", REPRS)
def test_reprs(text):
    assert repr(REPRS[text]) == text


def test_draws_follow_the_seed_one_number_a_decision():
    """The draws that torchvision documents in its source: `torch.rand(1) < p` to flip, `torch.randint` for a corner."""
    image = torch.arange(100.0).view(1, 10, 10)
    for seed in range(5):
        torch.manual_seed(seed)
        flips = bool(torch.rand(1) < 0.5)
        top, left = (torch.randint(0, 7, size=(1,)).item() for _ in range(2))
        torch.manual_seed(seed)
        found = T.Compose([T.RandomHorizontalFlip(), T.RandomCrop(4)])(image)
        expected = (image.flip(-1) if flips else image)[:, top : top + 4, left : left + 4]
        assert torch.equal(found, expected)


def test_parts_of_a_sample_are_changed_alike():
    image, mask = PICTURE, PICTURE.convert("L")
    steps = [v2.RandomCrop(9), v2.RandomHorizontalFlip(), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    transform = v2.Compose(steps)
    changed, label = transform(image, 7)
    assert label == 7 and changed.shape == (3, 9, 9) and changed.min() >= 0 and changed.max() <= 1
    sample = v2.RandomCrop(9)({"image": image, "mask": mask, "name": "a"})
    assert sample["name"] == "a"
    assert np.array_equal(np.asarray(sample["image"].convert("L")), np.asarray(sample["mask"]))
    tensor, target = v2.CenterCrop(3)(torch.ones(1, 5, 5), torch.ones(4))
    assert tensor.shape == (1, 3, 3) and target.shape == (4,)


def test_random_order_and_choice_of_the_older_kind_ask_python():
    import random

    steps = [lambda x: x + "a", lambda x: x + "b", lambda x: x + "c"]
    random.seed(0)
    ordered, chosen = T.RandomOrder(steps)(""), T.RandomChoice(steps, p=[0, 1, 0])("")
    random.seed(0)
    order = [0, 1, 2]
    random.shuffle(order)
    assert ordered == "".join("abc"[i] for i in order) and chosen == "b"


def test_a_transform_in_a_network():
    model = torch.nn.Sequential(T.Resize(4), T.Normalize([0.5], [0.5]), torch.nn.Flatten(), torch.nn.Linear(16, 2))
    assert model(torch.rand(3, 1, 8, 8)).shape == (3, 2)


def test_nothing_is_changed_in_place_and_nobody_is_warned():
    tensor = F.pil_to_tensor(PICTURE)
    before = tensor.clone()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function, _ in BOTH_KINDS.values():
            function(tensor)
    assert torch.equal(tensor, before)


def test_make_grid_and_save_image(tmp_path):
    images = torch.rand(5, 3, 4, 6)
    grid = utils.make_grid(images, nrow=2, padding=1, pad_value=0.5)
    assert grid.shape == (3, 16, 15)
    assert torch.equal(grid[:, 6:10, 8:14], images[3]) and bool((grid[:, 0] == 0.5).all())
    assert utils.make_grid(torch.rand(4, 4)).shape == (3, 4, 4)
    assert utils.make_grid([torch.rand(1, 4, 4)] * 3).shape == (3, 8, 20)
    with pytest.raises(TypeError, match="tensor or list of tensors expected, got <class 'int'>"):
        utils.make_grid(3)
    utils.save_image(images, tmp_path / "grid.png", nrow=2)
    saved = F.to_tensor(Image.open(tmp_path / "grid.png"))
    assert torch.allclose(saved, utils.make_grid(images, nrow=2), atol=0.5 / 255 + 1e-6)
    file = io.BytesIO()
    utils.save_image(images[0], file, format="png")
    assert Image.open(file).size == (6, 4)
