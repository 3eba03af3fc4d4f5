"""Candidate movements: where the face leaves its position and comes back, within 40 ms to four seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

HALF_LENGTHS = (0.02, 0.03, 0.045, 0.07, 0.1, 0.15, 0.22, 0.33, 0.5, 0.75, 1.1, 1.6)
"""Half durations in seconds at which candidates are searched."""

LOW, HIGH = 0.3, 0.7
"""Fractions of the height at which the flanks are measured."""

FLANK_TO_END = float(np.arccos(1 - 2 * LOW) / (np.arccos(1 - 2 * HIGH) - np.arccos(1 - 2 * LOW)))
"""Distance from `LOW` to the start of a raised cosine, in widths of the flank between `LOW` and `HIGH`."""

FLOOR, CEILING = 0.0002, 0.006
"""Limits of the noise of a region, in distances of the outer eye corners. Within them the noise is estimated from the
lower quartile, so that expressions may fill half of a short recording."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A movement that may be an expression.

    Attributes:
        onset, apex, offset: steps, onset < apex <= offset.
        half: half duration in steps at which it was found.
        height: from the higher of both ends up to the apex, in distances of the outer eye corners.
        uneven: difference of both ends, as a fraction of the height.
        contrast: contrast at the apex in units of the noise.
        unfinished: the recording ends before the movement is half over.
        pattern: (regions, 2) displacement of each region at the apex against both ends, of length 1 in all.
        path: (offset - onset + 1,) displacement along the pattern, from 0 at the onset.
    """

    onset: int
    apex: int
    offset: int
    half: int
    height: float
    uneven: float
    contrast: float
    unfinished: bool
    pattern: np.ndarray
    path: np.ndarray


def find_candidates(regions: np.ndarray, rate: float, ended: bool = True, min_contrast: float = 1.5) -> list[Candidate]:
    """Return every candidate movement.

    Args:
        regions: (N, R, 2) displacement of each region.
        rate: steps per second.
        ended: whether the recording ends here, so that a movement that has not come back counts too.
        min_contrast: smallest contrast in units of the noise.
    """
    n, flat = len(regions), regions.reshape(len(regions), -1).astype(np.float64)
    found: list[Candidate] = []
    done = set()
    for seconds in HALF_LENGTHS:
        half = max(1, round(seconds * rate))
        if half in done or half >= n:
            continue
        done.add(half)
        smooth = gaussian_filter1d(flat, 0.2 * half, axis=0) if half > 2 else flat
        light = gaussian_filter1d(flat, min(0.01 * rate, 0.1 * half), axis=0)  # more would lengthen short movements
        padded = np.pad(smooth, ((half, half), (0, 0)), mode="edge")
        if ended:  # a movement that has not come back is mirrored
            padded[-half:] = padded[-half - 1 : -2 * half - 1 : -1]
        offset = smooth - (padded[:n] + padded[2 * half :]) / 2
        noise = np.clip(np.quantile(np.abs(offset), 0.25, axis=0) / 0.3186, FLOOR, CEILING)
        contrast = np.sqrt(((offset / noise) ** 2).mean(axis=1))
        peaks, _ = find_peaks(np.concatenate([[0], contrast, [0]]), height=min_contrast, distance=half)
        for peak in peaks - 1:
            candidate = _measure(light, int(peak), half, offset[peak] / noise, noise, float(contrast[peak]), ended)
            if candidate is not None:
                found.append(candidate)
    return found


def _measure(
    smooth: np.ndarray, peak: int, half: int, offset: np.ndarray, noise: np.ndarray, contrast: float, ended: bool
) -> Candidate | None:
    """Measure a candidate along the direction of its largest contrast: its onset, apex, offset and height."""
    low, high = max(0, peak - 3 * half), min(len(smooth), peak + 3 * half + 1)
    direction = offset / noise
    direction = direction / (direction @ (offset * noise)) * np.linalg.norm(offset * noise)
    path = (smooth[low:high] - smooth[peak]) @ direction
    near = max(0, peak - half - low)
    apex = near + int(path[near : peak + half + 1 - low].argmax())
    before, after = path[: apex + 1], path[apex:]
    first = apex - int(before[::-1].argmin())
    last = apex + int(after.argmin())
    stays = path[-1] - path[first] > 0.5 * (path[apex] - path[first])
    unfinished = bool(ended and high == len(smooth) and stays)
    rise = _flank_end(path[first : apex + 1][::-1])
    fall = len(path) - 1 - apex if unfinished else _flank_end(path[apex : last + 1])
    if rise < 1 or (fall < 1 and not unfinished):
        return None
    left, right = apex - rise, min(len(path) - 1, apex + fall)
    ends = path[left], path[left] if unfinished else path[right]
    height = float(path[apex] - max(ends))
    if height <= 0:
        return None
    shape = smooth[low + apex] - (smooth[low + left] + smooth[low + (left if unfinished else right)]) / 2
    size = float(np.linalg.norm(shape))
    return Candidate(
        low + left,
        low + apex,
        low + right,
        half,
        height,
        abs(ends[0] - ends[1]) / height,
        contrast,
        unfinished,
        (shape / max(size, 1e-9)).reshape(-1, 2),
        path[left : right + 1] - path[left],
    )


def _flank_end(flank: np.ndarray) -> int:
    """Return the steps from the apex, flank[0], to the end of the flank, extended as a raised cosine."""
    base, top = float(flank[-1]), float(flank[0])
    if len(flank) < 2 or top <= base:
        return 0
    relative = (flank - base) / (top - base)
    high, low = (_first_below(relative, level) for level in (HIGH, LOW))
    return int(min(len(flank) - 1, max(1, round(low + FLANK_TO_END * (low - high)))))


def _first_below(values: np.ndarray, level: float) -> float:
    """Return the first position, between steps, where the values fall below a level."""
    after = int(np.argmax(values < level))
    if after == 0:
        return float(len(values) - 1)
    return after - 1 + float((values[after - 1] - level) / (values[after - 1] - values[after]))
