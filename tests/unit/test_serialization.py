"""torch.save and torch.load by themselves: round trips, replacing files in one step, options, plain pickles."""

import copy
import gzip
import io
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import pytest

import course_lib as torch
from course_lib import nn
from course_lib.backends import cuda


def round_trip(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file)
    file.seek(0)
    return torch.load(file, **options)


# ---- what comes back ---------------------------------------------------------------------------------------------


def test_views_stay_views_of_one_memory():
    x = torch.arange(6.0).reshape(2, 3)
    y, row, turned = round_trip([x, x[1], x.T])
    y[1, 0] = 100
    assert row.tolist() == [100, 4, 5]
    assert turned[0].tolist() == [0, 100]
    assert y._version == row._version  # they are changed together
    assert not row._is_view()
    assert row.is_leaf


def test_the_whole_memory_of_a_small_view_is_kept():
    view = round_trip(torch.zeros(1000)[:2])
    assert view.untyped_storage().nbytes() == 4000
    assert round_trip(torch.zeros(1000)[:2].clone()).untyped_storage().nbytes() == 8


def test_memory_of_numpy_with_gaps():
    array = np.arange(20.0).reshape(4, 5)
    steps, turned = torch.from_numpy(array[::2, 1::2]), torch.from_numpy(array.T)
    for x in (steps, turned):
        read = round_trip(x)
        assert (read.tolist(), read.stride()) == (x.tolist(), x.stride())
        assert pickle.loads(pickle.dumps(x)).tolist() == copy.deepcopy(x).tolist() == x.tolist()


def test_loaded_tensors_can_be_trained():
    x = round_trip(torch.ones(3, requires_grad=True))
    (x * x).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_tied_parameters_stay_tied():
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    model["b"].weight = model["a"].weight
    state = round_trip(model.state_dict())
    state["a.weight"][0, 0] = 7
    assert state["b.weight"][0, 0] == 7
    read = round_trip(model, weights_only=False)
    assert read["a"].weight is read["b"].weight


