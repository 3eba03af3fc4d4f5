"""The contract of spotters, as a check that anyone may call on their own spotter."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np

from ..core.clip import Interval
from ..core.track import FaceTrack
from .base import Spotter


def check_spotter(spotter: Spotter, track: FaceTrack) -> None:
    """Check that a spotter keeps the contract of `Spotter`.

    * The same track gives the same result, and the track is not changed.
    * Intervals lie in the track, are ordered by time, have their apex between onset and offset, and are micro or macro.
    * The result depends neither on the number of the face, nor on where time stamps and frame numbers start.
    * `min_score` leaves out exactly the intervals of a lower score.
    * Nothing is found in a track that is empty, of one or two frames, black, or without motion, nor across a gap.
    * The curve has a finite value for each frame.
    * The same holds for tracks that are shorter than every window of the method.

    Args:
        spotter: the spotter; a trainable one must be trained.
        track: a few seconds of a face that moves, 30 frames or more.

    Raises:
        AssertionError: the contract is broken; the message says how.
    """
    name, track = spotter.name, dataclasses.replace(track, flow_cache=None)
    arrays = {key: value.copy() for key, value in _arrays(track).items()}
    found = spotter.spot(track)
    assert spotter.spot(track) == found, f"{name}: the same track gives two results"
    assert all(np.array_equal(value, arrays[key], equal_nan=True) for key, value in _arrays(track).items()), (
        f"{name}: the spotter changes the track"
    )
    _check_intervals(name, found, track)
    _check_curve(name, spotter, track)
    _check_invariance(name, spotter, track, found)
    _check_min_score(name, spotter, track, found)
    _check_nothing_found(name, spotter, track)
    _check_gap(name, spotter, track)
    _check_short(name, spotter, track)


def _arrays(track: FaceTrack) -> dict[str, np.ndarray]:
    names = [field.name for field in dataclasses.fields(track) if field.name not in ("face", "flow_cache")]
    return {name: getattr(track, name) for name in names if getattr(track, name) is not None}


def _check_intervals(name: str, found: list[Interval], track: FaceTrack) -> None:
    numbers = set(track.numbers.tolist())
    assert found == sorted(found, key=lambda i: (i.onset, i.offset)), f"{name}: intervals are not ordered by time"
    for interval in found:
        assert {interval.onset, interval.apex, interval.offset} <= numbers, f"{name}: {interval} not in track"
        assert interval.apex is not None, f"{name}: {interval} has no apex"
        assert interval.onset <= interval.apex <= interval.offset, f"{name}: {interval} has its apex outside"
        assert interval.onset < interval.offset, f"{name}: {interval} has no duration"
        assert interval.kind in ("micro", "macro"), f"{name}: {interval} is neither micro nor macro"
        assert interval.score is not None and np.isfinite(interval.score), f"{name}: {interval} has no score"


def _check_curve(name: str, spotter: Spotter, track: FaceTrack) -> None:
    curve = spotter.curve(track)
    assert curve.shape == (len(track),), f"{name}: the curve has shape {curve.shape}, not one value per frame"
    assert np.isfinite(curve).all(), f"{name}: the curve is not finite"


def _check_invariance(name: str, spotter: Spotter, track: FaceTrack, found: list[Interval]) -> None:
    def frames(intervals: list[Interval], shift: int) -> list[tuple[int, int, int]]:
        return [(i.onset - shift, (i.apex or 0) - shift, i.offset - shift) for i in intervals]

    other = dataclasses.replace(track, face=track.face + 1)
    assert frames(spotter.spot(other), 0) == frames(found, 0), f"{name}: the result depends on the number of the face"
    later = dataclasses.replace(track, times=track.times + 100.0, numbers=track.numbers + 7)
    assert frames(spotter.spot(later), 7) == frames(found, 0), f"{name}: the result depends on when time starts"


def _check_min_score(name: str, spotter: Spotter, track: FaceTrack, found: list[Interval]) -> None:
    scores = sorted(interval.score or 0.0 for interval in found)
    limits = {scores[len(scores) // 2], scores[-1] + 1.0} if scores else set()
    for limit in limits:
        strict = copy.copy(spotter)  # not `replace`, which would lose trained weights
        object.__setattr__(strict, "min_score", limit)
        expected = [interval for interval in found if (interval.score or 0.0) >= limit]
        assert strict.spot(track) == expected, (
            f"{name}: min_score = {limit} reports other intervals than those above it"
        )


def _check_nothing_found(name: str, spotter: Spotter, track: FaceTrack) -> None:
    still = dataclasses.replace(
        track,
        crops=np.repeat(track.crops[:1], len(track), axis=0),
        points=np.repeat(track.points[:1], len(track), axis=0),
        mesh=None if track.mesh is None else np.repeat(track.mesh[:1], len(track), axis=0),
    )
    tracks = {
        "an empty track": track.select(slice(0)),
        "a track of one frame": track.select(slice(1)),
        "a track of two frames": track.select(slice(2)),
        "a black track": dataclasses.replace(still, crops=np.zeros_like(track.crops)),
        "a track without motion": still,
    }
    for what, trivial in tracks.items():
        assert spotter.spot(trivial) == [], f"{name}: finds a movement in {what}"
        _check_curve(name, spotter, trivial)


def _check_gap(name: str, spotter: Spotter, track: FaceTrack) -> None:
    """Take the middle third out of a track: no interval may reach across it."""
    first, last = len(track) // 3, 2 * len(track) // 3
    gapped = track.select(np.r_[0:first, last : len(track)])
    for interval in spotter.spot(gapped):
        before, after = interval.offset < track.numbers[last], interval.onset >= track.numbers[last]
        assert before or after, f"{name}: {interval} reaches across a gap in the track"
    _check_curve(name, spotter, gapped)


def _check_short(name: str, spotter: Spotter, track: FaceTrack) -> None:
    """Clips of the field last 0.2 to 0.9 s."""
    for length in (3, 4, 7, 12, 20):
        short = track.select(slice(length))
        _check_intervals(name, spotter.spot(short), short)
        _check_curve(name, spotter, short)
