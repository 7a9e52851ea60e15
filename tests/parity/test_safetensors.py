"""safetensors files both ways: what course_lib writes, safetensors.torch reads as the same, and the other way round."""

import os
import stat
import sys

import pytest

import course_lib
from course_lib.utils import safetensors as ours

torch = pytest.importorskip("torch", reason="PyTorch itself is not installed: pip install -e .[parity]")
theirs = pytest.importorskip("safetensors.torch", reason="safetensors is not installed: pip install safetensors")
import safetensors  # noqa: E402

WAYS = [pytest.param((course_lib, ours), (torch, theirs), id="written_here"),
        pytest.param((torch, theirs), (course_lib, ours), id="read_here")]  # fmt: skip
SIDES = [(course_lib, ours), (torch, theirs)]
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16",
          "float32", "float64", "complex64"]  # fmt: skip


def tensors(lib) -> dict:
    found = {dtype: lib.arange(6).reshape(2, 3).to(getattr(lib, dtype)) for dtype in DTYPES}
    x = lib.arange(10.0)
    return found | {"number": lib.tensor(3.0), "empty": lib.zeros(0, 2), "start": x[:5], "end": x[5:],
                    "learned": lib.nn.Parameter(lib.ones(2)), "ä.weight": lib.ones(1)}  # fmt: skip


def described(found: dict) -> dict:
    return {name: (str(x.dtype), tuple(x.shape), x.stride(), x.requires_grad, x.tolist()) for name, x in found.items()}


@pytest.mark.parametrize(("writer", "reader"), WAYS)
def test_files(tmp_path, writer, reader):
    path = tmp_path / "model.safetensors"
    (lib, write), (_, read) = writer, reader
    write.save_file(tensors(lib), path, metadata={"format": "pt"})
    expected = {name: (*rest[:3], False, rest[4]) for name, rest in described(tensors(lib)).items()}
    assert described(read.load_file(path)) == expected
    assert described(read.load(path.read_bytes())) == expected
    assert described(read.load(write.save(tensors(lib)))) == expected
    assert described(reader[0].load(path)) == expected  # torch.load knows the ending


def test_an_open_file(tmp_path):
    path, results = tmp_path / "x.safetensors", []
    theirs.save_file(tensors(torch), path, metadata={"a": "b"})
    for opened in (ours.safe_open(path), safetensors.safe_open(path, "pt")):
        with opened as file:
            part = file.get_slice("float32")
            results.append((file.keys(), file.offset_keys(), file.metadata(), part.get_shape(), part.get_dtype(),
                            part[1:, :2].tolist(), file.get_tensor("bfloat16").tolist()))  # fmt: skip
    assert results[0] == results[1]


def test_loaded_numbers_belong_to_the_program(tmp_path):
    path = tmp_path / "x.safetensors"
    ours.save_file({"a": course_lib.ones(3)}, path)
    before = path.read_bytes()
    x = ours.load_file(path)["a"]
    x.add_(1)
    assert path.read_bytes() == before
    ours.save_file({"a": x}, path)
    assert (x.tolist(), ours.load_file(path)["a"].tolist()) == ([2, 2, 2], [2, 2, 2])
    assert os.listdir(tmp_path) == ["x.safetensors"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_permissions(tmp_path):
    path = tmp_path / "x.safetensors"
    ours.save_file({"a": course_lib.ones(3)}, path)
    (tmp_path / "plain").write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    path.chmod(0o640)
    ours.save_file({"a": course_lib.ones(3)}, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def tied(lib):
    model = lib.nn.Linear(2, 2)
    model.again = model.weight
    return model


@pytest.mark.parametrize(("writer", "reader"), WAYS)
def test_models_with_shared_weights(tmp_path, writer, reader):
    path = str(tmp_path / "x.safetensors")
    model = tied(writer[0])
    writer[1].save_model(model, path)
    read = tied(reader[0])
    assert reader[1].load_model(read, path) == (set(), [])
    assert read.weight.tolist() == read.again.tolist() == model.weight.tolist()


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__, str(error).replace(repr(course_lib.Tensor), repr(torch.Tensor))


def loaded(lib, api, tmp_path, content: bytes):
    (tmp_path / "bad").write_bytes(content)
    return api.load_file(tmp_path / "bad")


def replaced(lib, api, tmp_path, old: bytes, new: bytes):
    return loaded(lib, api, tmp_path, api.save({"a": lib.ones(9)}).replace(old, new))


CASES = {
    "shared": lambda lib, api, path: api.save({"a": (x := lib.arange(6.0)), "b": x[1:]}),
    "twice": lambda lib, api, path: api.save({"a": (x := lib.arange(6.0)), "a2": x})[:0],
    "gaps": lambda lib, api, path: api.save({"a": lib.ones(2, 3).T}),
    "a list": lambda lib, api, path: api.save([lib.ones(2)]),
    "a number": lambda lib, api, path: api.save({"a": 1}),
    "metadata": lambda lib, api, path: api.save({"a": lib.ones(1)}, metadata={"k": 1}),
    "short": lambda lib, api, path: loaded(lib, api, path, b"abc"),
    "nothing": lambda lib, api, path: loaded(lib, api, path, b""),
    "huge header": lambda lib, api, path: loaded(lib, api, path, b"\xff" * 8 + b"x" * 10),
    "no JSON": lambda lib, api, path: loaded(lib, api, path, b"\x02" + bytes(7) + b"[["),
    "cut off": lambda lib, api, path: loaded(lib, api, path, api.save({"a": lib.ones(9)})[:-1]),
    "too long": lambda lib, api, path: loaded(lib, api, path, api.save({"a": lib.ones(9)}) + b"x"),
    "wrong place": lambda lib, api, path: replaced(lib, api, path, b"[0,36]", b"[4,36]"),
    "wrong shape": lambda lib, api, path: replaced(lib, api, path, b"[9]", b"[8]"),
    "bytes": lambda lib, api, path: api.load(b"abc"),
    "missing file": lambda lib, api, path: api.load_file("/no such file"),
    "another model": lambda lib, api, path: (api.save_model(lib.nn.Linear(2, 2), str(path / "x")),
                                             api.load_model(lib.nn.BatchNorm1d(2), str(path / "x"))),
    "not strict": lambda lib, api, path: (api.save_model(lib.nn.Linear(2, 2), str(path / "x")),
                                          api.load_model(lib.nn.PReLU(), str(path / "x"), strict=False)),
    "dict map_location": lambda lib, api, path: lib.load(path / "x.safetensors", map_location={"cpu": "cpu"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_errors(name, tmp_path):
    results = [outcome(lambda side=side: CASES[name](*side, tmp_path)) for side in SIDES]
    assert results[0] == results[1]
