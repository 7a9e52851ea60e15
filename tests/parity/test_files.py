"""Files both ways: what course_lib writes, PyTorch reads as the same thing, and the other way round."""

import collections
import copy
import inspect
import io
import pathlib
import pickle
import warnings
import zipfile

import numpy as np
import pytest

import course_lib
from course_lib.serialization.names import path_in_file

torch = pytest.importorskip("torch", reason="PyTorch itself is not installed: pip install -e .[parity]")
WAYS = [pytest.param(course_lib, torch, id="written_here"), pytest.param(torch, course_lib, id="read_here")]
FORMATS = [pytest.param({}, id="archive"), pytest.param({"_use_new_zipfile_serialization": False}, id="stream")]
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
          "complex128"]  # fmt: skip
YOUNG_DTYPES = ["uint16", "uint32", "uint64"]  # of which PyTorch cannot read streams


def written(lib, obj, **options) -> io.BytesIO:
    file = io.BytesIO()
    lib.save(obj, file, **options)
    file.seek(0)
    return file


def described(obj, storages=None):
    """An object in plain Python, with what tensors are and which share memory: equal where the objects are."""
    storages = {} if storages is None else storages
    kind = type(obj).__name__
    if kind in ("Tensor", "Parameter"):
        memory = obj.untyped_storage()
        number = storages.setdefault(memory.data_ptr() or id(memory), len(storages)) if memory.nbytes() else "empty"
        values = obj.detach().clone().contiguous()
        names = {name: described(value) for name, value in obj.__dict__.items()}
        return (kind, str(obj.dtype), tuple(obj.shape), obj.stride(), obj.storage_offset(), obj.requires_grad, number,
                memory.nbytes(), bytes(values.view(-1).untyped_storage().tolist()), names)  # fmt: skip
    if kind in ("dtype", "device", "layout"):
        return (kind, str(obj))
    if isinstance(obj, dict):
        state = {name: described(value, storages) for name, value in getattr(obj, "__dict__", {}).items()}
        return (kind, [(described(key), described(value, storages)) for key, value in obj.items()], state)
    if isinstance(obj, (list, tuple)):
        return (kind, [described(value, storages) for value in obj])
    return (kind, repr(obj) if isinstance(obj, (set, frozenset)) else obj)


def shared(lib):
    x = lib.arange(24.0).reshape(2, 3, 4)
    return {"all": x, "row": x[1], "turned": x.transpose(0, 2), "steps": x[:, ::2], "one": x[1, 2, 3], "none": x[:0],
            "same": x, "wide": x[0, 0, :1].expand(5), "list": [x.reshape(-1)[4:], x.detach()]}  # fmt: skip


def with_attributes(lib):
    x, p = lib.ones(2), lib.nn.Parameter(lib.zeros(3))
    x.note, p.note = [1, "a"], "b"
    return [x, p]


def state_of_model(lib):
    model = lib.nn.Sequential(lib.nn.Conv2d(1, 2, 3), lib.nn.BatchNorm2d(2), lib.nn.Flatten(), lib.nn.Linear(8, 2))
    for i, p in enumerate(model.parameters()):
        p.data.fill_(i)
    return model.state_dict()


def state_of_optimizer(lib):
    w = lib.nn.Parameter(lib.arange(6.0))
    optimizer = lib.optim.SGD([w], lr=0.5, momentum=0.5)
    for _ in range(2):
        (w * w).sum().backward()
        optimizer.step()
    return optimizer.state_dict()


