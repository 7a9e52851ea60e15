"""Images between files, bytes and tensors."""

import pytest

import course_lib as torch
from course_lib.vision import io

pytest.importorskip("PIL", reason="Pillow is not installed")


def picture(channels: int):
    return (torch.arange(channels * 6 * 5) * 7 % 256).view(channels, 6, 5).to(torch.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_file_keeps_every_pixel(tmp_path, channels):
    io.write_png(picture(channels), tmp_path / "a.png")
    assert torch.equal(io.read_image(tmp_path / "a.png"), picture(channels))
    assert torch.equal(io.decode_png(io.encode_png(picture(channels))), picture(channels))


def test_modes_and_jpeg(tmp_path):
    io.write_jpeg(torch.full((3, 16, 16), 200, dtype=torch.uint8), tmp_path / "a.jpg", quality=90)
    read = io.decode_image(tmp_path / "a.jpg", mode="GRAY")
    assert read.shape == (1, 16, 16) and abs(read.float().mean().item() - 200) < 3
    assert io.read_image(tmp_path / "a.jpg", io.ImageReadMode.RGB_ALPHA).shape == (4, 16, 16)


def test_what_is_no_image():
    with pytest.raises(RuntimeError, match="no image that Pillow reads"):
        io.decode_image(torch.zeros(10, dtype=torch.uint8))
    with pytest.raises(RuntimeError, match="dtype should be uint8, got torch.float32"):
        io.encode_png(torch.zeros(3, 2, 2))