def test_training_goes_on_from_a_checkpoint(tmp_path):
    def new():
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Tanh(), nn.Linear(8, 1))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)

    def train(model, optimizer, scheduler, steps):
        losses = []
        for _ in range(steps):
            loss = model(torch.randn(5, 4)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        return losses

    parts = new()
    train(*parts, 3)
    torch.save({"parts": [part.state_dict() for part in parts], "rng": torch.get_rng_state()}, tmp_path / "c.pt")
    expected = train(*parts, 3)
    resumed = new()
    checkpoint = torch.load(tmp_path / "c.pt")
    for part, state in zip(resumed, checkpoint["parts"]):
        part.load_state_dict(state)
    torch.set_rng_state(checkpoint["rng"])
    assert train(*resumed, 3) == expected


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.activation = nn.Linear(2, 2), nn.functional.relu
        self.register_buffer("mean", torch.ones(2), persistent=False)

    def forward(self, x):
        return self.activation(self.layer(x)) + self.mean


def test_a_model_of_the_user():
    model = Net()
    read = round_trip(model, weights_only=False)
    x = torch.randn(3, 2)
    assert torch.equal(read(x), model(x))
    assert read.activation is nn.functional.relu
    with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL \S*test_serialization.Net was not an allowed global"):
        round_trip(model)


def test_a_model_with_leave():
    allowed = [Net, nn.Linear, nn.functional.relu, set]
    with torch.serialization.safe_globals(allowed):
        assert type(round_trip(Net())) is Net
    assert torch.serialization.get_safe_globals() == []


def test_safe_globals_within_safe_globals():
    torch.serialization.add_safe_globals([Net])
    with torch.serialization.safe_globals([nn.Linear]):
        assert torch.serialization.get_safe_globals() == [Net, nn.Linear]
    assert torch.serialization.get_safe_globals() == [Net]
    torch.serialization.clear_safe_globals()
    assert torch.serialization.get_safe_globals() == []


def test_models_of_torchvision_have_its_names():
    from course_lib.vision.models import resnet18

    file = io.BytesIO()
    torch.save(resnet18(num_classes=2), file)
    assert "torchvision.models.resnet.ResNet" in torch.serialization.get_unsafe_globals_in_checkpoint(file_at(file, 0))
    assert type(torch.load(file_at(file, 0), weights_only=False)).__module__ == "course_lib.vision.models.resnet"


def file_at(file, position: int):
    file.seek(position)
    return file


class MyTensor(torch.Tensor):
    pass


def test_a_subclass_of_tensor():
    x = torch.ones(2).as_subclass(MyTensor)
    x.note = "a"
    read = round_trip(x, weights_only=False)
    assert type(read) is MyTensor
    assert (read.tolist(), read.note) == ([1, 1], "a")
    with torch.serialization.safe_globals([MyTensor]):
        assert type(round_trip(x)) is MyTensor


@pytest.mark.parametrize("protocol", range(1, 6))
def test_protocols(protocol):
    found = {"x": torch.arange(3), "t": (1, "a" * 300, b"b", 2**2100), "d": torch.float32, "s": frozenset([1])}
    file = io.BytesIO()
    torch.save(found, file, pickle_protocol=protocol)
    file.seek(0)
    read = torch.load(file, weights_only=protocol >= 4)  # before, a frozenset was a call
    assert (read["x"].tolist(), read["t"], read["d"], read["s"]) == ([0, 1, 2], found["t"], torch.float32, {1})


def test_large_storages_are_read_by_threads():
    found = [torch.full((700_000,), float(i)) for i in range(5)]
    read = round_trip(found)
    assert [x[0].item() for x in read] == [0, 1, 2, 3, 4]
    assert all(torch.equal(x, y) for x, y in zip(found, read))


def test_the_same_content_is_the_same_file():
    contents = set()
    for _ in range(2):
        file = io.BytesIO()
        torch.save({"a": torch.arange(3), "b": nn.Linear(1, 1, bias=False).weight.detach().zero_()}, file)
        contents.add(file.getvalue())
    assert len(contents) == 1


def test_storages_begin_at_multiples_of_64_and_are_not_compressed(tmp_path):
    torch.save([torch.arange(i + 1) for i in range(20)], tmp_path / "x.pt")
    content = (tmp_path / "x.pt").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.pt") as archive:
        for info in archive.infolist():
            name, extra = (int.from_bytes(content[info.header_offset + at :][:2], "little") for at in (26, 28))
            start = info.header_offset + 30 + name + extra
            assert start % 64 == 0
            assert content[start : start + info.file_size] == archive.read(info)


# ---- kinds of files ----------------------------------------------------------------------------------------------


class Unseekable:
    """A pipe or socket: what is written is gone."""

    def __init__(self):
        self.parts = []

    def write(self, content):
        self.parts.append(bytes(content))


def test_a_file_object_that_can_only_write():
    file = Unseekable()
    torch.save(torch.arange(5), file)
    assert torch.load(io.BytesIO(b"".join(file.parts))).tolist() == [0, 1, 2, 3, 4]


def test_a_compressed_file():
    file = io.BytesIO()
    with gzip.open(file, "wb") as packed:
        torch.save(torch.arange(5), packed)
    file.seek(0)
    with gzip.open(file) as packed:
        assert torch.load(packed).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("stream", [False, True])
def test_a_file_that_begins_elsewhere(stream):
    file = io.BytesIO(b"some header")
    file.seek(0, io.SEEK_END)
    torch.save(torch.arange(5), file, _use_new_zipfile_serialization=not stream)
    file.seek(len(b"some header"))
    assert torch.load(file).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("stream", [False, True])
def test_an_open_file(tmp_path, stream):
    with open(tmp_path / "x", "wb") as file:
        torch.save(torch.arange(5), file, _use_new_zipfile_serialization=not stream)
    with open(tmp_path / "x", "rb") as file:
        assert torch.load(file).tolist() == [0, 1, 2, 3, 4]
    with open(tmp_path / "x", "rb", buffering=0) as file:
        assert torch.load(file).tolist() == [0, 1, 2, 3, 4]


def test_a_file_without_readinto():
    class Old:
        def __init__(self, file):
            self.read, self.readline, self.seek, self.tell = file.read, file.readline, file.seek, file.tell

    for stream in (False, True):
        file = io.BytesIO()
        torch.save(torch.arange(5), file, _use_new_zipfile_serialization=not stream)
        file.seek(0)
        assert torch.load(Old(file)).tolist() == [0, 1, 2, 3, 4]


def test_a_mapped_file_is_read_when_it_is_looked_at(tmp_path):
    path = tmp_path / "x.pt"
    torch.save([torch.arange(4.0), torch.ones(2)], path)
    x, y = torch.load(path, mmap=True)
    x.mul_(2)  # in memory only
    assert (x.tolist(), y.tolist()) == ([0, 2, 4, 6], [1, 1])
    assert torch.load(path)[0].tolist() == [0, 1, 2, 3]
    if sys.platform != "win32":  # which does not let go of a mapped file
        torch.save([x, y], path)  # the mapped file is replaced, not overwritten
        assert y.tolist() == [1, 1]
        assert torch.load(path)[0].tolist() == [0, 2, 4, 6]


def test_a_shared_mapping_writes_to_the_file(tmp_path):
    path = tmp_path / "x.pt"
    torch.save(torch.arange(4.0), path)
    with torch.serialization.set_default_mmap_options(1):
        x = torch.load(path, mmap=True)
    x.mul_(2)
    assert torch.load(path, mmap=True).tolist() == [0, 2, 4, 6]


def test_a_program_of_torch_jit():
    file, model = io.BytesIO(), nn.Linear(2, 2)
    torch.jit.save(torch.jit.trace(model, torch.ones(1, 2)), file)
    file.seek(0)
    with pytest.warns(UserWarning, match="like a TorchScript archive"), pytest.raises(RuntimeError, match="Cannot use"):
        torch.load(file)
    with pytest.warns(UserWarning, match="call 'torch.jit.load' directly"):
        read = torch.load(file, weights_only=False)
    assert torch.equal(read(torch.ones(1, 2)), model(torch.ones(1, 2)))


# ---- replacing a file --------------------------------------------------------------------------------------------


def test_an_error_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(torch.arange(3), path)
    for broken in (lambda: 1, (i for i in ()), sys):
        with pytest.raises((pickle.PicklingError, TypeError)):
            torch.save({"a": torch.ones(1000), "b": broken}, path)
        assert torch.load(path).tolist() == [0, 1, 2]
        assert os.listdir(tmp_path) == ["model.pt"]


def test_a_full_disk_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    torch.save(torch.arange(3), path)
    monkeypatch.setattr(os, "fsync", raises(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        torch.save(torch.ones(3), path)
    monkeypatch.undo()
    assert torch.load(path).tolist() == [0, 1, 2]
    assert os.listdir(tmp_path) == ["model.pt"]


def raises(error):
    def call(*arguments):
        raise error

    return call


KILLED = """
import os, sys
import course_lib as torch
from course_lib.serialization import archive_writer

put, count = archive_writer.ArchiveWriter._put, 0

def put_and_die(self, content):
    global count
    put(self, content)
    self._file.flush()
    count += 1
    if count == int(sys.argv[2]):
        {kill}

archive_writer.ArchiveWriter._put = put_and_die
torch.save([torch.ones(100_000), torch.zeros(100_000)], sys.argv[1])
"""


@pytest.mark.parametrize("after", [1, 5, 17, 25])
def test_a_kill_in_the_middle_leaves_the_earlier_file(tmp_path, after):
    path = tmp_path / "model.pt"
    torch.save(torch.arange(3), path)
    kill = "os._exit(9)" if sys.platform == "win32" else "os.kill(os.getpid(), 9)"
    found = subprocess.run([sys.executable, "-c", KILLED.format(kill=kill), str(path), str(after)], timeout=60)
    assert abs(found.returncode) == 9
    assert torch.load(path).tolist() == [0, 1, 2]
    torch.save(torch.arange(4), path)
    assert torch.load(path).tolist() == [0, 1, 2, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o660])
def test_permissions_are_kept(tmp_path, mode):
    path = tmp_path / "model.pt"
    torch.save(1, path)
    path.chmod(mode)
    torch.save(2, path)
    assert path.stat().st_mode & 0o777 == mode
    assert torch.load(path) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs rights on Windows")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "latest.pt"
    link.symlink_to(tmp_path / "folder" / "model.pt")
    for value in (1, 2):
        torch.save(value, link)
        assert link.is_symlink()
        assert torch.load(tmp_path / "folder" / "model.pt") == value
    assert os.listdir(tmp_path / "folder") == ["model.pt"]


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="there is no /dev/null")
def test_a_device_is_written_to():
    torch.save(torch.ones(2), "/dev/null")
    assert not pathlib.Path("/dev/null").is_file()


def test_a_path_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(3, "x.pt")
    torch.save(4, "x" * 200 + ".pt")
    assert (torch.load("x.pt"), torch.load(pathlib.Path("x" * 200 + ".pt"))) == (3, 4)


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    torch.save(1, path)
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda name, mode: mode != os.W_OK)  # for root, all files may be written
    with pytest.raises(RuntimeError, match="Permission denied"):
        torch.save(2, path)
    assert torch.load(path) == 1
    path.chmod(0o644)  # so that the folder can be removed


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(RuntimeError, match="Is a directory"):
        torch.save(1, tmp_path)
    with pytest.raises((IsADirectoryError, PermissionError)):
        torch.load(tmp_path)