OBJECTS = {
    "every dtype": lambda lib: [lib.ones(3, 2).to(getattr(lib, dtype)) for dtype in DTYPES],
    "a number of each dtype": lambda lib: [lib.tensor(1).to(getattr(lib, dtype)) for dtype in DTYPES],
    "special numbers": lambda lib: lib.tensor([float("inf"), float("-inf"), float("nan"), -0.0, 1e-45]),
    "shared memory": shared,
    "empty tensors": lambda lib: [lib.zeros(0), lib.zeros(0, 3), lib.zeros(2, 0, 2)],
    "requires_grad": lambda lib: [lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True) * 2],
    "channels last": lambda lib: lib.ones(2, 3, 4, 5).contiguous(memory_format=lib.channels_last),
    "parameters": lambda lib: [lib.nn.Parameter(lib.ones(2)), lib.nn.Parameter(lib.ones(2), requires_grad=False)],
    "a parameter twice": lambda lib: [lib.nn.Parameter(lib.ones(2))] * 2,
    "attributes": with_attributes,
    "a buffer": lambda lib: lib.nn.Buffer(lib.ones(2), persistent=False),
    "state of a model": state_of_model,
    "state of an optimizer": state_of_optimizer,
    "state of a scheduler": lambda lib: lib.optim.lr_scheduler.StepLR(
        lib.optim.SGD([lib.nn.Parameter(lib.ones(1))], lr=1.0), 3).state_dict(),
    "random state": lambda lib: [lib.Generator().manual_seed(7).get_state()],
    "torch types": lambda lib: [lib.Size([2, 3]), lib.float16, lib.device("cpu"), lib.device("cuda:1"), lib.strided],
    "containers": lambda lib: {"list": [1, 2.5, None, True, 1j], "tuple": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
                               3: {"nested": {}}, (1, "a"): "ä€😀", "set": {5}, "bytes": b"\x00\xff", "empty": [],
                               "numbers": [0, 255, 256, 65536, -1, 2**31, -(2**31) - 1, 2**70, -(2**70)]},
    "counters": lambda lib: [collections.Counter("abca"), collections.OrderedDict(b=1, a=2), bytearray(b"abc")],
    "long": lambda lib: {"text": "x" * 70000, "list": list(range(2999)), "dict": {str(i): i for i in range(2999)}},
}  # fmt: skip


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize(("writer", "reader"), WAYS)
@pytest.mark.parametrize("name", OBJECTS)
def test_objects(name, writer, reader, options):
    make = OBJECTS[name]
    if name == "every dtype" and not options:
        make = lambda lib: [lib.ones(3, 2).to(getattr(lib, dtype)) for dtype in DTYPES + YOUNG_DTYPES]
    assert described(reader.load(written(writer, make(writer), **options))) == described(make(reader))


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(("writer", "reader"), WAYS)
@pytest.mark.parametrize("name", ["shared memory", "containers", "torch types", "every dtype"])
def test_other_protocols(name, writer, reader, protocol):
    file = written(writer, OBJECTS[name](writer), pickle_protocol=protocol)
    weights_only = reader is course_lib  # PyTorch's own safe unpickler knows protocol 2 only
    assert described(reader.load(file, weights_only=weights_only)) == described(OBJECTS[name](reader))


@pytest.mark.parametrize("name", sorted(set(OBJECTS) - {"random state"}))
def test_archives_are_equal_byte_by_byte(name):
    """All but the identity that a writer gives a file."""
    made = []
    for lib in (course_lib, torch):
        content = written(lib, OBJECTS[name](lib)).getvalue()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            identity = archive.read("archive/.data/serialization_id")
            crc = archive.getinfo("archive/.data/serialization_id").CRC
        made.append(content.replace(identity, b"").replace(crc.to_bytes(4, "little"), b""))
    assert made[0] == made[1]


# ---- whole modules -----------------------------------------------------------------------------------------------

