"""course_lib: tensors, autograd and neural networks with PyTorch's public API, written to be read.

    import course_lib as torch

`tensor.py` is the Tensor, `ops/` holds every operation, `autograd/` the graph and the engine, `backends/` the arrays.
"""

from __future__ import annotations

import importlib
import math
import warnings

from . import dtypes, layouts, return_types
from .autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .device import device, get_default_device, set_default_device
from .dtypes import can_cast, dtype, finfo, get_default_dtype, iinfo, promote_types, set_default_dtype
from .layouts import channels_last, channels_last_3d, contiguous_format, layout, memory_format, preserve_format, strided
from .ops import FUNCTIONS as _NAMESPACES
from .printing import set_printoptions
from .random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .size import Size
from .tensor import Tensor

__version__ = "2.13.0+course"  # the PyTorch release whose behaviour this library follows

inf, nan, pi, e, newaxis = math.inf, math.nan, math.pi, math.e, None


# An overflow or a division by zero gives inf or nan, silently, as in PyTorch: NumPy's warnings about it stay inside.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"course_lib\.")

_FUNCTIONS = {name: made for name, made in _NAMESPACES["torch"].items() if name not in dtypes.NAMES}
globals().update({name: getattr(dtypes, name) for name in dtypes.NAMES})  # torch.float32, torch.int64, …
globals().update(layouts.LAYOUTS)  # torch.sparse_coo, …
globals().update(_FUNCTIONS)  # every op declared in ops/: torch.add, torch.zeros, …

_LATER = {"inference_mode": "autograd.inference", "is_inference": "autograd.inference",
          "is_inference_mode_enabled": "autograd.inference", "is_anomaly_enabled": "autograd.anomaly_mode",
          "is_anomaly_check_nan_enabled": "autograd.anomaly_mode", "vmap": "func", "compile": "compiler",
          "GradScaler": "amp",
          **dict.fromkeys(("FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor", "ByteTensor", "CharTensor",
                           "ShortTensor", "IntTensor", "LongTensor", "BoolTensor", "set_default_tensor_type"),
                           "legacy"),
          **dict.fromkeys(("get_num_threads", "set_num_threads", "get_num_interop_threads", "set_num_interop_threads",
                           "use_deterministic_algorithms", "are_deterministic_algorithms_enabled",
                           "is_deterministic_algorithms_warn_only_enabled", "get_deterministic_debug_mode",
                           "set_deterministic_debug_mode", "get_float32_matmul_precision",
                           "set_float32_matmul_precision", "set_flush_denormal", "set_warn_always",
                           "is_warn_always_enabled", "typename"), "settings"),
          **dict.fromkeys(("TypedStorage", "UntypedStorage", "is_storage"), "storage"),
          **dict.fromkeys(("load", "save"), "serialization"), "sparse_coo_tensor": "sparse",
          **dict.fromkeys(("AcceleratorError", "OutOfMemoryError"), "errors"),
          **dict.fromkeys(("autocast", "autocast_decrement_nesting", "autocast_increment_nesting",
                           "clear_autocast_cache", "get_autocast_cpu_dtype", "get_autocast_dtype",
                           "get_autocast_gpu_dtype", "is_autocast_cache_enabled", "is_autocast_cpu_enabled",
                           "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype",
                           "set_autocast_cpu_enabled", "set_autocast_dtype", "set_autocast_enabled",
                           "set_autocast_gpu_dtype"), "amp.autocast_mode")}  # fmt: skip
_SUBMODULES = {"_dynamo", "_higher_order_ops", "_utils", "accelerator", "amp", "autograd", "backends",
               "compiler", "cpu", "cuda", "distributed", "distributions", "export", "fft", "func",
               "functional", "fx", "hub", "jit", "library", "linalg", "masked", "mps", "multiprocessing",
               "nn", "onnx", "optim", "overrides", "profiler", "random", "serialization", "signal",
               "sparse", "special", "storage", "testing", "types", "utils", "version", "xpu"}  # fmt: skip


def __getattr__(name: str):
    if name in _SUBMODULES:  # loaded when first used, so that `import course_lib` stays quick
        return importlib.import_module(f"{__name__}.{name}")
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module 'torch' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, *_SUBMODULES})


__all__ = ["Size", "Tensor", "can_cast", "device", "default_generator", "dtype", "enable_grad", "finfo",
           "get_default_device", "get_default_dtype", "iinfo", "inf", "is_grad_enabled", "nan", "no_grad", "pi",
           "promote_types", "return_types", "set_default_device", "set_default_dtype",
           "set_grad_enabled", "set_printoptions", *dtypes.NAMES,
           *_FUNCTIONS]  # fmt: skip
