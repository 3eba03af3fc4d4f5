"""Movements in the curves of a face: what lies above or below its rest, peak by peak.

The way back from a movement would be a movement too if curves were searched for change. Here each curve is split at its
rest into what lies above and what lies below, so that a chain of expressions falls into its parts, and a return to rest
into nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from .curves import EYES, GROUPS, MOUTH, NAMES, UNITS

SMOOTHING = 0.02
"""Standard deviation in seconds by which curves are smoothed."""

SCALES = (0.0, 0.06, 0.2)
"""Further smoothing in seconds under which peaks are searched: a train of pulses is a movement too."""

MIN_HEIGHT, MIN_CONTRAST = 0.2, 3.0
"""Smallest height of a peak over what surrounds it, in units of its curve and in units of its noise."""

MIN_NOISE = 0.03
"""Smallest noise of a curve, in its units."""

HIGH, LOW = 0.65, 0.25
"""Fractions of the height between which a flank is drawn out to its end."""

UNFINISHED = 0.35
"""A movement whose curve never falls below this fraction of its peak lasts as long as the recording."""

MEMORY, REACH = 8.0, 24.0
"""Rest is a median of what a curve was before and after, with weights that fall by e in so many seconds, and beyond the
reach are 0."""

SLOW, NEUTRAL = 1.5, 1.0
"""A frame counts half for the rest if the face moves at so many units per second, and, except at the eyes, if the mouth
is so many units from its median: brows and cheeks too are rather at rest while the mouth is."""

SHUT, SHUT_QUANTILE = 0.5, 0.1
"""A frame counts half for the rest, except at the eyes, if the mouth is so many units more open than in a tenth of all
frames: a grin may fill most of a short recording, but a mouth at rest is shut."""


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of a track in units, ready to be searched.

    Attributes:
        values: (N, K) smoothed, bridged across blinks except at the mouth.
        noise: (K,) standard deviation of the noise of each, from the differences of neighbors.
        rest: (N, K) position of rest.
        rate: steps per second.
    """

    values: np.ndarray
    noise: np.ndarray
    rest: np.ndarray
    rate: float


@dataclass(frozen=True, eq=False)
class Peaks:
    """Movements, each an entry of every array.

    Attributes:
        curve: (n,) index into `NAMES`.
        sign: (n,) 1 above rest, -1 below.
        onset, apex, offset: (n,) steps.
        height: (n,) in units of the curve, over what surrounds the peak.
        from_start, to_end: (n,) bool: the movement has begun before the first step, or goes on after the last.
    """

    curve: np.ndarray
    sign: np.ndarray
    onset: np.ndarray
    apex: np.ndarray
    offset: np.ndarray
    height: np.ndarray
    from_start: np.ndarray
    to_end: np.ndarray

    def __len__(self) -> int:
        return len(self.curve)


def prepare(pixels: np.ndarray, rate: float, blink: np.ndarray) -> Curves:
    """Bring curves into their units, bridge blinks, smooth, and find noise and rest.

    Args:
        pixels: (N, K) curves in px.
        rate: steps per second.
        blink: (N,) bool.
    """
    values = pixels / UNITS
    marked, others = np.flatnonzero(blink), np.flatnonzero(~blink)
    if len(marked) and len(others):
        for k in np.flatnonzero(GROUPS != MOUTH):
            values[marked, k] = np.interp(marked, others, values[others, k])
    values = gaussian_filter1d(values, SMOOTHING * rate, axis=0, mode="nearest")
    lag = max(1, round(rate / 30))
    padded = np.pad(values, ((lag, lag), (0, 0)), mode="edge")
    second = values - (padded[: -2 * lag] + padded[2 * lag :]) / 2
    noise = np.maximum(1.4826 * np.median(np.abs(second), axis=0) / np.sqrt(1.5), MIN_NOISE)
    return Curves(values, noise, _rest(values, rate), rate)


