"""Bumps: where something goes away from where it was and comes back, at every length from 40 ms to four seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

HALF_LENGTHS = (0.02, 0.03, 0.045, 0.07, 0.1, 0.15, 0.22, 0.33, 0.5, 0.75, 1.1, 1.6)
"""Half lengths in seconds that are looked for."""

LOW, HIGH = 0.3, 0.7
"""Shares of the height at which the flanks are measured."""

FLANK_TO_END = float(np.arccos(1 - 2 * LOW) / (np.arccos(1 - 2 * HIGH) - np.arccos(1 - 2 * LOW)))
"""From there to where a raised cosine begins, in widths of the flank between both shares."""

FLOOR, CEILING = 0.0002, 0.006
"""Noise of a region (distances of the outer eye corners) is taken to lie between them; a quartile says how much it is,
so that expressions may fill half of a short recording."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A movement that may be an expression, in steps.

    Attributes:
        onset, apex, offset: steps, onset < apex <= offset.
        half: half length in steps with which it was found.
        height: from the higher of both ends up to the apex, in distances of the outer eye corners.
        uneven: how far apart both ends are, as a share of the height.
        standing: size of the contrast in units of its usual size.
        unfinished: the recording ended before it was half over.
        pattern: (regions, 2) where each region is at the apex against both ends; length 1 in all.
        path: (offset - onset + 1,) the movement along the pattern, from 0 at the onset on.
    """

    onset: int
    apex: int
    offset: int
    half: int
    height: float
    uneven: float
    standing: float
    unfinished: bool
    pattern: np.ndarray
    path: np.ndarray


def find_candidates(regions: np.ndarray, rate: float, ended: bool = True, least: float = 1.5) -> list[Candidate]:
    """Every bump.

    Args:
        regions: (N, R, 2) displacement.
        rate: steps a second.
        ended: the recording ends here: a movement that has not come back by then is one too.
        least: bumps that stand out less are left out.
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
        light = gaussian_filter1d(flat, min(0.01 * rate, 0.1 * half), axis=0)  # more draws short ones out
        padded = np.pad(smooth, ((half, half), (0, 0)), mode="edge")
        if ended:  # what has not come back is taken to do so as it went
            padded[-half:] = padded[-half - 1 : -2 * half - 1 : -1]
        away = smooth - (padded[:n] + padded[2 * half :]) / 2
        noise = np.clip(np.quantile(np.abs(away), 0.25, axis=0) / 0.3186, FLOOR, CEILING)
        standing = np.sqrt(((away / noise) ** 2).mean(axis=1))
        peaks, _ = find_peaks(np.concatenate([[0], standing, [0]]), height=least, distance=half)
        for peak in peaks - 1:
            bump = _measure(light, int(peak), half, away[peak] / noise, noise, float(standing[peak]), ended)
            if bump is not None:
                found.append(bump)
    return found


def _measure(
    smooth: np.ndarray, peak: int, half: int, away: np.ndarray, noise: np.ndarray, standing: float, ended: bool
) -> Candidate | None:
    """The movement along the direction in which it stands out, and where it begins and ends."""
    low, high = max(0, peak - 3 * half), min(len(smooth), peak + 3 * half + 1)
    way = away / noise
    way = way / (way @ (away * noise)) * np.linalg.norm(away * noise)
    path = (smooth[low:high] - smooth[peak]) @ way
    near = max(0, peak - half - low)
    apex = near + int(path[near : peak + half + 1 - low].argmax())
    before, after = path[: apex + 1], path[apex:]
    first = apex - int(before[::-1].argmin())
    last = apex + int(after.argmin())
    stays = path[-1] - path[first] > 0.5 * (path[apex] - path[first])
    unfinished = bool(ended and high == len(smooth) and stays)
    onset = _foot(path[first : apex + 1][::-1])
    offset = len(path) - 1 - apex if unfinished else _foot(path[apex : last + 1])
    if onset < 1 or (offset < 1 and not unfinished):
        return None
    left, right = apex - onset, min(len(path) - 1, apex + offset)
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
        standing,
        unfinished,
        (shape / max(size, 1e-9)).reshape(-1, 2),
        path[left : right + 1] - path[left],
    )


def _foot(way: np.ndarray) -> int:
    """Steps from the apex, way[0], to where the movement has ended: the flank, drawn out as a raised cosine."""
    base, top = float(way[-1]), float(way[0])
    if len(way) < 2 or top <= base:
        return 0
    share = (way - base) / (top - base)
    high, low = (_fall(share, level) for level in (HIGH, LOW))
    return int(min(len(way) - 1, max(1, round(low + FLANK_TO_END * (low - high)))))


def _fall(share: np.ndarray, level: float) -> float:
    """The first place, between steps, where the share falls below a level."""
    after = int(np.argmax(share < level))
    if after == 0:
        return float(len(share) - 1)
    return after - 1 + float((share[after - 1] - level) / (share[after - 1] - share[after]))
