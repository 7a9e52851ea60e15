"""`@cuda.jit`: declaring a kernel, and launching it with `kernel[grid, block](…)`."""

from __future__ import annotations

import functools

from .device_functions import DeviceFunction
from .errors import KernelError
from .report import Report
from .run import STEP_LIMIT, Run, arguments_of
from .source import Source

THREADS_LIMIT = 1024  # threads a block may have
AXIS_LIMITS = (1024, 1024, 64)


def jit(function=None, *, device: bool = False, step_limit: int = STEP_LIMIT, **options):
    """Declare a kernel, or with `device=True` a function that kernels call.

    A kernel runs once for each thread of a grid of blocks: `kernel[blocks, threads](arguments)`. `step_limit` is how
    many statements a launch may run before the simulator stops it. Signatures and compiler options that numba.cuda
    knows are accepted and ignored.

    >>> import numpy as np
    >>> from course_lib import cudasim as cuda
    >>> @cuda.jit
    ... def double(x):
    ...     i = cuda.grid(1)
    ...     if i < x.size:
    ...         x[i] *= 2
    >>> x = np.arange(4.0)
    >>> double[1, 32](x)
    >>> x
    array([0., 2., 4., 6.])

    Source: https://nvidia.github.io/numba-cuda/reference/kernel.html
    """
    unknown = options.keys() - {"fastmath", "opt", "debug", "lineinfo", "inline", "link", "max_registers", "cache",
                                "func_or_sig", "signature", "ptx", "launch_bounds", "forceinline", "lto"}  # fmt: skip
    if unknown:
        raise TypeError(f"jit() got an unexpected argument {sorted(unknown)[0]!r}")
    if not callable(function) or isinstance(function, type):  # @cuda.jit(...), or with a signature in front
        return functools.partial(jit, device=device, step_limit=step_limit)
    source = Source(function, device)
    return DeviceFunction(source) if device else Kernel(source, step_limit)


class Kernel:
    """A declared kernel. `kernel[blocks, threads](…)` launches it; `report` tells of the last launch."""

    is_kernel = True

    def __init__(self, source: Source, step_limit: int):
        functools.update_wrapper(self, source.function)
        self.source, self.step_limit = source, step_limit
        self.report: Report | None = None

    def __getitem__(self, configuration):
        """`kernel[blocks, threads]`, or with a stream and the bytes of dynamic shared memory behind them."""
        if not isinstance(configuration, tuple) or not 2 <= len(configuration) <= 4:
            raise ValueError(
                f"a launch needs the blocks and the threads of a block: {self.__name__}[blocks, threads](…)"
            )
        grid, block, _, dynamic = (*configuration, 0, 0)[: len(configuration)] + (0, 0)[len(configuration) - 2 :]
        return Launch(self, _dimensions(grid, "grid"), _dimensions(block, "block"), int(dynamic))

    def __call__(self, *args, **named):
        raise KernelError(
            f"`{self.__name__}` is a kernel: say how many blocks and threads run it, {self.__name__}[blocks, "
            "threads](…)"
        )

    def forall(self, tasks: int, tpb: int = 128, stream=0, sharedmem: int = 0):
        """A launch with at least one thread for each of `tasks`."""
        return self[max(1, -(-tasks // tpb)), tpb, stream, sharedmem]

    def __repr__(self) -> str:
        return f"<kernel {self.__name__}>"


class Launch:
    """A kernel with its launch configuration; calling it runs the kernel."""

    def __init__(self, kernel: Kernel, grid_dim, block_dim, dynamic_shared: int):
        self.kernel, self.grid_dim, self.block_dim, self.dynamic_shared = kernel, grid_dim, block_dim, dynamic_shared
        threads = block_dim[0] * block_dim[1] * block_dim[2]
        if threads > THREADS_LIMIT or any(n > limit for n, limit in zip(block_dim, AXIS_LIMITS, strict=True)):
            raise KernelError(
                f"a block of {block_dim} has {threads} threads; a GPU allows {THREADS_LIMIT} threads a block, and at "
                f"most {AXIS_LIMITS} along x, y and z. Use more blocks of fewer threads"
            )

    def __call__(self, *args, **named) -> None:
        kernel = self.kernel
        arguments, back = arguments_of(kernel.source, args, named)
        run = Run(kernel.source, self.grid_dim, self.block_dim, arguments, self.dynamic_shared, kernel.step_limit)
        kernel.report = Report(kernel, self.grid_dim, self.block_dim, run.counts)
        try:
            run.launch()
        finally:
            for host, flat in back:
                host[...] = flat.reshape(host.shape)


def _dimensions(given, what: str) -> tuple[int, int, int]:
    sizes = tuple(given) if isinstance(given, tuple | list) else (given,)
    try:
        sizes = tuple([int(n.__index__()) for n in sizes])
    except AttributeError:
        raise TypeError(f"the {what} dimensions must be integers, not {given!r}. Use `//` to divide") from None
    if not 1 <= len(sizes) <= 3 or any(n < 1 for n in sizes):
        raise ValueError(f"the {what} dimensions must be one to three positive integers, not {given!r}")
    return (*sizes, 1, 1)[:3]
