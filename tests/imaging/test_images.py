"""Images of cameras with 10, 12 or 14 bits in files of 16: their values fill the range of 8 bits, alike in a folder."""

import cv2
import numpy as np
import pytest

from microexpr.imaging.frames import FolderFrames
from microexpr.imaging.images import read_image


def save(path, image):
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_image_of_16_bits_is_reduced_by_its_true_depth(tmp_path, bits, suffix):
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    save(tmp_path / f"a{suffix}", levels << (bits - 8))
    assert (read_image(tmp_path / f"a{suffix}") == levels[..., None]).all()


def test_colors_of_16_bits_keep_their_order(tmp_path):
    red_green_blue = np.zeros((4, 4, 3), np.uint16)
    red_green_blue[:] = 4095, 2048, 16
    save(tmp_path / "a.png", red_green_blue[..., ::-1])
    assert read_image(tmp_path / "a.png")[0, 0].tolist() == [255, 128, 1]


def test_all_images_of_a_folder_have_one_depth(tmp_path):
    """A dark frame of a camera of 12 bits is dark, and not stretched more than the others."""
    for number, brightest in enumerate((4095, 900, 300, 4000)):
        save(tmp_path / "frames" / f"{number}.png", np.full((8, 8), brightest, np.uint16))
    frames = FolderFrames(tmp_path / "frames")
    assert [int(frames.read(number).max()) for number in frames.numbers] == [255, 56, 18, 250]


def test_images_of_8_bits_stay_as_they_are(tmp_path):
    image = np.random.default_rng(1).integers(0, 60, (8, 8, 3), dtype=np.uint8)
    save(tmp_path / "a.png", image[..., ::-1])
    assert (read_image(tmp_path / "a.png") == image).all()
