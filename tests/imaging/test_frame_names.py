"""Frames of a folder are in the order of their numbers or times; names that no rule orders are an error."""

import random

import numpy as np
import pytest

from microexpr.core.errors import MediaError
from microexpr.imaging.frames import FolderFrames, file_signature, frame_numbers
from microexpr.imaging.images import write_image


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["reg_img9.jpg", "reg_img10.jpg"], [9, 10]),
        (["006_05562.jpg", "006_05563.jpg"], [5562, 5563]),
        (["S005_001_00000011.png"], [11]),
        (["0007_0.9413.jpg", "0008_0.1200.jpg", "0010_0.9001.jpg"], [7, 8, 10]),
        (["7_frame_2.jpg", "8_frame_2.jpg"], [7, 8]),
        (["RGB-11-26-57-838.jpg", "RGB-11-26-58-038.jpg"], [41217838, 41218038]),
        (["a-23-59-59-999.png", "a-23-59-58-001.png"], [86399999, 86398001]),
        (["RGB-11-26-58-038.jpg", "RGB-11-26-58-104.jpg", "RGB-11-26-58-171.jpg"], [41218038, 41218104, 41218171]),
        (["sub01_02_03_045.jpg", "sub01_02_03_046.jpg"], [45, 46]),
        (["img1.jpg", "frame2.jpg"], [1, 2]),
        ([], []),
    ],
)
def test_the_number_is_the_one_that_differs(names, numbers):
    assert frame_numbers(names) == numbers


def test_names_that_no_rule_orders_are_an_error_that_shows_two():
    with pytest.raises(MediaError, match=r"'a1_2\.jpg' and 'a2_1\.jpg' differ in more than one number"):
        frame_numbers(["a1_2.jpg", "a2_1.jpg", "a3_9.jpg"])


def test_frames_named_by_time_are_read_in_their_order(tmp_path):
    times = sorted(random.Random(1).sample(range(57_000, 62_000), 20))
    for level, ms in enumerate(times):
        name = f"RGB-11-26-{ms // 1000 % 60:02d}-{ms % 1000:03d}.png" if ms < 60_000 else ""
        name = name or f"RGB-11-27-{ms // 1000 - 60:02d}-{ms % 1000:03d}.png"
        write_image(tmp_path / name, np.full((4, 4), level, np.uint8))
    frames = FolderFrames(tmp_path)
    assert [int(frames.read(number)[0, 0, 0]) for number in frames.numbers] == list(range(20))
    assert list(np.diff(frames.numbers)) == list(np.diff(times))
    assert np.diff(frames.times) == pytest.approx(np.diff(times) / 1000)


def test_what_a_file_manager_leaves_does_not_change_the_signature_of_a_folder(tmp_path):
    (tmp_path / "img1.jpg").write_bytes(b"1")
    before = file_signature(tmp_path)
    for name in (".DS_Store", "Thumbs.db", "._img1.jpg"):
        (tmp_path / name).write_bytes(bytes(6000))
    assert file_signature(tmp_path) == before
    (tmp_path / "img2.jpg").write_bytes(b"2")
    assert file_signature(tmp_path) != before
