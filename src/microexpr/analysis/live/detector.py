"""The events of the window that can no longer change, each reported once; and what was seen of each face."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...core.clip import Interval
from ...core.events import Face
from ...core.track import FaceTrack, FlowCache
from ...faces.tracking import Tracking
from ...faces.tracking.identity import FaceSignature, match_identity
from ...faces.tracking.track import make_track
from ...metrics.intervals import overlap_of_shorter
from ...spotting.base import Spotted
from ..summary import rounded, true_spans
from .window import TrackBuffer

MAX_OVERLAP = 0.3
"""Of two movements of a face that overlap by more than this part of the shorter one, only the first reported counts."""

MAX_IDENTITIES = 100
"""Number of persons that are recognized when they come back; the one unseen for longest is forgotten first."""

Found = list[tuple[FaceTrack, Interval]]

Reported = list[tuple[int, int, int]]
"""Face, onset and offset of what was reported."""


@dataclass(eq=False)
class FaceHistory:
    """What was seen of one person so far, without what may still change.

    Attributes:
        face: number of the person, from 1.
        min_quality: quality below which a frame is not usable.
        until: time in seconds of the last frame that is included.
        frames: number of frames.
        quality: sum of the quality over these frames.
        gaps: start and end in seconds of each time out of sight.
        blinks: start and end in seconds of each blink.
        unusable: start and end in seconds of each time in which the quality was too low.
    """

    face: int
    min_quality: float = 0.5
    until: float = -1.0
    frames: int = 0
    quality: float = 0.0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    blinks: list[tuple[float, float]] = field(default_factory=list)
    unusable: list[tuple[float, float]] = field(default_factory=list)

    def update(self, track: FaceTrack, until: float, step: float) -> None:
        """Include what a track shows up to a time in seconds; `step` is the duration of a frame in seconds."""
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
        for start, end in true_spans(track.times[new], track.quality[new] < self.min_quality, step):
            if self.unusable and start - self.unusable[-1][1] < step:
                start, _ = self.unusable.pop()
            self.unusable.append((start, end))
        for start, end in true_spans(track.times, track.blink, step):
            if end <= until and start > (self.blinks[-1][1] if self.blinks else -1.0):
                self.blinks.append((start, end))

    def to_face(self, seconds: float, step: float) -> Face:
        """Return the record of this person in a recording of so many seconds."""
        last = [(rounded(self.until + step), rounded(seconds))] if seconds - self.until > 2.5 * step else []
        quality = rounded(self.quality / max(1, self.frames))
        return Face(
            self.face, self.frames, quality, tuple(self.gaps + last), tuple(self.blinks), (), tuple(self.unusable)
        )


class EventDetector:
    """Finds new events in the window, again and again.

    Args:
        tracking: settings of the face tracker.
        search: track -> its movements.
        settle: seconds that must have passed since an event, or as many as it lasted, before it is reported: until
            then the frames that follow may change it.
        min_seconds: a face seen for fewer seconds gets no event until it is gone: a spotter does not know yet how
            much it usually moves.
        min_quality: quality below which a frame is not usable.

    Attributes:
        histories: number of a person -> what was seen of that face.
        spotted: each track of the last search, and everything that the spotter found in it.
        weaker: tracks and intervals that are new in the last search and below the threshold.
    """

    def __init__(
        self,
        tracking: Tracking,
        search: Callable[[FaceTrack], Spotted],
        settle: float,
        min_seconds: float = 0.0,
        min_quality: float = 0.5,
    ) -> None:
        self.tracking, self.search, self.settle, self.min_seconds = tracking, search, settle, min_seconds
        self.min_quality = min_quality
        self.histories: dict[int, FaceHistory] = {}
        self.spotted: list[tuple[FaceTrack, Sequence[Interval]]] = []
        self.weaker: Found = []
        self._faces: dict[int, int] = {}
        self._flow_caches: dict[int, FlowCache] = {}
        self._signatures: dict[int, FaceSignature] = {}
        self._reported: Reported = []
        self._reported_weaker: Reported = []

    def detect(self, buffers: Mapping[int, TrackBuffer], now: float, step: float, final: bool = False) -> Found:
        """Return the events that are new and will not change, ordered by onset.

        Args:
            buffers: track number -> its last frames.
            now: time of the newest frame in seconds.
            step: duration of a frame in seconds.
            final: no further frame comes, so that everything is reported.
        """
        found: Found = []
        self.spotted, self.weaker = [], []
        self._faces = {key: face for key, face in self._faces.items() if key in buffers}
        self._flow_caches = {key: cache for key, cache in self._flow_caches.items() if key in buffers}
        for key in sorted(buffers):
            track = self._track(key, buffers[key])
            if track is None:
                continue
            if (
                final
                or track.times[-1] < now - self.tracking.max_gap
                or track.times[-1] - track.times[0] >= self.min_seconds
            ):
                cut, spotted = buffers[key].cut, self.search(track)
                self.spotted.append((track, spotted.intervals))
                until = np.inf if final else now
                found += self._due(track, spotted.intervals, self._reported, cut, until)
                self.weaker += self._due(track, spotted.weaker, self._reported_weaker, cut, until)
            self.histories[track.face].update(track, np.inf if final else now - self.settle, step)
        found.sort(key=lambda pair: (pair[1].onset, pair[0].face))
        return found

    def _track(self, key: int, buffer: TrackBuffer) -> FaceTrack | None:
        if len(buffer.rows) < 2:
            return None
        track = make_track(np.stack(list(buffer.rows)), np.stack(list(buffer.crops)), self.tracking)
        if track.times[-1] - track.times[0] < self.tracking.min_seconds and key not in self._faces:
            return None
        own = FaceSignature.from_track(track)
        if key not in self._faces:
            self._faces[key] = match_identity(
                own, sorted(self._signatures.values(), key=lambda signature: signature.start)
            )
        face = self._faces[key]
        self.histories.setdefault(face, FaceHistory(face, self.min_quality))
        self._signatures.pop(face, None)
        self._signatures[face] = replace(own, face=face)
        while len(self._signatures) > MAX_IDENTITIES:
            del self._signatures[next(iter(self._signatures))]
        cache, first = self._flow_caches.get(key, {}), int(track.numbers[0])
        self._flow_caches[key] = {frames: flow for frames, flow in cache.items() if frames[0] >= first}
        return replace(track, face=face, flow_cache=self._flow_caches[key])

    def _due(
        self, track: FaceTrack, intervals: Sequence[Interval], reported: Reported, cut: bool, until: float
    ) -> Found:
        """The intervals that will not change and were not reported before; now they are.

        Args:
            track: of a face.
            intervals: in it.
            reported: what was reported before.
            cut: whether the begin of the track was forgotten.
            until: time in seconds before which an interval must have settled.
        """
        due: Found = []
        for interval in intervals:
            start, end = track.times[np.searchsorted(track.numbers, (interval.onset, interval.offset))]
            settle = max(self.settle, end - start)
            if end + settle > until:
                continue
            if cut and start - track.times[0] < settle:  # an earlier search saw all of it
                continue
            span = (interval.onset, interval.offset)
            if any(face == track.face and overlap_of_shorter(span, (a, b)) > MAX_OVERLAP for face, a, b in reported):
                continue
            reported[:] = [(face, a, b) for face, a, b in reported if face != track.face or b >= track.numbers[0]]
            reported.append((track.face, *span))
            due.append((track, interval))
        return due
