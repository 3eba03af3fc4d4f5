"""Intervals of frames become events: in seconds, with a class or `unknown`, with warnings and pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..clip import Interval
from ..errors import MicroexprError
from ..events import MICRO_SECONDS, Event, Face, FaceTrack, Recording
from ..intake import Progress
from ..recognize import Model
from ..report.evidence import Evidence, gather
from ..video import Frames, VideoFrames, open_frames, write_picture
from .faces import number
from .options import Options

SLOW_FPS = 60
"""Below this a micro-expression has so few frames that some are missed."""

TURNED = 25.0
"""Degrees from which on a head counts as turned away."""

PICTURED = 200
"""Events that get pictures, the highest scores first; a page with more would not open."""

Found = Sequence[tuple[FaceTrack, Interval]]


def warnings(recording: Recording, faces: Sequence[Face]) -> tuple[str, ...]:
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
    return tuple(told)


def judged(
    frames: Frames,
    recording: Recording,
    found: Found,
    model: Model | None,
    options: Options,
    progress: Progress,
    folder: Path,
) -> tuple[tuple[Event, ...], dict[int, Evidence]]:
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
    events = [_event(recording, track, one, options) for track, one in found]
    order = sorted(range(len(events)), key=lambda index: -events[index].score)
    pictured, pictures = set(order[:PICTURED]), {}
    wanted = events if model is not None else [e if i in pictured else None for i, e in enumerate(events)]
    for done, (index, place) in enumerate(_visit(frames, recording, wanted, model is not None, folder), start=1):
        event, track = events[index], found[index][0]
        if model is not None:
            event = events[index] = _recognized(event, place, model, options)
        if index in pictured:
            own = open_frames(place)
            three = [own.read(frame) for frame in (event.onset, event.apex, event.offset)]
            pictures[index] = gather(*three, track.boxes[_at(track, event.onset)])
        progress("events", done, len(events))
    return tuple(events), pictures


def _at(track: FaceTrack, frame: int) -> int:
    """Index of a frame number in a track, or of the next one that is there."""
    return min(int(np.searchsorted(track.numbers, frame)), len(track) - 1)


def _event(recording: Recording, track: FaceTrack, one: Interval, options: Options) -> Event:
    first, last = _at(track, one.onset), _at(track, one.offset)
    middle = (first + last) // 2 if one.apex is None else _at(track, one.apex)
    part = slice(first, last + 1)
    start, peak, end = (number(track.times[i]) for i in (first, middle, last))
    quality = number(track.quality[part].mean())
    told = ["blink"] * bool(track.blink[part].any())
    told += ["head turned"] * bool((np.abs(track.pose[part, :2]) > TURNED).any())
    told += ["face hardly in sight"] * (quality < options.least_quality)
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
        number(0.0 if one.score is None else one.score),
        quality=quality,
        warnings=tuple(told),
    )


def _recognized(event: Event, place: Path, model: Model, options: Options) -> Event:
    try:
        answer = model(place, event.onset, event.apex, event.offset)
    except MicroexprError:
        return dataclasses.replace(event, warnings=(*event.warnings, "the recognizer could not read it"))
    shares = {name: number(share) for name, share in answer.items()}
    best = max(shares, key=lambda name: shares[name])
    sure = shares[best] >= options.threshold and event.quality >= options.least_quality
    return dataclasses.replace(event, shares=shares, label=best if sure else "unknown")


def _visit(
    frames: Frames, recording: Recording, events: Sequence[Event | None], whole: bool, folder: Path
) -> Iterator[tuple[int, Path]]:
    """`(index, folder)` of each event: its frames as pictures under their numbers, there until the next step.

    A video is decoded once for all events; a folder of frames is used as it is.

    Args:
        frames: of the recording.
        recording: where it is.
        events: by onset; None for one that nobody wants to see.
        whole: all frames from onset to offset; else these two and the apex.
        folder: to make the folders in.
    """
    wanted = {index: event for index, event in enumerate(events) if event is not None}
    if not isinstance(frames, VideoFrames):
        yield from ((index, Path(recording.path)) for index in wanted)
        return
    if not wanted:
        return
    with TemporaryDirectory(dir=folder) as name:
        for now, (_, picture) in enumerate(frames):
            for index, event in list(wanted.items()):
                if now < event.onset:
                    continue
                if whole or now in (event.onset, event.apex, event.offset):
                    write_picture(Path(name, str(index), f"{now}.png"), picture)
                if now == event.offset:
                    yield index, Path(name, str(index))
                    del wanted[index]
            if not wanted:
                return