MODULES = """
Linear(2, 3); Bilinear(2, 3, 4); Identity(); Conv1d(2, 4, 3); Conv2d(2, 4, 3, padding='same', padding_mode='reflect')
Conv3d(1, 1, 1); ConvTranspose1d(2, 2, 3); ConvTranspose2d(2, 2, 3, padding=1); MaxPool2d(2); AvgPool1d(2)
AdaptiveAvgPool2d((1, 1)); AdaptiveMaxPool1d(2); LPPool2d(2, 2); FractionalMaxPool2d(2, output_size=1); MaxUnpool2d(2)
BatchNorm1d(3); BatchNorm2d(3, affine=False); BatchNorm3d(2, track_running_stats=False); InstanceNorm2d(3, affine=True)
GroupNorm(2, 4); LayerNorm((2, 3)); RMSNorm(3); LocalResponseNorm(2); Dropout(0.3); Dropout2d(); AlphaDropout()
RNN(2, 3, nonlinearity='relu'); LSTM(2, 3, 2, bidirectional=True); GRU(2, 3, batch_first=True); LSTM(2, 4, proj_size=2)
RNNCell(2, 3); LSTMCell(2, 3); GRUCell(2, 3); Embedding(5, 3, padding_idx=0); EmbeddingBag(5, 3); Flatten(); ReLU()
Unflatten(1, (2, 2)); GELU('tanh'); LeakyReLU(0.1); PReLU(); Softmax(1); LogSoftmax(0); Sigmoid(); Tanh(); SiLU(); ELU()
Hardtanh(); Softplus(); GLU(); Threshold(1, 2); RReLU(); Hardswish(); Mish(); SELU(); CELU(); Softshrink()
MultiheadAttention(4, 2); CrossEntropyLoss(label_smoothing=0.1); MSELoss(); L1Loss(); NLLLoss(); BCELoss(); KLDivLoss()
BCEWithLogitsLoss(pos_weight=T.ones(2)); HuberLoss(); SmoothL1Loss(); CTCLoss(); TripletMarginLoss(); GaussianNLLLoss()
CosineEmbeddingLoss(); MarginRankingLoss(); PoissonNLLLoss(); MultiMarginLoss(); CosineSimilarity(); PairwiseDistance()
PixelShuffle(2); Upsample(scale_factor=2); ZeroPad2d(1); ReflectionPad1d(1); ConstantPad2d(1, 2.0); ChannelShuffle(2)
Fold((2, 2), 1); Unfold(2); TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
Transformer(4, 2, 1, 1, 8, batch_first=True)
Sequential(N.Linear(2, 2), N.ReLU()); ModuleList([N.Linear(1, 1)]); ModuleDict({'a': N.Tanh()})
ParameterList([N.Parameter(T.ones(2))]); ParameterDict({'a': N.Parameter(T.ones(2))})
""".replace(";", "\n").strip().splitlines()


def module(lib, text: str):
    lib.manual_seed(0)
    return eval("N." + text.strip(), {"N": lib.nn, "T": lib})