# ---- options -----------------------------------------------------------------------------------------------------


def test_environment_variables(monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.warns(UserWarning, match="forcing weights_only=False"):
        assert type(round_trip(Net())) is Net
    with pytest.raises(pickle.UnpicklingError):
        round_trip(Net(), weights_only=True)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "yes")
    with pytest.raises(RuntimeError, match="Only one of"):
        round_trip(1)
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    with pytest.raises(pickle.UnpicklingError):
        round_trip(Net(), weights_only=False)


def test_a_location_of_the_users():
    from course_lib.serialization import locations

    before = list(locations._packages)
    torch.serialization.register_package(5, lambda storage: None, lambda s, tag: s if tag == "moon" else None)
    try:
        assert round_trip(torch.ones(2), map_location="moon").tolist() == [1, 1]
    finally:
        locations._packages[:] = before
    with pytest.raises(RuntimeError, match="don't know how to restore data location .*tagged with moon"):
        round_trip(torch.ones(2), map_location="moon")


def test_map_location_as_a_function_gets_the_numbers():
    seen = []
    round_trip([torch.arange(3, dtype=torch.uint8)], map_location=lambda storage, tag: seen.append(storage.tolist()))
    assert seen == [[0, 1, 2]]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("weights_only", [False, True])
def test_an_error_in_map_location_is_the_users(stream, weights_only):
    def moved(map_location):
        file = io.BytesIO()
        torch.save(torch.ones(2), file, _use_new_zipfile_serialization=not stream)
        file.seek(0)
        return torch.load(file, map_location=map_location, weights_only=weights_only)

    assert moved(lambda storage, tag: storage.cpu()).tolist() == [1, 1]
    with pytest.raises(ZeroDivisionError):
        moved(lambda storage, tag: 1 / 0)
    with pytest.raises(KeyError, match="nothing here"):
        moved(lambda storage, tag: {}["nothing here"])
    with pytest.raises(TypeError, match="map_location must return None or an UntypedStorage"):
        moved(lambda storage, tag: 5)


