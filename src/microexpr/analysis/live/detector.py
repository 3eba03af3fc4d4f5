"""What is told of a window, once: events that can no longer change, and what was seen of each person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...core.clip import Interval
from ...core.events import Face
from ...core.track import FaceTrack
from ...faces.tracking import Tracking
from ...faces.tracking.identity import FaceSignature, match_identity
from ...faces.tracking.track import track_of
from ..summary import rounded, true_spans
from .window import TrackBuffer

MAX_OVERLAP = 0.3
"""Of two movements of a face that share more than this part of the shorter one, the one that was told first counts."""

MAX_IDENTITIES = 100
"""People who are known again; one who was not seen for longer than the last hundred others gets a new number."""

Found = list[tuple[FaceTrack, Interval]]


@dataclass(eq=False)
class FaceHistory:
    """What was seen of one person so far, without what may still change."""

    face: int
    until: float = -1.0
    frames: int = 0
    quality: float = 0.0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    blinks: list[tuple[float, float]] = field(default_factory=list)

    def update(self, track: FaceTrack, until: float, step: float) -> None:
        """Takes in what a track shows up to a time; `step` is the length of a frame in seconds."""
        new = (track.times > self.until) & (track.times <= until)
        if not new.any():
            return
        times = np.concatenate([[max(self.until, -step)], track.times[new]])
        for a, b in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
            if b - a > 2.5 * step:
                self.gaps.append((rounded(max(a + step, 0.0)), rounded(b)))
        self.until = float(times[-1])
        self.frames += int(new.sum())
        self.quality += float(track.quality[new].sum())
        for start, end in true_spans(track.times, track.blink, step):
            if end <= until and start > (self.blinks[-1][1] if self.blinks else -1.0):
                self.blinks.append((start, end))

    def to_face(self, seconds: float, step: float) -> Face:
        """The record of this person in a recording of so many seconds."""
        last = [(rounded(self.until + step), rounded(seconds))] if seconds - self.until > 2.5 * step else []
        quality = rounded(self.quality / max(1, self.frames))
        return Face(self.face, self.frames, quality, tuple(self.gaps + last), tuple(self.blinks))


class EventDetector:
    """Looks at the window again and again.

    Args:
        tracking: settings.
        spot: finds movements in a track.
        settle: seconds that an event, or as long as it lasted, must lie behind before it is told: until then the frames
            that followed it may change it.
        min_seconds: a face seen for fewer seconds gets no event until it is gone: a spotter does not know yet how
            much it usually moves.
    """

    def __init__(
        self,
        tracking: Tracking,
        spot: Callable[[FaceTrack], Sequence[Interval]],
        settle: float,
        min_seconds: float = 0.0,
    ) -> None:
        self.tracking, self.spot, self.settle, self.least = tracking, spot, settle, min_seconds
        self.people: dict[int, FaceHistory] = {}
        self._faces: dict[int, int] = {}
        self._memories: dict[int, dict[tuple[int, int, bytes], Any]] = {}
        self._portraits: dict[int, FaceSignature] = {}
        self._told: list[tuple[int, int, int]] = []

    def detect(self, buffers: Mapping[int, TrackBuffer], now: float, step: float, final: bool = False) -> Found:
        """Events that are new and will not change, by onset.

        Args:
            strips: track number to its last frames.
            now: seconds of the newest frame.
            step: seconds of a frame.
            final: no frame will come any more: everything is told.
        """
        found: Found = []
        self._faces = {key: face for key, face in self._faces.items() if key in buffers}
        self._memories = {key: memory for key, memory in self._memories.items() if key in buffers}
        for key in sorted(buffers):
            track = self._track(key, buffers[key], final)
            if track is None:
                continue
            if final or track.times[-1] < now - self.tracking.max_gap or track.times[-1] - track.times[0] >= self.least:
                cut = buffers[key].cut
                found += [(track, one) for one in self.spot(track) if self._due(track, one, cut, now, final)]
            self.people[track.face].update(track, np.inf if final else now - self.settle, step)
        found.sort(key=lambda pair: (pair[1].onset, pair[0].face))
        return found

    def _track(self, key: int, strip: TrackBuffer, final: bool) -> FaceTrack | None:
        if len(strip.rows) < 2:
            return None
        track = track_of(np.stack(list(strip.rows)), np.stack(list(strip.crops)), self.tracking)
        if track.times[-1] - track.times[0] < self.tracking.min_seconds and key not in self._faces:
            return None
        own = FaceSignature.of(track)
        if key not in self._faces:
            self._faces[key] = match_identity(own, sorted(self._portraits.values(), key=lambda one: one.began))
        face = self._faces[key]
        self.people.setdefault(face, FaceHistory(face))
        self._portraits.pop(face, None)
        self._portraits[face] = replace(own, face=face)
        while len(self._portraits) > MAX_IDENTITIES:
            del self._portraits[next(iter(self._portraits))]
        memory, first = self._memories.get(key, {}), int(track.numbers[0])
        self._memories[key] = {frames: what for frames, what in memory.items() if frames[0] >= first}
        return replace(track, face=face, flow_cache=self._memories[key])

    def _due(self, track: FaceTrack, one: Interval, cut: bool, now: float, final: bool) -> bool:
        start, end = track.times[np.searchsorted(track.numbers, (one.onset, one.offset))]
        apart = max(self.settle, end - start)
        if not final and end + apart > now:
            return False
        if cut and start - track.times[0] < apart:  # it was seen whole when the window reached farther back
            return False
        span = (one.onset, one.offset)
        if any(face == track.face and _shared(span, (a, b)) > MAX_OVERLAP for face, a, b in self._told):
            return False
        self._told = [told for told in self._told if told[0] != track.face or told[2] >= track.numbers[0]]
        self._told.append((track.face, *span))
        return True


def _shared(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Part of the shorter of two intervals of frames that lies in the other, 0 to 1."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]) + 1) / (min(a[1] - a[0], b[1] - b[0]) + 1)
