"""The step `magnify`: sines of known frequencies, the identity, and where it may not be."""

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.preprocessing import STEPS
from microexpr.preprocessing.magnify import frame_rate
from microexpr.recipes.base import Quick
from microexpr.recipes.spotting import SpottingRecipe
from tests.preprocessing.samples import sample_of

RATE, T, SIZE = 200.0, 400, 4.0
"""Frames per second and number of frames of the sines, and their size in gray levels."""


def magnified(frames, numbers=(), **settings):
    return STEPS.build({"name": "magnify", **settings})(sample_of(frames, numbers, RATE)).array("frames")


def gain(frequency: float, **settings) -> float:
    """By what the sine of a frequency becomes larger, in the second half, where a filter has settled."""
    wave = 128 + SIZE * np.sin(2 * np.pi * frequency * np.arange(T) / RATE)
    frames = np.round(wave[:, None, None, None] * np.ones((1, 12, 9, 3))).astype(np.uint8)
    rest = slice(T // 2, T)
    course = magnified(frames, **settings)[rest, 5, 4, 1] - 128.0
    turn = np.exp(-2j * np.pi * frequency * np.arange(T)[rest] / RATE)
    return float(np.abs((course * turn).mean()) * 2 / SIZE)


def first_order(frequency: float, corner: float) -> complex:
    r = 1 - np.exp(-2 * np.pi * corner / RATE)
    return r / (1 - (1 - r) * np.exp(-2j * np.pi * frequency / RATE))


@pytest.mark.parametrize("frequency", [1.0, 5.0, 50.0])
def test_iir_magnifies_by_one_plus_the_factor_times_its_gain(frequency):
    expected = abs(1 + 6 * (first_order(frequency, 16.0) - first_order(frequency, 1.6)))
    assert gain(frequency, factor=6) == pytest.approx(expected, rel=0.03)
    assert gain(5.0, factor=6) > 4 and gain(90.0, factor=6) < 2.5  # its sides are not steep


@pytest.mark.parametrize(("frequency", "expected"), [(1.0, 1), (5.0, 9), (50.0, 1)])
def test_ideal_magnifies_within_the_band_and_nothing_else(frequency, expected):
    assert gain(frequency, filter="ideal", factor=8) == pytest.approx(expected, rel=0.03)


def test_butterworth_magnifies_the_middle_of_the_band_and_hardly_what_is_far_away():
    middle = np.sqrt(4 * 8)
    assert gain(middle, filter="butterworth", factor=8, band=(4, 8)) == pytest.approx(9, rel=0.03)
    assert gain(0.5, filter="butterworth", factor=8, band=(4, 8)) < 1.2
    assert gain(80.0, filter="butterworth", factor=8, band=(4, 8)) < 1.2


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("name", ["iir", "butterworth", "ideal"])
def test_a_factor_of_0_leaves_every_byte(name, level):
    frames = np.random.default_rng(0).integers(0, 256, (20, 17, 22, 3), np.uint8)
    made = magnified(frames, factor=0, filter=name, level=level)
    assert np.array_equal(made, frames) and made.dtype == np.uint8
    gray = magnified(frames[..., 0], factor=4, filter=name, level=level)
    assert gray.shape == (20, 17, 22) and not np.array_equal(gray, frames[..., 0])
    still = np.repeat(frames[:1], 20, axis=0)
    assert np.array_equal(magnified(still, filter=name, level=level), still)


def test_the_first_frame_stays_and_a_level_leaves_single_pixels():
    frames = np.full((12, 16, 16), 100, np.uint8)
    frames[::2, ::2, 1::2], frames[::2, 1::2, ::2] = 120, 80  # a pattern of two pixels that blinks
    assert np.ptp(magnified(frames, level=0)[1:].astype(int) - frames[1:]) > 40
    assert np.ptp(magnified(frames, level=2)[1:].astype(int) - frames[1:], axis=(1, 2)).max() < 4
    assert np.array_equal(magnified(frames, level=0)[0], frames[0])


def test_the_rate_is_that_of_the_frames_that_are_left():
    frames = np.zeros((4, 4, 4), np.uint8)
    rates = [
        frame_rate(sample_of(frames, numbers, 200)) for numbers in ((), (5, 6, 7, 8), (5, 9, 13, 17), (5, 6, 7, 7))
    ]
    assert rates == [200, 200, 50, 200]
    with pytest.raises(RecipeError, match=r"up to 16 Hz need more than 32 frames per second; clip .* has 20\.0"):
        magnified(frames, numbers=(0, 10, 20, 30))


@pytest.mark.parametrize(
    ("frames", "settings", "text"),
    [
        (np.zeros((1, 4, 4), np.uint8), {}, "needs two frames"),
        (np.zeros((5, 4, 4), np.uint8), {"level": 3}, "level = 3 is too high"),
        (np.zeros((5, 4, 4), np.uint8), {"band": [9, 3]}, "lower frequency first"),
        (np.zeros((5, 4, 4), np.uint8), {"factor": -1}, "factor = -1"),
        (np.zeros((5, 4, 4), np.uint8), {"filter": "ideal"}, r"multiples of 40\.0 Hz, none"),
    ],
)
def test_what_cannot_be_magnified_is_an_error(frames, settings, text):
    with pytest.raises(RecipeError, match=text):
        magnified(frames, **settings)


def test_a_recipe_of_spotting_has_no_chain_that_could_magnify():
    table = {"data": ["casme_sq"], "spotter": {"name": "mdmd"}, "chain": [{"name": "magnify"}]}
    with pytest.raises(RecipeError, match="no setting 'chain'"):
        SpottingRecipe.from_settings(table, name="x", title="x", quick=Quick())
