"""Memory that is a file."""

import numpy as np
import pytest

import course_lib as torch


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "numbers"
    np.arange(6, dtype="f4").tofile(path)
    return str(path)


def test_a_file_as_tensor(file):
    x = torch.from_file(file, size=4)
    assert x.tolist() == [0, 1, 2, 3]
    x += 1  # stays in memory
    assert np.fromfile(file, "f4").tolist() == [0, 1, 2, 3, 4, 5]
    torch.from_file(file, shared=True, size=4, dtype=torch.float32).mul_(10)
    assert np.fromfile(file, "f4").tolist() == [0, 10, 20, 30, 4, 5]


def test_a_shared_file_is_made(tmp_path):
    path = tmp_path / "new"
    torch.from_file(str(path), True, 3, dtype=torch.int64)[1] = 7
    assert np.fromfile(path, "i8").tolist() == [0, 7, 0]


def test_pieces_of_a_storage_are_tensors_of_its_memory(file):
    storage = torch.UntypedStorage.from_file(file, False, 24)
    piece = torch.asarray(storage[8:16], dtype=torch.uint8).view(torch.float32)
    assert storage.nbytes() == 24 and piece.tolist() == [2, 3]
