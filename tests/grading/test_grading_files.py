"""Archives are read where they are: nothing is written, nothing leads outside, nothing grows without a bound."""

import io
import stat
import zipfile

import pytest
from small_course import write_files, write_zip

from course_lib.classroom.grade import files
from course_lib.classroom.grade.cells import read_cells
from course_lib.classroom.grade.files import Unreadable, find_files


def contents(place):
    """The text or the refusal of each file, by its path."""

    def content(found):
        try:
            return found.read(1000).decode()
        except Unreadable as error:
            return f"refused: {error}"

    return {str(found): content(found) for found in find_files(place)}


def zip_bytes(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_archives_in_archives_are_read(tmp_path):
    inner = zip_bytes({"a.txt": "deep"})
    place = write_zip(tmp_path / "export.zip", {"ada/work.zip": inner, "bob/b.txt": "flat"})
    assert contents(place) == {"ada/work.zip/a.txt": "deep", "bob/b.txt": "flat"}


def test_archives_are_opened_only_so_deep(tmp_path):
    data = zip_bytes({"a.txt": "x"})
    for _ in range(4):
        data = zip_bytes({"in.zip": data})
    (found,) = contents(write_files(tmp_path, {"out.zip": data})).values()
    assert found == "refused: it is an archive inside 3 others"


def test_an_archive_with_very_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ARCHIVE_FILES", 10)
    write_zip(tmp_path / "many.zip", {f"{i}.txt": "" for i in range(11)})
    assert contents(tmp_path) == {"many.zip": "refused: it holds 11 files; at most 10 are read"}


def test_a_large_archive_in_an_archive_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ARCHIVE_BYTES", 100)
    write_zip(tmp_path / "out.zip", {"in.zip": zip_bytes({"a": b"1" * 500})})
    assert "refused" in contents(tmp_path)["out.zip/in.zip"]


def test_what_unpacks_to_more_than_the_limit_is_refused(tmp_path):
    write_zip(tmp_path / "bomb.zip", {"a.ipynb": b"0" * 5_000_000})
    assert "5 MB" in contents(tmp_path)["bomb.zip/a.ipynb"]


def test_a_size_that_lies_gives_no_more_than_it_says(tmp_path):
    data = bytearray(zip_bytes({"a.ipynb": b"0" * 100_000}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = (10).to_bytes(4, "little")
    write_files(tmp_path, {"liar.zip": bytes(data)})
    assert contents(tmp_path)["liar.zip/a.ipynb"] == "refused: it is damaged in its archive"


@pytest.mark.parametrize("name", ["../a.ipynb", "x/../../a.ipynb", "/a.ipynb", "C:\\a.ipynb", "..\\a.ipynb"])
def test_names_that_lead_outside_are_refused(name, tmp_path):
    write_zip(tmp_path / "s.zip", {name: "{}"})
    (content,) = contents(tmp_path).values()
    assert content == "refused: its name in the archive leads out of the archive"


def test_links_in_archives_are_refused(tmp_path):
    member = zipfile.ZipInfo("a.ipynb")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    assert contents(tmp_path) == {"s.zip/a.ipynb": "refused: it is a link to another file, not a file"}


def test_a_damaged_member_is_refused_and_the_others_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr("bad.txt", "abcdefgh")
        archive.writestr("good.txt", "fine")
    data = (tmp_path / "s.zip").read_bytes().replace(b"abcdefgh", b"abcdeXXX", 1)
    (tmp_path / "s.zip").write_bytes(data)
    assert contents(tmp_path) == {"s.zip/bad.txt": "refused: it is damaged in its archive", "s.zip/good.txt": "fine"}


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", b"{", b"[]", b"9" * 5000, b'{"cells": 3}', b'{"worksheets": [[]]}', b'{"a":' * 100_000, b"NaN"],
    ids=repr,
)
def test_whatever_the_bytes_are_reading_ends_in_cells_or_a_reason(data):
    try:
        assert read_cells(data) == []
    except Unreadable as error:
        assert str(error).startswith("it is ")


def test_a_notebook_with_very_many_or_very_long_cells_is_refused():
    with pytest.raises(Unreadable, match="3000 cells"):
        read_cells(b'{"cells": [' + b",".join([b"{}"] * 3000) + b"]}")
    with pytest.raises(Unreadable, match="characters"):
        read_cells(b'{"cells": [{"source": "' + b"x" * 300_000 + b'"}]}')
