"""torch.load with files that are damaged, or made to do harm: a clear error, nothing run, no memory taken."""

import io
import os
import pickle
import struct
import tarfile
import threading
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import course_lib as torch
from course_lib.serialization.archive_writer import ArchiveWriter

CLEAR = (RuntimeError, pickle.UnpicklingError, EOFError, ValueError)  # what a bad file may raise


def archive(program: bytes, **records: bytes) -> bytes:
    """A whole archive around a pickle program; records: data_0=b"…"."""
    file = io.BytesIO()
    writer = ArchiveWriter(file, "archive")
    writer.write("data.pkl", program)
    writer.write("byteorder", b"little")
    for name, content in records.items():
        writer.write(name.replace("_", "/"), content)
    writer.close()
    return file.getvalue()


def load(content: bytes, **options):
    return torch.load(io.BytesIO(content), **options)


def saved(obj, **options) -> bytes:
    file = io.BytesIO()
    torch.save(obj, file, **options)
    return file.getvalue()


class Calls:
    """Pickles into a call of a function."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


# ---- programs that want to run something -------------------------------------------------------------------------

RAN = []


def harm(*arguments):
    RAN.append(arguments)


class Harm:
    def __init__(self, *arguments):
        RAN.append(arguments)

    def __setstate__(self, state):
        RAN.append(state)


CALLS = {
    "eval": (Calls(eval, ("__import__('os').getcwd()",)), "GLOBAL eval was not an allowed global"),
    "exec": (Calls(exec, ("pass",)), r"add_safe_globals\(\[exec\]\)"),
    "getattr": (Calls(getattr, (1, "real")), "GLOBAL getattr"),
    "system": (Calls(os.system, ("echo",)), "whose module (posix|nt) is blocked"),
    "open": (Calls(open, ("/etc/passwd",)), "GLOBAL _?io.open"),
    "a function of the user": (Calls(harm, (1,)), "GLOBAL .*test_hostile_files.harm was not an allowed global"),
    "the library's own": (Calls(torch.manual_seed, (1,)), "GLOBAL torch.random.manual_seed"),
    "load within load": (Calls(torch.load, ("x.pt",)), "GLOBAL torch.serialization.loading.load"),
    "numpy": (np.arange(3), "GLOBAL numpy._core.multiarray._reconstruct"),
    "a module": (torch.nn.Linear(1, 1), "GLOBAL torch.nn.modules.linear.Linear"),
    "pathlib": (Calls(__import__("pathlib").PurePosixPath, ("a",)), "GLOBAL pathlib.*PurePosixPath"),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("protocol", [2, 4])
def test_calls_of_what_is_not_allowed_are_refused(name, protocol):
    obj, message = CALLS[name]
    with pytest.raises(pickle.UnpicklingError, match=message) as caught:
        load(saved(obj, pickle_protocol=protocol))
    assert str(caught.value).startswith("Weights only load failed.")
    assert not RAN


G = b"cbuiltins\nset\n"
PROGRAMS = {
    "INST": b"(S'echo'\nicourse_lib.os\nsystem\n.",
    "OBJ": b"(cos\nsystem\nX\x04\0\0\0echoo.",
    "extension registry": b"\x82\x01.",
    "text integer": b"I1\n.",
    "persistent id as text": b"Pabc\n.",
    "blocked module": b"csys\nexit\n)R.",
    "blocked by its Python 2 name": b"c__builtin__\neval\nX\x01\0\0\x001\x85R.",
    "os by another path": b"ccourse_lib.os\nsystem\n.",
    "dotted name": b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.fromkeys\x93.",
    "STACK_GLOBAL of numbers": b"\x80\x04K\x01K\x02\x93.",
    "call of a number": b"K\x01)R.",
    "call of a list": b"])R.",
    "call of a dtype": b"ctorch\nfloat32\n)R.",
    "call of Tensor": b"ctorch\nTensor\nJ\xff\xff\xff\x7f\x85R.",
    "call of a storage type": b"ctorch\nFloatStorage\nJ\xff\xff\xff\x7f\x85R.",
    "call with no tuple": G + b"]R.",
    "NEWOBJ of set": G + b")\x81.",
    "NEWOBJ of Tensor": b"ctorch\nTensor\n)\x81.",
    "BUILD on a class": b"ctorch\nTensor\nN}X\x04\0\0\0itemK\x01s\x86b.",
    "BUILD on a function": b"ctorch._utils\n_rebuild_tensor_v2\n}X\x08\0\0\0__code__K\x01sb.",
    "BUILD on a set": G + b")R}X\x01\0\0\0aK\x01sb.",
    "BUILD on a list": b"]}b.",
    "BUILD that replaces a method": b"ccollections\nOrderedDict\n)R}X\x05\0\0\0itemsK\x01sb.",
    "BUILD with slots": b"ccollections\nOrderedDict\n)RN}X\x05\0\0\0itemsK\x01s\x86b.",
    "BUILD with no dict": b"ccollections\nOrderedDict\n)R]b.",
    "SETITEM of a list": b"]K\0K\x01s.",
    "SETITEM of a class": b"ctorch\nTensor\nX\x04\0\0\0itemK\x01s.",
    "APPEND to a tuple": b")K\x01a.",
    "unhashable key": b"}]K\x01s.",
    "odd items": b"}(K\x01u.",
    "empty stack": b".",
    "stack underflow": b"K\x01\x87.",
    "no mark": b"t.",
    "unknown memo": b"h\x07.",
    "no STOP": b"K\x01",
    "nothing": b"",
    "text": b"hello",
    "not utf-8": b"X\x02\0\0\0\xff\xfe.",
    "long text": b"X\xff\xff\xff\xffabc.",
    "longer text": b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    "long bytes": b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc.",
    "long bytearray": b"\x96\xff\xff\xff\xff\xff\xff\xff\x00abc.",
    "long integer": b"\x8b\xff\xff\xff\x7fabc.",
    "name without an end": b"c" + b"a" * 100,
    "name of a megabyte": b"c" + b"a" * 10**6 + b"\nb\n.",
    "bytearray of a size": b"cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "complex of a text": b"cbuiltins\ncomplex\nX\x01\0\0\x001\x85R.",
    "encode with a codec": b"c_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0rot13\x86R.",
    "Size of texts": b"ctorch\nSize\nX\x01\0\0\0a\x85\x85R.",
    "an unknown device": b"ctorch\ndevice\nX\x03\0\0\0foo\x85R.",
    "persistent id of a text": b"X\x01\0\0\0aQ.",
    "persistent id of an empty tuple": b")Q.",
    "persistent id of a module": b"X\x06\0\0\0moduleNNN(tQ.",
    "parameter of a list": b"ctorch.nn.parameter\nParameter\n]\x85\x81.",
    "rebuild from no storage": b"ctorch._utils\n_rebuild_tensor_v2\n(]K\0))\x89NtR.",
    "sparse": b"ctorch._utils\n_rebuild_sparse_tensor\nNN\x86R.",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_that_the_unpickler_does_not_run(name):
    with pytest.raises(CLEAR):
        load(archive(PROGRAMS[name]))
    assert not RAN


def test_state_reaches_only_objects_of_allowed_classes():
    with torch.serialization.safe_globals([harm]), pytest.raises(pickle.UnpicklingError, match="Can only build"):
        load(archive(b"c" + f"{__name__}\nharm\n".encode() + b"}X\x08\0\0\0__code__K\x01sb."))
    with pytest.raises(pickle.UnpicklingError, match="Harm was not an allowed global"):
        load(saved(Calls(Harm, (1,), {"a": 1})))
    assert not RAN


def test_an_allowed_class_is_made_and_filled():
    with torch.serialization.safe_globals([Harm]):
        load(saved(Calls(Harm, (1,), {"a": 1})))
    assert RAN == [(1,), {"a": 1}]
    RAN.clear()
    with pytest.raises(pickle.UnpicklingError):
        load(saved(Calls(Harm, (1,))))
    assert not RAN


# ---- programs that want time or memory ---------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["dict", "set"])
def test_keys_that_take_forever_to_hash(container):
    """A pair of pairs of pairs …, each twice the same: short in the file, endless when it is hashed."""
    nested = b"K\x01" + b"".join(bytes([0x71, i, 0x30, 0x68, i, 0x68, i, 0x86]) for i in range(1, 60))
    program = b"}" + nested + b"K\x01s." if container == "dict" else b"cbuiltins\nset\n]" + nested + b"a\x85R."
    with pytest.raises(pickle.UnpicklingError, match="a key of more than 1000 parts"):
        load(archive(program))


def test_deep_nesting_is_no_recursion():
    assert len(load(archive(b"]" * 100_000 + b"a" * 99_999 + b"."))) == 1
    with pytest.raises(pickle.UnpicklingError, match="a key of more than"):
        load(archive(b"}" + b")" + b"\x85" * 100_000 + b"K\x01s."))


STORAGE = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu%stQ"


def tensor_program(count: bytes = b"K\x02", offset=b"K\0", size=b"K\x02\x85", stride=b"K\x01\x85") -> bytes:
    """_rebuild_tensor_v2(storage, offset, size, stride, False, None)"""
    place = STORAGE % count + offset + size + stride + b"\x89N"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + place + b"tR."


HUGE = b"\x8a\x08" + struct.pack("<q", 2**62)
BIG = b"\x8a\x08" + struct.pack("<q", 2**40)
OUTSIDE = {
    "offset behind the end": {"offset": b"K\x01"},
    "offset before the start": {"offset": b"J\xff\xff\xff\xff"},
    "huge offset": {"offset": HUGE},
    "size": {"size": b"K\x03\x85"},
    "huge size": {"size": HUGE + b"\x85"},
    "negative size": {"size": b"J\xff\xff\xff\xff\x85"},
    "stride": {"stride": b"K\x02\x85"},
    "huge stride": {"stride": HUGE + b"\x85"},
    "negative stride": {"stride": b"J\xff\xff\xff\xff\x85"},
    "too few strides": {"stride": b")"},
    "too many strides": {"stride": b"K\x01K\x01\x86"},
    "size times size": {"size": BIG + BIG + b"\x86", "stride": b"K\0K\0\x86"},
    "a float": {"size": b"G?\xf0\0\0\0\0\0\0\x85"},
    "a text": {"size": b"X\x01\0\0\x002\x85"},
    "many dimensions": {"size": b"(" + b"K\x01" * 100 + b"t", "stride": b"(" + b"K\x01" * 100 + b"t"},
    "more elements than the record": {"count": b"K\x03"},
    "fewer elements than the record": {"count": b"K\x01"},
    "huge count": {"count": HUGE},
    "negative count": {"count": b"J\xff\xff\xff\xff"},
    "a count that is a float": {"count": b"G?\xf0\0\0\0\0\0\0"},
}


def test_the_tensor_program_itself_is_right():
    content = archive(tensor_program(), data_0=np.array([1.0, 2.0], "f4").tobytes())
    assert load(content).tolist() == [1, 2]


@pytest.mark.parametrize("name", OUTSIDE)
def test_tensors_that_leave_their_storage(name):
    with pytest.raises(CLEAR):
        load(archive(tensor_program(**OUTSIDE[name]), data_0=bytes(8)))


def test_a_tensor_of_nothing_may_lie_anywhere():
    content = archive(tensor_program(size=b"K\0\x85", offset=HUGE), data_0=bytes(8))
    assert load(content).shape == (0,)


def test_attributes_of_tensors_replace_no_method():
    x = torch.ones(2)
    x.tolist = "a text"
    with pytest.raises(pickle.UnpicklingError, match="must not replace the attribute 'tolist'"):
        load(saved(x))
    p = torch.nn.Parameter(torch.ones(2))
    p.backward = 1
    with pytest.raises(pickle.UnpicklingError, match="must not replace the attribute 'backward'"):
        load(saved(p))


# ---- archives ----------------------------------------------------------------------------------------------------

GOOD = saved({"weight": torch.arange(50.0), "bias": torch.arange(3), "text": "abc"})


def rezipped(edit, method=zipfile.ZIP_STORED, extra=()) -> bytes:
    """GOOD with edited records: edit(name, content) → (name, content) or None."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(file, "w", method) as new:
        for name in old.namelist():
            made = edit(name, old.read(name))
            if made is not None:
                new.writestr(*made)
        for name, content in extra:
            new.writestr(name, content)
    return file.getvalue()


