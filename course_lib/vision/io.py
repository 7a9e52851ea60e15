"""torchvision.io: images between files, bytes and uint8 tensors (channels, height, width); Pillow does the work.

Source: https://docs.pytorch.org/vision/stable/io.html
"""

from __future__ import annotations

import enum
import io
from pathlib import Path

import numpy as np

import course_lib as torch

from ._pillow import pillow


class ImageReadMode(enum.Enum):
    """What an image is converted to when it is read."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4
    RGBA = 4  # noqa: PIE796  another name for RGB_ALPHA


_MODES = {ImageReadMode.GRAY: "L", ImageReadMode.GRAY_ALPHA: "LA", ImageReadMode.RGB: "RGB",
          ImageReadMode.RGB_ALPHA: "RGBA"}  # fmt: skip


def read_file(path: str | Path) -> torch.Tensor:
    """The bytes of a file as a uint8 tensor."""
    return torch.frombuffer(bytearray(Path(path).read_bytes()), dtype=torch.uint8)


def write_file(filename: str | Path, data: torch.Tensor) -> None:
    """Write a uint8 tensor of one dimension to a file."""
    Path(filename).write_bytes(data.numpy().tobytes())


def decode_image(input, mode=ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False) -> torch.Tensor:
    """An image from a file's path or its bytes (a uint8 tensor) as a uint8 tensor (channels, height, width).

    mode: an ImageReadMode or its name, "RGB". RuntimeError where the bytes are no image that Pillow reads.
    """
    mode = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    data = read_file(input) if isinstance(input, (str, Path)) else input
    pil = pillow()
    try:
        image = pil.Image.open(io.BytesIO(data.numpy().tobytes()))
        image.load()
    except pil.UnidentifiedImageError:
        raise RuntimeError("Unsupported image file: these bytes are no image that Pillow reads") from None
    if apply_exif_orientation:
        from PIL import ImageOps

        image = ImageOps.exif_transpose(image)
    if mode is not ImageReadMode.UNCHANGED:
        image = image.convert(_MODES[mode])
    elif image.mode in ("1", "P"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    pixels = np.array(image, np.uint8)
    return torch.from_numpy(np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)))


read_image = decode_jpeg = decode_png = decode_gif = decode_webp = decode_image


def _encoded(input: torch.Tensor, kind: str, **settings) -> torch.Tensor:
    if input.dtype is not torch.uint8:
        raise RuntimeError(f"Input tensor dtype should be uint8, got {input.dtype}")
    if input.ndim != 3 or input.shape[0] not in (1, 3):
        raise RuntimeError(f"The number of channels should be 1 or 3, got: {input.shape[0]} in shape {input.shape}")
    pixels = input.cpu().numpy()
    image = pillow().Image.fromarray(np.ascontiguousarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)))
    written = io.BytesIO()
    image.save(written, kind, **settings)
    return torch.frombuffer(bytearray(written.getvalue()), dtype=torch.uint8)


def encode_png(input: torch.Tensor, compression_level: int = 6) -> torch.Tensor:
    """The bytes of a PNG file for a uint8 image (1 or 3, height, width)."""
    return _encoded(input, "PNG", compress_level=compression_level)


def encode_jpeg(input: torch.Tensor, quality: int = 75) -> torch.Tensor:
    """The bytes of a JPEG file for a uint8 image (1 or 3, height, width)."""
    return _encoded(input, "JPEG", quality=quality)


def write_png(input: torch.Tensor, filename: str | Path, compression_level: int = 6) -> None:
    """Write an image to a PNG file."""
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input: torch.Tensor, filename: str | Path, quality: int = 75) -> None:
    """Write an image to a JPEG file."""
    write_file(filename, encode_jpeg(input, quality))


__all__ = ["ImageReadMode", "decode_gif", "decode_image", "decode_jpeg", "decode_png", "decode_webp", "encode_jpeg",
           "encode_png", "read_file", "read_image", "write_file", "write_jpeg", "write_png"]  # fmt: skip
