"""Six small scenes of our own, drawn with arithmetic on pixel coordinates, and pictures of batches of images.

Only sums, products and quotients are used, which every machine rounds alike: the pixels are the same everywhere.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .canvas import Canvas
from .figure import Figure
from .style import MUTED, SMALL, TEXT

HEIGHT, WIDTH = 48, 64

#: What the pictures of `sample_images` show, in their order.
SAMPLE_TITLES = ("meadow", "sunset", "mountains", "balloons", "fish", "city")

_FINER = 4  # every pixel is the mean of 4 × 4 finer ones, which makes edges smooth


class _Scene:
    """A sheet of fine pixels, with x from 0 to 64 and y from 0 (top) to 48, on which shapes are painted in turn."""

    def __init__(self, top: Sequence[int], bottom: Sequence[int], horizon: float = HEIGHT):
        self.y, self.x = (np.indices((HEIGHT * _FINER, WIDTH * _FINER)) + 0.5) / _FINER
        self.pixels = np.empty((*self.y.shape, 3))
        self.shade(np.full(self.y.shape, True), top, bottom, 0, horizon)

    def shade(self, where, top: Sequence[int], bottom: Sequence[int], y0: float, y1: float) -> None:
        """Paint a region in a colour that runs from `top` at y0 to `bottom` at y1."""
        part = np.clip((self.y - y0) / (y1 - y0), 0, 1)[..., None]
        self.pixels = np.where(where[..., None], np.array(top) * (1 - part) + np.array(bottom) * part, self.pixels)

    def paint(self, where, color: Sequence[int], strength=1.0) -> None:
        """Paint a region in one colour, or mix it in."""
        part = np.where(where, strength, 0.0)[..., None]
        self.pixels = self.pixels * (1 - part) + np.array(color) * part

    def disk(self, x: float, y: float, rx: float, ry: float | None = None):
        """The region inside an ellipse."""
        return ((self.x - x) / rx) ** 2 + ((self.y - y) / (ry or rx)) ** 2 < 1

    def box(self, x0: float, y0: float, x1: float, y1: float):
        """The region inside a rectangle."""
        return (self.x > x0) & (self.x < x1) & (self.y > y0) & (self.y < y1)

    def triangle(self, *corners: tuple[float, float]):
        """The region inside a triangle."""
        signs = []
        for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
            signs.append((x1 - x0) * (self.y - y0) - (y1 - y0) * (self.x - x0) > 0)
        return (signs[0] == signs[1]) & (signs[1] == signs[2])

    def below(self, *points: tuple[float, float]):
        """The region below a line of straight pieces."""
        xs, ys = zip(*points, strict=True)
        return self.y > np.interp(self.x, xs, ys) + 1e-6  # so that no pixel lies exactly on the line

    def hill(self, x: float, top: float, width: float):
        """The region below a parabola with this top."""
        return self.y > top + ((self.x - x) / width) ** 2

    def finish(self) -> np.ndarray:
        """The sheet in its final size, as whole numbers from 0 to 255."""
        fine = np.floor(self.pixels * 64 + 0.5).astype(np.int64)
        total = fine.reshape(HEIGHT, _FINER, WIDTH, _FINER, 3).sum((1, 3))
        parts = 64 * _FINER**2
        return ((total + parts // 2) // parts).clip(0, 255).astype(np.uint8)


def _meadow() -> np.ndarray:
    s = _Scene((86, 176, 236), (214, 238, 250), 34)
    s.paint(s.disk(51, 10, 9), (255, 240, 170), 0.45)
    s.paint(s.disk(51, 10, 6), (255, 221, 87))
    for x, y, r in ((12, 11, 4), (17, 9, 5), (22, 11, 4), (34, 18, 3), (38, 17, 3.6), (42, 18, 2.6)):
        s.paint(s.disk(x, y, r, r * 0.7), (255, 255, 255), 0.92)
    s.shade(s.hill(14, 27, 6), (120, 178, 120), (92, 158, 104), 27, 48)
    s.shade(s.hill(50, 25, 6.5), (98, 168, 96), (70, 140, 82), 25, 48)
    s.shade(s.hill(30, 34, 9), (132, 196, 82), (84, 158, 60), 34, 48)
    s.paint(s.box(15.2, 30, 17, 38), (112, 74, 48))
    s.paint(s.disk(16, 26.5, 5, 5.6), (46, 120, 66))
    s.paint(s.disk(14.6, 25, 2.6, 2.8), (86, 158, 88))
    s.paint(s.box(36, 32, 46, 39), (250, 240, 222))
    s.paint(s.triangle((34.6, 32.2), (41, 26), (47.4, 32.2)), (204, 72, 52))
    s.paint(s.box(39.6, 34.4, 42.4, 39), (120, 78, 54))
    s.paint(s.box(37.2, 33.6, 38.8, 35.2) | s.box(43.4, 33.6, 45, 35.2), (120, 180, 220))
    for x, y, color in (
        (8, 43, (240, 90, 80)),
        (22, 44, (255, 214, 70)),
        (30, 41, (244, 130, 180)),
        (54, 43, (255, 214, 70)),
    ):
        s.paint(s.disk(x, y, 1.1), color)
    return s.finish()


def _sunset_at_sea() -> np.ndarray:
    s = _Scene((72, 52, 120), (255, 176, 104), 30)
    s.paint(s.disk(32, 27, 13), (255, 214, 130), 0.35)
    s.paint(s.disk(32, 27, 8), (255, 232, 150))
    for x, y, w in ((10, 9, 9), (24, 14, 7), (52, 11, 10), (46, 18, 6)):
        s.paint(s.disk(x, y, w, 1.1), (250, 140, 130), 0.6)
    s.shade(s.y > 30, (222, 110, 92), (44, 40, 96), 30, 48)
    for k in range(6):
        s.paint(s.disk(32, 31.5 + 2.7 * k, 7 - 0.9 * k, 0.6), (255, 226, 150), 0.85)
    s.paint(s.triangle((14, 34), (14, 17), (23, 34)), (255, 250, 240))
    s.paint(s.triangle((13, 34), (13, 20), (7, 34)), (240, 214, 200))
    s.paint(s.box(13.2, 16, 14, 36), (70, 40, 40))
    s.paint(s.box(6, 35, 24, 39) & s.disk(15, 35, 9.2, 4), (96, 36, 44))
    return s.finish()


def _mountain_night() -> np.ndarray:
    s = _Scene((10, 16, 44), (58, 78, 132), 36)
    spots = (
        (4, 6),
        (9, 15),
        (15, 4),
        (20, 11),
        (26, 5),
        (31, 14),
        (37, 3),
        (42, 10),
        (61, 4),
        (58, 18),
        (6, 22),
        (34, 8),
    )
    for number, (x, y) in enumerate(spots):
        s.paint(s.disk(x, y, 0.42 + 0.16 * (number % 3)), (255, 250, 224))
    s.paint(s.disk(51, 11, 10), (220, 226, 250), 0.16)
    s.paint(s.disk(51, 11, 6), (244, 240, 216))
    s.paint(s.disk(49, 9.6, 1.3) | s.disk(52.6, 12.6, 1.7) | s.disk(52, 8.2, 0.8), (214, 208, 186))
    s.shade(s.below((0, 30), (14, 16), (24, 27), (34, 20), (48, 32), (64, 22)), (70, 86, 128), (50, 64, 104), 16, 44)
    s.paint(s.triangle((14, 16), (9.6, 20.4), (17.6, 20)), (232, 238, 250))
    s.paint(s.triangle((34, 20), (30.4, 22.5), (37.4, 23)), (232, 238, 250))
    s.shade(s.below((0, 40), (12, 32), (28, 41), (44, 31), (64, 42)), (34, 46, 84), (22, 32, 62), 31, 48)
    s.paint(s.y > 42, (16, 24, 48))
    for x, h in ((5, 9), (10, 7), (18, 8), (40, 7), (47, 10), (55, 8), (60, 9)):
        s.paint(s.triangle((x, 44 - h), (x - 2.8, 45), (x + 2.8, 45)), (12, 40, 46))
    s.paint(s.box(27, 40, 33, 45), (60, 44, 44))
    s.paint(s.triangle((26, 40.2), (30, 36.4), (34, 40.2)), (38, 28, 34))
    s.paint(s.box(28.6, 41.4, 31.2, 43.6), (255, 206, 96))
    return s.finish()


def _balloons() -> np.ndarray:
    s = _Scene((120, 196, 244), (252, 236, 214), 44)
    for x, y, r in ((8, 36, 5), (15, 38, 6), (24, 39, 5), (56, 33, 5), (50, 35, 4.4), (61, 36, 5)):
        s.paint(s.disk(x, y, r, r * 0.6), (255, 255, 255), 0.85)
    balloons = (
        (22, 17, 10, (222, 74, 60), (250, 206, 90)),
        (46, 13, 7, (28, 132, 150), (240, 246, 236)),
        (49, 36, 3.6, (150, 84, 160), (246, 190, 214)),
    )
    for x, y, r, first, second in balloons:
        body = s.disk(x, y, r, r * 1.08) | s.triangle(
            (x - r * 0.82, y + r * 0.62), (x + r * 0.82, y + r * 0.62), (x, y + r * 2.1)
        ) & (s.y < y + r * 1.5)
        s.paint(body, first)
        s.paint(body & s.disk(x, y, r * 0.58, r * 1.6), second)
        s.paint(body & s.disk(x, y, r * 0.22, r * 1.6), first)
        s.paint(body & s.disk(x - r * 0.45, y - r * 0.45, r * 0.42), (255, 255, 255), 0.25)
        s.paint(s.box(x - r * 0.24, y + r * 1.72, x + r * 0.24, y + r * 2.12), (122, 82, 52))
        for side in (-1, 1):
            s.paint(
                s.box(x + side * r * 0.2 - 0.16, y + r * 1.45, x + side * r * 0.2 + 0.16, y + r * 1.75), (122, 82, 52)
            )
    return s.finish()


def _under_water() -> np.ndarray:
    s = _Scene((92, 206, 216), (10, 62, 112), 48)
    for x in (10, 28, 50):
        ray = (s.x - x + s.y * 0.35 > -2) & (s.x - x + s.y * 0.35 < 2.5 + s.y * 0.12)
        s.paint(ray, (220, 250, 244), 0.13)
    s.shade(s.hill(22, 41, 12), (228, 202, 142), (196, 164, 108), 41, 48)
    for x, h in ((6, 14), (9, 10), (57, 16), (60, 11), (54, 9)):
        for k in range(h):
            sway = ((k * 7) % 12 - 6) / 6
            s.paint(s.disk(x + 0.8 * sway * (1 - sway * sway * 0.3), 46 - k, 1.1, 1.3), (28, 122, 92))
    for x, y, size, color, stripe in (
        (36, 20, 8, (250, 150, 50), (255, 246, 230)),
        (18, 30, 4.6, (244, 212, 66), (60, 90, 150)),
        (50, 34, 3.8, (236, 98, 110), (255, 232, 226)),
    ):
        s.paint(
            s.triangle((x + size * 0.7, y), (x + size * 1.55, y - size * 0.6), (x + size * 1.55, y + size * 0.6)), color
        )
        s.paint(
            s.triangle(
                (x - size * 0.3, y - size * 0.4), (x + size * 0.5, y - size * 0.95), (x + size * 0.6, y - size * 0.3)
            ),
            color,
        )
        body = s.disk(x, y, size, size * 0.58)
        s.paint(body, color)
        s.paint(
            body & (s.box(x - size * 0.28, 0, x - size * 0.02, 48) | s.box(x + size * 0.4, 0, x + size * 0.6, 48)),
            stripe,
        )
        s.paint(s.disk(x - size * 0.6, y - size * 0.12, size * 0.15), (255, 255, 255))
        s.paint(s.disk(x - size * 0.63, y - size * 0.12, size * 0.08), (20, 24, 40))
    for x, y, r in ((24, 14, 1.1), (22.6, 10.6, 0.8), (24.2, 7.4, 1.3), (11, 24, 0.8), (12, 21, 0.6)):
        s.paint(s.disk(x, y, r) & ~s.disk(x, y, r * 0.62), (232, 252, 252), 0.9)
    return s.finish()


def _city_at_dusk() -> np.ndarray:
    s = _Scene((54, 60, 128), (250, 178, 168), 42)
    s.paint(s.disk(14, 12, 5), (255, 244, 214))
    s.paint(s.disk(16.4, 10.8, 4.4), (66, 70, 134))
    for x0, x1, top in ((0, 8, 27), (9, 15, 21), (17, 27, 29), (28, 34, 24), (38, 48, 27), (50, 55, 19), (56, 64, 28)):
        s.paint(s.box(x0, top, x1, 48), (110, 92, 148))
    houses = (
        (2, 12, 30, (62, 54, 104)),
        (13, 20, 24, (74, 60, 112)),
        (21, 32, 33, (54, 48, 96)),
        (33, 41, 20, (66, 56, 108)),
        (42, 51, 31, (58, 50, 100)),
        (52, 62, 25, (72, 60, 112)),
    )
    for x0, x1, top, color in houses:
        s.paint(s.box(x0, top, x1, 48), color)
        for row in range(int((44 - top) // 3)):
            for column in range(int((x1 - x0 - 1) // 2.5)):
                lit = (row * 5 + column * 3 + x0) % 4 != 0
                x, y = x0 + 1 + 2.5 * column, top + 1.6 + 3 * row
                s.paint(s.box(x, y, x + 1.4, y + 1.7), (255, 214, 110) if lit else (44, 40, 82))
    s.paint(s.box(36.7, 13, 37.3, 20), (66, 56, 108))
    s.paint(s.y > 45, (34, 30, 66))
    for x in (6, 20, 34, 48, 60):
        s.paint(s.disk(x, 45.6, 3, 0.5), (255, 214, 110), 0.5)
    return s.finish()


def sample_images() -> np.ndarray:
    """Six small colour pictures drawn for this course: a uint8 array of shape (6, 48, 64, 3), channels last.

    SAMPLE_TITLES names them in turn.

    >>> sample_images().shape
    (6, 48, 64, 3)
    """
    scenes = (_meadow, _sunset_at_sea, _mountain_night, _balloons, _under_water, _city_at_dusk)
    return np.stack([scene() for scene in scenes])


def _as_pixels(image: Any) -> np.ndarray:
    """One picture as (H, W, 3) uint8: channels first or last or absent; whole numbers, or floats from 0 to 1."""
    pixels = np.array(image.tolist() if hasattr(image, "tolist") else image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim == 3 and pixels.shape[-1] not in (1, 3) and pixels.shape[0] in (1, 3):
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3):
        shape = tuple(getattr(image, "shape", np.shape(pixels)))
        raise ValueError(f"an image has the shape (H, W), (H, W, 3) or (3, H, W), not {shape}")
    if pixels.dtype.kind == "f":
        pixels = np.floor(np.nan_to_num(pixels).clip(0, 1) * 255 + 0.5)
    return np.broadcast_to(pixels.clip(0, 255).astype(np.uint8), (*pixels.shape[:2], 3))


def image_strip(images: Any, titles: Sequence[str] | None = None, height: int | None = None) -> Figure:
    """Show images side by side: a batch (N, H, W, 3) or (N, 3, H, W), or a list of single images.

    uint8 runs from 0 to 255, floats from 0 (black) to 1 (white). `height` is that of each image on the page.
    """
    pictures = [_as_pixels(image) for image in images]
    if not pictures:
        raise ValueError("image_strip needs at least one image")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"{len(titles)} titles were given for {len(pictures)} images")
    canvas = Canvas()
    across = max(picture.shape[1] / picture.shape[0] for picture in pictures)
    in_line = min(len(pictures), 3 if len(pictures) in (3, 5, 6) or len(pictures) > 8 else 4)
    tall = height or min(150, int((700 / in_line - 10) / across))
    x, y = 0.0, 0.0
    for number, picture in enumerate(pictures):
        wide = round(tall * picture.shape[1] / picture.shape[0])
        if number and number % in_line == 0:
            x, y = 0.0, y + tall + (30 if titles else 10)
        canvas.picture(x, y, wide, tall, picture)
        if titles:
            canvas.text(x + wide / 2, y + tall + 13, titles[number], size=SMALL + 1, mono=True, align="center")
        x += wide + 10
    sizes = {picture.shape[:2] for picture in pictures}
    size = f"{pictures[0].shape[0]} × {pictures[0].shape[1]} pixels" if len(sizes) == 1 else "different sizes"
    shades = ", ".join(
        f"{titles[n] + ': ' if titles else ''}mean brightness {round(float(picture.mean()))}"
        for n, picture in enumerate(pictures)
    )
    many = "One image" if len(pictures) == 1 else f"{len(pictures)} images"
    return canvas.figure(f"{many} of {size} ({shades}, of 255).")


def image_planes(image: Any) -> Figure:
    """Show an image next to its red, green and blue planes: three matrices of brightness."""
    pixels = _as_pixels(image)
    canvas = Canvas()
    wide, gap = 160, 14
    tall = round(wide * pixels.shape[0] / pixels.shape[1])
    canvas.picture(0, 0, wide, tall, pixels)
    canvas.text(wide / 2, tall + 14, "image", align="center", size=TEXT, bold=True)
    canvas.text(wide / 2, tall + 33, f"{pixels.shape}", align="center", size=SMALL, mono=True, color=MUTED)
    for channel, name in enumerate(("red", "green", "blue")):
        plane = np.zeros_like(pixels)
        # Pure blue is too dark to be seen: the planes run from black through the colour to near white.
        plane[:] = _ramp(pixels[..., channel], channel)
        x = (wide + gap) * (channel + 1)
        canvas.picture(x, 0, wide, tall, plane)
        canvas.text(x + wide / 2, tall + 14, f"channel {channel}: {name}", align="center", size=TEXT, bold=True)
        canvas.text(x + wide / 2, tall + 33, f"{pixels.shape[:2]}", align="center", size=SMALL, mono=True, color=MUTED)
    means = ", ".join(
        f"{name} {round(float(pixels[..., c].mean()))}" for c, name in enumerate(("red", "green", "blue"))
    )
    return canvas.figure(
        f"An image of shape {pixels.shape} and its three colour planes of shape {pixels.shape[:2]}; "
        f"mean brightness: {means}."
    )


def _ramp(brightness: np.ndarray, channel: int) -> np.ndarray:
    """Black to a clear hue to nearly white, for values from 0 to 255."""
    hue = np.array(((226, 74, 60), (62, 166, 88), (70, 120, 226))[channel])
    light = 255 - (255 - hue) // 6
    value = brightness[..., None] / 255
    return np.floor(np.where(value < 0.6, hue * value / 0.6, hue + (light - hue) * (value - 0.6) / 0.4) + 0.5)
