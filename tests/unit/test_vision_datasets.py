"""Image datasets: files in their formats, what is missing or damaged or hostile, downloads and what to do without."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import course_lib as torch
from course_lib.utils.data import DataLoader
from course_lib.vision import datasets, transforms
from course_lib.vision.datasets.mnist import read_idx

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
LABELS = np.array([5, 0, 4, 1, 9, 2], dtype=np.uint8)


def idx(array: np.ndarray, code: int = 8) -> bytes:
    """An array in MNIST's format."""
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_mnist(folder, names=("train", "t10k"), compress=False) -> None:
    folder.mkdir(parents=True)
    for name in names:
        for part, array in (("images-idx3", IMAGES), ("labels-idx1", LABELS)):
            content = idx(array)
            ending = ".gz" if compress else ""
            (folder / f"{name}-{part}-ubyte{ending}").write_bytes(gzip.compress(content) if compress else content)


# ---- MNIST and its like ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("place", ["MNIST/raw", "MNIST", "."])
def test_mnist(tmp_path, compress, place):
    write_mnist(tmp_path / "data" / place, compress=compress)
    dataset = datasets.MNIST(str(tmp_path / "data"), train=False, transform=transforms.ToTensor())
    assert len(dataset) == 6 and dataset.data.dtype is torch.uint8 and dataset.targets.tolist() == LABELS.tolist()
    image, label = dataset[2]
    assert label == 4 and type(label) is int
    assert np.array_equal((image * 255).round().numpy()[0], IMAGES[2])
    assert dataset.class_to_idx["4 - four"] == 4
    images, labels = next(iter(DataLoader(dataset, batch_size=4)))
    assert images.shape == (4, 1, 28, 28) and labels.tolist() == [5, 0, 4, 1]


def test_samples_are_pictures_without_a_transform(tmp_path):
    write_mnist(tmp_path / "FashionMNIST" / "raw")
    dataset = datasets.FashionMNIST(tmp_path, target_transform=lambda label: -label)
    image, label = dataset[0]
    assert image.mode == "L" and np.array_equal(np.asarray(image), IMAGES[0]) and label == -5


def test_repr(tmp_path):
    write_mnist(tmp_path / "KMNIST" / "raw")
    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    assert repr(datasets.KMNIST(tmp_path, transform=steps)) == (
        f"Dataset KMNIST\n    Number of datapoints: 6\n    Root location: {tmp_path}\n    Split: Train\n"
        "    StandardTransform\nTransform: Compose(\n               ToTensor()\n"
        "               Normalize(mean=(0.5,), std=(0.5,))\n           )"
    )


def test_emnist(tmp_path):
    folder = tmp_path / "EMNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / "emnist-letters-test-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (folder / "emnist-letters-test-labels-idx1-ubyte").write_bytes(idx(LABELS))
    dataset = datasets.EMNIST(tmp_path, "letters", train=False)
    assert dataset.classes[dataset[0][1]] == "e"
    counts = {split: len(classes) for split, classes in datasets.EMNIST.classes_split_dict.items()}
    assert counts == {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 27, "digits": 10, "mnist": 10}
    with pytest.raises(ValueError, match="Unknown value 'all' for argument split"):
        datasets.EMNIST(tmp_path, "all")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(RuntimeError) as raised:
        datasets.MNIST(tmp_path)
    text = str(raised.value)
    assert text.startswith("Dataset not found. You can use download=True to download it")
    assert str(tmp_path / "MNIST" / "raw") in text and "train-images-idx3-ubyte or train-images-idx3-ubyte.gz" in text


