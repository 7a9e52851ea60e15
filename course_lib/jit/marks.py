"""The small names of `torch.jit`: marks on functions and attributes that tell `script` what to do with them."""

from __future__ import annotations

import typing


def ignore(drop=False, **kwargs):
    """Decorator: `script` leaves this method in Python; a program with it runs, but cannot be saved."""
    if callable(drop):
        return _marked("ignore")(drop)
    return _marked("unused" if drop else "ignore")


def unused(fn):
    """Decorator: `script` puts an error in the place of this method."""
    return _marked("unused")(fn)


def export(fn):
    """Decorator: `script` takes this method, too, although `forward` does not call it."""
    return _marked("export")(fn)


def _marked(modifier: str):
    def mark(fn):
        fn._torchscript_modifier = modifier
        return fn

    return mark


def annotate(the_type, the_value):
    """The value; types need not be declared here."""
    return the_value


class Attribute(typing.NamedTuple):
    """A value with a type, for PyTorch's sake: programs here need no types."""

    value: object
    type: object


Final = typing.Final


def is_scripting() -> bool:
    """False in Python; in a scripted function, True."""
    return False


def script_if_tracing(fn):
    """Decorator: PyTorch scripts such a function when it meets it in a trace. Here it is traced like any other."""
    return fn


def interface(obj):
    """Accepted; interfaces are types, which programs here do not need."""
    return obj


def script_method(fn):
    """Decorator of old `ScriptModule` subclasses: the method is a part of the program."""
    return _marked("export")(fn)
