"""Batches on their way from a worker process to the loader, through shared memory.

A batch is pickled with its arrays left out (pickle protocol 5, PEP 574); the worker copies pickle and arrays into a
segment of shared memory and sends a short note through a pipe; the loader copies the arrays out and the segment is used
again. So the notes never fill the pipe, and the consumer gets ordinary memory.

A segment has no name in the file system: on Linux and macOS its file descriptor is handed through the pipe's socket, on
Windows the system itself counts who uses it. Whatever process dies, and however, the system frees it with its last
user: nothing can be left behind in /dev/shm.
"""

from __future__ import annotations

import io
import itertools
import mmap
import os
import pickle
import sys
import tempfile
from multiprocessing import reduction
from multiprocessing.connection import Connection

import numpy as np

from ....tensor import Tensor, wrap

ALIGNMENT = 64  # bytes: arrays begin where the widest vector instructions like it
SMALL = 4096  # batches up to this many bytes travel in the note itself
_segments_made = itertools.count()


class _BatchPickler(reduction.ForkingPickler):
    """Pickles a batch. A tensor takes its own numbers along, not the whole memory that it is perhaps a small view of;
    one whose history would be lost on the way is refused.
    """

    def reducer_override(self, value):
        if not isinstance(value, Tensor):
            return NotImplemented
        if value.requires_grad and not value.is_leaf:
            raise RuntimeError(
                "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
                "crossing process boundaries.  If you just want to transfer the data, call detach() on the tensor "
                "before serializing (e.g., putting it on the queue)."
            )
        return (_arrived, (value._array, value.requires_grad)) if type(value) is Tensor else NotImplemented


def _arrived(array: np.ndarray, requires_grad: bool) -> Tensor:
    made = wrap(array)
    return made.requires_grad_() if requires_grad else made


def pickled(batch) -> list:
    """A batch as buffers: its pickle without the arrays, then the memory of each array."""
    text, arrays = io.BytesIO(), []
    _BatchPickler(text, 5, True, arrays.append).dump(batch)
    return [text.getbuffer(), *(array.raw() for array in arrays)]


def unpickled(buffers: list):
    """The batch that `pickled` took apart; its arrays lie in the buffers."""
    return pickle.loads(buffers[0], buffers=buffers[1:])


def _layout(sizes: list[int]) -> tuple[list[int], int]:
    """Where in a segment each buffer begins, and how long the segment must be."""
    starts, end = [], 0
    for size in sizes:
        starts.append(end)
        end += -(-size // ALIGNMENT) * ALIGNMENT
    return starts, end


class Sender:
    """The worker's end: sends what `pickled` made, with a note that says which slot, that is which segment, to use."""

    def __init__(self, connection: Connection):
        self.connection = connection
        self._segments: dict[int, mmap.mmap] = {}

    def send(self, note, buffers: list) -> None:
        """Hand a batch over in the slot `note.slot`, which the loader knows to be free.

        Without a slot it goes through the pipe, which waits until the loader takes it.
        """
        sizes = [buffer.nbytes for buffer in buffers]
        starts, needed = _layout(sizes)
        if needed <= SMALL or note.slot is None:
            self.connection.send((note, [bytes(buffer) for buffer in buffers], None))
            return
        segment = self._segments.get(note.slot)
        if segment is not None and len(segment) >= needed:
            made = None
        else:
            made = _make_segment(needed + needed // 8)  # some room: the next batch may be a little larger
            self._segments[note.slot] = segment = made.memory
        target = np.frombuffer(segment, np.uint8)
        for start, size, buffer in zip(starts, sizes, buffers):
            target[start : start + size] = np.frombuffer(buffer, np.uint8) if size else ()
        self.connection.send((note, sizes, made and (len(segment), made.name)))
        if made:
            made.hand_over(self.connection)


class Receiver:
    """The loader's end: `receive()` gives the note, and the buffers copied into memory of their own."""

    def __init__(self, connection: Connection):
        self.connection = connection
        self._segments: dict[int, np.ndarray] = {}

    def receive(self):
        """(note, buffers) of the next message; EOFError or OSError where the worker is gone."""
        note, parts, made = self.connection.recv()
        if made is not None:
            self._segments[note.slot] = np.frombuffer(_open_segment(*made, self.connection), np.uint8)
        if isinstance(parts[0], bytes):
            return note, [bytearray(part) for part in parts]
        segment, (starts, _) = self._segments[note.slot], _layout(parts)
        return note, [segment[start : start + size].copy() for start, size in zip(starts, parts)]


class _Made:
    """A new segment and what the other process needs to find it: a name (Windows) or a file descriptor."""

    def __init__(self, memory: mmap.mmap, name: str | None = None, file: int | None = None):
        self.memory = memory
        self.name = name
        self._file = file

    def hand_over(self, connection: Connection) -> None:
        if self._file is None:
            return
        try:
            reduction.send_handle(connection, self._file, None)
        except RuntimeError as error:  # macOS: the other side did not say that it got the file
            raise BrokenPipeError(str(error)) from None
        finally:
            os.close(self._file)


if sys.platform == "win32":

    def _make_segment(size: int) -> _Made:
        name = f"course_lib-{os.getpid()}-{next(_segments_made)}"
        return _Made(mmap.mmap(-1, size, tagname=name), name=name)

    def _open_segment(size: int, name: str, connection: Connection) -> mmap.mmap:
        memory = mmap.mmap(-1, size, tagname=name)
        if memory[0] == 0:  # no pickle begins so: the worker died, its segment is gone, and this is a new one
            raise EOFError
        return memory

else:

    def _make_segment(size: int) -> _Made:
        file = _unnamed_file()
        os.ftruncate(file, size)
        return _Made(mmap.mmap(file, size), file=file)

    def _open_segment(size: int, name: None, connection: Connection) -> mmap.mmap:
        file = reduction.recv_handle(connection)
        try:
            return mmap.mmap(file, size)
        finally:
            os.close(file)

    def _unnamed_file() -> int:
        if hasattr(os, "memfd_create"):  # Linux: memory, and no share of the often small /dev/shm of a container
            return os.memfd_create("course_lib batch")
        with tempfile.TemporaryFile(prefix="course_lib-") as file:  # already without a name
            return os.dup(file.fileno())


__all__ = ["Receiver", "Sender", "pickled", "unpickled"]
