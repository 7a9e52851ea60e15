"""torchvision.utils: several images as one, and images as files."""

from __future__ import annotations

import math

import course_lib as torch

from ._pillow import pillow


def make_grid(tensor, nrow: int = 8, padding: int = 2, normalize: bool = False, value_range=None,
              scale_each: bool = False, pad_value: float = 0.0) -> torch.Tensor:  # fmt: skip
    """A batch (B, C, H, W), or a list of images of one size, as one image (3, H', W') with `nrow` images in a row.

    `normalize` brings the values from value_range (by default their own, with scale_each that of each image) to 0 … 1.
    TypeError for what is no tensor or list of tensors.

    >>> import course_lib as torch
    >>> from course_lib.vision.utils import make_grid
    >>> make_grid(torch.rand(5, 1, 8, 8), nrow=3).shape
    torch.Size([3, 22, 32])

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.utils.make_grid.html
    """
    images = _as_batch(tensor)
    if normalize:
        images = _normalized(images, value_range, scale_each)
    count, channels, height, width = images.shape
    if count == 1:
        return images.squeeze(0)
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    height, width = height + padding, width + padding
    grid = images.new_full((channels, height * rows + padding, width * columns + padding), pad_value)
    for i, image in enumerate(images):
        top, left = (i // columns) * height + padding, (i % columns) * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = image
    return grid


def _as_batch(tensor) -> torch.Tensor:
    """(B, C, H, W) with three channels where there was one."""
    if isinstance(tensor, list):
        for each in tensor:
            if not isinstance(each, torch.Tensor):
                raise TypeError(f"tensor or list of tensors expected, got a list containing {type(each)}")
        tensor = torch.stack(tensor, dim=0)
    elif not isinstance(tensor, torch.Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    tensor = tensor.detach()
    while tensor.ndim < 4:
        tensor = tensor.unsqueeze(0)
    return torch.cat([tensor] * 3, 1) if tensor.shape[1] == 1 else tensor


def _normalized(images: torch.Tensor, value_range, scale_each: bool) -> torch.Tensor:
    if value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
    images = images.clone()
    for part in images if scale_each else [images]:
        low, high = value_range or (float(part.min()), float(part.max()))
        part.clamp_(low, high).sub_(low).div_(max(high - low, 1e-5))
    return images


def save_image(tensor, fp, format: str | None = None, **kwargs) -> None:
    """Write images of values 0 … 1 into one file, arranged by `make_grid` (which takes the other arguments).

    `fp` is a path or an open file, `format` a name of Pillow's ("png"), needed where a file has no name.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.utils.save_image.html
    """
    grid = make_grid(tensor, **kwargs)
    pixels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to("cpu", torch.uint8).numpy()
    pillow().Image.fromarray(pixels).save(fp, format=format)


__all__ = ["make_grid", "save_image"]
