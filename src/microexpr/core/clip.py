"""Clip, Interval and Sample: a recording with its annotation, and the arrays that preprocessing makes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from .errors import AnnotationError, RecipeError

TIMES = ("onset", "apex", "offset")
"""The frame numbers of a clip that a protocol may reveal."""


@dataclass(frozen=True)
class Interval:
    """One annotated event of a long video.

    Attributes:
        onset: first frame number, as the source numbers its frames.
        offset: last frame number.
        apex: frame number of the apex; None if it is not annotated.
        kind: `micro` or `macro`; `gesture` in a set of gestures and `blink` in one of blinks, by which no spotter of
            expressions is judged.
        labels: labels of the event, as in `Clip.labels`; `name` is its name.
        score: confidence of a spotter; None for an annotated event.
    """

    onset: int
    offset: int
    apex: int | None = None
    kind: str = "micro"
    labels: Mapping[str, str] = field(default_factory=dict)
    score: float | None = None

    def issues(self) -> list[tuple[str, object, str]]:
        """`(field, value, reason)` of every time that contradicts another one."""
        return _order(self.onset, self.apex, self.offset)


@dataclass(frozen=True)
class Clip:
    """One recording and its annotation; it holds no pixels.

    Attributes:
        id: `<dataset>/<subject>/<name>`, e.g. `casme2/sub01/EP02_01f`.
        dataset: name of the data set for which the person was recorded; `id` and `subject` begin with it, so that
            equal numbers in two data sets are different subjects.
        subject: `<dataset>/<person>`, the unit of every split.
        source: a folder of numbered frames, a video file, or an image.
        fps: frames per second of the recording.
        onset: frame number at which the movement begins, as the source numbers its frames (the number in the file
            name, or the index from 0 in a video); None where the release does not say, or where the protocol hides it.
        apex: frame number at which the movement is strongest, or None.
        offset: frame number at which the movement has ended, or None.
        labels: labels as the data set writes them: `emotion`, `objective` (class I to VII), `action_units`.
        intervals: the annotated events of a long video; empty for a clip that shows a single event.
    """

    id: str
    dataset: str
    subject: str
    source: Path
    fps: float
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    intervals: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        for name, value in (("id", self.id), ("subject", self.subject)):
            if not value.startswith(f"{self.dataset}/"):
                raise AnnotationError(f"{name} '{value}' must begin with the data set's name, '{self.dataset}/'")

    def blind(self, reveal: Collection[str]) -> Clip:
        """The same clip without labels and intervals, and without the times that `reveal` does not name."""
        hidden = {name: None for name in TIMES if name not in reveal}
        return dataclasses.replace(self, labels={}, intervals=(), **hidden)  # type: ignore[arg-type]

    def issues(self) -> list[tuple[str, object, str]]:
        """`(field, value, reason)` of every contradiction; `NAME.offset` is the offset of the interval of that name."""
        found = _order(self.onset, self.apex, self.offset)
        for name, interval in self.named_intervals().items():
            found += [(f"{name}.{time}", value, reason) for time, value, reason in interval.issues()]
        if not self.fps > 0:
            found.append(("fps", self.fps, "must be more than 0"))
        return found

    def named_intervals(self) -> dict[str, Interval]:
        """The intervals by name; the name of an interval without one is its number, from 1."""
        return {
            interval.labels.get("name") or str(number): interval for number, interval in enumerate(self.intervals, 1)
        }


def _order(onset: int | None, apex: int | None, offset: int | None) -> list[tuple[str, object, str]]:
    if onset is not None and offset is not None and offset < onset:
        return [("offset", offset, f"lies before the onset, {onset}")]
    found: list[tuple[str, object, str]] = []
    if apex is not None and onset is not None and apex < onset:
        found.append(("apex", apex, f"lies before the onset, {onset}"))
    if apex is not None and offset is not None and apex > offset:
        found.append(("apex", apex, f"lies after the offset, {offset}"))
    return found


class Frames(Protocol):
    """Numbered frames of one recording: of a folder, of a video file, or in memory.

    `numbers` are the frame numbers, rising; `read(number)` is one frame, (height, width, 3) uint8 RGB.
    """

    @property
    def numbers(self) -> Sequence[int]: ...  # noqa: D102
    def read(self, number: int) -> np.ndarray: ...  # noqa: D102


@dataclass(frozen=True)
class Sample:
    """A blinded clip and the arrays that the steps of a chain have made of it so far. It never has a label.

    Attributes:
        clip: the blinded clip.
        arrays: arrays by name, e.g. `frames` (T, H, W, 3) uint8 or `image` (H, W, C) float32.
        notes: facts for readers of the result, e.g. `apex: middle`.
        face_found: False where a step looked for a face and found none. Such a sample is not trained on, and it gets no
            predicted class.
        source: frames in memory; None if steps read them from `clip.source`. A finished sample has none.
        landmarks: frame number -> (68, 2) x and y in pixels of the frames as they were read, in the order of iBUG
            300-W; None if steps have to find the face, and after a step that moved the pixels.
        numbers: frame numbers of the entries of the array `frames`.
    """

    clip: Clip
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    face_found: bool = True
    source: Frames | None = field(default=None, compare=False, repr=False)
    landmarks: Mapping[int, np.ndarray] | None = field(default=None, compare=False, repr=False)
    numbers: tuple[int, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.clip.labels or self.clip.intervals:
            raise AnnotationError(f"the sample of clip '{self.clip.id}' must not have its labels; blind the clip first")

    @property
    def id(self) -> str:
        """The clip's id."""
        return self.clip.id

    def array(self, name: str) -> np.ndarray:
        """The array of that name.

        Raises:
            RecipeError: there is no such array; the message lists those that exist.
        """
        if name not in self.arrays:
            names = ", ".join(self.arrays) or "none"
            raise RecipeError(f"sample '{self.id}' has no array '{name}' (it has: {names}); the chain lacks a step")
        return self.arrays[name]

    def with_frames(self, frames: np.ndarray, numbers: Sequence[int]) -> Sample:
        """A sample with the array `frames`, (T, height, width, 3) uint8 RGB, of these T frame numbers."""
        return dataclasses.replace(self, arrays={**self.arrays, "frames": frames}, numbers=tuple(numbers))

    def known_landmarks(self) -> np.ndarray | None:
        """(68, 2) landmarks of the first of `frames`, x and y in its pixels; None if they are not known."""
        if self.landmarks is None or not self.numbers:
            return None
        return self.landmarks.get(self.numbers[0])

    def with_array(self, name: str, value: np.ndarray) -> Sample:
        """A sample with that array added or replaced."""
        return dataclasses.replace(self, arrays={**self.arrays, name: value})

    def with_note(self, name: str, value: str) -> Sample:
        """A sample with that note added."""
        return dataclasses.replace(self, notes={**self.notes, name: value})
