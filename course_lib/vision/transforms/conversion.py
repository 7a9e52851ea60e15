"""Between Pillow's images, NumPy arrays (height, width, channels) and tensors (channels, height, width)."""

from __future__ import annotations

import numpy as np

import course_lib as torch

from .._pillow import is_pil_image, pillow

_WIDE_MODES = {"I": np.int32, "I;16": np.uint16, "I;16L": np.uint16, "I;16B": np.uint16, "F": np.float32}
_ONE_CHANNEL = {np.dtype(np.uint8): "L", np.dtype(np.int16): "I;16", np.dtype(np.uint16): "I;16",
                np.dtype(np.int32): "I", np.dtype(np.float32): "F"}  # fmt: skip
_CHANNELS = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}


def pil_to_tensor(pic) -> torch.Tensor:
    """A PIL image as a tensor (C, H, W) with the image's own numbers, uint8 for the common modes.

    TypeError for anything but a PIL image.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.pil_to_tensor.html
    """
    if not is_pil_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    array = np.array(pic, dtype=_WIDE_MODES.get(pic.mode))
    return channels_first(array)


def to_tensor(pic) -> torch.Tensor:
    """A PIL image or an array (H, W, C) as a tensor (C, H, W); numbers of 8 bits become floats from 0 to 1.

    Other numbers stay as they are. TypeError for other types, ValueError for arrays that are not 2- or 3-dimensional.

    >>> import numpy as np
    >>> from course_lib.vision.transforms import functional as F
    >>> F.to_tensor(np.array([[0, 51, 255]], dtype=np.uint8))
    tensor([[[0.0000, 0.2000, 1.0000]]])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.to_tensor.html
    """
    if is_pil_image(pic):
        found = pil_to_tensor(pic.convert("L") if pic.mode == "1" else pic)
        found = found.to(torch.int16) if found.dtype is torch.uint16 else found
    elif isinstance(pic, np.ndarray):
        if pic.ndim not in {2, 3}:
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        found = channels_first(pic)
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    return found.to(torch.get_default_dtype()).div(255) if found.dtype is torch.uint8 else found


def channels_first(array) -> torch.Tensor:
    """A copy of an array (H, W) or (H, W, C) as a tensor (C, H, W)."""
    if array.ndim == 2:
        array = array[:, :, None]
    return torch.from_numpy(np.array(array.transpose(2, 0, 1), order="C"))


def to_pil_image(pic, mode: str | None = None):
    """A tensor (C, H, W) or (H, W), or an array (H, W, C), as a PIL image.

    Floats are taken as 0 to 1, unless the mode is "F". `mode` is found from dtype and channels unless given; ValueError
    where it does not fit, TypeError for dtypes that no image has.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.to_pil_image.html
    """
    if isinstance(pic, torch.Tensor):
        array = _channels_last(pic, mode)
    elif isinstance(pic, np.ndarray):
        if pic.ndim not in {2, 3}:
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = pic[:, :, None] if pic.ndim == 2 else pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if array.shape[2] > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {array.shape[2]} channels.")
    found = _mode_of(array, mode)
    return pillow().Image.frombytes(found, (array.shape[1], array.shape[0]), array.tobytes())


def _channels_last(pic: torch.Tensor, mode: str | None):
    if pic.ndim not in {2, 3}:
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    if pic.ndim == 2:
        pic = pic.unsqueeze(0)
    if pic.is_floating_point() and mode != "F":
        pic = pic.mul(255).byte()
    return pic.detach().cpu().numpy().transpose(1, 2, 0)


def _mode_of(array, mode: str | None) -> str:
    """The mode of the image; ValueError where the wanted one does not fit."""
    channels = array.shape[2]
    if channels == 1:
        expected = _ONE_CHANNEL.get(array.dtype)
        if mode is not None and mode != expected:
            raise ValueError(
                f"Incorrect mode ({mode}) supplied for input type {array.dtype}. Should be {expected}"
            )
        mode = expected
    else:
        permitted = _CHANNELS[channels]
        if mode is not None and mode not in permitted:
            raise ValueError(f"Only modes {list(permitted)} are supported for {channels}D inputs")
        mode = (mode or permitted[0]) if array.dtype == np.uint8 else None
    if mode is None:
        raise TypeError(f"Input type {array.dtype} is not supported")
    return mode


_INTEGERS = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


def convert_image_dtype(image: torch.Tensor, dtype=torch.float) -> torch.Tensor:
    """An image in another dtype, its values scaled: floats run from 0 to 1, integers to the largest of their dtype.

    RuntimeError where floats cannot tell that many integers apart (float32 to int32 or int64, float64 to int64).

    >>> import course_lib as torch
    >>> from course_lib.vision.transforms import functional as F
    >>> F.convert_image_dtype(torch.tensor([[0, 51, 255]], dtype=torch.uint8))
    tensor([[0.0000, 0.2000, 1.0000]])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.convert_image_dtype.html
    """
    if not isinstance(image, torch.Tensor):
        raise TypeError("Input img should be Tensor Image")
    if image.dtype is dtype:
        return image
    if image.is_floating_point():
        return image.to(dtype) if dtype.is_floating_point else _from_unit_range(image, dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / largest(image.dtype)
    have, want = largest(image.dtype), largest(dtype)
    if have > want:
        return torch.div(image, (have + 1) // (want + 1), rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((want + 1) // (have + 1))


def _from_unit_range(image: torch.Tensor, dtype) -> torch.Tensor:
    too_fine = {torch.float32: {torch.int32, torch.int64}, torch.float64: {torch.int64}}
    if dtype in too_fine.get(image.dtype, ()):
        raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely")
    # 0 … 1 in as many equal steps as there are integers; a little less than 1 more, so that 1.0 is in the last step
    return image.mul(largest(dtype) + 1.0 - 1e-3).to(dtype)


def largest(dtype) -> int:
    """The value of a white pixel."""
    return torch.iinfo(dtype).max if dtype in _INTEGERS or dtype is torch.uint16 else 1


__all__ = ["channels_first", "convert_image_dtype", "largest", "pil_to_tensor", "to_pil_image", "to_tensor"]
