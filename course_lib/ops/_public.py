"""@public: a function made of other ops, with what every PyTorch function has around it.

It checks that the first `tensors` arguments are tensors, understands NumPy's names `axis` and `keepdims`, stores the
result into `out=`, and registers the function under its namespace.
"""

from __future__ import annotations

import functools
import inspect

from ..tensor import Tensor
from ._arguments import argument_error
from ._op import function, write_out

_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def public(*, tensors=1, method=False, alias=(), namespace="torch", name=None):
    """Declare a composed function whose first `tensors` parameters are tensors. name: where it is not the def's own."""

    def declare(made):
        names = list(inspect.signature(made).parameters)[:tensors]
        plain = name or made.__name__
        called = plain if namespace in ("torch", None) else f"{namespace}_{plain}"

        @functools.wraps(made)
        def call(*args, out=None, **named):
            if named:
                named = {_NUMPY_NAMES.get(key, key): value for key, value in named.items()}
            for position, parameter in enumerate(names):
                value = args[position] if position < len(args) else named.get(parameter, called)
                if value is called:
                    raise TypeError(f'{called}() missing 1 required positional arguments: "{parameter}"')
                if not isinstance(value, Tensor):
                    raise argument_error(called, parameter, position + 1, value)
            result = made(*args, **named)
            return result if out is None else write_out(called, out, args, result)

        call.__name__ = call.__qualname__ = plain
        return function(method=method, alias=alias, namespace=namespace)(call)

    return declare