def attributes(value):
    """The attributes of a module in plain Python, without those that are empty tables of hooks."""
    if isinstance(value, (course_lib.nn.Module, torch.nn.Module)):
        state = value.__getstate__()
        return {name: attributes(state[name]) for name in sorted(state)}
    if isinstance(value, dict):
        return {name: attributes(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [attributes(entry) for entry in value]
    if callable(value) and not isinstance(value, (course_lib.Tensor, torch.Tensor)):
        return getattr(value, "__name__", repr(value))
    return described(value) if "Uninitialized" not in type(value).__name__ else type(value).__name__


@pytest.mark.parametrize(("writer", "reader"), WAYS)
@pytest.mark.parametrize("text", MODULES)
def test_whole_modules(text, writer, reader):
    original = module(writer, text)
    read = reader.load(written(writer, original), weights_only=False)
    assert type(read) is type(module(reader, text))
    assert read.__getstate__().keys() >= module(reader, text).__getstate__().keys()
    assert attributes(read) == attributes(original)
    assert repr(read) == repr(original)


def test_a_module_computes_the_same_on_both_sides():
    for text, shape in (("Conv2d(2, 4, 3, padding=1, padding_mode='circular')", (1, 2, 5, 5)), ("GRU(2, 3)", (4, 1, 2)),
                        ("LSTM(2, 3, 2, bidirectional=True)", (4, 1, 2)), ("ConvTranspose2d(2, 2, 3)", (1, 2, 5, 5)),
                        ("TransformerEncoderLayer(4, 2, 8, dropout=0.0)", (3, 1, 4))):  # fmt: skip
        for writer, reader in ((course_lib, torch), (torch, course_lib)):
            model = module(writer, text)
            values = np.random.default_rng(0).standard_normal(shape).astype("f4")
            results = [m(lib.from_numpy(values)) for m, lib in (
                (model, writer), (reader.load(written(writer, model), weights_only=False), reader))]  # fmt: skip
            first, second = (r[0] if isinstance(r, tuple) else r for r in results)
            np.testing.assert_allclose(first.detach().numpy(), second.detach().numpy(), atol=1e-5)


class Own:
    """A class of the user's, with tensors of either library in it."""

    def __init__(self, lib):
        self.weight, self.size, self.layer = lib.ones(2), lib.Size([3]), lib.nn.Linear(1, 1)


@pytest.mark.parametrize(("writer", "reader"), WAYS)
def test_a_class_of_the_user(writer, reader):
    read = reader.load(written(writer, Own(writer)), weights_only=False)
    assert type(read) is Own
    assert (type(read.weight), type(read.size), type(read.layer)) == (reader.Tensor, reader.Size, reader.nn.Linear)


@pytest.mark.parametrize(("writer", "reader"), WAYS)
def test_other_objects_of_the_library(writer, reader):
    optimizer = writer.optim.SGD([writer.nn.Parameter(writer.ones(2))], lr=0.5, momentum=0.9)
    generator = writer.Generator().manual_seed(5)
    found = [optimizer, generator, writer.distributions.Normal(writer.zeros(2), writer.ones(2)), writer.relu,
             writer.nn.functional.relu, writer.ones(2, 2).max(0), writer.nn.Linear]  # fmt: skip
    read = reader.load(written(writer, found), weights_only=False)
    assert type(read[0]) is reader.optim.SGD
    assert {k: v for k, v in read[0].param_groups[0].items() if k != "params"} == {
        k: v for k, v in optimizer.param_groups[0].items() if k != "params"}  # fmt: skip
    assert reader.rand(3, generator=read[1]).tolist() == writer.rand(3, generator=generator).tolist()
    assert read[2].loc.tolist() == [0, 0]
    assert [f(reader.tensor([-1.0, 2.0])).tolist() for f in read[3:5]] == [[0, 2], [0, 2]]
    assert read[5].values.tolist() == [1, 1]
    assert read[6] is reader.nn.Linear


PLACES = ["nn", "optim", "optim.lr_scheduler", "distributions", "utils.data", "nn.utils.rnn", "nn.utils.parametrize"]


@pytest.mark.parametrize("place", PLACES)
def test_classes_are_called_what_pytorch_calls_them(place):
    here, there = course_lib, torch
    for part in place.split("."):
        here, there = getattr(here, part), getattr(there, part)
    wrong = {}
    for name in here.__all__ if hasattr(here, "__all__") else dir(here):
        ours, theirs = getattr(here, name, None), getattr(there, name, None)
        if inspect.isclass(ours) and inspect.isclass(theirs) and ours.__module__.startswith("course_lib"):
            called, expected = path_in_file(ours), f"{theirs.__module__}.{theirs.__qualname__}"
            if called != expected and theirs.__module__.startswith("torch"):
                wrong[called] = expected
    assert not wrong


# ---- kinds of files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(("writer", "reader"), WAYS)
@pytest.mark.parametrize("name", ["model.pt", "model.v1.pt", "model", "ä modell.pt"])
def test_paths(tmp_path, name, writer, reader, mmap):
    path = tmp_path / name
    writer.save(shared(writer), path)
    assert described(reader.load(path, mmap=mmap)) == described(shared(reader))
    assert described(reader.load(str(path), mmap=mmap)) == described(shared(reader))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        folder = pathlib.Path(name).stem if writer is course_lib or name.isascii() else "archive"
        assert archive.namelist()[0] == f"{folder}/data.pkl"


@pytest.mark.parametrize(("writer", "reader"), WAYS)
def test_a_mapped_file_is_not_changed(tmp_path, writer, reader):
    path = tmp_path / "x.pt"
    writer.save(writer.ones(1000), path)
    before = path.read_bytes()
    x = reader.load(path, mmap=True)
    x.add_(1)
    assert x.sum() == 2000
    assert path.read_bytes() == before


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize(("writer", "reader"), WAYS)
def test_map_location(writer, reader, options):
    file, seen = written(writer, [writer.ones(2), writer.zeros(3)], **options), []

    def same(storage, location):
        seen.append((type(storage).__name__, location, storage.nbytes()))
        return storage if len(seen) == 1 else None

    for location in ("cpu", reader.device("cpu"), {"cuda:0": "cpu"}, same):
        file.seek(0)
        assert [x.tolist() for x in reader.load(file, map_location=location)] == [[1, 1], [0, 0, 0]]
    assert seen == [("UntypedStorage", "cpu", 8), ("UntypedStorage", "cpu", 12)]


@pytest.mark.parametrize(("location", "options"), [("cpu", {}), ("cuda:0", {}), ({"cuda:0": "cpu"}, {})])
def test_a_file_from_a_gpu(location, options):
    """The file of a tensor on a GPU, made by renaming the location."""
    content = written(torch, torch.ones(2)).getvalue()
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        records = {name: old.read(name) for name in old.namelist()}
    records["archive/data.pkl"] = records["archive/data.pkl"].replace(b"\x03\0\0\0cpu", b"\x06\0\0\0cuda:0")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        for name, record in records.items():
            new.writestr(name, record)
    outcomes = []
    for lib in (course_lib, torch):
        file.seek(0)
        outcomes.append(outcome(lambda lib=lib: lib.load(file, map_location=location).tolist()))
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU: nothing is refused")
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("dtype", ["int16", "float32", "bfloat16", "complex64", "uint8", "float64"])
def test_files_of_machines_with_another_byte_order(order, dtype):
    content = written(torch, torch.arange(3).to(getattr(torch, dtype))).getvalue()
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, order.encode() if name.endswith("byteorder") else old.read(name))
    results = []
    for lib in (course_lib, torch):
        file.seek(0)
        results.append(described(lib.load(file)))
    assert results[0] == results[1]


@pytest.mark.parametrize("options", FORMATS)
def test_conjugated_and_negated_tensors(options):
    x = torch.tensor([[1 + 2j, 3 - 1j], [0.5j, 2]])
    found = [x.conj(), x.T.conj(), x.conj().imag, x[0].conj(), torch.real(x)]
    read = course_lib.load(written(torch, found[:2], **options))
    read += course_lib.load(written(torch, found[2:3], **options)) + course_lib.load(written(torch, found[3:4]))
    for ours, theirs in zip(read, found):
        np.testing.assert_array_equal(ours.numpy(), theirs.resolve_conj().resolve_neg().numpy())


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_what_is_not_here_is_said():
    for tensor, kind in ((torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8), "quantized|QUInt8"),
                         (torch.eye(2).to_sparse_csr(), "sparse_csr|compressed")):  # fmt: skip
        with pytest.raises((RuntimeError, pickle.UnpicklingError), match=kind):
            course_lib.load(written(torch, tensor))


