"""Long videos of a synthetic copy: a subject before a camera who shows a given number of expressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ...core.action_units import format_action_units
from ...imaging.images import write_images
from ...synthetic import Person
from ...synthetic.long_video import SyntheticVideo
from ...synthetic.script import Distractors, Movement, random_movements
from .clips import scaled_size, subject_seed

SIZE = (480, 640)
"""(height, width) of a synthetic video at scale 1: head and shoulders."""


@dataclass(frozen=True)
class VideoSpec:
    """What one synthetic video shows.

    Attributes:
        subject: as the release writes it, e.g. `s15`.
        name: of the video.
        micro, macro: number of expressions of each kind.
        begun: whether the first expression is a macro-expression that is under way when the video begins.
    """

    subject: str
    name: str
    micro: int
    macro: int
    begun: bool = False


@dataclass(frozen=True)
class VideoEvent:
    """One expression of a synthetic video.

    Attributes:
        kind: `micro` or `macro`.
        onset, apex, offset: frame numbers from 0; an onset below 0 lies before the beginning of the video.
        objective: objective class, I to VII.
        action_units: as sheets write them.
    """

    kind: str
    onset: int
    apex: int
    offset: int
    objective: str
    action_units: str


def make_video(spec: VideoSpec, dataset: str, fps: float, seed: int, min_seconds: float) -> SyntheticVideo:
    """A synthetic video that shows what `spec` states.

    It is shorter than the videos of a release, which last half a minute to minutes: one expression follows another,
    with blinks between them.

    Args:
        spec: what is shown.
        dataset: the release, for the seed of the subject's face.
        fps: frames per second.
        seed: of everything that is drawn.
        min_seconds: length; a video whose expressions need more time is longer.
    """
    seconds = max(min_seconds, 0.6 + 0.8 * spec.micro + 1.5 * spec.macro)
    per_minute = 60 / seconds
    rng = np.random.default_rng([seed, *f"{dataset}/{spec.subject}/{spec.name}".encode()])
    while True:  # an expression that does not fit between the others is left out: draw until all fit
        video_seed = int(rng.integers(2**31))
        movements = random_movements(
            video_seed, seconds, spec.micro * per_minute, spec.macro * per_minute, Distractors()
        )
        kinds = [movement.kind for movement in _expressions(movements)]
        complete = (kinds.count("micro"), kinds.count("macro")) == (spec.micro, spec.macro)
        if complete and not (spec.begun and kinds[0] != "macro"):
            break
    if spec.begun:
        movements = _shifted(movements)
    return SyntheticVideo(_person(dataset, spec.subject), movements, seconds, fps, Distractors(), video_seed)


def video_events(video: SyntheticVideo) -> list[VideoEvent]:
    """The expressions of a video in the order of time."""
    fps, last = video.fps, len(video) - 1
    return [
        VideoEvent(
            movement.kind,
            round(movement.start * fps),
            max(0, round((movement.peak + movement.fall) / 2 * fps)),
            min(last, round(movement.end * fps)),
            movement.label,
            format_action_units(movement.units),
        )
        for movement in _expressions(video.movements)
    ]


def write_frames(video: SyntheticVideo, folder: Path, pattern: str, image_scale: float, gray: bool = False) -> None:
    """Write every frame of a video; `{}` in `pattern` stands for the frame's number, from 1."""
    size = scaled_size(SIZE, image_scale)

    def image(i: int) -> np.ndarray:
        frame = video.frame(i, size)
        return frame[..., 1] if gray else frame

    write_images(image, [folder / pattern.format(i + 1) for i in range(len(video))], quality=92)


@cache
def _person(dataset: str, subject: str) -> Person:
    return Person.draw(subject_seed(dataset, subject))


def _expressions(movements: Sequence[Movement]) -> list[Movement]:
    return [movement for movement in movements if movement.kind in ("micro", "macro")]


def _shifted(movements: Sequence[Movement]) -> tuple[Movement, ...]:
    """All movements earlier, so that the first macro-expression is half-way up at the first frame."""
    first = next(movement for movement in movements if movement.kind == "macro")
    shift = (first.start + first.peak) / 2
    return tuple(
        dataclasses.replace(m, start=m.start - shift, peak=m.peak - shift, fall=m.fall - shift, end=m.end - shift)
        for m in movements
    )
