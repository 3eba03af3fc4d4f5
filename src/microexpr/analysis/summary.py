"""Properties of a recording and of each face in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..core.clip import Frames
from ..core.events import Face, Recording, Spans
from ..core.track import FaceTrack
from ..imaging.frames import FolderFrames
from ..imaging.timing import MonotonicClock, frame_rate
from ..imaging.video import VideoFrames

MIN_MISSING = 0.1
"""A file that is shorter than its header announces, by this many seconds and 2 %, was cut; headers are not exact."""

MAX_NAMES = 3
"""Files that a warning names."""

MAX_CURVE_POINTS = 2000
"""Points of a curve that a page can draw quickly."""


def describe_recording(name: str, source: Path, frames: Frames, fps: float, shape: tuple[int, ...]) -> Recording:
    """Return the properties of a recording.

    Args:
        name: name to be shown.
        source: path of the recording.
        frames: its frames.
        fps: frames per second of a source without time stamps.
        shape: shape of its frames, (height, width, ...).
    """
    times = frame_times(frames, fps)[1]
    rate = frame_rate(times)
    seconds, height, width = round(float(times[-1]), 6), shape[0], shape[1]
    return Recording(name, absolute_path(source), len(times), seconds, round(rate, 3), width, height)


def frame_times(frames: Frames, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers and times of the readable frames, as `iter_frames` gives them.

    Args:
        frames: of a recording.
        fps: frames per second of a source without time stamps.
    """
    clock, unreadable = MonotonicClock(1 / fps), getattr(frames, "unreadable", {})
    stamps = getattr(frames, "times", ()) or [n / fps for n in frames.numbers]
    kept = [(n, clock.next(s)) for n, s in zip(frames.numbers, stamps, strict=True) if n not in unreadable]
    return np.array([n for n, _ in kept], np.int64), np.array([seconds for _, seconds in kept])


def frame_damage(frames: Frames, fps: float) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the times in seconds at which a source is damaged, rising, and warnings about them.

    Args:
        frames: of a recording.
        fps: frames per second of a source without time stamps.
    """
    if isinstance(frames, FolderFrames):
        return _folder_damage(frames, fps)
    if not isinstance(frames, VideoFrames):
        return np.zeros(0), ()
    times, warnings = np.array(frames.damage) - frames.times[0], []
    if len(times):
        where = f"at {times[0]:.2f} s" if times[0] == times[-1] else f"from {times[0]:.2f} to {times[-1]:.2f} s"
        warnings.append(f"the file is damaged {where}: {len(times)} frames are broken or missing; do not trust them")
    announced = frames.header.seconds
    if announced - frames.end > max(MIN_MISSING, announced / 50):
        warnings.append(
            f"the file ends too early, or was cut: its header announces {announced:.2f} s, but it holds "
            f"{frames.end:.2f} s"
        )
    return times, tuple(warnings)


def _folder_damage(frames: FolderFrames, fps: float) -> tuple[np.ndarray, tuple[str, ...]]:
    """As `frame_damage`; an image that cannot be read lies between the readable ones before and after it."""
    unreadable = frames.unreadable
    if not unreadable:
        return np.zeros(0), ()
    numbers, times = frame_times(frames, fps)
    missing = np.interp(list(unreadable), numbers, times)
    names = [frames.files[number].name for number in unreadable]
    listed = ", ".join(names[:MAX_NAMES]) + (" ..." if len(names) > MAX_NAMES else "")
    return missing, (f"{len(names)} of {len(frames.files)} images cannot be read and were left out: {listed}",)


def tracks_by_face(tracks: Sequence[FaceTrack]) -> list[list[FaceTrack]]:
    """Return the tracks of each person, ordered by time."""
    numbers = sorted({track.face for track in tracks})
    return [sorted((t for t in tracks if t.face == face), key=lambda t: t.times[0]) for face in numbers]


def summarize_face(tracks: Sequence[FaceTrack], curve: Spans, recording: Recording, min_quality: float) -> Face:
    """Return one record for all tracks of one person.

    Args:
        tracks: of the person, ordered by time.
        curve: (seconds, value) points of the curve of the spotter.
        recording: its properties.
        min_quality: quality below which a frame is not usable.
    """
    times = np.concatenate([track.times for track in tracks])
    blink = np.concatenate([track.blink for track in tracks])
    quality = np.concatenate([track.quality for track in tracks])
    step = 1 / recording.fps if recording.fps else 0.0
    ends = np.concatenate([[-step], times, [recording.seconds + step]])
    gaps = [
        (max(a + step, 0.0), min(b, recording.seconds))
        for a, b in pairwise(ends.tolist())
        if b - a > 2.5 * max(step, 1e-6)
    ]
    return Face(
        tracks[0].face,
        len(times),
        rounded(quality.mean()),
        tuple((rounded(a), rounded(b)) for a, b in gaps),
        true_spans(times, blink, step),
        curve,
        true_spans(times, quality < min_quality, step),
    )


def true_spans(times: np.ndarray, values: np.ndarray, step: float) -> Spans:
    """Return start and end in seconds of each run of True in `values`; a frame lasts `step` seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], values.astype(np.int8), [0]])))
    pairs = edges.reshape(-1, 2)
    return tuple((rounded(times[a]), rounded(times[b - 1] + step)) for a, b in pairs)


def thin_curve(times: np.ndarray, values: np.ndarray) -> Spans:
    """Return at most `MAX_CURVE_POINTS` (seconds, value) points of a curve; of neighbors the highest stays."""
    parts = np.array_split(np.arange(len(times)), min(len(times), MAX_CURVE_POINTS))
    clean = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    best = [part[np.argmax(clean[part])] for part in parts if len(part)]
    return tuple((rounded(times[i]), rounded(clean[i])) for i in best)


def rounded(value: Any) -> float:
    """Round to the six decimals that every file holds; infinite and missing values become 0."""
    return round(float(value), 6) if np.isfinite(value) else 0.0


def absolute_path(source: Path) -> str:
    """Return the absolute path without `..`; links are not followed."""
    return os.path.abspath(source)  # noqa: PTH100  (Path.resolve follows links, Path.absolute leaves `..`)
