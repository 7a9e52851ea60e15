"""Files of torch.jit: whole or not at all, and nothing that a hostile one says is run."""

import io
import json
import os
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import course_lib as torch
from course_lib import nn


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.factor = 2

    def forward(self, x):
        return self.layer(x) * self.factor


def saved(program, **options) -> bytes:
    file = io.BytesIO()
    torch.jit.save(program, file, **options)
    return file.getvalue()


def load(content: bytes, **options):
    return torch.jit.load(io.BytesIO(content), **options)


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes], compression=zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


TRACED = saved(torch.jit.trace(Small(), torch.ones(1, 2)))
SCRIPTED = saved(torch.jit.script(Small()))


def changed(content: bytes, change) -> bytes:
    """The archive with its program changed by `change(program)`."""
    parts = parts_of(content)
    program = json.loads(parts["program.json"])
    change(program)
    return zipped(parts | {"program.json": json.dumps(program).encode()})


# ---- whole files ---------------------------------------------------------------------------------------------------


def test_files(tmp_path):
    path = tmp_path / "small.pt"
    program = torch.jit.trace(Small(), torch.ones(1, 2))
    program.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["small.pt"]
    x = torch.ones(3, 2)
    assert torch.equal(torch.jit.load(path)(x), program(x))
    assert torch.jit.load(str(path), map_location="cpu").layer.weight.device.type == "cpu"


def test_extra_files():
    extra = {"note": ""}
    load(saved(torch.jit.script(Small()), _extra_files={"note": "hello"}), _extra_files=extra)
    assert extra == {"note": b"hello"}


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "int8", "bool", "complex64"])
def test_dtypes(dtype):
    module = Small()
    module.register_buffer("table", torch.tensor([0, 1, 2]).to(getattr(torch, dtype)))
    again = load(saved(torch.jit.script(module)))
    assert again.table.dtype is getattr(torch, dtype)
    assert torch.equal(again.table, module.table)


