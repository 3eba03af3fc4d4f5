"""How the default spotter learns: bumps of labeled tracks, whole and in pieces; a logistic score of their facts."""

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
"""A bump counts as an expression where it overlaps one by as much; as none where it does not."""

INVERSE_L2 = 0.1
"""Inverse of the L2 penalty, with standardized facts."""

SECONDS_PER_SEGMENT = 6.0
"""Seconds of a track for each piece that is cut out of it."""


@dataclass(frozen=True, eq=False)
class TrackMotion:
    """A track, or a piece of one, at even steps.

    Attributes:
        moves: displacement, blinks bridged.
        rate: steps a second.
        blink: (N,) bool.
        openness: (N, 2).
    """

    moves: Displacement
    rate: float
    blink: np.ndarray
    openness: np.ndarray

    @classmethod
    def of(cls, track: FaceTrack, grid: TimeGrid) -> TrackMotion:
        """What a spotter sees of a track."""
        blink = np.asarray(track.blink[grid.frames])
        moves = displacement(track, grid)
        moves = Displacement(without_blinks(moves.regions, blink), moves.head)
        return cls(moves, grid.rate, blink, np.asarray(track.eye_openness[grid.frames]))

    def __len__(self) -> int:
        return len(self.blink)

    def segment(self, first: int, last: int) -> TrackMotion:
        """From one step to before another."""
        part = slice(first, last)
        moves = Displacement(self.moves.regions[part] - self.moves.regions[first], self.moves.head[part])
        return TrackMotion(moves, self.rate, self.blink[part], self.openness[part])

    def candidates(self, ended: bool = True) -> tuple[list[Candidate], np.ndarray]:
        """Every bump, and (bumps, facts) what is known of them."""
        found = find_candidates(self.moves.regions, self.rate, ended)
        return found, candidate_features(found, CandidateFeatures(self.moves, self.rate, self.blink, self.openness))


SUBMODELS = ("micro", "macro", "unfinished")
"""Each has weights of its own."""


def design_matrix(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(n, 3 F + 1): standardized facts kept within three deviations, their squares, each times the length, and 1."""
    z = np.clip((values - mean) / scale, -3, 3)
    return np.concatenate([z, z**2, z * z[:, :1], np.ones((len(z), 1))], axis=1)


def submodel_index(values: np.ndarray) -> np.ndarray:
    """(n,) position in `JUDGES` of the one that each (n, F) facts belong to."""
    short = values[:, FEATURE_NAMES.index("log seconds")] < np.log(MICRO_SECONDS)
    unfinished = values[:, FEATURE_NAMES.index("unfinished")] > 0
    return np.where(unfinished, 2, np.where(short, 0, 1))


def fit_weights(
    tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], rate: float, seed: int
) -> dict[str, np.ndarray]:
    """`mean` and `scale` of the facts, and the weights of their terms by the name of each of `JUDGES`."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng([5, seed])
    lessons = [_examples(*one) for pair in zip(tracks, labels, strict=True) for one in _segments(*pair, rate, rng)]
    values = np.concatenate([v for v, _ in lessons])
    good = np.concatenate([g for _, g in lessons])
    mean, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    belongs, inputs = submodel_index(values), design_matrix(values, mean, scale)
    state = {"mean": mean, "scale": scale}
    for number, name in enumerate(SUBMODELS):
        own = belongs == number
        if len(set(good[own])) == 2:
            judge = LogisticRegression(C=INVERSE_L2, max_iter=2000, fit_intercept=False).fit(inputs[own], good[own])
            state[name] = judge.coef_[0]
        else:  # nothing to tell apart: never
            state[name] = np.concatenate([np.zeros(inputs.shape[1] - 1), [-10.0]])
    return state


Spans = list[tuple[int, int]]


def _segments(
    track: FaceTrack, labels: Sequence[Interval], rate: float, rng: np.random.Generator
) -> Iterator[tuple[TrackMotion, Spans, Spans]]:
    """The whole track and pieces of it, many of which end within an expression; true and unclear spans of each."""
    grid = time_grid(track, rate)
    if len(grid) < 3:
        return
    seen = TrackMotion.of(track, grid)
    numbers = track.numbers[grid.frames]
    spans = [(int(np.searchsorted(numbers, i.onset)), int(np.searchsorted(numbers, i.offset))) for i in labels]
    yield seen, spans, []
    for _ in range(round(len(seen) / grid.steps(SECONDS_PER_SEGMENT))):
        length = grid.steps(rng.uniform(2, 12))
        end = int(rng.integers(length, len(seen))) if length < len(seen) else len(seen)
        if spans and rng.random() < 0.5:
            onset, offset = spans[int(rng.integers(len(spans)))]
            end = min(len(seen), onset + int(rng.uniform(0.35, 1.5) * (offset - onset)) + 1)
        start = max(0, end - length)
        if end - start >= 3:
            yield seen.segment(start, end), *_spans_within(spans, start, end)


def _spans_within(spans: Spans, start: int, end: int) -> tuple[Spans, Spans]:
    """True spans of a piece, and ones that cannot be judged: cut off before their middle, or begun before it."""
    clear: Spans = []
    unclear: Spans = []
    for onset, offset in spans:
        if offset >= start and onset < end:
            cut = (max(0, onset - start), min(end - 1, offset) - start)
            shown = (min(end - 1, offset) - onset) / max(1, offset - onset)
            (clear if onset >= start and shown >= 0.35 else unclear).append(cut)
    return clear, unclear


def _examples(seen: TrackMotion, clear: Spans, unclear: Spans) -> tuple[np.ndarray, np.ndarray]:
    found, values = seen.candidates()
    spans = [(bump.onset, bump.offset) for bump in found]
    kept = np.array([not any(overlap(span, one) > 0 for one in unclear) for span in spans], bool)
    good = np.array([any(overlap(span, one) >= MIN_IOU for one in clear) for span in spans], bool)
    return values[kept], good[kept]
