"""The spotter that is used unless another one is asked for.

Regions of the face that move against the head and come back (`displacement`, `bumps`), judged by what is known of each
movement (`evidence`) with a logistic score learned from synthetic long videos (`lessons`). Own design.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...core.clip import Interval
from ...core.track import FaceTrack
from .._trainable import State, TrainableSpotter
from ..base import SPOTTERS, Detection, Span, TimeGrid
from .candidates import Candidate
from .training import SUBMODELS, TrackMotion, design_matrix, fit_weights, submodel_index

PART_SECONDS, MARGIN_SECONDS = 90.0, 8.0
"""A long track is looked at in parts of so many seconds that overlap by twice the margin."""

MIN_PROBABILITY = 0.02
"""Movements that are less likely are not looked at any further."""


@SPOTTERS.register("default")
@dataclass(frozen=True)
class Default(TrainableSpotter):
    """Movements against the head that come back; the score is the share, 0 to 1, that such movements are expressions.

    Args:
        max_overlap: of two movements that share more than this part of the shorter one, the likelier is told.
    """

    shipped: ClassVar[Path | None] = Path(__file__).with_name("default-spotter.safetensors")

    max_fps: float = 200.0
    min_score: float = 0.55
    max_overlap: float = 0.3

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """The likeliest movements that do not overlap; the curve is the likelihood along each one's course."""
        seen, curve = TrackMotion.of(track, grid), np.zeros(len(grid))
        spans: list[Span] = []
        for first, last in parts(len(seen), grid.steps(PART_SECONDS), grid.steps(MARGIN_SECONDS)):
            found, values = seen.segment(first, last).candidates(ended=last == len(seen))
            low = first + grid.steps(MARGIN_SECONDS) * (first > 0)
            high = last - grid.steps(MARGIN_SECONDS) * (last < len(seen))
            for bump, score in zip(found, self.probability(values), strict=True):
                span = Span(first + bump.onset, first + bump.apex, first + bump.offset, float(score))
                if score >= MIN_PROBABILITY and low <= span.apex < high:
                    spans.append(span)
                    _raise_curve(curve, span, bump)
        return Detection(curve, tuple(_apart(spans, self.max_overlap)))

    def probability(self, values: np.ndarray) -> np.ndarray:
        """(n,) 0 to 1: how likely movements with these (n, F) facts are expressions."""
        state = self.state()
        inputs = design_matrix(values, state["mean"], state["scale"])
        every = np.stack([inputs @ state[name] for name in SUBMODELS], axis=1)
        odds = np.take_along_axis(every, submodel_index(values)[:, None], axis=1)[:, 0]
        return np.asarray(1 / (1 + np.exp(-odds)))

    def _fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> State:
        return fit_weights(tracks, labels, self.max_fps, seed)


def parts(steps: int, long: int, margin: int) -> list[tuple[int, int]]:
    """Parts that cover so many steps, each `long`, neighbors sharing two margins; the last may be longer by half."""
    found, first = [], 0
    while steps - first > 1.5 * long:
        found.append((first, first + long))
        first += long - 2 * margin
    return [*found, (first, steps)]


def _raise_curve(curve: np.ndarray, span: Span, bump: Candidate) -> None:
    there = curve[span.onset : span.offset + 1]
    np.maximum(there, span.score * np.clip(bump.path / bump.height, 0, 1), out=there)


def _apart(spans: list[Span], share: float) -> list[Span]:
    """The likeliest spans of which no two share more than this part of the shorter one."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (-s.score, s.onset)):
        if all(
            min(span.offset, k.offset) - max(span.onset, k.onset) + 1
            <= share * (min(span.offset - span.onset, k.offset - k.onset) + 1)
            for k in kept
        ):
            kept.append(span)
    return kept