@pytest.mark.parametrize("make", [
    lambda T: T.sparse_coo_tensor([[0, 1, 1], [2, 0, 0]], [3.0, 4.0, 5.0], (2, 3)),
    lambda T: T.eye(3, dtype=T.float64).to_sparse(),
    lambda T: T.arange(6.0).view(2, 3).to(T.float8_e5m2),
    lambda T: T.empty(2, 3, dtype=T.float16, device="meta").t(),
])  # fmt: skip
def test_tensors_of_other_kinds_go_both_ways(make):
    ours, theirs = make(course_lib), make(torch)
    assert repr(course_lib.load(written(torch, {"x": theirs}))["x"]) == repr(ours) == repr(theirs)
    assert repr(torch.load(written(course_lib, {"x": ours}))["x"]) == repr(theirs)


def test_a_torchscript_archive(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "model.pt")
    results = [outcome(lambda lib=lib: lib.load(tmp_path / "model.pt")) for lib in (course_lib, torch)]
    assert results[0] == results[1]
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match="TorchScript archive, a program for PyTorch"):
        course_lib.load(tmp_path / "model.pt", weights_only=False)


# ---- NumPy, with the user's leave --------------------------------------------------------------------------------


def test_numpy_arrays_when_they_are_allowed():
    found = {"array": np.arange(6.0).reshape(2, 3), "number": np.float32(2.5), "dtype": np.dtype("i4")}
    allowed = [np._core.multiarray._reconstruct, np._core.multiarray.scalar, np.ndarray, np.dtype,
               np.dtypes.Float64DType, np.dtypes.Float32DType, np.dtypes.Int32DType]  # fmt: skip
    for writer, reader in ((course_lib, torch), (torch, course_lib)):
        with reader.serialization.safe_globals(allowed):
            read = reader.load(written(writer, found))
        np.testing.assert_array_equal(read["array"], found["array"])
        assert read["number"] == 2.5
        assert type(read["number"]) is np.float32
        assert read["dtype"] == np.int32


