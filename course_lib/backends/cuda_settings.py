"""torch.backends.cuda: settings of the GPU side.

`matmul.allow_tf32` lets float32 products of matrices run in TF32 where the GPU has it: faster, with 10 bits of
mantissa in the products. `matmul.allow_fp16_accumulation` lets products of float16 be added up in float16. What else
there is for half precision, and the switches of attention kernels, is accepted and changes nothing.

Source: https://docs.pytorch.org/docs/stable/backends.html
"""

from __future__ import annotations

from .switches import Switches


class _Matmul(Switches):
    """The settings of matrix products; `allow_tf32` is another way to say `fp32_precision = "tf32"`."""

    def __getattr__(self, name: str):
        return super().__getattr__("fp32_precision") == "tf32" if name == "allow_tf32" else super().__getattr__(name)

    def __setattr__(self, name: str, value) -> None:
        if name == "allow_tf32":
            name, value = "fp32_precision", "tf32" if value else "ieee"
        if name == "fp32_precision" and value not in ("none", "ieee", "tf32"):
            known = value == "bf16"  # of CPUs
            raise RuntimeError(f"backend 'cuda' does not support precision '{value}'" if known else
                               f"Unknown precision: {value}")  # fmt: skip
        super().__setattr__(name, value)


matmul = _Matmul(
    allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True,
    allow_fp16_accumulation=False, fp32_precision="none",
)  # fmt: skip
cufft_plan_cache = Switches(size=0, max_size=4096)
_kernels = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def is_built() -> bool:
    """Whether the library can use a GPU at all: whether CuPy is installed and finds one."""
    from . import cuda

    return cuda.device_count() > 0


def _switch(kind: str):
    def enabled() -> bool:
        return _kernels[kind]

    def enable(enabled: bool) -> None:
        _kernels[kind] = bool(enabled)

    enabled.__doc__ = f"Whether the {kind} kernel of attention is allowed."
    enable.__doc__ = f"Allow the {kind} kernel of attention, or forbid it; accepted, there is one kernel."
    return enabled, enable


flash_sdp_enabled, enable_flash_sdp = _switch("flash")
mem_efficient_sdp_enabled, enable_mem_efficient_sdp = _switch("mem_efficient")
math_sdp_enabled, enable_math_sdp = _switch("math")
cudnn_sdp_enabled, enable_cudnn_sdp = _switch("cudnn")


def preferred_linalg_library(backend=None) -> str:
    """Accepted: linear algebra on the GPU goes through LAPACK on the host."""
    return "default"


__all__ = ["cudnn_sdp_enabled", "cufft_plan_cache", "enable_cudnn_sdp", "enable_flash_sdp", "enable_math_sdp",
           "enable_mem_efficient_sdp", "flash_sdp_enabled", "is_built", "math_sdp_enabled", "matmul",
           "mem_efficient_sdp_enabled", "preferred_linalg_library"]  # fmt: skip