class Strict:
    def __setstate__(self, state):
        raise LookupError("no such state")


def test_an_error_in_an_allowed_class_is_the_users():
    found = Strict()
    found.a = 1
    with torch.serialization.safe_globals([Strict]), pytest.raises(LookupError, match="no such state"):
        round_trip(found)


def test_another_pickle_module(tmp_path):
    class Traced:
        __name__ = "traced"
        Pickler, dump = pickle.Pickler, staticmethod(pickle.dump)

        class Unpickler(pickle.Unpickler):
            pass

    torch.save({"x": torch.ones(2)}, tmp_path / "x.pt", pickle_module=Traced)
    assert torch.load(tmp_path / "x.pt", pickle_module=Traced)["x"].tolist() == [1, 1]


def test_bytes_of_python_2():
    """What Python 2 called a string comes back in the encoding that is asked for."""
    from course_lib.serialization.archive_writer import ArchiveWriter

    file = io.BytesIO()
    archive = ArchiveWriter(file, "archive")
    archive.write("data.pkl", b"\x80\x02U\x02\xe4a.")
    archive.close()
    texts = {}
    for encoding in ("latin1", "bytes"):
        file.seek(0)
        texts[encoding] = torch.load(file, weights_only=False, encoding=encoding)
    assert texts == {"latin1": "äa", "bytes": b"\xe4a"}


