"""Intervals of frames become events: in seconds, with a class or `unknown`, with warnings and pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..core.clip import Interval
from ..core.errors import MicroexprError, one_line
from ..core.events import Event, Face, Recording
from ..core.progress import ProgressCallback
from ..core.track import MICRO_SECONDS, FaceTrack
from ..imaging.images import read_image
from ..imaging.video import Frames
from ..preprocessing.onset_apex import OnsetApex
from ..recognizers.model import Model
from .crops import CropRequest, clips
from .event_images import EventImages, event_images
from .options import AnalysisOptions
from .summary import frame_damage, rounded

SLOW_FPS = 60
"""Below this a micro-expression has so few frames that some are missed."""

LOW_QUALITY = 0.5
"""A face of a lower mean quality gets a warning."""

TURNED_DEGREES = 25.0
"""Degrees from which on a head counts as turned away."""

MAX_ILLUSTRATED = 50
"""Events that get their four pictures, the highest scores first; with more a page would be slow."""

Found = Sequence[tuple[FaceTrack, Interval]]


def warnings(recording: Recording, faces: Sequence[Face], model: Model | None) -> tuple[str, ...]:
    """What a reader must know of the whole recording."""
    told = []
    if not faces:
        told.append("no face was found in this recording")
    if 0 < recording.fps < SLOW_FPS:
        shortest = 2000 / recording.fps
        told.append(
            f"{recording.fps:.4g} frames per second: a movement shorter than {shortest:.0f} ms (two frames) can be "
            f"missed, and times are no finer than {shortest / 2:.0f} ms; the field records micro-expressions at "
            f"{SLOW_FPS} to 200"
        )
    if unseen := [face for face in faces if face.gaps]:
        longest = max(end - start for face in unseen for start, end in face.gaps)
        who = ", ".join(str(face.face) for face in unseen)
        told.append(f"not all the time in sight: face {who} (the longest gap lasts {longest:.1f} s)")
    told += [
        f"face {face.face} is hard to see (quality {face.quality:.2f} of 1): small, turned away or blurred"
        for face in faces
        if face.quality < LOW_QUALITY
    ]
    if faces and model is not None and model.metadata.get("synthetic") == "true":
        told.append(
            "the recognizer has learned from synthetic faces only: its labels show that it works, not that it is right"
        )
    return tuple(told)


def classify_events(
    frames: Frames,
    recording: Recording,
    found: Found,
    model: Model | None,
    options: AnalysisOptions,
    progress: ProgressCallback,
    folder: Path,
) -> tuple[tuple[Event, ...], dict[int, EventImages]]:
    """Events in the order of `found`, and pictures of the best of them.

    Args:
        frames: of the recording.
        recording: its facts.
        found: tracks and intervals, by onset.
        model: gives each event its shares; None leaves it `unknown`.
        options: thresholds.
        progress: told how many events are done.
        folder: for pictures of an event while it is looked at.
    """
    damage, _ = frame_damage(frames)
    events = [_event(recording, track, one, options, damage) for track, one in found]
    order = sorted(range(len(events)), key=lambda index: -events[index].score)
    pictured, pictures = set(order[:MAX_ILLUSTRATED]), {}
    whole = model is not None and not isinstance(model.chain.steps[0], OnsetApex)
    wanted = {
        index: CropRequest(event, found[index][0], whole)
        for index, event in enumerate(events)
        if model is not None or index in pictured
    }
    for done, (index, place, box) in enumerate(clips(frames, wanted, folder), start=1):
        event, track = events[index], found[index][0]
        progress("events", done, len(wanted))
        if isinstance(box, str):
            events[index] = _with(event, box)
            continue
        if model is not None:
            event = events[index] = _recognized(event, place, model, options)
        if index in pictured:
            left, top = box[:2]
            own = track.boxes[_at(track, event.onset)] - np.array([left, top, 0, 0], np.float32)
            onset, apex, offset = (read_image(place / f"{n}.png") for n in (event.onset, event.apex, event.offset))
            pictures[index] = event_images(onset, apex, offset, own)
    return tuple(events), pictures


def _with(event: Event, warning: str) -> Event:
    return dataclasses.replace(event, warnings=(*event.warnings, one_line(warning).replace(";", ",")))


def _at(track: FaceTrack, frame: int) -> int:
    """Index of a frame number in a track, or of the next one that is there."""
    return min(int(np.searchsorted(track.numbers, frame)), len(track) - 1)


def _event(
    recording: Recording, track: FaceTrack, one: Interval, options: AnalysisOptions, damage: np.ndarray
) -> Event:
    first, last = _at(track, one.onset), _at(track, one.offset)
    middle = (first + last) // 2 if one.apex is None else _at(track, one.apex)
    part = slice(first, last + 1)
    start, peak, end = (rounded(track.times[i]) for i in (first, middle, last))
    quality = rounded(track.quality[part].mean())
    told = ["blink"] * bool(track.blink[part].any())
    told += ["head turned"] * bool((np.abs(track.pose[part, :2]) > TURNED_DEGREES).any())
    told += ["face hardly in sight"] * (quality < options.min_quality)
    told += ["damaged frames"] * bool(((damage >= start - 0.001) & (damage <= end + 0.001)).any())
    told += [f"below {SLOW_FPS} fps"] * (0 < recording.fps < SLOW_FPS)
    told += ["peak within two frames of its begin"] * (middle - first < 2)
    return Event(
        recording.name,
        track.face,
        int(track.numbers[first]),
        int(track.numbers[middle]),
        int(track.numbers[last]),
        start,
        peak,
        end,
        "micro" if end - start < MICRO_SECONDS else "macro",
        rounded(0.0 if one.score is None else one.score),
        quality=quality,
        warnings=tuple(told),
    )


def _recognized(event: Event, place: Path, model: Model, options: AnalysisOptions) -> Event:
    try:
        answer = model(place, event.onset, event.apex, event.offset)
    except MicroexprError:
        return _with(event, "the recognizer could not read it")
    shares = {name: rounded(share) for name, share in answer.items()}
    best = max(shares, key=lambda name: shares[name])
    sure = shares[best] >= options.threshold and event.quality >= options.min_quality
    return dataclasses.replace(event, probabilities=shares, label=best if sure else "unknown")