def _rest(values: np.ndarray, rate: float) -> np.ndarray:
    """(N, K) running weighted median, computed once a second."""
    speed = np.minimum(np.abs(np.gradient(values, axis=0)) * rate, 20)
    moving = gaussian_filter1d(np.sqrt((speed**2).mean(axis=1)), 0.1 * rate)
    slow = 1 / (1 + (moving / SLOW) ** 2) + 1e-3
    is_mouth, is_eyes = GROUPS == MOUTH, GROUPS == EYES
    opening = values[:, NAMES.index("mouth opening")]
    opened = np.maximum(opening - np.quantile(opening, SHUT_QUANTILE), 0)
    shut = slow / (1 + (opened / SHUT) ** 2)
    usual = _weighted_medians(values[:, is_mouth], shut)
    neutral = shut / (1 + (np.abs(values[:, is_mouth] - usual).mean(axis=1) / NEUTRAL) ** 2) + 1e-3
    steps = np.arange(len(values))
    centers = np.arange(0, len(values) + rate, rate)
    medians = np.empty((len(centers), values.shape[1]))
    for i, center in enumerate(centers):
        part = slice(max(0, int(center - REACH * rate)), int(center + REACH * rate) + 1)
        near = np.exp(-np.abs(steps[part] - center) / (MEMORY * rate))
        medians[i, ~is_eyes] = _weighted_medians(values[part, ~is_eyes], near * neutral[part])
        medians[i, is_eyes] = _weighted_medians(values[part, is_eyes], near * slow[part])
    return np.stack([np.interp(steps, centers, column) for column in medians.T], axis=1)


def _weighted_medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(K,) weighted medians of (n, K) columns."""
    order = np.argsort(values, axis=0)
    below = np.cumsum(weights[order], axis=0)
    middle = (below < below[-1] / 2).sum(axis=0)
    columns = np.arange(values.shape[1])
    return np.asarray(values[order[middle, columns], columns])


def find_movements(curves: Curves) -> Peaks:
    """Every peak above and below rest, under each smoothing."""
    found: list[tuple[float, ...]] = []
    for seconds in SCALES:
        smooth = curves.values
        if seconds:
            smooth = gaussian_filter1d(smooth, seconds * curves.rate, axis=0, mode="nearest")
        away = smooth - curves.rest
        for k in range(len(NAMES)):
            smallest = max(MIN_HEIGHT, MIN_CONTRAST * float(curves.noise[k]))
            for sign in (1, -1):
                found += [(k, sign, *peak) for peak in _peaks(np.maximum(sign * away[:, k], 0), smallest)]
    columns = np.array(found, float).reshape(-1, 8).T
    kinds = (int, int, int, int, int, float, bool, bool)
    return Peaks(*(column.astype(kind) for column, kind in zip(columns, kinds, strict=True)))


def _peaks(curve: np.ndarray, smallest: float) -> list[tuple[float, ...]]:
    """(onset, apex, offset, height, from start, to end) of each peak of a curve that is 0 or more."""
    padded = np.concatenate([[0], curve, [0]])
    places, properties = find_peaks(padded, prominence=smallest)
    found: list[tuple[float, ...]] = []
    for apex, height in zip(places - 1, properties["prominences"], strict=True):
        left, from_start = _flank(curve[apex::-1] if apex else curve[:1])
        right, to_end = _flank(curve[apex:])
        if left + right:
            found.append((apex - left, apex, apex + right, height, from_start, to_end))
    return found


def _flank(flank: np.ndarray) -> tuple[int, bool]:
    """Steps from the peak, flank[0], to the end of its flank, and whether the recording ends before that."""
    top = flank[0]
    higher = np.flatnonzero(flank > top * (1 + 1e-9))
    if len(higher):
        flank = flank[: higher[0]]
    elif flank.min() > UNFINISHED * top:
        return len(flank) - 1, True
    lowest = int(flank.argmin())
    base = flank[lowest]
    high, low = (_crossing(flank[: lowest + 1], base + part * (top - base) + 1e-9) for part in (HIGH, LOW))
    end = low + (low - high) * LOW / (HIGH - LOW)
    return round(min(max(end, 1.0), lowest)), False


def _crossing(values: np.ndarray, level: float) -> float:
    """The first position, between steps, at which the values fall below a level."""
    after = int(np.argmax(values < level))
    if after == 0:
        return float(len(values) - 1)
    return after - 1 + float((values[after - 1] - level) / (values[after - 1] - values[after]))
