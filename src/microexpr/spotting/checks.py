"""What every spotter promises, as a check that anyone may call on their own."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..core.track import MICRO_SECONDS, FaceTrack
from .base import Spotter


def check_spotter(spotter: Spotter, track: FaceTrack) -> None:
    """Raise `AssertionError` with a helpful text unless a spotter keeps its promises.

    The same track gives the same answer; intervals lie in the track, in the order of time, apex between the ends, kind
    after the length; the clock and the numbers may begin anywhere; nothing is found in an empty, a black, a one-frame
    or a motionless track; the curve has a value a frame.

    Args:
        spotter: to be tried.
        track: a few seconds of a face that moves.
    """
    found, name = spotter.spot(track), spotter.name
    assert spotter.spot(track) == found, f"{name}: the same track gives two answers"
    _check_intervals(name, spotter, track)
    later = dataclasses.replace(track, times=track.times + 100.0, numbers=track.numbers + 7)
    moved = [
        dataclasses.replace(i, onset=i.onset - 7, apex=(i.apex or 0) - 7, offset=i.offset - 7)
        for i in spotter.spot(later)
    ]
    assert [(i.onset, i.apex, i.offset) for i in moved] == [(i.onset, i.apex, i.offset) for i in found], (
        f"{name}: the answer depends on when the clock began"
    )
    curve = spotter.curve(track)
    assert curve.shape == (len(track),) and np.isfinite(curve).all(), f"{name}: the curve is not one number a frame"
    still = dataclasses.replace(track, crops=np.repeat(track.crops[:1], len(track), axis=0))
    still = dataclasses.replace(still, points=np.repeat(track.points[:1], len(track), axis=0))
    black = dataclasses.replace(still, crops=np.zeros_like(track.crops))
    for what, one in (
        ("an empty", first_frames(track, 0)),
        ("a one-frame", first_frames(track, 1)),
        ("a black", black),
    ):
        assert spotter.spot(one) == [], f"{name}: finds something in {what} track"
        assert spotter.curve(one).shape == (len(one),), f"{name}: no curve of {what} track"
    assert spotter.spot(still) == [], f"{name}: finds something in a track without motion"


def first_frames(track: FaceTrack, frames: int) -> FaceTrack:
    """The first so many frames of a track."""
    arrays = {f.name: getattr(track, f.name) for f in dataclasses.fields(track) if f.name not in ("face", "flow_cache")}
    return FaceTrack(track.face, **{name: value[:frames] for name, value in arrays.items()})


def _check_intervals(name: str, spotter: Spotter, track: FaceTrack) -> None:
    found = spotter.spot(track)
    seconds = dict(zip(track.numbers.tolist(), track.times.tolist(), strict=True))
    assert found == sorted(found, key=lambda i: (i.onset, i.offset)), f"{name}: not in the order of time"
    for one in found:
        assert {one.onset, one.apex, one.offset} <= seconds.keys(), f"{name}: {one} is not in the track"
        assert one.apex is not None and one.onset <= one.apex <= one.offset, f"{name}: {one} has its apex outside"
        assert one.onset < one.offset, f"{name}: {one} has no length"
        kind = "micro" if seconds[one.offset] - seconds[one.onset] < MICRO_SECONDS else "macro"
        assert one.kind == kind, f"{name}: {one} is a {kind}-expression by its length"
        assert one.score is not None and np.isfinite(one.score), f"{name}: {one} has no score"