@pytest.mark.parametrize("code, dtype", [(8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")])
def test_idx_files_of_all_dtypes(tmp_path, code, dtype):
    array = (np.arange(24).reshape(2, 3, 4) - (0 if dtype == "u1" else 7)).astype(dtype)
    (tmp_path / "numbers").write_bytes(idx(array, code))
    assert np.array_equal(read_idx(tmp_path / "numbers").numpy(), array)


@pytest.mark.parametrize("damage", [
    lambda content: content[:-1], lambda content: content[:9], lambda content: content + b"0", lambda content: b"",
    lambda content: b"<html>Not found</html>", lambda content: content[:2] + b"\x07" + content[3:],
])  # fmt: skip
@pytest.mark.parametrize("compress", [False, True])
def test_damaged_idx_files(tmp_path, damage, compress):
    content = damage(idx(IMAGES))
    path = tmp_path / f"images{'.gz' if compress else ''}"
    path.write_bytes(gzip.compress(content) if compress else content)
    with pytest.raises(ValueError, match="is damaged|is no idx file"):
        read_idx(path)


def test_a_truncated_gz_file(tmp_path):
    (tmp_path / "images.gz").write_bytes(gzip.compress(idx(IMAGES))[:-20])
    with pytest.raises(ValueError, match="is damaged"):
        read_idx(tmp_path / "images.gz")


# ---- downloads ---------------------------------------------------------------------------------------------------


def mirrored(tmp_path, compress=True) -> type[datasets.MNIST]:
    """MNIST from a "server" that is a folder."""
    server = tmp_path / "server"
    write_mnist(server, compress=compress)

    class Mirrored(datasets.MNIST):
        mirrors = ["file:///does/not/exist/", server.as_uri() + "/"]
        resources = [(path.name, hashlib.md5(path.read_bytes()).hexdigest()) for path in server.iterdir()]

    return Mirrored


def test_download_tries_the_mirrors_and_checks(tmp_path):
    made = mirrored(tmp_path)
    assert len(made(tmp_path / "data", download=True)) == 6
    (tmp_path / "server" / "train-images-idx3-ubyte.gz").unlink()
    assert len(made(tmp_path / "data", download=True)) == 6  # what is there is not asked for again


def test_a_download_with_another_checksum_is_not_kept(tmp_path):
    made = mirrored(tmp_path)
    (tmp_path / "server" / "train-images-idx3-ubyte.gz").write_bytes(b"something else")
    with pytest.raises(RuntimeError, match="its md5 is .*, not "):
        made(tmp_path / "data", download=True)
    assert not any("train-images" in name for name in os.listdir(tmp_path / "data" / "Mirrored" / "raw"))


def test_a_failed_download_says_what_to_place_where(tmp_path):
    made = mirrored(tmp_path)
    made.mirrors = ["file:///does/not/exist/"]
    with pytest.raises(RuntimeError) as raised:
        made(tmp_path / "data", download=True)
    text = str(raised.value)
    assert "The download failed:" in text and str(tmp_path / "data" / "Mirrored" / "raw") in text
    for name, md5 in made.resources:
        assert f"{name}  (md5 {md5})" in text


def test_emnist_from_its_archive(tmp_path):
    archive = tmp_path / "gzip.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("gzip/emnist-mnist-train-images-idx3-ubyte.gz", gzip.compress(idx(IMAGES)))
        packed.writestr("gzip/emnist-mnist-train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS)))

    class Local(datasets.EMNIST):
        url, md5 = archive.as_uri(), hashlib.md5(archive.read_bytes()).hexdigest()

    assert len(Local(tmp_path / "data", "mnist", download=True)) == 6


# ---- CIFAR -------------------------------------------------------------------------------------------------------

PIXELS = np.random.default_rng(1).integers(0, 256, (3, 3072), dtype=np.uint8)
NAMES = [f"class {i}" for i in range(10)]


def write_cifar(folder, protocol=2) -> None:
    folder.mkdir(parents=True)
    for name in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"):
        (folder / name).write_bytes(pickle.dumps({"data": PIXELS, "labels": [3, 8, 0]}, protocol=protocol))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": NAMES}, protocol=protocol))


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_cifar10(tmp_path, protocol):
    write_cifar(tmp_path / "cifar-10-batches-py", protocol)
    dataset = datasets.CIFAR10(tmp_path, train=True, transform=transforms.PILToTensor())
    assert len(dataset) == 15 and dataset.data.shape == (15, 32, 32, 3) and dataset.classes == NAMES
    image, label = dataset[4]
    assert label == 8 and np.array_equal(image.numpy().reshape(-1), PIXELS[1])
    assert len(datasets.CIFAR10(tmp_path, train=False)) == 3


def test_cifar_as_python_2_pickled_it(tmp_path):
    """Old batches name NumPy's old modules, and their texts are bytes."""
    folder = tmp_path / "cifar-10-batches-py"
    write_cifar(folder)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray"))
    assert len(datasets.CIFAR10(tmp_path)) == 15


def test_cifar100(tmp_path):
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for name in ("train", "test"):
        (folder / name).write_bytes(pickle.dumps({"data": PIXELS, "fine_labels": [9, 1, 99], "coarse_labels": [0] * 3}))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": [f"{i}" for i in range(100)]}))
    assert datasets.CIFAR100(tmp_path)[2][1] == 99


def test_cifar_from_its_archive_takes_only_what_it_needs(tmp_path):
    write_cifar(tmp_path / "server" / "cifar-10-batches-py")
    (tmp_path / "evil").write_text("outside")
    archive = tmp_path / "server" / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / "server" / "cifar-10-batches-py", "cifar-10-batches-py")
        packed.add(tmp_path / "evil", "../evil-copy")

    class Local(datasets.CIFAR10):
        url, tgz_md5 = archive.as_uri(), hashlib.md5(archive.read_bytes()).hexdigest()

    assert len(Local(tmp_path / "data", download=True)) == 15
    assert not (tmp_path / "evil-copy").exists()


class Hostile:
    def __reduce__(self):
        return os.system, ("echo hacked > hacked.txt",)


@pytest.mark.parametrize("content", [
    pickle.dumps({"data": Hostile(), "labels": [1]}), pickle.dumps([1, 2]), b"no pickle", b"",
    pickle.dumps({"data": PIXELS, "labels": [1]}), pickle.dumps({"data": [1], "labels": [1]}),
])  # fmt: skip
def test_a_hostile_or_damaged_batch_runs_nothing(tmp_path, content, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_cifar(tmp_path / "cifar-10-batches-py")
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").write_bytes(content)
    with pytest.raises(ValueError, match="data_batch_3 is no batch of images"):
        datasets.CIFAR10(tmp_path)
    assert not (tmp_path / "hacked.txt").exists()


def test_missing_batches_are_named(tmp_path):
    write_cifar(tmp_path / "cifar-10-batches-py")
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").unlink()
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted.*\n  data_batch_3$"):
        datasets.CIFAR10(tmp_path)


# ---- folders, fakes, digits --------------------------------------------------------------------------------------


def test_image_folder(tmp_path):
    for name in ("dog/b.png", "dog/deep/c.PNG", "cat/a.jpg", "cat/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("no image")
        else:
            Image.new("L", (4, 3), 200).save(path, format="png" if path.suffix.lower() == ".png" else "jpeg")
    dataset = datasets.ImageFolder(tmp_path, transform=transforms.ToTensor())
    assert dataset.classes == ["cat", "dog"] and dataset.class_to_idx == {"cat": 0, "dog": 1}
    assert [(os.path.relpath(path, tmp_path).replace(os.sep, "/"), label) for path, label in dataset.samples] == [
        ("cat/a.jpg", 0), ("dog/b.png", 1), ("dog/deep/c.PNG", 1)]  # fmt: skip
    assert dataset.targets == [0, 1, 1] and dataset[0][0].shape == (3, 3, 4)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="Found no valid file for the classes empty. Supported ext.* are: .jpg"):
        datasets.ImageFolder(tmp_path)
    assert len(datasets.ImageFolder(tmp_path, allow_empty=True)) == 3
    only_text = datasets.DatasetFolder(tmp_path, lambda path: Path(path).read_text(), (".txt",), allow_empty=True)
    assert only_text[0] == ("no image", 0)


def test_image_folder_without_classes(tmp_path):
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder in"):
        datasets.ImageFolder(tmp_path)


def test_fake_data_is_the_same_for_an_index_and_leaves_the_generator_alone():
    dataset = datasets.FakeData(20, (3, 5, 6), num_classes=4, transform=transforms.ToTensor())
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first, again = dataset[7], dataset[7]
    assert torch.equal(first[0], again[0]) and first[1] == again[1] and torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first[0], dataset[8][0]) and first[0].shape == (3, 5, 6)
    with pytest.raises(IndexError, match="FakeData index out of range"):
        dataset[20]


def test_digits():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    train, test = (datasets.Digits(train=part, transform=transforms.ToTensor()) for part in (True, False))
    assert len(train) + len(test) == len(datasets.Digits()) == 1797
    image, label = train[0]
    assert image.shape == (1, 8, 8) and label == 0 and float(image.max()) <= 1.0


def test_both_kinds_of_transforms_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform can be passed as argument"):
        datasets.VisionDataset(tmp_path, transforms=str, transform=str)