# ---- errors and warnings -----------------------------------------------------------------------------------------


def outcome(call):
    """What a call gives: its result, or the type and text of its error; warnings with it."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = call()
        except Exception as error:
            result = (type(error).__name__, str(error))
    return result, [(w.category.__name__, str(w.message)) for w in seen if "TypedStorage" not in str(w.message)]


class Call:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


class Plain:
    pass


class Pipe(io.RawIOBase):
    def readable(self):
        return True


def loaded(lib, obj, **options):
    return lib.load(written(lib, obj), **options)


def saved_nowhere(lib):
    lib.save(1, "/no such folder/x.pt")


def same_memory_two_dtypes(lib):
    x = lib.ones(2)
    lib.save([x, x.view(lib.int32)], io.BytesIO())


def mapped_stream(lib):
    return lib.load(written(lib, 1, _use_new_zipfile_serialization=False), mmap=True)


SAME_OUTCOME = {
    "eval": lambda lib: loaded(lib, Call(eval, ("1",))),
    "blocked": lambda lib: loaded(lib, Call(__import__("os").getcwd, ())),
    "a class of the user": lambda lib: loaded(lib, Plain()),
    "a module": lambda lib: loaded(lib, lib.nn.Linear(1, 1)),
    "an array": lambda lib: loaded(lib, np.ones(2)),
    "a dataset": lambda lib: loaded(lib, collections.deque([1])),
    "defaultdict": lambda lib: loaded(lib, collections.defaultdict(list)),
    "frozenset": lambda lib: loaded(lib, frozenset([1])),
    "a generator": lambda lib: loaded(lib, lib.Generator()),
    "return type": lambda lib: loaded(lib, lib.ones(2, 2).max(0)),
    "a layer class": lambda lib: loaded(lib, lib.nn.Linear),
    "a function": lambda lib: loaded(lib, lib.nn.functional.relu),
    "load arguments": lambda lib: loaded(lib, [1], encoding="ascii"),
    "no folder": saved_nowhere,
    "no file": lambda lib: lib.load("/no such file"),
    "save into a number": lambda lib: lib.save(1, 3),
    "load from a number": lambda lib: lib.load(3),
    "load from what only reads": lambda lib: lib.load(Pipe()),
    "half an archive": lambda lib: lib.load(io.BytesIO(written(lib, [1]).getvalue()[:200])),
    "another pickle": lambda lib: lib.load(io.BytesIO(pickle.dumps(3, 2))),
    "two dtypes": same_memory_two_dtypes,
    "protocol": lambda lib: lib.save(1, io.BytesIO(), pickle_protocol=9),
    "pickle_module and weights_only": lambda lib: loaded(lib, 1, weights_only=True, pickle_module=pickle),
    "pickle_module": lambda lib: loaded(lib, [1], pickle_module=pickle),
    "unknown location": lambda lib: loaded(lib, lib.ones(1), map_location="foo"),
    "cuda": lambda lib: loaded(lib, lib.ones(1), map_location="cuda"),
    "location is a number": lambda lib: loaded(lib, lib.ones(1), map_location=3),
    "mmap of a buffer": lambda lib: loaded(lib, lib.ones(1), mmap=True),
    "mmap of a stream": mapped_stream,
    "endianness": lambda lib: lib.serialization.set_default_load_endianness(3),
    "mmap options": lambda lib: lib.serialization.set_default_mmap_options(7),
    "safe globals of a wrong kind": lambda lib: with_safe_globals(lib, [(Plain, 1)]),
    "unsafe globals": lambda lib: sorted(lib.serialization.get_unsafe_globals_in_checkpoint(
        written(lib, [Plain(), lib.nn.ReLU()]))),
    "unsafe globals of a stream": lambda lib: lib.serialization.get_unsafe_globals_in_checkpoint(
        written(lib, 1, _use_new_zipfile_serialization=False)),
    "two in one stream": lambda lib: two_streams(lib),
    "skipped data": lambda lib: skipped(lib),
    "an allowed class": lambda lib: type(with_safe_globals(lib, [Plain])).__name__,
    "an allowed class by its name": lambda lib: type(with_safe_globals(lib, [(Plain, f"{__name__}.Plain")])).__name__,
    "nothing is left allowed": lambda lib: Plain in lib.serialization.get_safe_globals(),
}  # fmt: skip


def with_safe_globals(lib, allowed):
    with lib.serialization.safe_globals(allowed):
        return loaded(lib, Plain())


def two_streams(lib):
    file = io.BytesIO()
    for i in range(2):
        lib.save(lib.full((2,), i), file, _use_new_zipfile_serialization=False)
    file.seek(0)
    return [lib.load(file).tolist() for _ in range(2)]


def skipped(lib):
    with lib.serialization.skip_data():
        file = written(lib, lib.ones(3))
    return lib.load(file).tolist()


@pytest.mark.parametrize("name", SAME_OUTCOME)
def test_results_errors_and_warnings(name):
    ours, theirs = (outcome(lambda lib=lib: SAME_OUTCOME[name](lib)) for lib in (course_lib, torch))
    assert ours == theirs


def test_a_hook_is_not_saved_and_says_so():
    def hook(grad):
        return grad

    texts = []
    for lib in (course_lib, torch):
        x = lib.ones(2, requires_grad=True)
        x.register_hook(hook)
        texts.append(outcome(lambda x=x, lib=lib: loaded(lib, x).tolist()))
    assert texts[0] == texts[1]


# ---- copies ------------------------------------------------------------------------------------------------------


def copied_structure(lib):
    x = lib.arange(6.0)
    p = lib.nn.Parameter(x[:2])
    x.note = [1]
    (lib.ones(2, requires_grad=True) * 2).sum()
    return [x, x[2:], x.reshape(2, 3).T, p, lib.zeros(1).expand(3), lib.zeros(4, 4)[::2, ::2], lib.tensor(5),
            lib.float32, lib.Size([1]), lib.device("cpu"), lib.strided]  # fmt: skip


def test_deepcopy():
    ours, theirs = (copy.deepcopy(copied_structure(lib)) for lib in (course_lib, torch))
    assert described(ours) == described(theirs)


def test_deepcopy_of_gradients_and_non_leaves():
    results = []
    for lib in (course_lib, torch):
        w = lib.ones(2, requires_grad=True)
        (w * 3).sum().backward()
        made = copy.deepcopy(w)
        results.append((described(made), described(made.grad), made.grad is w.grad,
                        outcome(lambda w=w: copy.deepcopy(w * 2))))  # fmt: skip
    assert results[0] == results[1]


def test_modes_in_which_tensors_are_loaded_and_copied():
    def kinds(found):
        return [(type(x).__name__, x.requires_grad, x.is_leaf, x.is_inference(), str(x.dtype)) for x in found]

    def copies(lib, found):
        return [kinds(made) for made in (loaded(lib, found), copy.deepcopy(found), pickle.loads(pickle.dumps(found)))]

    def results(lib):
        found = [lib.nn.Parameter(lib.ones(2)), lib.ones(2, requires_grad=True), lib.arange(3)]
        with lib.no_grad():
            without_gradients = copies(lib, found)
        with lib.inference_mode():
            inside = [lib.ones(2)]
            return without_gradients, copies(lib, found), copies(lib, inside)

    assert results(course_lib) == results(torch)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_plain_pickle(protocol):
    def first_four(lib):
        return described([described(x) for x in pickle.loads(pickle.dumps(copied_structure(lib)[3:], protocol))])

    assert first_four(course_lib) == first_four(torch)
