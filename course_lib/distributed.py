"""torch.distributed, as far as programs ask it whether there is any: there is not, this library runs in one process.

A program that guards its distributed part with `is_available()` or `is_initialized()` runs as on one machine; what
needs a process group says that none exists.
"""

from __future__ import annotations

import enum


def is_available() -> bool:
    """is_available() -> bool: whether programs may run as several processes that exchange tensors; False here.

    >>> import course_lib as torch
    >>> torch.distributed.is_available() and torch.distributed.is_initialized()
    False

    Source: https://docs.pytorch.org/docs/stable/distributed.html#torch.distributed.is_available
    """
    return False


def is_initialized() -> bool:
    """is_initialized() -> bool: whether a process group exists; never here."""
    return False


def _never(name: str, text: str):
    def answer() -> bool:
        return False

    answer.__name__ = answer.__qualname__ = name
    answer.__doc__ = f"{name}() -> bool: whether {text}; False here."
    return answer


is_nccl_available = _never("is_nccl_available", "NVIDIA's library for GPUs can carry tensors between processes")
is_gloo_available = _never("is_gloo_available", "Gloo can carry tensors between processes")
is_mpi_available = _never("is_mpi_available", "MPI can carry tensors between processes")
is_ucc_available = _never("is_ucc_available", "UCC can carry tensors between processes")
is_xccl_available = _never("is_xccl_available", "Intel's library for GPUs can carry tensors between processes")
is_torchelastic_launched = _never("is_torchelastic_launched", "`torchrun` started this process")


def init_process_group(backend=None, *args, **named) -> None:
    """init_process_group(backend): RuntimeError, because this library has no process groups.

    Source: https://docs.pytorch.org/docs/stable/distributed.html#torch.distributed.init_process_group
    """
    raise RuntimeError(
        "course_lib runs in one process and has no process groups. Call torch.distributed.init_process_group only "
        "where torch.distributed.is_available() is True, or run this program with PyTorch."
    )


def destroy_process_group(group=None) -> None:
    """destroy_process_group(): AssertionError, because there is no process group to end."""
    raise AssertionError("Process group cannot be None")


def needs_process_group() -> ValueError:
    """The error of everything that a process group would have to answer."""
    return ValueError("Default process group has not been initialized, please make sure to call init_process_group.")


def _needs_group(name: str):
    def call(*args, **named):
        raise needs_process_group()

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{name}(…): ValueError, because there is no process group."
    return call


_COMMUNICATION = ("get_rank", "get_world_size", "get_backend", "new_group", "barrier", "broadcast", "all_reduce",
                  "reduce", "all_gather", "all_gather_into_tensor", "all_gather_object", "gather", "scatter",
                  "reduce_scatter", "reduce_scatter_tensor", "all_to_all", "broadcast_object_list", "send", "recv",
                  "isend", "irecv", "monitored_barrier")  # fmt: skip
globals().update({name: _needs_group(name) for name in _COMMUNICATION})


class ReduceOp(enum.Enum):
    """How processes would combine their tensors: `all_reduce(tensor, op=ReduceOp.SUM)`."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR, PREMUL_SUM = range(9)


class group:
    """Names of process groups: `WORLD` is the one of all processes, None where there is none."""

    WORLD = None


__all__ = ["ReduceOp", "destroy_process_group", "group", "init_process_group", "is_available", "is_gloo_available",
           "is_initialized", "is_mpi_available", "is_nccl_available", "is_torchelastic_launched", "is_ucc_available",
           "is_xccl_available", *_COMMUNICATION]  # fmt: skip
