"""Errors that come from what the user gave or allowed, in the middle of reading a file.

What a damaged file makes the reader stumble over is reported as damage. An error in the user's `map_location` or in a
class that the user allowed is not: it passes by all of that as an `Outside`, and `load` raises it as it was.
"""

from __future__ import annotations


class Outside(Exception):
    """Carries an error of the user's code as its cause."""


def users(function, *arguments, **named):
    """Call something of the user's."""
    try:
        return function(*arguments, **named)
    except Exception as error:
        raise Outside from error


__all__ = ["Outside", "users"]
