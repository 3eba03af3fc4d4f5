"""Time that is excluded: its frames are taken out of the tracks, so that nothing is found there."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..core.clip import Interval
from ..core.events import Recording, Spans
from ..core.time_ranges import format_range, overlaps
from ..core.track import FaceTrack


def without_excluded(track: FaceTrack, excluded: Spans) -> FaceTrack:
    """Return the track without the frames in the excluded ranges, given as start and end in seconds."""
    inside = np.zeros(len(track), bool)
    for start, end in excluded:
        inside |= (track.times >= start) & (track.times < end)
    return track.select(~inside) if inside.any() else track


def outside(track: FaceTrack, intervals: Iterable[Interval], excluded: Spans) -> list[tuple[FaceTrack, Interval]]:
    """The track with each of its intervals that reaches into no excluded range, however short that is."""
    found = []
    for interval in intervals:
        start, end = track.times[np.searchsorted(track.numbers, (interval.onset, interval.offset))]
        if not overlaps(float(start), float(end), excluded):
            found.append((track, interval))
    return found


def exclusion_notes(excluded: Spans, recording: Recording) -> tuple[str, ...]:
    """Say what was excluded, and which ranges lie after the end of the recording."""
    inside = [span for span in excluded if span[0] <= recording.seconds]
    notes = [
        f"excluded time {format_range(*span)} lies after the end of the recording, at {recording.seconds:.2f} s"
        for span in excluded
        if span not in inside
    ]
    if inside:
        notes.append(f"not searched, because excluded: {', '.join(format_range(*span) for span in inside)}")
    return tuple(notes)
