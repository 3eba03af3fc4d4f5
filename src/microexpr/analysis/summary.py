"""What is told of a recording and of each face in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..core.events import Face, Recording, Spans
from ..core.track import FaceTrack
from ..imaging.video import Frames, MonotonicClock, VideoFrames

CURVE_POINTS = 2000


def describe_recording(name: str, source: Path, frames: Frames, fps: float, shape: tuple[int, ...]) -> Recording:
    """Of the recording.

    Args:
        name: to be printed.
        source: where it is.
        frames: of it.
        fps: of a source without time stamps.
        shape: of its frames.
    """
    clock = MonotonicClock(1 / fps)
    stamps = frames.times if isinstance(frames, VideoFrames) else [n / fps for n in frames.numbers]
    times = np.array([clock.next(stamp) for stamp in stamps])
    rate = float(1 / max(np.median(np.diff(times)), 1e-6)) if len(times) > 1 else 0.0
    seconds, height, width = round(float(times[-1]), 6), shape[0], shape[1]
    return Recording(name, absolute_path(source), len(times), seconds, round(rate, 3), width, height)


def frame_damage(frames: Frames) -> tuple[np.ndarray, tuple[str, ...]]:
    """Seconds at which a file is damaged, rising, and what a reader must know of it."""
    if not isinstance(frames, VideoFrames):
        return np.zeros(0), ()
    found, told = np.array(frames.damage) - frames.times[0], []
    if len(found):
        where = f"at {found[0]:.2f} s" if found[0] == found[-1] else f"from {found[0]:.2f} to {found[-1]:.2f} s"
        told.append(
            f"the file is damaged {where}: {len(found)} frames are broken or lacking; do not trust what is there"
        )
    have, said = len(frames.times), frames.estimated_frame_count()
    if said > max(have + 2, 1.1 * have):
        told.append(f"the file promises about {said} frames and holds {have}: it ends too early, or was cut")
    return found, tuple(told)


def tracks_by_face(tracks: Sequence[FaceTrack]) -> list[list[FaceTrack]]:
    """Tracks of each person, in the order of time."""
    numbers = sorted({track.face for track in tracks})
    return [sorted((t for t in tracks if t.face == face), key=lambda t: t.times[0]) for face in numbers]


def summarize_face(group: Sequence[FaceTrack], curve: np.ndarray, recording: Recording) -> Face:
    """All tracks of one person as one record; `curve` has a value for each of their frames."""
    times = np.concatenate([track.times for track in group])
    blink = np.concatenate([track.blink for track in group])
    quality = np.concatenate([track.quality for track in group])
    step = 1 / recording.fps if recording.fps else 0.0
    ends = np.concatenate([[-step], times, [recording.seconds + step]])
    gaps = [
        (max(a + step, 0.0), min(b, recording.seconds))
        for a, b in pairwise(ends.tolist())
        if b - a > 2.5 * max(step, 1e-6)
    ]
    return Face(
        group[0].face,
        len(times),
        rounded(quality.mean()),
        tuple((rounded(a), rounded(b)) for a, b in gaps),
        true_spans(times, blink, step),
        thin_curve(times, curve),
    )


def true_spans(times: np.ndarray, on: np.ndarray, step: float) -> Spans:
    """Begin and end of each stretch of frames that are on; a frame lasts `step` seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    pairs = edges.reshape(-1, 2)
    return tuple((rounded(times[a]), rounded(times[b - 1] + step)) for a, b in pairs)


def thin_curve(times: np.ndarray, values: np.ndarray) -> Spans:
    """The curve with so few points that a page can draw it; of neighbors the highest stays."""
    parts = np.array_split(np.arange(len(times)), min(len(times), CURVE_POINTS))
    clean = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    best = [part[np.argmax(clean[part])] for part in parts if len(part)]
    return tuple((rounded(times[i]), rounded(clean[i])) for i in best)


def movement(track: FaceTrack) -> np.ndarray:
    """(T,) mean change of gray levels within a tenth of a second before each frame."""
    back = max(1, round(0.1 * track.fps))
    found = np.zeros(len(track))
    for i in range(1, len(track)):
        found[i] = np.abs(track.crops[i].astype(np.int16) - track.crops[max(0, i - back)]).mean()
    return found


def rounded(value: Any) -> float:
    """Rounded to what is written, so that every file tells the same."""
    return round(float(value), 6) if np.isfinite(value) else 0.0


def absolute_path(source: Path) -> str:
    """The whole path, `..` taken away; no link is followed."""
    return os.path.abspath(source)  # noqa: PTH100  (Path.resolve follows links, Path.absolute keeps `..`)
