"""Finders of the apex: on a movement with a known one, and their parts against plain formulas."""

import cv2
import numpy as np
import pytest

from microexpr.core.clip import Clip
from microexpr.core.errors import UnknownNameError
from microexpr.imaging.frames import ArrayFrames
from microexpr.preprocessing import STEPS
from microexpr.preprocessing.apex_finding import (
    APEX_FINDERS,
    ClipImages,
    apex_number,
    high_frequencies,
    keep_larger_halves,
)

T, APEX = 36, 23
"""Number of frames of the movement, and its apex."""


@pytest.fixture(scope="module")
def movement() -> np.ndarray:
    """A pattern whose middle moves up to 3 pixels down until the apex, and back."""
    noise = np.random.default_rng(0).normal(size=(96, 96))
    pattern = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 20, 230, cv2.NORM_MINMAX)
    y, x = np.mgrid[:96, :96].astype(np.float32)
    bump = np.exp(-((x - 48) ** 2 + (y - 60) ** 2) / 300).astype(np.float32)
    size = np.interp(np.arange(T), [0, APEX, T - 1], [0, 3, 0.2])
    images = [cv2.remap(pattern, x, y - np.float32(s) * bump, cv2.INTER_CUBIC) for s in size]
    return np.repeat(np.clip(images, 0, 255).astype(np.uint8)[..., None], 3, axis=3)


@pytest.mark.parametrize(
    ("finder", "tolerance"), [("difference", 1), ("flow", 1), ("strain", 1), ("divide-and-conquer", 3)]
)
def test_the_apex_of_a_movement_is_found(movement, finder, tolerance):
    assert abs(APEX_FINDERS.get(finder)(movement) - APEX) <= tolerance


@pytest.mark.parametrize("finder", ["flow", "strain"])
def test_a_head_that_moves_on_after_the_apex_does_not_mislead(movement, finder):
    shifted = np.stack([np.roll(image, (t // 6, t // 3), axis=(0, 1)) for t, image in enumerate(movement)])
    assert abs(APEX_FINDERS.get(finder)(shifted[:, 8:, 14:]) - APEX) <= 3


@pytest.mark.parametrize("finder", APEX_FINDERS.names())
def test_every_finder_takes_still_and_short_clips(movement, finder):
    for count in (1, 2, 3):
        assert 0 <= APEX_FINDERS.get(finder)(np.repeat(movement[:1], count, axis=0)) < count
        assert 0 <= APEX_FINDERS.get(finder)(list(movement[:count])) < count


def test_high_frequencies_equal_their_formula():
    codes = np.random.default_rng(1).normal(size=(6, 8, 12))
    found = high_frequencies(codes, (2, 3), 5, 2.5)
    for i in range(6):
        window = codes[np.clip(np.arange(i - 2, i + 3), 0, 5)]
        expected: float | np.ndarray = 0.0
        for row, column in np.ndindex(2, 3):
            spectrum = np.fft.fftn(window[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4])
            for index in np.ndindex(spectrum.shape):
                bins = [min(k, n - k) for k, n in zip(index, spectrum.shape, strict=True)]
                expected += abs(spectrum[index]) if np.linalg.norm(bins) > 2.5 else 0
        assert found[i] == pytest.approx(expected, rel=1e-4)


def test_the_half_with_the_larger_sum_of_peaks_is_kept_each_time():
    values = np.array([0, 1, 0, 1.2, 0, 1, 0, 0, 0, 2.5, 0, 0, 0, 0, 0, 0.0])
    assert keep_larger_halves(values) == 3  # the three on the left outweigh the largest; then 2.2 and 1; then 1 and 1.2
    assert keep_larger_halves(np.array([0, 1, 2, 3.0])) == 3  # no peak


def test_an_annotated_apex_is_not_searched_and_numbers_are_those_of_the_source(movement):
    frames = ArrayFrames(dict(enumerate(movement, start=100)))
    numbers = list(frames.numbers)
    clip = Clip("d/p/c", "d", "d/p", "nowhere", 200.0, onset=100, apex=105, offset=135)
    assert apex_number(frames, clip, numbers, "difference") == 105
    assert abs(apex_number(frames, clip.blind(()), numbers, "difference") - (100 + APEX)) <= 1
    assert apex_number(frames, clip.blind(()), numbers, "middle") == 118
    assert len(ClipImages(frames, numbers)) == len(list(ClipImages(frames, numbers))) == T


@pytest.mark.parametrize("step", ["onset-apex", "apex-window"])
def test_an_unknown_finder_is_an_error_that_names_the_nearest(step):
    with pytest.raises(UnknownNameError, match="did you mean 'frequency'"):
        STEPS.build({"name": step, "without_apex": "frequenzy"})
