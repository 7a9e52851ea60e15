"""What a bad kernel gets: a sentence with the source line, the threads and the memory, never a hang or a crash."""

from __future__ import annotations


class KernelError(RuntimeError):
    """A kernel did what it must not do. `line` is the line of the source file, `thread` and `block` say who did it."""

    def __init__(self, message: str, line: int | None = None, source: str = "", thread=None, block=None):
        self.line, self.source, self.thread, self.block = line, source, thread, block
        where = f"line {line}: " if line is not None else ""
        quoted = f"\n    {line} | {source.strip()}" if source.strip() else ""
        super().__init__(f"{where}{message}{quoted}")


class OutOfBounds(KernelError, IndexError):
    """An index outside the array."""


class Race(KernelError):
    """Two threads use the same element, at least one of them writes, and nothing orders them."""


class BarrierDivergence(KernelError):
    """Some threads of a block wait at a barrier that others never reach."""


class Uninitialized(KernelError):
    """A value is used that nobody has written."""


class KernelTypeError(KernelError, TypeError):
    """A value of a type that the GPU could not use there."""


class UnsupportedSyntax(KernelError):
    """Python that no GPU kernel can contain."""


class StepLimit(KernelError):
    """The kernel ran longer than the simulator is willing to wait; most often a loop that never ends."""


def name(thread: tuple[int, int, int], block: tuple[int, int, int]) -> str:
    """`thread (3, 0, 0) of block (1, 0, 0)`."""
    return f"thread {thread} of block {block}"


__all__ = ["BarrierDivergence", "KernelError", "KernelTypeError", "OutOfBounds", "Race", "StepLimit", "Uninitialized",
           "UnsupportedSyntax", "name"]  # fmt: skip
