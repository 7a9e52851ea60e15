"""Whether operations are recorded: no_grad, enable_grad, set_grad_enabled, inference_mode.

One module-level object holds the switch; every op reads `GRAD.enabled`, these context managers set it and put it back.
`GRAD.on_record` is None, or a function that every newly recorded node is shown to (see watch.py).
"""

from __future__ import annotations

import functools
import inspect


class _GradMode:
    __slots__ = ("enabled", "on_record")


GRAD = _GradMode()
GRAD.enabled = True
GRAD.on_record = None


def is_grad_enabled() -> bool:
    """True where operations are recorded for `backward`."""
    return GRAD.enabled


class _GradContext:
    """Sets the switch inside a `with` block or inside a decorated function, and restores it afterwards."""

    def __init__(self, mode: bool):
        self.mode = mode
        self.previous: list[bool] = []  # a stack: one object may be entered again while it is active

    def __enter__(self) -> None:
        self.previous.append(GRAD.enabled)
        GRAD.enabled = self.mode

    def __exit__(self, *exception) -> None:
        GRAD.enabled = self.previous.pop()

    def clone(self) -> _GradContext:
        """A fresh context with the same mode."""
        return _GradContext(self.mode)

    def __call__(self, function):
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with self.clone():
                return function(*args, **kwargs)

        return wrapped

    def _wrap_generator(self, function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            steps = function(*args, **kwargs)
            send, value = steps.send, None
            while True:  # the mode holds while the generator runs, not while its caller does
                try:
                    with self.clone():
                        item = send(value)
                except StopIteration as stop:
                    return stop.value
                try:
                    send, value = steps.send, (yield item)
                except GeneratorExit:
                    steps.close()
                    raise
                except BaseException as error:
                    send, value = steps.throw, error

        return wrapped


class _Decorator(_GradContext):
    """A context that may also decorate a function without parentheses: `@torch.no_grad`."""

    def __new__(cls, function=None):
        made = super().__new__(cls)
        if function is None:
            return made
        made.__init__()
        return made(function)


class no_grad(_Decorator):
    """Records nothing inside: results do not require gradients. A context manager and a decorator.

    >>> import course_lib as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False

    Source: https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html
    """

    def __init__(self, function=None):
        super().__init__(False)


class enable_grad(_Decorator):
    """Records again inside a `no_grad` block. A context manager and a decorator.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.enable_grad.html
    """

    def __init__(self, function=None):
        super().__init__(True)


class set_grad_enabled(_GradContext):
    """Sets the switch at once to `mode`; as a context manager it is put back at the end of the block.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_grad_enabled.html
    """

    def __init__(self, mode: bool):
        super().__init__(bool(mode))
        self.before = GRAD.enabled
        GRAD.enabled = self.mode

    def __enter__(self) -> None:
        self.previous.append(self.before)
        GRAD.enabled = self.mode

    def __call__(self, function):
        GRAD.enabled = self.before  # used as a decorator: only the function is concerned
        return super().__call__(function)

    def __repr__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.mode})"


class set_multithreading_enabled:
    """Accepted as a call and as a context manager: backward always runs in the thread that calls it."""

    def __init__(self, mode: bool):
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception) -> None:
        pass


def __getattr__(name: str):
    """`inference_mode` lies in inference.py, which needs more than this module may import."""
    if name == "inference_mode":
        from .inference import inference_mode

        return inference_mode
    raise AttributeError(f"module 'torch.autograd.grad_mode' has no attribute '{name}'")
