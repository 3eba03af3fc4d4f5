"""A face over time, and what happened in it: the two records that pass between tracking, spotting and reports.

video -> faces (`FaceTrack`) -> spotting (`Interval`s of frames) -> recognition -> `Event`s in seconds -> `Analysis`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
        probabilities: class -> share of the recognizer, largest first; empty where nothing was recognized.
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
    probabilities: Mapping[str, float] = field(default_factory=dict)
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
        fingerprint: changes with source, settings, model or version; the same one need not be analyzed again.
    """

    recording: Recording
    faces: tuple[Face, ...] = ()
    events: tuple[Event, ...] = ()
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    fingerprint: str = ""
