"""The CUDA side: CuPy, imported only when a CUDA tensor is asked for."""

from __future__ import annotations


def cupy():
    import cupy

    return cupy


def require(wanted):
    """The CUDA device asked for; AssertionError with PyTorch's text where this installation has no CUDA."""
    raise AssertionError(
        f"Torch not compiled with CUDA enabled (device '{wanted}' was asked for, and this installation of course_lib "
        "computes on the CPU; use device='cpu', or pick the device with torch.cuda.is_available())"
    )
