"""The score of a movement: how likely it is an expression, and not speech, a blink, a turn of the head or a fidget.

A sum of terms whose weights were chosen by hand (docs/how-to/spotting.md says how). None falls as the movement grows
while its course and everything around it stay the same: size enters by logarithms with positive weights, speech and
other movements are counted outside of it, blinks by time, and turns of the head in relation to it.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from .curves import BROWS, EYES, GROUPS, MOUTH, NAMES
from .peaks import Curves, Peaks

WEIGHTS = {
    "log of the height in units": 1.0,
    "log of the height over noise": 0.6,
    "log of the height over the highest others within 2 s": 0.7,
    "other parts of the face that move too": 0.5,
    "mean over peak": 1.0,
    "brows": 0.5,
    "speech, reversals of the mouth per second, for the mouth": -0.3,
    "speech, for the rest of the face": -0.15,
    "eyes alone": -1.0,
    "peaks within": -0.4,
    "part that is a blink": -1.5,
    "turn of the head over height": -0.6,
    "octaves below 0.35 s": -0.5,
    "octaves above 0.6 s": -0.5,
    "begun before the first frame": -2.0,
}
"""Term -> its weight."""

AROUND, NEAR = 1.0, 2.0
"""Seconds on both sides of a movement in which speech is counted, and in which other movements are compared."""

OTHERS, APART = 3, 0.1
"""The mean of so many of the highest other movements is compared; they are so many seconds apart or more."""

REVERSAL = 1.5
"""The mouth reverses where its opening turns back by this many px."""

MAX_REVERSALS = 6.0
"""Reversals per second of plain speech; more do not count."""

DEGREES = 3.0
"""A turn of the head by so many degrees weighs as much as a height of one unit."""

SHORT, LONG = 0.35, 0.6
"""Durations in seconds between which a movement has no malus."""


def score_movements(
    peaks: Peaks, curves: Curves, opening: np.ndarray, blink: np.ndarray, pose: np.ndarray
) -> np.ndarray:
    """(n,) scores of movements; see `WEIGHTS`.

    Args:
        peaks: the movements.
        curves: in which they were found.
        opening: (N,) opening of the mouth in px.
        blink: (N,) bool.
        pose: (N, 3) degrees.
    """
    group, rate = GROUPS[peaks.curve], curves.rate
    seconds = (peaks.offset - peaks.onset) / rate
    contrast = peaks.height / curves.noise[peaks.curve]
    others = _highest_others(peaks, rate)
    speech = speech_around(peaks.onset, peaks.offset, opening, rate)
    mean, inner = _shape(peaks, curves)
    turn = np.array([np.ptp(pose[a : b + 1], axis=0).max() for a, b in zip(peaks.onset, peaks.offset, strict=True)])
    blinks = np.concatenate([[0], np.cumsum(blink)])
    blinking = (blinks[peaks.offset + 1] - blinks[peaks.onset]) / (peaks.offset - peaks.onset + 1)
    terms = (
        np.log(peaks.height),
        np.log(contrast),
        np.log(peaks.height / (others + 3 * curves.noise[peaks.curve])),
        _agreement(peaks, curves),
        mean,
        group == BROWS,
        speech * (group == MOUTH),
        speech * (group != MOUTH),
        group == EYES,
        inner,
        blinking * (group != MOUTH),
        np.log1p(turn / DEGREES / peaks.height),
        np.maximum(0, np.log2(SHORT / seconds)),
        np.maximum(0, np.log2(seconds / LONG)),
        peaks.from_start,
    )
    return np.asarray(sum(weight * term for weight, term in zip(WEIGHTS.values(), terms, strict=True)))


def _highest_others(peaks: Peaks, rate: float) -> np.ndarray:
    """(n,) mean height of the three highest other movements of the same curve nearby, 0 for each that is missing."""
    result = np.zeros(len(peaks))
    for k in range(len(NAMES)):
        own = np.flatnonzero(peaks.curve == k)
        own = own[np.argsort(peaks.apex[own], kind="stable")]
        apexes = peaks.apex[own]
        for i in own:
            low, high = np.searchsorted(apexes, (peaks.apex[i] - NEAR * rate, peaks.apex[i] + NEAR * rate))
            near = own[low:high]
            near = near[(peaks.apex[near] < peaks.onset[i]) | (peaks.apex[near] > peaks.offset[i])]
            taken: list[int] = []
            for j in near[np.argsort(-peaks.height[near], kind="stable")]:
                if all(abs(peaks.apex[j] - peaks.apex[other]) > APART * rate for other in taken):
                    taken.append(j)
                    if len(taken) == OTHERS:
                        break
            result[i] = peaks.height[taken].sum() / OTHERS
    return result


def _agreement(peaks: Peaks, curves: Curves) -> np.ndarray:
    """(n,) 0 to 3: how many other parts of the face, without the eyes, change together with the movement."""
    values, noise, rest = curves.values, curves.noise, curves.rest
    finished = ~(peaks.from_start | peaks.to_end)
    weight = np.where(finished, 0.5, np.where(peaks.from_start, 0.0, 1.0))[:, None]
    around = weight * values[peaks.onset] + (1 - weight) * values[peaks.offset]
    around[peaks.from_start & peaks.to_end] = rest[peaks.apex[peaks.from_start & peaks.to_end]]
    change = np.abs(values[peaks.apex] - around) / np.maximum(3 * noise, 0.3)
    total = np.zeros(len(peaks))
    for group in range(EYES):
        strongest = np.clip((change[:, group == GROUPS].max(axis=1) - 1) / 2, 0, 1)
        total += np.where(GROUPS[peaks.curve] == group, 0, strongest)
    return total


def speech_around(onset: np.ndarray, offset: np.ndarray, opening: np.ndarray, rate: float) -> np.ndarray:
    """(n,) reversals per second of the opening of the mouth around movements, without those inside them.

    Args:
        onset, offset: (n,) first and last step of each movement.
        opening: (N,) opening of the mouth in px.
        rate: steps per second.
    """
    count = np.zeros(len(opening) + 1)
    np.add.at(count, np.array(_reversals(opening), int) + 1, 1)
    count = np.cumsum(count)
    low = np.maximum(0, np.round(onset - AROUND * rate).astype(int))
    high = np.minimum(len(opening), np.round(offset + AROUND * rate).astype(int) + 1)
    steps = np.maximum(high - low - (offset - onset + 1), 1)
    outside = count[high] - count[low] - (count[offset + 1] - count[onset])
    return np.minimum(outside / np.maximum(steps / rate, 0.5), MAX_REVERSALS)


def _reversals(opening: np.ndarray) -> list[int]:
    """Steps at which the opening turns, having moved by `REVERSAL` before and after."""
    found, extreme, at, direction = [], float(opening[0]), 0, 0
    for i, value in enumerate(opening.tolist()):
        if direction == 0:
            if abs(value - extreme) >= REVERSAL:
                direction, extreme, at = (1 if value > extreme else -1), value, i
        elif direction * (value - extreme) > 0:
            extreme, at = value, i
        elif direction * (extreme - value) >= REVERSAL:
            found.append(at)
            direction, extreme, at = -direction, value, i
    return found


def _shape(peaks: Peaks, curves: Curves) -> tuple[np.ndarray, np.ndarray]:
    """(n,) mean over peak of each movement, and (n,) how many further peaks of a quarter of its height are in it."""
    mean, inner = np.zeros(len(peaks)), np.zeros(len(peaks))
    away = curves.values - curves.rest
    for i in range(len(peaks)):
        part = slice(peaks.onset[i], peaks.offset[i] + 1)
        course = np.maximum(peaks.sign[i] * away[part, peaks.curve[i]], 0)
        mean[i] = course.mean() / max(float(course.max()), 1e-6)
        padded = np.concatenate([[0], course, [0]])
        inner[i] = min(4, max(0, len(find_peaks(padded, prominence=0.25 * peaks.height[i])[0]) - 1))
    return mean, inner
