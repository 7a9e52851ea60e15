"""Models: torchvision's keys, shapes and numbers of parameters; weights from files, by name."""

from __future__ import annotations

import hashlib

import pytest

import course_lib as torch
from course_lib.vision import models

# The numbers of parameters that torchvision documents for its models.
PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "alexnet": 61_100_840,
    "vgg11": 132_863_336,
    "vgg13_bn": 133_053_736,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_numbers_of_parameters(name):
    model = getattr(models, name)()
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name]


def test_keys_and_shapes_of_resnet():
    state = models.resnet18().state_dict()
    assert len(state) == 122
    assert list(state)[:7] == ["conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
                               "bn1.num_batches_tracked", "layer1.0.conv1.weight"]  # fmt: skip
    shapes = {"conv1.weight": (64, 3, 7, 7), "layer2.0.downsample.0.weight": (128, 64, 1, 1),
              "layer2.0.downsample.1.running_var": (128,), "layer4.1.conv2.weight": (512, 512, 3, 3),
              "layer4.1.bn2.num_batches_tracked": (), "fc.weight": (1000, 512), "fc.bias": (1000,)}  # fmt: skip
    assert {name: tuple(state[name].shape) for name in shapes} == shapes
    assert "layer1.0.downsample.0.weight" not in state
    deep = models.resnet50(num_classes=5).state_dict()
    assert len(deep) == 320
    assert deep["layer1.0.downsample.0.weight"].shape == (256, 64, 1, 1)
    assert deep["layer4.2.conv3.weight"].shape == (2048, 512, 1, 1) and deep["fc.weight"].shape == (5, 2048)


def test_keys_of_the_older_models():
    assert list(models.LeNet().state_dict())[::2] == [
        "features.0.weight", "features.3.weight", "classifier.0.weight", "classifier.2.weight", "classifier.4.weight"
    ]  # fmt: skip
    alexnet = [name for name in models.AlexNet(num_classes=2).state_dict() if name.endswith("weight")]
    assert alexnet == [f"features.{i}.weight" for i in (0, 3, 6, 8, 10)] + [f"classifier.{i}.weight" for i in (1, 4, 6)]
    plan = models.vgg.PLANS[16]
    features = models.vgg.make_layers(plan).state_dict()
    assert [name for name in features if name.endswith("weight")] == [
        f"{i}.weight" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    ]
    with_norm = models.vgg.make_layers(plan, batch_norm=True).state_dict()
    assert {"0.weight", "1.running_mean", "3.weight", "40.weight", "41.bias"} <= set(with_norm)


@pytest.mark.parametrize("channels, size", [(1, 28), (3, 32)])
def test_lenet_learns(channels, size):
    torch.manual_seed(0)
    model = models.LeNet(in_channels=channels, image_size=size)
    images, labels = torch.randn(16, channels, size, size), torch.randint(0, 10, (16,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty folder of weights, and no server."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("course_lib.vision.models.weights._SITE", "file:///does/not/exist/")
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_weights_from_the_folder_where_pytorch_keeps_them(cache, monkeypatch):
    trained = models.resnet18()
    torch.save(trained.state_dict(), cache / "weights")
    digits = hashlib.sha256((cache / "weights").read_bytes()).hexdigest()[:8]
    file = f"resnet18-{digits}.pth"
    (cache / "weights").rename(cache / file)
    monkeypatch.setattr(models.ResNet18_Weights.DEFAULT, "_value_", models.Weights(file))
    for spelling in ({"weights": "DEFAULT"}, {"weights": "ResNet18_Weights.IMAGENET1K_V1"},
                     {"weights": models.ResNet18_Weights.IMAGENET1K_V1}, {"pretrained": True}):  # fmt: skip
        model = models.resnet18(**spelling)
        assert torch.equal(model.layer3[1].conv1.weight, trained.layer3[1].conv1.weight)
    (cache / file).write_bytes(b"damaged")
    with pytest.raises(RuntimeError, match="The download failed"):
        models.resnet18(weights="DEFAULT")


def test_weights_that_cannot_be_downloaded(cache):
    with pytest.raises(RuntimeError) as raised:
        models.resnet34(weights=models.ResNet34_Weights.DEFAULT)
    assert str(cache) in str(raised.value) and "resnet34-b627a593.pth  (sha256 b627a593)" in str(raised.value)


def test_models_by_name():
    assert type(models.get_model("ResNet18", num_classes=2)) is models.ResNet
    assert len(models.list_models()) == 14
    with pytest.raises(ValueError, match="Unknown model resnet17"):
        models.get_model("resnet17")


def test_wrong_weights():
    with pytest.raises(KeyError):
        models.resnet18(weights="IMAGENET1K_V9")
    with pytest.raises(TypeError, match="expected ResNet18_Weights but received ResNet34_Weights"):
        models.resnet18(weights=models.ResNet34_Weights.DEFAULT)
    with pytest.raises(ValueError, match="The parameter 'num_classes' expected value 1000 but got 10 instead."):
        models.resnet18(weights="DEFAULT", num_classes=10)
    assert repr(models.ResNet50_Weights.DEFAULT) == "ResNet50_Weights.IMAGENET1K_V2"
    assert "Resize(size=232" in repr(models.ResNet50_Weights.DEFAULT.transforms())