def test_missing_files(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        torch.jit.load(str(tmp_path / "nothing.pt"))
    with pytest.raises(RuntimeError, match="Parent directory .* does not exist"):
        torch.jit.script(Small()).save(str(tmp_path / "no" / "where.pt"))


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "small.pt"
    path.write_bytes(TRACED)

    def fails(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="disk full"):
        torch.jit.script(Small()).save(path)
    assert path.read_bytes() == TRACED
    assert len(list(tmp_path.iterdir())) == 1


# ---- damaged files -------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_give_a_clear_error(data):
    content = bytearray(data.draw(st.sampled_from([TRACED, SCRIPTED])))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        load(bytes(content))
    except RuntimeError as error:
        assert type(error) is torch.jit.ArchiveError


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_programs_with_other_parts_give_a_clear_error(data):
    def change(program):
        place, key = program, "module"
        while isinstance(place[key], (dict, list)) and place[key] and data.draw(st.integers(0, 4)):
            place = place[key]
            keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
        place[key] = data.draw(st.sampled_from([None, -1, "x", [], {}, [[]], {"value": "x"}, {"tuple": 3}, True, 1e9]))

    try:
        load(changed(data.draw(st.sampled_from([TRACED, SCRIPTED])), change))
    except RuntimeError as error:
        assert type(error) is torch.jit.ArchiveError


CLEAR = {
    "no program": (zipped({"a": b""}), "no program.json"),
    "PyTorch's own": (zipped({"m/constants.pkl": b"", "m/data.pkl": b""}), "PyTorch's own TorchScript"),
    "a file of torch.save": (zipped({"m/data.pkl": b""}), "read it with torch.load"),
    "another format": (zipped({"program.json": b'{"format": "x"}'}), "not in the format"),
    "a later version": (changed(TRACED, lambda p: p.update(version=99)), "version 99"),
    "deep nesting": (zipped({"program.json": b"[" * 100_000}), "damaged"),
    "no numbers": (zipped({k: v for k, v in parts_of(TRACED).items() if k != "tensors/0"}), "no numbers for tensor 0"),
    "short numbers": (zipped(parts_of(TRACED) | {"tensors/0": b"1234"}), "should have 16 bytes, not 4"),
    "a bomb": (zipped(parts_of(TRACED), zipfile.ZIP_DEFLATED), "should have"),
    "a huge tensor": (changed(TRACED, lambda p: p["tensors"][0].update(shape=[1 << 40, 1 << 40])), "should have"),
    "a negative size": (changed(TRACED, lambda p: p["tensors"][0].update(shape=[-2, -2])), "has the dtype"),
    "another operation": (
        changed(TRACED, lambda p: p["module"]["methods"]["forward"]["graph"]["nodes"][0].update(target="os.system")),
        "asks for the operation 'os.system'",
    ),
    "a private operation": (
        changed(TRACED, lambda p: p["module"]["methods"]["forward"]["graph"]["nodes"][0].update(target="Tensor.numpy")),
        "asks for the operation",
    ),
    "an internal operation": (
        changed(TRACED, lambda p: p["module"]["methods"]["forward"]["graph"]["nodes"][0].update(target="ops.placed")),
        "asks for the operation",
    ),
    "another class": (
        changed(SCRIPTED, lambda p: p["module"]["children"]["layer"].update(library="os")),
        "course_lib.nn does not have",
    ),
    "a hidden attribute": (
        changed(SCRIPTED, lambda p: p["module"]["children"]["layer"]["attributes"].update(forward=1)),
        "sets the attribute 'forward'",
    ),
    "a hook": (
        changed(SCRIPTED, lambda p: p["module"]["attributes"].update(_forward_hooks={"dict": {}})),
        "sets the attribute '_forward_hooks'",
    ),
}


@pytest.mark.parametrize("name", CLEAR)
def test_clear_errors(name):
    content, text = CLEAR[name]
    with pytest.raises(torch.jit.ArchiveError, match=text):
        load(content)


# ---- hostile sources -----------------------------------------------------------------------------------------------

SOURCES = [
    "def forward(self, x):\n    return open('x')",
    "def forward(self, x):\n    import os",
    "def forward(self, x):\n    return x.__class__",
    "def forward(self, x):\n    return ().__class__.__base__.__subclasses__()",
    "def forward(self, x):\n    return x._array",
    "def forward(self, x):\n    return x.numpy().tofile('x')",
    "def forward(self, x):\n    return x.dtype.numpy",
    "def forward(self, x):\n    return '{0.__class__}'.format(x)",
    "def forward(self, x):\n    return f'{x.__class__}'",
    "def forward(self, x):\n    return torch.load('x')",
    "def forward(self, x):\n    return torch.nn.functional.__builtins__",
    "def forward(self, x):\n    return torch.jit.__dict__",
    "def forward(self, x):\n    return torch.ops.as_strided_view(x, size=(9,), stride=(1,), offset=0)",
    "def forward(self, x):\n    return torch.Tensor.as_strided(x, (9,), (1,))",
    "def forward(self, x):\n    return math.__loader__",
    "def forward(self, x):\n    return self.__dict__",
    "def forward(self, x):\n    return self._modules",
    "def forward(self, x):\n    self.forward = x",
    "def forward(self, x):\n    self.layer.weight = x",
    "def forward(self, x):\n    return x.register_hook(x.sum)",
    "def forward(self, x):\n    return x.grad_fn.metadata",
    "def forward(self, x):\n    return (lambda: x)()",
    "def forward(self, x):\n    return eval('x')",
    "def forward(self, x):\n    return getattr(x, 'numpy')",
    "def forward(self, x):\n    with open('x') as f:\n        return f",
    "def forward(self, x):\n    with torch.no_grad() as f, print('x'):\n        return f",
    "def forward(self, x):\n    torch = x\n    return torch",
    "def forward(self, x, torch=1):\n    return torch",
    "def forward(self, __builtins__):\n    return 1",
    "@print\ndef forward(self, x):\n    return x",
    "@(lambda f: f)\ndef forward(self, x):\n    return x",
    "def forward(self, x: print('annotated')):\n    return x",
    "def forward(self, x) -> print('annotated'):\n    return x",
    "def forward(self, x=(lambda: 1)()):\n    return x",
    "async def forward(self, x):\n    return x",
    "class forward:\n    pass",
    "forward = 1",
    "print('run')",
    "def forward(self, x):\n    global y\n    y = x",
    "def forward(self, x):\n    yield x",
    "def forward(self, x):\n    return b'bytes'",
    "def forward(self, x):\n    return {**x}.__len__",
    "def forward(self, x):\n    return [y for y in x.__dict__]",
    "def forward(self, x):\n    del x",
    "def forward(self, x):\n    return (y for y in x).gi_frame",
    "def forward(self, x):\n    return any(y for y in x)",
    "def forward(",
    "def forward(self, x):\n    return " + "(" * 500 + "x" + ")" * 500,
    "\0",
    "",
]


@pytest.mark.parametrize("source", SOURCES)
def test_hostile_sources(source):
    content = changed(SCRIPTED, lambda p: p["module"]["methods"]["forward"].update(source=source))
    with pytest.raises(torch.jit.ArchiveError):
        load(content)


@pytest.mark.parametrize("name", ["_array", "__class__", "numpy", "_modules", "tofile", "apply", "register_hook",
                                  "save", "_source", "_tree", "_compiled", "_methods", "graph"])  # fmt: skip
@pytest.mark.parametrize("kind", ["attributes", "children", "methods", "buffers"])
def test_a_declared_name_opens_nothing(name, kind):
    """An archive may not name a part of a module so that a method could reach something closed by that name."""

    def change(program):
        program["module"][kind][name] = {"source": "def f(self): return 1"} if kind == "methods" else None
        program["module"]["methods"]["forward"]["source"] = f"def forward(self, x):\n    return x.{name}"

    with pytest.raises(torch.jit.ArchiveError):
        load(changed(SCRIPTED, change))


def test_the_program_sees_no_builtins():
    """Even a call of something that is allowed finds only what the program names."""
    program = load(SCRIPTED)
    program(torch.ones(1, 2))
    assert program._methods["forward"]._compiled.__globals__["__builtins__"] == {}
