"""From seconds to frame numbers and back."""

import numpy as np
import pytest

from microexpr.core.errors import DataError
from microexpr.core.frame_times import FrameTimes

FILM = FrameTimes("talk.mp4", np.array([0.0, 0.04, 0.08, 0.2, 0.24]))  # two frames are missing


@pytest.mark.parametrize(
    ("seconds", "number"),
    [(0, 0), (0.05, 1), (0.061, 2), (0.13, 2), (0.15, 3), (0.24, 4), (0.28, 4), (0.32, 6), (2.24, 54), (-0.2, -5)],
)
def test_the_nearest_frame(seconds, number):
    """The last frame lasts as long as the others; what lies farther behind or before the film is no frame of it."""
    assert FILM.number(seconds) == number


def test_frames_that_do_not_count_from_0():
    film = FrameTimes("frames", [0.0, 0.5, 1.0], numbers=[101, 102, 105])
    assert [film.number(seconds) for seconds in (0, 0.5, 0.9, 4)] == [101, 102, 105, 111]
    assert [film.seconds(number) for number in (101, 102, 105)] == [0, 0.5, 1]
    with pytest.raises(DataError, match=r"'frames' has no frame 103 \(it has 101 to 105\)"):
        film.seconds(103)


def test_a_film_of_which_only_the_rate_is_known():
    film = FrameTimes("talk.mp4", numbers=[7], fps=50)
    assert film.number(1.02) == 58 and film.seconds(58) == pytest.approx(1.02)


def test_one_frame():
    assert [FrameTimes("x", [0.0]).number(seconds) for seconds in (0, 5)] == [0, 1]


def test_without_the_film_nothing_is_guessed():
    with pytest.raises(DataError, match="holds seconds and no frames: name the film"):
        FrameTimes().number(1.0)
    with pytest.raises(DataError, match="holds frames and no seconds: name the film"):
        FrameTimes().seconds(1)
