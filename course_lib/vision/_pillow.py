"""Pillow, loaded when an image is first met: only pictures need it."""

from __future__ import annotations

import sys


def pillow():
    """The package PIL with its module Image; ImportError says what to install."""
    try:
        import PIL.Image
    except ImportError:
        raise ImportError("Pillow, which reads and writes images, is missing: pip install pillow") from None
    return PIL


def is_pil_image(value) -> bool:
    """Whether `value` is an image of Pillow; does not load Pillow, since without it there are none."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)
