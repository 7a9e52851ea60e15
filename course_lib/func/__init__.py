"""torch.func: functions of functions.

Derivatives in transforms.py, one function for a whole batch in batching.py, modules as functions in modules.py.
"""

from __future__ import annotations

from .batching import vmap
from .modules import functional_call, stack_module_state
from .transforms import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
           "stack_module_state", "vjp", "vmap"]  # fmt: skip
