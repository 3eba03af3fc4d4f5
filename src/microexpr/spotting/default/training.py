"""Training of the default spotter: a logistic model on the features of candidates from labeled tracks.

Tracks are used as a whole and in random segments, many of which end within an expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...core.clip import Interval
from ...core.track import MICRO_SECONDS, FaceTrack
from ...metrics.intervals import overlap
from ..base import TimeGrid, time_grid
from .candidates import Candidate, find_candidates
from .displacement import Displacement, displacement, without_blinks
from .features import FEATURE_NAMES, CandidateFeatures, candidate_features

MIN_IOU = 0.7
"""Smallest intersection over union with a labeled expression at which a candidate is a positive example."""

INVERSE_L2 = 0.1
"""Inverse of the L2 penalty, with standardized features."""

SECONDS_PER_SEGMENT = 6.0
"""A random segment is cut out of a track for every so many seconds."""


@dataclass(frozen=True, eq=False)
class TrackMotion:
    """The motion of a track or of a segment of it, at even steps.

    Attributes:
        moves: displacement, interpolated across blinks.
        rate: steps per second.
        blink: (N,) bool: blink at each step.
        openness: (N, 2) opening of the right and the left eye at each step.
    """

    moves: Displacement
    rate: float
    blink: np.ndarray
    openness: np.ndarray

    @classmethod
    def of(cls, track: FaceTrack, grid: TimeGrid) -> TrackMotion:
        """Measure the motion of a track at the steps of a grid."""
        blink = np.asarray(track.blink[grid.frames])
        moves = displacement(track, grid)
        moves = Displacement(without_blinks(moves.regions, blink), moves.head)
        return cls(moves, grid.rate, blink, np.asarray(track.eye_openness[grid.frames]))

    def __len__(self) -> int:
        return len(self.blink)

    def segment(self, first: int, last: int) -> TrackMotion:
        """Return the segment from step `first` to before step `last`."""
        part = slice(first, last)
        moves = Displacement(self.moves.regions[part] - self.moves.regions[first], self.moves.head[part])
        return TrackMotion(moves, self.rate, self.blink[part], self.openness[part])

    def candidates(self, ended: bool = True) -> tuple[list[Candidate], np.ndarray]:
        """Return every candidate, and (candidates, F) their features; `ended` as in `find_candidates`."""
        found = find_candidates(self.moves.regions, self.rate, ended)
        return found, candidate_features(found, CandidateFeatures(self.moves, self.rate, self.blink, self.openness))


SUBMODELS = ("micro", "macro", "unfinished")
"""Candidates are divided among three models, each with weights of its own."""


def design_matrix(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return (n, 3 F + 1): standardized features, their squares, their products with the log duration, and 1.

    Features are clipped to three standard deviations.
    """
    z = np.clip((values - mean) / scale, -3, 3)
    return np.concatenate([z, z**2, z * z[:, :1], np.ones((len(z), 1))], axis=1)


def submodel_index(values: np.ndarray) -> np.ndarray:
    """Return (n,): index into `SUBMODELS` of the model for each row of (n, F) features."""
    short = values[:, FEATURE_NAMES.index("log seconds")] < np.log(MICRO_SECONDS)
    unfinished = values[:, FEATURE_NAMES.index("unfinished")] > 0
    return np.where(unfinished, 2, np.where(short, 0, 1))


def fit_weights(
    tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], rate: float, seed: int
) -> dict[str, np.ndarray]:
    """Fit the weights of the default spotter.

    Args:
        tracks: tracks to train on.
        labels: labeled intervals of each track, in frame numbers.
        rate: steps per second at which tracks are examined, at most.
        seed: seed of the random segments.

    Returns:
        `mean` and `scale` of the features, and for each of `SUBMODELS` the weights of the columns of `design_matrix`.
    """
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng([5, seed])
    examples = [
        _examples(*segment) for pair in zip(tracks, labels, strict=True) for segment in _segments(*pair, rate, rng)
    ]
    values = np.concatenate([features for features, _ in examples])
    positive = np.concatenate([targets for _, targets in examples])
    mean, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    index, inputs = submodel_index(values), design_matrix(values, mean, scale)
    state = {"mean": mean, "scale": scale}
    for number, name in enumerate(SUBMODELS):
        own = index == number
        if len(set(positive[own])) == 2:
            model = LogisticRegression(C=INVERSE_L2, max_iter=2000, fit_intercept=False).fit(inputs[own], positive[own])
            state[name] = model.coef_[0]
        else:  # only one class: the probability is near 0
            state[name] = np.concatenate([np.zeros(inputs.shape[1] - 1), [-10.0]])
    return state


Spans = list[tuple[int, int]]


def _segments(
    track: FaceTrack, labels: Sequence[Interval], rate: float, rng: np.random.Generator
) -> Iterator[tuple[TrackMotion, Spans, Spans]]:
    """Yield the whole track and segments of it, with the labeled and the ambiguous spans of each.

    Half of the segments end within an expression, or soon after it.
    """
    grid = time_grid(track, rate)
    if len(grid) < 3:
        return
    motion = TrackMotion.of(track, grid)
    numbers = track.numbers[grid.frames]
    spans = [(int(np.searchsorted(numbers, i.onset)), int(np.searchsorted(numbers, i.offset))) for i in labels]
    yield motion, spans, []
    for _ in range(round(len(motion) / grid.steps(SECONDS_PER_SEGMENT))):
        length = grid.steps(rng.uniform(2, 12))
        end = int(rng.integers(length, len(motion))) if length < len(motion) else len(motion)
        if spans and rng.random() < 0.5:
            onset, offset = spans[int(rng.integers(len(spans)))]
            end = min(len(motion), onset + int(rng.uniform(0.35, 1.5) * (offset - onset)) + 1)
        start = max(0, end - length)
        if end - start >= 3:
            yield motion.segment(start, end), *_spans_within(spans, start, end)


def _spans_within(spans: Spans, start: int, end: int) -> tuple[Spans, Spans]:
    """Return the labeled spans of a segment, and those that are ambiguous: cut off early, or begun before it."""
    clear: Spans = []
    ambiguous: Spans = []
    for onset, offset in spans:
        if offset >= start and onset < end:
            cut = (max(0, onset - start), min(end - 1, offset) - start)
            visible = (min(end - 1, offset) - onset) / max(1, offset - onset)
            (clear if onset >= start and visible >= 0.35 else ambiguous).append(cut)
    return clear, ambiguous


def _examples(motion: TrackMotion, clear: Spans, ambiguous: Spans) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, F) features and (n,) bool targets of the candidates that touch no ambiguous span."""
    found, features = motion.candidates()
    spans = [(candidate.onset, candidate.offset) for candidate in found]
    usable = np.array([not any(overlap(span, other) > 0 for other in ambiguous) for span in spans], bool)
    positive = np.array([any(overlap(span, label) >= MIN_IOU for label in clear) for span in spans], bool)
    return features[usable], positive[usable]
