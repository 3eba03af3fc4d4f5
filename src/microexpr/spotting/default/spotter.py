"""The spotter that is used unless another one is named.

Regions of the face that move against the head and come back are candidates; a logistic model that was trained on
synthetic long videos scores each from its features. A design of this project, without a paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...core.clip import Interval
from ...core.track import FaceTrack
from ...metrics.intervals import overlap_of_shorter
from .._peak_picking import suppress_overlaps
from .._trainable import State, TrainableSpotter
from ..base import SPOTTERS, Detection, Fraction, Rate, Span, TimeGrid
from .candidates import Candidate
from .training import SUBMODELS, TrackMotion, design_matrix, fit_weights, submodel_index

PART_SECONDS, MARGIN_SECONDS = 90.0, 8.0
"""A long track is examined in parts of this many seconds that overlap by twice the margin."""

MIN_PROBABILITY = 0.02
"""Candidates with a lower probability are discarded."""


@SPOTTERS.register("default")
@dataclass(frozen=True)
class Default(TrainableSpotter):
    """Find movements against the head that come back; the score is the probability that one is an expression.

    Args:
        max_fps: steps per second at which a track is examined, 10 or more.
        min_score: smallest probability of a movement that is reported, 0 to 1.
        weights: file of trained weights; "" for the weights that ship with the package.
        max_overlap: of two movements that overlap by more than this part of the shorter one, 0 to 1, only the likelier
            is reported.
    """

    shipped: ClassVar[Path | None] = Path(__file__).with_name("default-spotter.safetensors")

    max_fps: Rate = 200.0
    min_score: Fraction = 0.55
    max_overlap: Fraction = 0.3

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find the likeliest movements that do not overlap; the curve is the probability, shaped like each movement."""
        motion, curve = TrackMotion.of(track, grid), np.zeros(len(grid))
        spans: list[Span] = []
        for first, last in parts(len(motion), grid.steps(PART_SECONDS), grid.steps(MARGIN_SECONDS)):
            found, features = motion.segment(first, last).candidates(ended=last == len(motion))
            low = first + grid.steps(MARGIN_SECONDS) * (first > 0)
            high = last - grid.steps(MARGIN_SECONDS) * (last < len(motion))
            for candidate, score in zip(found, self.probability(features), strict=True):
                span = Span(first + candidate.onset, first + candidate.apex, first + candidate.offset, float(score))
                if score >= MIN_PROBABILITY and low <= span.apex < high:
                    spans.append(span)
                    _raise_curve(curve, span, candidate)
        spans.sort(key=lambda span: span.onset)  # of equal scores the earlier one counts
        return Detection(curve, tuple(suppress_overlaps(spans, self.max_overlap, overlap_of_shorter)))

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Return (n,): probability, 0 to 1, that movements with these (n, F) features are expressions."""
        state = self.state()
        inputs = design_matrix(features, state["mean"], state["scale"])
        scores = np.stack([inputs @ state[name] for name in SUBMODELS], axis=1)
        odds = np.take_along_axis(scores, submodel_index(features)[:, None], axis=1)[:, 0]
        return np.asarray(1 / (1 + np.exp(-odds)))

    def _fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> State:
        return fit_weights(tracks, labels, self.max_fps, seed)


def parts(steps: int, length: int, margin: int) -> list[tuple[int, int]]:
    """Return (first, last) of parts that cover so many steps, each `length` long.

    Neighbors share two margins; the last part may be longer by half.
    """
    found, first = [], 0
    while steps - first > 1.5 * length:
        found.append((first, first + length))
        first += length - 2 * margin
    return [*found, (first, steps)]


def _raise_curve(curve: np.ndarray, span: Span, candidate: Candidate) -> None:
    """Raise the curve to the probability of a movement, shaped like its course."""
    part = curve[span.onset : span.offset + 1]
    np.maximum(part, span.score * np.clip(candidate.path / candidate.height, 0, 1), out=part)
