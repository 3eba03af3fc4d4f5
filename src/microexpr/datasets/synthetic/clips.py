"""Clips of a synthetic copy: which subject shows which label, and the rendering of each clip.

Nothing here knows of a release: each release's own file has its counts, and its rules on who shows what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ...core.action_units import format_action_units
from ...imaging.images import write_images
from ...synthetic import (
    Camera,
    Kind,
    SyntheticClip,
    Timing,
    draw_action_units,
    draw_amplitude,
    draw_timing,
    objective_classes,
    render_clip,
)

Labels = tuple[str, str]
"""(emotion, objective class); the class is empty for a release that has none."""

Key = TypeVar("Key", bound=tuple[Any, ...])


@dataclass(frozen=True)
class ClipSpec:
    """What one synthetic clip shows.

    Attributes:
        subject: as the release writes it, e.g. `sub01`.
        name: of the clip.
        emotion: the release's label.
        objective: objective class, I to VII.
        action_units: as the sheet writes them.
        units: the action units that the face shows.
        seed: of everything else that is drawn for the clip.
    """

    subject: str
    name: str
    emotion: str
    objective: str
    action_units: str
    units: tuple[tuple[int, str], ...]
    seed: int


def clip_spec(dataset: str, subject: str, name: str, labels: Labels, seed: int) -> ClipSpec:
    """A clip with these labels; its action units are drawn, and its objective class where `labels` has none."""
    rng = np.random.default_rng([seed, *f"{dataset}/{subject}/{name}".encode()])
    emotion, objective = labels
    objective = objective or str(rng.choice(objective_classes(emotion)))
    units = draw_action_units(objective, None, rng)
    return ClipSpec(subject, name, emotion, objective, format_action_units(units), units, int(rng.integers(2**31)))


def subject_seed(dataset: str, subject: str) -> int:
    """Seed of a subject's face, which is the same in all clips of the subject."""
    return int(np.random.default_rng([*f"{dataset}/{subject}".encode()]).integers(2**31))


def assign_labels(
    counts: Mapping[Labels, int], subjects: Mapping[str, int], seed: int, first: Sequence[tuple[str, Labels]] = ()
) -> list[tuple[str, Labels]]:
    """Sorted (subject, labels) pairs: every label as often as `counts` states, every subject as often as `subjects`.

    Args:
        counts: number of clips with these labels.
        subjects: number of clips of each subject; its sum is that of `counts`.
        seed: of the assignment.
        first: pairs that are assigned before the others are shuffled, as far as the counts allow.
    """
    labels_left, subjects_left = Counter(dict(counts)), Counter(dict(subjects))
    pairs = []
    for subject, labels in first:
        if subjects_left[subject] > 0 and labels_left[labels] > 0:
            pairs.append((subject, labels))
            labels_left[labels] -= 1
            subjects_left[subject] -= 1
    pool = [labels for labels, n in labels_left.items() for _ in range(n)]
    order = np.random.default_rng(seed).permutation(len(pool)).tolist()
    return sorted([*pairs, *zip(subjects_left.elements(), [pool[i] for i in order], strict=True)])


def three_class(emotion: str) -> str:
    """The class (positive, negative or surprise) of an emotion in the task of MEGC 2019."""
    plain = emotion.lower()
    if plain in ("happiness", "positive"):
        return "positive"
    return "surprise" if plain == "surprise" else "negative"


def two_labels_per_subject(counts: Mapping[Labels, int], subjects: Mapping[str, int]) -> list[tuple[str, Labels]]:
    """For each subject with two clips or more, up to two labels of different classes of the three-class task.

    Args:
        counts: number of clips with these labels; they run out.
        subjects: number of clips of each subject; those with the fewest come first.
    """
    left = Counter(dict(counts))
    pairs: list[tuple[str, Labels]] = []
    for subject in sorted((s for s in subjects if subjects[s] > 1), key=lambda s: (subjects[s], s)):
        classes: set[str] = set()
        for labels, n in sorted(left.items(), key=lambda item: (-item[1], item[0])):
            if n > 0 and len(classes) < 2 and three_class(labels[0]) not in classes:
                classes.add(three_class(labels[0]))
                pairs.append((subject, labels))
                left[labels] -= 1
    return pairs


