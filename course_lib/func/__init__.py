"""torch.func: functions of functions. Derivatives in transforms.py, one function for a whole batch in batching.py."""

from __future__ import annotations

from .batching import vmap
from .transforms import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp", "vmap"]
