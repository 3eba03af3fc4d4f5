"""From intervals of frames to events: times in seconds, a class or `unknown`, warnings and images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..core.action_units import join_sides
from ..core.clip import Frames, Interval
from ..core.errors import MicroexprError, one_line
from ..core.events import Event, Face, Recording
from ..core.progress import ProgressCallback
from ..core.track import FaceTrack
from ..faces.gaze import gaze, has_iris, why_no_iris
from ..recognizers.model import Answer, Model, joined_answer
from .causes import LOOK_ASIDE, LOWERED, cut_remarks, event_remarks, is_look_aside
from .crops import CropRequest, EventCrops, crop_events
from .event_images import EventImages, event_images
from .measurement import RegionMotion, farthest_frame, measure_regions
from .options import AnalysisOptions
from .summary import frame_damage, rounded

SLOW_FPS = 60
"""Below this a micro-expression has so few frames that some are missed."""

LOW_QUALITY = 0.5
"""A face of a lower mean quality gets a warning."""

MIN_OPEN = 0.5
"""Opening of an eye, as a fraction of its usual one, below which the iris is hidden."""

MAX_ILLUSTRATED = 50
"""Events that get four images each, the highest scores first; with more of them a page would be slow."""

Found = Sequence[tuple[FaceTrack, Interval]]


def warnings(
    recording: Recording, faces: Sequence[Face], model: Model | None, learned_from: str = ""
) -> tuple[str, ...]:
    """Warnings about the whole recording, a line each; `learned_from` as in `Spotter`."""
    found = []
    if not faces:
        found.append("no face was found in this recording")
    if is_slow(recording):
        shortest = 2000 / recording.fps
        found.append(
            f"{recording.fps:.4g} frames per second: a movement shorter than {shortest:.0f} ms (two frames) can be "
            f"missed, and times are no finer than {shortest / 2:.0f} ms; the field records micro-expressions at "
            f"{SLOW_FPS} to 200 frames per second"
        )
    if unseen := [face for face in faces if face.gaps]:
        longest = max(end - start for face in unseen for start, end in face.gaps)
        numbers = ", ".join(str(face.face) for face in unseen)
        found.append(f"not all the time in sight: face {numbers} (the longest gap lasts {longest:.1f} s)")
    found += [
        f"face {face.face} is hard to see (quality {face.quality:.2f} of 1): small, turned, blurred, dark or covered"
        for face in faces
        if face.quality < LOW_QUALITY
    ]
    if faces and learned_from:
        found.append(f"the spotter {learned_from}")
    if faces and model is not None and model.metadata.get("synthetic") == "true":
        results = model.metadata.get("results", "on real faces its labels have not been validated")
        found.append(f"the recognizer was trained on synthetic motion, on no person; {results}")
    return tuple(found)


def is_slow(recording: Recording) -> bool:
    """Whether a recording has less than 60 frames per second; cameras of 60 record 59.94."""
    return recording.fps > 0 and round(recording.fps) < SLOW_FPS


def classify_events(
    frames: Frames,
    recording: Recording,
    found: Found,
    model: Model | None,
    options: AnalysisOptions,
    progress: ProgressCallback,
) -> tuple[tuple[Event, ...], dict[int, EventImages]]:
    """Events in the order of `found`, and images of those with the highest scores.

    Args:
        frames: of the recording.
        recording: its properties.
        found: tracks and intervals, by onset.
        model: gives each event its probabilities; None leaves the label `unknown`.
        options: thresholds.
        progress: called with the number of events that are done.

    Returns:
        The events, and index of an event -> its images.
    """
    damage, _ = frame_damage(frames, options.fps)
    motions = [_motion(track, interval) for track, interval in found]
    events = [
        _event(recording, track, interval, motion, options, damage)
        for (track, interval), motion in zip(found, motions, strict=True)
    ]
    by_score = sorted(range(len(events)), key=lambda index: -events[index].score)
    illustrated = set(by_score[:MAX_ILLUSTRATED])
    images: dict[int, EventImages] = {}
    all_frames = model is not None and not model.chain.key_frames_only
    requests = {
        index: CropRequest(event, found[index][0], all_frames, None if model is None else _farthest(*found[index]))
        for index, event in enumerate(events)
        if model is not None or index in illustrated
    }
    for done, (index, crops) in enumerate(crop_events(frames, requests), start=1):
        event, track = events[index], found[index][0]
        progress("events", done, len(requests))
        if crops.error:
            reason = event.reason if model is None else f"its frames could not be read: {one_line(crops.error)}"
            events[index] = dataclasses.replace(_with(event, crops.error), reason=reason)
            continue
        if model is not None:
            answer = _answer(event, crops, Path(recording.path), model)
            event = events[index] = _recognized(event, answer, motions[index], options)
        if _looks_aside(track, event, crops):
            event = events[index] = _lowered(event)
        if index in illustrated:
            box = track.boxes[_at(track, event.onset)] - np.array([*crops.origin, 0, 0], np.float32)
            onset, apex, offset = (crops.images[number] for number in (event.onset, event.apex, event.offset))
            images[index] = event_images(onset, apex, offset, box)
    return tuple(events), images


def _with(event: Event, warning: str) -> Event:
    return dataclasses.replace(event, warnings=(*event.warnings, one_line(warning).replace(";", ",")))


def _at(track: FaceTrack, frame: int) -> int:
    """Index of a frame number in a track, or of the next one that is there."""
    return min(int(np.searchsorted(track.numbers, frame)), len(track) - 1)


def _indices(track: FaceTrack, interval: Interval) -> tuple[int, int, int]:
    """Indices of onset, apex and offset in a track."""
    first, last = _at(track, interval.onset), _at(track, interval.offset)
    return first, (first + last) // 2 if interval.apex is None else _at(track, interval.apex), last


def _motion(track: FaceTrack, interval: Interval) -> RegionMotion:
    onset, apex, _ = _indices(track, interval)
    return measure_regions(track, onset, apex)


def _event(
    recording: Recording,
    track: FaceTrack,
    interval: Interval,
    motion: RegionMotion,
    options: AnalysisOptions,
    damage: np.ndarray,
) -> Event:
    first, middle, last = _indices(track, interval)
    part = slice(first, last + 1)
    start, peak, end = (rounded(track.times[i]) for i in (first, middle, last))
    quality = rounded(track.quality[part].mean())
    remarks = {
        "blink": track.blink[part].any(),
        **event_remarks(track, part),
        **cut_remarks(track, part, recording.seconds, options.excluded),
        "face hardly in sight": quality < options.min_quality,
        "damaged frames": ((damage >= start - 0.001) & (damage <= end + 0.001)).any(),
        f"below {SLOW_FPS} fps": is_slow(recording),
        "peak within two frames of its begin": middle - first < 2,
    }
    return Event(
        recording.name,
        track.face,
        int(track.numbers[first]),
        int(track.numbers[middle]),
        int(track.numbers[last]),
        start,
        peak,
        end,
        interval.kind,
        rounded(0.0 if interval.score is None else interval.score),
        quality=quality,
        warnings=tuple(remark for remark, holds in remarks.items() if holds),
        reason="no recognizer was used",
        regions=motion.regions,
    )


def _looks_aside(track: FaceTrack, event: Event, crops: EventCrops) -> bool:
    """Whether the event is a look aside; False where the gaze is not known."""
    if track.mesh is None or not has_iris():
        return False
    gazes = []
    for number in (event.onset, event.apex, event.offset):
        index = _at(track, number)
        if number not in crops.images or track.eye_openness[index].min() < MIN_OPEN:
            return False
        gazes.append(gaze(crops.images[number], track.mesh[index] - np.array([*crops.origin, 0])))
    return is_look_aside(gazes, event.regions)


def unknown_gaze(found: Found) -> tuple[str, ...]:
    """A note where there are events of tracked faces, and their gaze cannot be measured."""
    if all(track.mesh is None for track, _ in found) or has_iris():
        return ()
    return (f"looks aside cannot be distinguished from expressions of the lids: {why_no_iris()}",)


def _lowered(event: Event) -> Event:
    """A look aside: its score is lowered and its label unknown."""
    reason = "only the eyes move: a look aside"
    score = rounded(LOWERED * event.score)
    return dataclasses.replace(_with(event, LOOK_ASIDE), score=score, label="unknown", reason=reason, action_units=())


def _farthest(track: FaceTrack, interval: Interval) -> int | None:
    """Number of the frame in which the face is farthest from the onset of an event; None where that is the onset."""
    first, _, last = _indices(track, interval)
    index = farthest_frame(track, first, last)
    return int(track.numbers[index]) if index > first else None


def _answer(event: Event, crops: EventCrops, source: Path, model: Model) -> Answer | MicroexprError:
    """What the model says about an event, or why it could not read it.

    A model of onset and apex is asked about the apex and about the frame in which the face is farthest from the onset:
    an apex that was found early or late shows a movement in part.
    """
    farthest, landmarks = crops.request.farthest, crops.landmarks()
    apexes = {event.apex}
    if farthest is not None and farthest in crops.images and not crops.request.all_frames:
        apexes.add(farthest)
    try:
        return joined_answer(
            [
                model.answer(source, event.onset, apex, event.offset, frames=crops.images, landmarks=landmarks)
                for apex in apexes
            ]
        )
    except MicroexprError as error:
        return error


def _recognized(event: Event, answer: Answer | MicroexprError, motion: RegionMotion, options: AnalysisOptions) -> Event:
    """The event with the model's probabilities; with a label and action units where nothing speaks against them."""
    if isinstance(answer, MicroexprError):
        text = "the recognizer could not read it"
        return dataclasses.replace(_with(event, text), reason=f"{text}: {one_line(str(answer))}")
    probabilities = {name: rounded(value) for name, value in answer.probabilities.items()}
    best = answer.label
    units, reason = join_sides(answer.action_units, options.unit_threshold), answer.unknown
    if event.quality < options.min_quality:
        units = ()
        reason = f"the face is hardly in sight (quality {event.quality:.2f}, below {options.min_quality:.2f})"
    if not reason and probabilities[best] < options.threshold:
        reason = (
            f"the probability of {best}, {probabilities[best]:.2f}, is below the threshold, {options.threshold:.2f}"
        )
    return dataclasses.replace(
        event,
        probabilities=probabilities,
        label="unknown" if reason else best,
        reason=reason,
        action_units=motion.sized([dataclasses.replace(unit, probability=rounded(unit.probability)) for unit in units]),
        unit_probabilities={unit.code: rounded(unit.probability) for unit in answer.action_units},
    )