def without(dropped):
    return rezipped(lambda name, content: None if name.endswith(dropped) else (name, content))


def replaced(end, content):
    return rezipped(lambda name, old: (name, content if name.endswith(end) else old))


def same(name, content):
    return name, content


def directory_entry(record: bytes) -> int:
    """Where the directory of GOOD describes a record."""
    return next(i for i in range(len(GOOD)) if GOOD[i : i + 4] == b"PK\x01\x02" and record in GOOD[i + 46 : i + 80])


def overlapping() -> bytes:
    """Two records in the directory that are one in the file."""
    content = bytearray(GOOD)
    first, second = directory_entry(b"data/0"), directory_entry(b"data/1")
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    return bytes(content)


def with_directory_field(offset: int, form: str, value: int, record=b"data/0") -> bytes:
    content = bytearray(GOOD)
    struct.pack_into(form, content, directory_entry(record) + offset, value)
    return bytes(content)


ARCHIVES = {
    "no pickle": (without("data.pkl"), "locating file data.pkl: file not found"),
    "no storage": (without("data/0"), "locating file data/0: file not found"),
    "no version": (without("archive/version"), "version"),
    "a later version": (replaced("archive/version", b"99\n"), "maximum supported version for reading is 10"),
    "a strange version": (replaced("archive/version", b"\xff\xfe"), "Attempted to read a PyTorch file with version"),
    "a long version": (replaced("archive/version", b"3" * 5000), "reading file version"),
    "unknown byte order": (replaced("byteorder", b"foo"), "Unknown endianness type: foo"),
    "short storage": (replaced("data/0", bytes(4)), r"record size \(4 bytes\) does not match expected size \(200"),
    "long storage": (replaced("data/0", bytes(204)), "does not match expected size"),
    "compressed": (rezipped(same, zipfile.ZIP_DEFLATED), "compressed or encrypted"),
    "a bomb": (rezipped(lambda n, c: (n, bytes(10**8) if n.endswith("data/0") else c), zipfile.ZIP_DEFLATED),
               "compressed or encrypted"),
    "two folders": (rezipped(same, extra=[("other/data/0", b"")]), "lies in another folder"),
    "no folder": (rezipped(lambda n, c: (n.partition("/")[2], c)), "file in archive is not in a subdirectory"),
    "path upwards": (rezipped(same, extra=[("../../etc/passwd", b"x")]), "lies in another folder"),
    "absolute path": (rezipped(same, extra=[("/etc/passwd", b"x")]), "lies in another folder"),
    "overlapping records": (overlapping(), "invalid header or archive is corrupted|reaches into what follows"),
    "a claimed size": (with_directory_field(24, "<I", 10**9), "compressed or encrypted"),
    "two claimed sizes": (with_directory_field(20, "<Q", 10**9 * (1 + 2**32)), "reaches into what follows it"),
    "another place": (with_directory_field(42, "<I", 7), "invalid header|reaches into"),
    "a place behind the end": (with_directory_field(42, "<I", 2**31), "."),
    "encrypted": (with_directory_field(8, "<H", 1), "compressed or encrypted|CRC|invalid header"),
    "a wrong check sum": (with_directory_field(16, "<I", 12345), "data/0: CRC-32 check failed"),
    "empty archive": (b"PK\x05\x06" + bytes(18), "."),
    "only a mark": (b"PK\x03\x04", "failed finding central directory"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_damaged_archives(name, tmp_path):
    content, message = ARCHIVES[name]
    with pytest.raises(CLEAR, match=message):
        load(content)
    path = tmp_path / "file.pt"
    path.write_bytes(content)
    with pytest.raises(CLEAR):
        torch.load(path)
    assert os.listdir(tmp_path) == ["file.pt"]  # nothing is unpacked
    assert not os.path.exists(tmp_path.parent / "etc")


def test_two_records_of_one_name():
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = rezipped(same, extra=[("archive/data/0", bytes(200))])
    with pytest.raises(RuntimeError, match="two records are called data/0"):
        load(content)


def test_a_flipped_bit_in_the_numbers_is_noticed():
    content = bytearray(GOOD)
    content[GOOD.find(np.arange(50.0, dtype="f4").tobytes()) + 100] ^= 1
    with pytest.raises(RuntimeError, match="data/0: CRC-32 check failed.*your checkpoint file is corrupted"):
        load(bytes(content))


def test_a_flipped_bit_is_noticed_by_threads():
    found = [torch.full((600_000,), float(i)) for i in range(5)]
    content = bytearray(saved(found))
    content[content.find(np.float32(3).tobytes() * 1000) + 2_000_001] ^= 1
    with pytest.raises(RuntimeError, match="data/3: CRC-32 check failed"):
        load(bytes(content))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("torch.load")]


def test_a_file_saved_without_check_sums_is_read():
    torch.serialization.set_crc32_options(False)
    try:
        content = saved(torch.arange(5))
    finally:
        torch.serialization.set_crc32_options(True)
    assert load(content).tolist() == [0, 1, 2, 3, 4]


# ---- older formats -----------------------------------------------------------------------------------------------

OLD = saved({"weight": torch.arange(50.0), "bias": torch.arange(3)}, _use_new_zipfile_serialization=False)


def stream(program: bytes, keys=("0",), *storages: bytes) -> bytes:
    head = [0x1950A86A20F9469CFC6C, 1001, {}]
    return b"".join(pickle.dumps(part, 2) for part in head) + program + pickle.dumps(list(keys), 2) + b"".join(storages)


def old_tensor(count: bytes, view=b"N") -> bytes:
    return tensor_program(count + view)


FLOATS = struct.pack("<q2f", 2, 1, 2)
STREAMS = {
    "not a pickle": (b"hello world, this is a text", "the pickle is damaged"),
    "an empty file": (b"", "Ran out of input"),
    "another magic number": (pickle.dumps(1, 2), "Invalid magic number; corrupt file?"),
    "another protocol": (pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(7, 2), "Invalid protocol version: 7"),
    "a call": (stream(b"cos\nsystem\nX\x04\0\0\0echo\x85R."), "whose module os is blocked"),
    "a module": (stream(b"X\x06\0\0\0module(ctorch\nTensor\nNNtQ."), "."),
    "no storages": (stream(old_tensor(b"K\x02")), "unexpected EOF"),
    "storage cut off": (stream(old_tensor(b"K\x02"), ["0"], FLOATS[:-1]), "unexpected EOF"),
    "another size": (stream(old_tensor(b"K\x02"), ["0"], struct.pack("<q3f", 3, 1, 2, 3)), "wrong byte size"),
    "a negative size": (stream(old_tensor(b"K\x02"), ["0"], struct.pack("<q3f", -1, 1, 2, 3)), "wrong byte size"),
    "a huge count": (stream(old_tensor(HUGE), ["0"], FLOATS), "too short for a storage"),
    "an unknown key": (stream(old_tensor(b"K\x02"), ["7"], FLOATS), "storage key '7' not found"),
    "keys that are no list": (stream(pickle.dumps([], 2) + pickle.dumps({}, 2)), "missing"),
    "a view outside": (stream(old_tensor(b"K\x02", b"(X\x01\0\0\x001K\x01K\x02t"), ["0"], FLOATS), "leaves its"),
    "a strange view": (stream(old_tensor(b"K\x02", b"K\x01"), ["0"], FLOATS), "must be \\(key, offset, size\\)"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_damaged_streams(name):
    content, message = STREAMS[name]
    with pytest.raises(CLEAR, match=message):
        load(content)


def test_the_stream_itself_is_right():
    assert load(stream(old_tensor(b"K\x02"), ["0"], FLOATS)).tolist() == [1, 2]


def tar(**members: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:") as made:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return file.getvalue()


def pickles(*parts) -> bytes:
    return b"".join(part if isinstance(part, bytes) else pickle.dumps(part, 2) for part in parts)


KIND = b"(K\x07X\x03\0\0\0cpuctorch\nFloatStorage\nt."  # (7, "cpu", torch.FloatStorage)
TENSOR = b"(K\x08K\x07ctorch\nFloatTensor\nt."
PLACE = struct.pack("<iiqqq", 1, 0, 2, 1, 0)
TAR = {"storages": pickles(1, KIND, FLOATS, []), "tensors": pickles(1, TENSOR, PLACE), "pickle": b"X\x01\0\0\x008Q."}


@pytest.mark.parametrize("program", [b"K\x08Q.", b"X\x01\0\0\x008Q."], ids=["number", "text"])
def test_a_tar_archive_is_read(program):
    assert load(tar(**TAR | {"pickle": program})).tolist() == [1, 2]


def sparse_tar() -> bytes:
    """An archive whose member claims a terabyte of nothing."""
    content = bytearray(tar(**TAR))
    content[156:157] = b"S"  # the type: an old GNU sparse file
    content[257:265] = b"ustar  \0"
    content[483:495] = b"\x80" + (2**40).to_bytes(11, "big")  # its real size
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    return bytes(content)


TARS = {
    "a bomb": sparse_tar(),
    "no tensors": tar(storages=TAR["storages"]),
    "cut off": tar(**TAR)[:700],
    "a call": tar(**TAR | {"pickle": b"cos\nsystem\nX\x04\0\0\0echo\x85R."}),
    "an unknown tensor": tar(**TAR | {"pickle": b"K\x09Q."}),
    "many dimensions": tar(**TAR | {"tensors": pickles(1, TENSOR, struct.pack("<iiqqq", 2**30, 0, 2, 1, 0))}),
    "outside": tar(**TAR | {"tensors": pickles(1, TENSOR, struct.pack("<iiqqq", 1, 0, 3, 1, 0))}),
    "huge storage": tar(**TAR | {"storages": pickles(1, KIND, struct.pack("<q", 2**40), [])}),
    "many storages": tar(**TAR | {"storages": pickles(10**9, KIND, FLOATS, [])}),
    "a view outside": tar(**TAR | {"storages": pickles(1, KIND, FLOATS, [(9, 7, 1, 2)])}),
}


@pytest.mark.parametrize("name", TARS)
def test_damaged_tar_archives(name):
    with pytest.raises(CLEAR):
        load(TARS[name])


def test_a_tar_archive_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CLEAR):
        load(tar(**{"../evil": b"x", "/evil": b"x", "storages": b"x"}))
    assert os.listdir(tmp_path) == []


# ---- anything at all ---------------------------------------------------------------------------------------------


def survives(content: bytes) -> None:
    """Loading gives an object or a clear error."""
    try:
        load(content)
    except CLEAR as error:
        assert str(error)


@pytest.mark.parametrize("good", [GOOD, OLD, tar(**TAR)], ids=["archive", "stream", "tar"])
def test_truncated_files(good):
    for length in [*range(0, 600, 7), *range(600, len(good), 97), *range(len(good) - 90, len(good))]:
        if good is GOOD:
            with pytest.raises(CLEAR):
                load(good[:length])
        else:
            survives(good[:length])


changes = st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4)


def changed(content: bytes, flips) -> bytes:
    made = bytearray(content)
    for place, value in flips:
        made[int(place * len(made))] = value
    return bytes(made)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([GOOD, OLD, tar(**TAR)]), changes)
def test_changed_bytes(good, flips):
    survives(changed(good, flips))


PICKLED = zipfile.ZipFile(io.BytesIO(saved(
    OrderedDict(a=torch.arange(3.0), b=[1, "x", (2, 3.5)], c={4: {5}, 6: None}, d=torch.nn.Parameter(torch.ones(2)),
                e=torch.Size([1]), f=torch.float16, g=1j, h=b"bytes", i=torch.device("cpu")))  # fmt: skip
)).read("archive/data.pkl")


@settings(max_examples=300, deadline=None)
@given(changes)
def test_changed_programs(flips):
    survives(archive(changed(PICKLED, flips), data_0=bytes(12), data_1=bytes(8)))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_programs(program):
    survives(archive(b"\x80\x02" + program))
    survives(program)
