"""A face over time, and what happened in it: the two records that pass between tracking, spotting and reports.

video -> faces (`FaceTrack`) -> spotting (`Interval`s of frames) -> recognition -> `Event`s in seconds -> `Analysis`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import UsageError

MICRO_SECONDS = 0.5
"""A facial movement shorter than this is a micro-expression, a longer one a macro-expression (Yan et al. 2013)."""


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face in a recording, for as long as it was seen without a break longer than a gap.

    Attributes:
        face: number of the person in the recording, from 1; several tracks of one person have the same.
        numbers: (T,) int64 frame numbers as the source numbers its frames, rising; missing ones are gaps.
        times: (T,) float64 seconds since the recording's first frame, from real time stamps, rising.
        crops: (T, S, S) uint8 grey aligned crops, eyes level and at a fixed place; may be mapped from a file.
        points: (T, 68, 2) float32 landmarks in pixels of the crops, smoothed in time.
        quality: (T,) float32, 0 to 1: how sure it is that there is a face, and that it is in sight.
        pose: (T, 3) float32 degrees: yaw, pitch, roll of the head; 0 is straight into the camera.
        openness: (T, 2) float32: opening of the person's right and left eye, as a share of its usual opening.
        blink: (T,) bool: an eye is closed or closing; the first cause of false spots.
        boxes: (T, 4) float32 left, top, width, height of the face in pixels of the recording.
        memory: where a spotter keeps what it worked out of some of the frames, under the numbers of the first and the
            last of them and more; given where the same frames will be looked at again, as a window moves on.
    """

    face: int
    numbers: np.ndarray
    times: np.ndarray
    crops: np.ndarray
    points: np.ndarray
    quality: np.ndarray
    pose: np.ndarray
    openness: np.ndarray
    blink: np.ndarray
    boxes: np.ndarray
    memory: dict[tuple[int, int, bytes], Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("times", "crops", "points", "quality", "pose", "openness", "blink", "boxes"):
            if len(getattr(self, name)) != len(self.numbers):
                raise UsageError(f"track of face {self.face}: {len(getattr(self, name))} {name}, {len(self)} numbers")
        if len(self) and (np.diff(self.numbers).min(initial=1) <= 0 or np.diff(self.times).min(initial=1) <= 0):
            raise UsageError(f"track of face {self.face}: frame numbers and times must rise")

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def fps(self) -> float:
        """Frames per second: one over the median step of the time stamps; 0 for less than two frames."""
        return float(1 / np.median(np.diff(self.times))) if len(self) > 1 else 0.0


@dataclass(frozen=True)
class Event:
    """One facial movement that was found in a recording.

    Attributes:
        video: name of the file or folder.
        face: number of the person in it, from 1.
        onset, apex, offset: frame numbers as the source numbers its frames.
        start, peak, end: the same in seconds since the recording's first frame.
        kind: `micro` (shorter than .5 s) or `macro`.
        score: of the spotter, larger is surer; its scale is the spotter's own.
        shares: class -> share of the recognizer, largest first; empty where nothing was recognised.
        label: the class, or `unknown`.
        quality: mean quality of the face over the event, 0 to 1.
        warnings: what a reader must know, e.g. `blink`, `head turned`, `below 60 fps`.
        status: `found` by the program; `confirmed`, `rejected`, `corrected` or `added` by a coder.
        coder: who did so.
        note: free text of the coder.
    """

    video: str
    face: int
    onset: int
    apex: int
    offset: int
    start: float
    peak: float
    end: float
    kind: str
    score: float
    shares: Mapping[str, float] = field(default_factory=dict)
    label: str = "unknown"
    quality: float = 1.0
    warnings: tuple[str, ...] = ()
    status: str = "found"
    coder: str = ""
    note: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start


@dataclass(frozen=True)
class Recording:
    """Facts of a video file or a folder of frames.

    Attributes:
        name: of the file or folder; letters that cannot be printed are replaced.
        path: where it was.
        frames: how many there are.
        seconds: from the first to the last of them.
        fps: frames per second, one over the median step of the time stamps.
        width, height: of an upright frame in pixels.
    """

    name: str
    path: str
    frames: int
    seconds: float
    fps: float
    width: int
    height: int


Spans = tuple[tuple[float, float], ...]
"""Begin and end in seconds, rising."""


@dataclass(frozen=True)
class Face:
    """What was seen of one person over a whole recording.

    Attributes:
        face: number of the person, from 1.
        frames: in how many frames the face was in sight.
        quality: their mean quality, 0 to 1.
        gaps: when it was not in sight.
        blinks: when an eye was closed or closing.
        curve: (seconds, value) of what the spotter looked at; thinned out to the peaks where there are many.
    """

    face: int
    frames: int
    quality: float
    gaps: Spans = ()
    blinks: Spans = ()
    curve: Spans = ()


@dataclass(frozen=True)
class Analysis:
    """All that was found in one recording.

    Attributes:
        recording: its facts.
        faces: people in it; empty where no face was found.
        events: by start, then face.
        warnings: what a reader must know of the whole recording.
        settings: of every part, chosen or not; `about_model` is what the recognizer says of itself.
        version: of microexpr.
        fingerprint: changes with source, settings, model or version; the same one need not be analysed again.
    """

    recording: Recording
    faces: tuple[Face, ...] = ()
    events: tuple[Event, ...] = ()
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    fingerprint: str = ""