# ---- tensors on a GPU ----------------------------------------------------------------------------------------


@pytest.fixture
def gpus():
    """Two GPUs, played by the strict stand-in for CuPy."""
    import cupy_on_numpy

    cuda.use(cupy_on_numpy.module())
    yield
    cuda.use(None)


@pytest.mark.parametrize("stream", [False, True])
def test_tensors_on_a_gpu(gpus, stream):
    x = torch.arange(6.0, device="cuda:1").reshape(2, 3)
    file = io.BytesIO()
    torch.save([x, x.T, torch.ones(2)], file, _use_new_zipfile_serialization=not stream)
    places = {None: ["cuda:1", "cuda:1", "cpu"], "cpu": ["cpu"] * 3, "cuda": ["cuda:0"] * 3}
    for location, expected in places.items():
        file.seek(0)
        y, turned, one = torch.load(file, map_location=location)
        assert [str(t.device) for t in (y, turned, one)] == expected
        assert (y.tolist(), turned.stride(), one.tolist()) == ([[0, 1, 2], [3, 4, 5]], (1, 3), [1, 1])
        assert y.data_ptr() == turned.data_ptr()
    file.seek(0)
    with pytest.raises(RuntimeError, match="on CUDA device 7 but torch.cuda.device_count\\(\\) is 2"):
        torch.load(file, map_location="cuda:7")
    for made in (copy.deepcopy([x, x.T]), pickle.loads(pickle.dumps([x, x.T]))):
        assert [(str(t.device), t.tolist()) for t in made] == [("cuda:1", x.tolist()), ("cuda:1", x.T.tolist())]


# ---- plain pickle and deepcopy -----------------------------------------------------------------------------------


def test_pickled_tensors_share_memory_as_before():
    x = torch.arange(6.0)
    y, tail = pickle.loads(pickle.dumps([x, x[2:]]))
    y[2] = 9
    assert tail.tolist() == [9, 3, 4, 5]


def test_pickled_tensors_of_every_dtype():
    for dtype in (torch.bfloat16, torch.float16, torch.uint64, torch.bool, torch.complex64):
        x = torch.ones(3).to(dtype)
        read = pickle.loads(pickle.dumps(x))
        assert (read.dtype, read.tolist()) == (dtype, x.tolist())


def test_a_pickled_storage():
    storage = torch.arange(3).untyped_storage()
    assert pickle.loads(pickle.dumps(storage)).tolist() == storage.tolist()
    assert pickle.loads(pickle.dumps(torch.arange(3).storage())).tolist() == [0, 1, 2]


def test_deepcopy_of_a_model_is_independent():
    model = nn.Linear(2, 2)
    made = copy.deepcopy(model)
    made.weight.data.fill_(0)
    assert model.weight.abs().sum() > 0


def test_a_subclass_is_copied_and_pickled():
    x = torch.ones(2).as_subclass(MyTensor).detach().as_subclass(MyTensor)
    assert type(copy.deepcopy(x)) is MyTensor
    assert type(pickle.loads(pickle.dumps(x))) is MyTensor


def test_a_temporary_file():
    with tempfile.TemporaryFile() as file:
        torch.save(torch.ones(2), file)
        file.seek(0)
        assert torch.load(file).tolist() == [1, 1]
