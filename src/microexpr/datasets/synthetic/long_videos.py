"""Long videos made up for a release: a person before a camera who shows so many expressions, filmed frame by frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ...imaging.images import write_images
from ...synthetic import Person, format_action_units
from ...synthetic.long_video import SyntheticVideo
from ...synthetic.script import Distractors, Movement, random_movements
from .clips import person_seed

SIZE = (480, 640)
"""(height, width) of a synthetic video at scale 1: head and shoulders."""


@dataclass(frozen=True)
class VideoSpec:
    """One video to be made.

    Attributes:
        person: as the release writes it, e.g. `s15`.
        name: of the video.
        micro, macro: how many expressions of each kind.
        begun: the first one is a macro-expression and under way when the video begins.
    """

    person: str
    name: str
    micro: int
    macro: int
    begun: bool = False


@dataclass(frozen=True)
class VideoEvent:
    """One expression of a synthetic video; frames count from 0.

    Attributes:
        kind: `micro` or `macro`.
        onset, apex, offset: frame numbers; an onset below 0 was before the video began.
        objective: class, I to VII.
        action_units: as sheets write them.
    """

    kind: str
    onset: int
    apex: int
    offset: int
    objective: str
    action_units: str


def shared_out(total: int, parts: int) -> list[int]:
    """So many things dealt to so many parts, as evenly as can be, the first ones one more."""
    each, more = divmod(total, parts)
    return [each + (i < more) for i in range(parts)]


def make_video(scene: VideoSpec, dataset: str, fps: float, seed: int, least: float) -> SyntheticVideo:
    """The scene as a moving face, `least` seconds long or as long as its expressions need.

    Videos are shorter than those of a release, which last half a minute to minutes: there is one expression after
    another, with a blink here and there.
    """
    seconds = max(least, 0.6 + 0.8 * scene.micro + 1.5 * scene.macro)
    a_minute = 60 / seconds
    drawn = np.random.default_rng([seed, *f"{dataset}/{scene.person}/{scene.name}".encode()])
    while True:  # what does not fit between the others is left out: until nothing is
        start = int(drawn.integers(2**31))
        beats = random_movements(start, seconds, scene.micro * a_minute, scene.macro * a_minute, Distractors())
        kinds = [beat.kind for beat in _told(beats)]
        whole = (kinds.count("micro"), kinds.count("macro")) == (scene.micro, scene.macro)
        if whole and not (scene.begun and kinds[0] != "macro"):
            break
    if scene.begun:
        beats = _begun(beats)
    return SyntheticVideo(_person(dataset, scene.person), beats, seconds, fps, Distractors(), start)


def shown_in(take: SyntheticVideo) -> list[VideoEvent]:
    """Its expressions in the order of time."""
    fps, last = take.fps, len(take) - 1
    return [
        VideoEvent(
            beat.kind,
            round(beat.start * fps),
            max(0, round((beat.peak + beat.fall) / 2 * fps)),
            min(last, round(beat.end * fps)),
            beat.label,
            format_action_units(beat.units),
        )
        for beat in _told(take.beats)
    ]


def write_frames(take: SyntheticVideo, folder: Path, pattern: str, image_scale: float, gray: bool = False) -> None:
    """Write every frame, numbered from 1 as `pattern` says."""
    height, width = (max(48, 2 * round(n * image_scale / 2)) for n in SIZE)

    def shown(i: int) -> np.ndarray:
        frame = take.frame(i, (height, width))
        return frame[..., 1] if gray else frame

    write_images(shown, [folder / pattern.format(i + 1) for i in range(len(take))], quality=92)


@cache
def _person(dataset: str, person: str) -> Person:
    return Person.draw(person_seed(dataset, person))


def _told(beats: Sequence[Movement]) -> list[Movement]:
    return [beat for beat in beats if beat.kind in ("micro", "macro")]


def _begun(beats: Sequence[Movement]) -> tuple[Movement, ...]:
    """All beats so much earlier that the first expression is half-way up at the first frame."""
    first = next(beat for beat in beats if beat.kind == "macro")
    early = (first.start + first.peak) / 2
    times = ("start", "peak", "fall", "end")
    return tuple(dataclasses.replace(b, **{name: getattr(b, name) - early for name in times}) for b in beats)
