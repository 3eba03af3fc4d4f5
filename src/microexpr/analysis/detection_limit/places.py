"""Quiet places of a recording, where a movement can be injected, and whether an injected movement was found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.clip import Interval
from ...core.track import FaceTrack
from ...metrics.intervals import overlap

MARGIN = 0.4
"""Seconds on both sides of a quiet place that are quiet too."""

APART = 2.0
"""Seconds from one place to the next, so that movements at both do not change how the other is judged."""

STEP, MAX_EXAMINED = 0.1, 600
"""Seconds between the places that are examined; in a long track they are so far apart that there are no more."""

MIN_IOU, MAX_TIMES_LONGER, MAX_LONGER = 0.5, 3.0, 0.25
"""What counts as found: that overlap, or an apex inside and at most that many times, or seconds, longer."""

_RIGID = (27, 28, 29, 30, 36, 39, 42, 45)
_GROUPS = (slice(17, 27), slice(36, 48), slice(48, 68))


def activity(track: FaceTrack, start: float, end: float) -> float:
    """How much brows, eyes and mouth move against the head, in pixels of a face that is 224 wide.

    It is the standard deviation over time of the landmarks of the most active of the three; the jitter of the landmarks
    alone is a part of it. Infinite where the face is not in sight all the time, or an eye blinks.

    Args:
        track: the track of a face.
        start, end: seconds.
    """
    first, last = np.searchsorted(track.times, (start, end))
    if first == 0 or last >= len(track) or last - first < 3 or track.blink[first:last].any():
        return float("inf")
    if np.diff(track.times[first - 1 : last + 1]).max() > 2.5 / track.fps:
        return float("inf")
    points = np.asarray(track.points[first:last], np.float64)
    points = points * 224 / np.linalg.norm(points[:, 16] - points[:, 0], axis=1).mean()
    points -= points[:, list(_RIGID)].mean(axis=1, keepdims=True)
    rest = points - points.mean(axis=0)
    return max(float(np.sqrt((rest[:, group] ** 2).sum(axis=-1).mean())) for group in _GROUPS)


def quiet_places(
    track: FaceTrack,
    taken: Sequence[tuple[float, float]] = (),
    *,
    max_activity: float = float("inf"),
    apart: float = APART,
    margin: float = MARGIN,
) -> list[float]:
    """Times in seconds around which a face is quiet, the quietest first.

    Args:
        track: the track of a face.
        taken: start and end in seconds of what was found; no place is nearer to it than `margin`.
        max_activity: largest `activity` of a place.
        apart: smallest distance of two places in seconds.
        margin: seconds on both sides of a place that are quiet too.
    """
    if len(track) < 2:
        return []
    step = max(STEP, (track.times[-1] - track.times[0]) / MAX_EXAMINED)
    times = np.arange(track.times[0] + margin, track.times[-1] - margin, step)
    free = [t for t in times if all(t + margin <= start or t - margin >= end for start, end in taken)]
    ranked = sorted((activity(track, t - margin, t + margin), float(t)) for t in free)
    chosen: list[float] = []
    for value, t in ranked:
        if value <= max_activity and np.isfinite(value) and all(abs(t - other) >= apart - 1e-6 for other in chosen):
            chosen.append(t)
    return chosen


def is_found(track: FaceTrack, injected: tuple[float, float], found: Sequence[Interval]) -> bool:
    """Whether one of the intervals is the injected movement.

    It is if both overlap by an IoU of .5 or more, or if its apex lies within the injected movement (or one frame beside
    it) and it lasts at most three times as long, or a quarter of a second longer.

    Args:
        track: the track in which they were found.
        injected: onset and offset in seconds.
        found: intervals of frames.
    """
    step = 1 / max(track.fps, 1e-6)
    inside = np.flatnonzero((track.times >= injected[0] - step / 2) & (track.times <= injected[1] + step / 2))
    if not len(inside):
        return False
    true = int(track.numbers[inside[0]]), int(track.numbers[inside[-1]])
    longest = max(MAX_TIMES_LONGER * (injected[1] - injected[0]), injected[1] - injected[0] + MAX_LONGER)
    for interval in found:
        if overlap((interval.onset, interval.offset), true) >= MIN_IOU:
            return True
        apex = (interval.onset + interval.offset) // 2 if interval.apex is None else interval.apex
        start, peak, end = (
            track.times[np.searchsorted(track.numbers, n)] for n in (interval.onset, apex, interval.offset)
        )
        if injected[0] - step <= peak <= injected[1] + step and end - start <= longest:
            return True
    return False