def subsample_counts(counts: Mapping[Key, int], n: int) -> dict[Key, int]:
    """Counts that add up to n at most: each label once, the most frequent first, then in proportion to `counts`."""
    by_frequency = sorted(counts, key=lambda labels: (-counts[labels], labels))
    chosen = Counter(dict.fromkeys(by_frequency[:n], 1))
    while chosen.total() < min(n, sum(counts.values())):
        left = [labels for labels in by_frequency if chosen[labels] < counts[labels]]
        chosen[max(left, key=lambda labels: counts[labels] / (chosen[labels] + 1))] += 1
    return dict(chosen)


@dataclass(frozen=True)
class RecordingSpec:
    """How a release records its clips.

    Attributes:
        dataset: the release, whose subjects they are.
        fps: frames per second.
        size: (height, width) of the release's images in pixels.
        image_scale: fraction of that size that is written, at most 1; no side is below 48 pixels. 0 writes no image.
        gray: whether the images have no color.
        framing: `face` fills the image, `wide` shows head and shoulders.
        pad: number of neutral frames before the onset and after the offset.
        first_number: number of the first frame.
        kind: `micro` or `macro` expressions.
    """

    dataset: str
    fps: float
    size: tuple[int, int]
    image_scale: float = 1.0
    gray: bool = False
    framing: str = "face"
    pad: int = 3
    first_number: int = 1
    kind: Kind = "micro"

    def render(self, spec: ClipSpec, timing: Timing | None = None) -> SyntheticClip:
        """The clip as a moving face; its timing is drawn unless given."""
        rng = np.random.default_rng(spec.seed)
        height, width = scaled_size(self.size, self.image_scale)
        camera = Camera(fps=self.fps, size=(height, width), gray=self.gray, framing=self.framing)  # type: ignore[arg-type]
        return render_clip(
            subject_seed(self.dataset, spec.subject),
            units=spec.units,
            camera=camera,
            timing=timing or self._draw_timing(rng),
            amplitude=draw_amplitude(rng, self.kind),
            seed=spec.seed,
        )

    def write_frames(
        self, spec: ClipSpec, folder: Path, pattern: str, timing: Timing | None = None
    ) -> tuple[int, int, int]:
        """Render a clip and write its frames, unless the image scale is 0.

        Args:
            spec: what the clip shows.
            folder: where to write.
            pattern: file name of a frame, `{}` standing for its number.
            timing: drawn unless given.

        Returns:
            The frame numbers of (onset, apex, offset).
        """
        if self.image_scale == 0:
            return self._numbers(timing or self._draw_timing(np.random.default_rng(spec.seed)))
        return self.write_rendered(self.render(spec, timing), folder, pattern)

    def write_rendered(self, clip: SyntheticClip, folder: Path, pattern: str) -> tuple[int, int, int]:
        """Write the frames of a clip that `render` made; arguments and result as in `write_frames`."""
        timing = clip.timing
        paths = [folder / pattern.format(self.first_number + i) for i in range(timing.frames)]
        write_images(lambda i: self._image(clip.frame(i)), paths, quality=92)
        return self._numbers(timing)

    def _draw_timing(self, rng: np.random.Generator) -> Timing:
        return draw_timing(rng, self.fps, self.pad)

    def _numbers(self, timing: Timing) -> tuple[int, int, int]:
        """The frame numbers of (onset, apex, offset)."""
        return self.first_number + timing.onset, self.first_number + timing.apex, self.first_number + timing.offset

    def _image(self, frame: np.ndarray) -> np.ndarray:
        return frame[..., 0] if self.gray else frame


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) times `scale`; both are even, as a video needs, and not below 48 pixels."""
    height, width = (max(48, 2 * round(n * scale / 2)) for n in size)
    return height, width


def split_evenly(total: int, parts: int) -> list[int]:
    """`total` as a sum of `parts` numbers that differ by 1 at most, the larger ones first."""
    each, rest = divmod(total, parts)
    return [each + (i < rest) for i in range(parts)]
