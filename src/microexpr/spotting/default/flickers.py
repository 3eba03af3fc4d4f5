"""Flickers: short, small movements of brows and corners of the mouth out of a calm moment.

In a lively film a movement of one px is small against everything else. A flicker is compared with the tenths of a
second beside it instead: it lies beyond every value of both sides, and how far these differ from a straight line tells
how calm the moment is. It never scores less as it grows: its size enters by the logarithm, everything else is taken
from the sides. How weights were chosen: docs/how-to/spotting.md.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d, maximum_filter1d, minimum_filter1d, uniform_filter1d
from scipy.signal import find_peaks

from ..base import Span
from .curves import BROWS, GROUPS, MOUTH, NAMES, UNITS
from .peaks import Curves
from .scoring import speech_around

HALF_LENGTHS = (0.025, 0.035, 0.05, 0.067, 0.1, 0.133, 0.167, 0.2)
"""Half durations in seconds at which flickers are searched."""

SIDE = 0.08
"""Smallest length in seconds of each of the sides; a longer flicker has sides as long as half of it."""

MIN_HEIGHT = 0.3
"""Smallest height over the highest value of the sides, in units."""

FLOOR = 0.09
"""What is added to the spread of the sides, in units: no moment counts as calmer than that."""

CORNERS = (("mouth corners up", 1.4), ("mouth width", 2.0))
"""Curves of the mouth, with px that are worth one unit: fewer than in `curves`, for in a calm moment nobody speaks."""

SMILE = (0.375, 0.25)
"""Units per px of these two in a third curve: corners that go up and apart at once."""

SPREAD_WEIGHTS = {BROWS: 1.0, MOUTH: 2.0}
"""Part of the face that flickers -> how much the spread of the mouth counts against it."""

BROWS_WEIGHT, SPEECH_WEIGHT, BLINK_WEIGHT = 1.0, 0.2, 3.0
"""How much the spread of the brows, reversals of the mouth per second, and a blink in it count against it."""

TURN_WEIGHT, DEGREES, OPENED_WEIGHT, OPENED = 0.6, 3.0, 1.0, 2.0
"""How much a turn of the head counts against it, and for the mouth an opening, in relation to the height: degrees, and
px of the opening, that weigh as much as a unit."""

LENGTH_WEIGHT, USUAL_HALF = 0.5, 0.067
"""Bonus for each octave of the length above a half duration in seconds, for long noise is rarer than short noise."""

RIVAL_WEIGHT, NEAR, OTHERS = 3.0, 1.5, 4
"""How much it counts against a flicker that it is no larger than others of its length: it is compared with the fourth
largest within so many seconds, so that a face that fidgets all the time gives none."""

EVEN_SCORE, STEEPNESS, CEILING = -1.99, 1.5, 0.6
"""The score that is worth a half, the steepness there, and the highest value: what stands out in the whole film counts
more than what only stands out in its surroundings, and has better ends."""


def find_flickers(curves: Curves, opening: np.ndarray, blink: np.ndarray, pose: np.ndarray) -> list[Span]:
    """Every flicker of each part of the face, at each duration.

    Args:
        curves: of the face.
        opening: (N,) opening of the mouth in px.
        blink: (N,) bool.
        pose: (N, 3) degrees.

    Returns:
        Spans whose scores are 0 to `CEILING`.
    """
    found: list[Span] = []
    searched = _searched(curves.values)
    lengths = {max(2, round(seconds * curves.rate)) for seconds in HALF_LENGTHS}
    for half in sorted(length for length in lengths if 2 * length < len(blink)):
        side = max(2, half, round(SIDE * curves.rate))
        unrest = _unrest(curves, half, side, opening, blink)
        turn = _range(pose, half).max(axis=1, keepdims=True)
        bonus = LENGTH_WEIGHT * np.log2(half / curves.rate / USUAL_HALF)
        opened = np.abs(opening - _mean(opening, half, side))[:, None]
        for group, values in searched.items():
            size = _sizes(values, half, side)
            contrast = _contrast(size, _spread(values, half, side), turn, opened * (group == MOUTH))
            best = contrast.argmax(axis=1)
            score = contrast.max(axis=1) + bonus - unrest[group]
            for apex in find_peaks(score, height=EVEN_SCORE - 2 / STEEPNESS, distance=half)[0].tolist():
                rival = _rival(size[:, best[apex]], apex, half, curves.rate)
                worth = _worth(float(score[apex]) - RIVAL_WEIGHT * np.log1p(rival))
                found.append(Span(apex - half, apex, apex + half, worth))
    return found


def _searched(values: np.ndarray) -> dict[int, np.ndarray]:
    """Part of the face -> (N, k) the curves in which flickers are searched, from all curves in their units."""
    px = [values[:, k] * UNITS[k] for k in (NAMES.index(name) for name, _ in CORNERS)]
    corners = [curve / unit for curve, (_, unit) in zip(px, CORNERS, strict=True)]
    smile = sum(weight * curve for weight, curve in zip(SMILE, px, strict=True))
    return {BROWS: values[:, GROUPS == BROWS], MOUTH: np.stack([*corners, np.asarray(smile)], axis=1)}


def _unrest(curves: Curves, half: int, side: int, opening: np.ndarray, blink: np.ndarray) -> dict[int, np.ndarray]:
    """Part of the face -> (N,) what counts against a flicker there: moving brows and mouth, speech, a blink."""
    spread = _spread(curves.values, half, side)
    brows, mouth = (np.log1p(spread[:, group == GROUPS].mean(axis=1)) for group in (BROWS, MOUTH))
    steps = np.arange(len(blink))
    onset, offset = np.maximum(steps - half, 0), np.minimum(steps + half, len(blink) - 1)
    speech = speech_around(onset, offset, opening, curves.rate)
    blinking = uniform_filter1d(blink.astype(np.float64), 2 * half + 3, mode="nearest")
    both = BROWS_WEIGHT * brows + SPEECH_WEIGHT * speech + BLINK_WEIGHT * blinking
    return {group: both + weight * mouth for group, weight in SPREAD_WEIGHTS.items()}


def _sizes(values: np.ndarray, half: int, side: int) -> np.ndarray:
    """(N, k) by how much each value lies beyond all values of both sides; 0 where it does not."""
    low, high = _extremes(values, half, side)
    size = np.maximum(0, np.maximum(values - high, low - values))
    size[:half] = size[-half:] = 0
    return np.asarray(size)


def _contrast(size: np.ndarray, spread: np.ndarray, turn: np.ndarray, opened: np.ndarray) -> np.ndarray:
    """(N, k) logarithm of the size over the spread of the sides, less for turn and opening; -inf where it is small."""
    stands_out, size = size >= MIN_HEIGHT, np.maximum(size, 1e-9)
    contrast = np.log(size / (spread + FLOOR))
    contrast -= TURN_WEIGHT * np.log1p(turn / DEGREES / size)
    contrast -= OPENED_WEIGHT * np.log1p(opened / OPENED / size)
    return np.where(stands_out, contrast, -np.inf)


def _rival(size: np.ndarray, apex: int, half: int, rate: float) -> float:
    """Size of the fourth largest of the other pulses nearby that are as long, as a share of that at `apex`."""
    first = max(0, apex - round(NEAR * rate))
    part = size[first : apex + round(NEAR * rate) + 1].copy()
    middle = apex - first
    part[max(0, middle - 2 * half) : middle + 2 * half + 1] = 0
    peaks, _ = find_peaks(np.concatenate([[0], part, [0]]), distance=half, height=1e-9)
    others = np.sort(part[peaks - 1])[::-1]
    return float(others[OTHERS - 1] / size[apex]) if len(others) >= OTHERS else 0.0


def _worth(score: float) -> float:
    return float(CEILING / (1 + (2 * CEILING - 1) * np.exp(STEEPNESS * (EVEN_SCORE - score))))


def _weights(half: int, side: int) -> np.ndarray:
    """(2 (half + side) + 1,) 1 at the sides of a flicker and 0 in it."""
    offsets = np.arange(-half - side, half + side + 1)
    return (np.abs(offsets) >= half).astype(np.float64)


def _mean(values: np.ndarray, half: int, side: int) -> np.ndarray:
    """(N, k) mean of both sides, which is where a line through them passes the middle."""
    weights = _weights(half, side)
    return np.asarray(correlate1d(values, weights / weights.sum(), axis=0, mode="nearest"))


def _spread(values: np.ndarray, half: int, side: int) -> np.ndarray:
    """(N, k) three standard deviations of both sides about a line through them."""
    weights = _weights(half, side)
    count, offsets = weights.sum(), np.arange(-half - side, half + side + 1)
    moments = (weights * offsets**2).sum()
    slope = correlate1d(values, weights * offsets / moments, axis=0, mode="nearest")
    squares = correlate1d(values**2, weights, axis=0, mode="nearest")
    rest = squares - count * _mean(values, half, side) ** 2 - moments * slope**2
    return np.asarray(3 * np.sqrt(np.maximum(rest, 0) / (count - 2)))


def _extremes(values: np.ndarray, half: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, k) the lowest and the highest value of both sides."""
    steps, middle = np.arange(len(values)), half + side // 2
    before, after = np.maximum(steps - middle, 0), np.minimum(steps + middle, len(values) - 1)
    width = 2 * (side // 2) + 1
    low = minimum_filter1d(values, width, axis=0, mode="nearest")
    high = maximum_filter1d(values, width, axis=0, mode="nearest")
    return np.minimum(low[before], low[after]), np.maximum(high[before], high[after])


def _range(values: np.ndarray, half: int) -> np.ndarray:
    """(N, k) range of the values within `half` steps."""
    width = 2 * half + 1
    high = maximum_filter1d(values, width, axis=0, mode="nearest")
    return np.asarray(high - minimum_filter1d(values, width, axis=0, mode="nearest"))
