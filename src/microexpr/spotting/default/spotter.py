"""The spotter that is used unless another one is named: two searches, and a choice among what they find.

Movements that stand out in a curve of the face, of any size (`peaks`, `scoring`), and small movements of a calm face
(`small`). A design of this project, without a paper.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...core.clip import Interval
from ...core.track import FaceTrack
from ...metrics.intervals import overlap_of_shorter
from .._trainable import State, TrainableSpotter
from ..base import SPOTTERS, Detection, Fraction, Rate, Span, TimeGrid
from .curves import EYES, GROUPS, NAMES, measure
from .flickers import find_flickers
from .peaks import find_movements, prepare
from .points import LANDMARK_LAYOUT, layout_of
from .scoring import score_movements
from .small import small_movements
from .training import SUBMODELS, TrackMotion, design_matrix, fit_weights, submodel_index

EVEN_SCORE = 3.55
"""The score of `scoring` that is worth a half."""

MIN_SCORE = 0.02
"""Movements with a lower score are discarded."""

WHOLE, FLICKER = -1, -2
"""The groups of movements that were found in the whole face, and of flickers."""

WHOLE_OVERLAP, SAME_OVERLAP, NESTED_OVERLAP, OTHER_OVERLAP = 0.3, 0.25, 0.125, 0.2
"""Of two movements that overlap too much only the higher score stays. Between two of the whole face, and in the same
part of the face, the overlap counts as a fraction of the shorter one, and less is allowed where one lies within the
other; in different parts it is the intersection over union."""


@SPOTTERS.register("default")
@dataclass(frozen=True)
class Default(TrainableSpotter):
    """Find movements of a face against its head, of any size and duration.

    The score is 0 to 1 and never falls as a movement grows; .5 is as likely an expression as not on the films that the
    weights were chosen on.

    Args:
        max_fps: steps per second at which a track is examined, 10 or more.
        min_score: smallest score of a movement that is reported, 0 to 1; weaker ones down to .02 are there.
        weights: file of trained weights for small movements; "" for the weights that ship with the package.
    """

    shipped: ClassVar[Path | None] = Path(__file__).with_name("default-spotter.safetensors")
    threshold_setting: ClassVar[str] = "min_score"
    curve_is_score: ClassVar[bool] = True
    learned_from: ClassVar[str] = (
        "was set by hand on eleven films of real people, 90 s in all, and trained on synthetic faces for small "
        "movements; on other films it is likely to find less"
    )

    max_fps: Rate = 200.0
    min_score: Fraction = 0.56

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find the likeliest movements that do not overlap; the curve is the score over their spans."""
        with ThreadPoolExecutor(1) as beside:  # most of both searches is optical flow, which leaves Python to others
            small = beside.submit(lambda: small_movements(TrackMotion.of(track, grid), grid, self.probability))
            large = [found for first, last in _runs(grid) for found in _large_movements(track, grid, first, last)]
            found = [*((span, WHOLE) for span in small.result()), *large]
        spans = choose([pair for pair in found if pair[0].score >= MIN_SCORE], grid.steps(1.0))
        curve = np.zeros(len(grid))
        for span in spans:
            part = curve[span.onset : span.offset + 1]
            np.maximum(part, span.score, out=part)
        return Detection(curve, tuple(spans))

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Return (n,): probability, 0 to 1, that small movements with these (n, F) features are expressions."""
        state = self.state()
        inputs = design_matrix(features, state["mean"], state["scale"])
        scores = np.stack([inputs @ state[name] for name in SUBMODELS], axis=1)
        odds = np.take_along_axis(scores, submodel_index(features)[:, None], axis=1)[:, 0]
        return np.asarray(1 / (1 + np.exp(-odds)))

    def _fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> State:
        return fit_weights(tracks, labels, self.max_fps, seed)


def _runs(grid: TimeGrid) -> list[tuple[int, int]]:
    """(first, last) of each run of three steps or more in which the face is visible; `last` is not included."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], grid.visible, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= 3]


def _large_movements(track: FaceTrack, grid: TimeGrid, first: int, last: int) -> list[tuple[Span, int]]:
    """The movements that stand out in a curve, with the part of the face, in a run of steps."""
    if layout_of(track) is LANDMARK_LAYOUT:
        return []
    part = slice(first, last)
    run = TimeGrid(grid.rate, grid.times[part], grid.frames[part], grid.visible[part])
    pixels, blink = measure(track, run).curves, np.asarray(track.blink[run.frames])
    curves = prepare(pixels, grid.rate, blink)
    peaks = find_movements(curves)
    opening, pose = pixels[:, NAMES.index("mouth opening")], np.asarray(track.pose[run.frames])
    scores = score_movements(peaks, curves, opening, blink, pose)
    scores = 1 / (1 + np.exp(EVEN_SCORE - scores))
    groups = GROUPS[peaks.curve]
    columns = (first + peaks.onset, first + peaks.apex, first + peaks.offset, scores, groups)
    found = [(Span(*span), group) for *span, group in zip(*(c.tolist() for c in columns), strict=True)]
    for flicker in find_flickers(curves, opening, blink, pose):
        span = Span(first + flicker.onset, first + flicker.apex, first + flicker.offset, flicker.score)
        found.append((span, FLICKER))
    return found


def choose(found: Sequence[tuple[Span, int]], bin_steps: int) -> list[Span]:
    """The spans of the highest scores that do not overlap too much, highest score first.

    Args:
        found: spans with the part of the face of each; of two equal scores the first one counts.
        bin_steps: spans are compared with those that share a bin of so many steps.
    """
    chosen: list[Span] = []
    bins: dict[int, list[tuple[Span, int]]] = defaultdict(list)
    for span, group in sorted(found, key=lambda pair: (-pair[0].score, pair[0].onset)):
        covered = range(span.onset // bin_steps, span.offset // bin_steps + 1)
        if any(_conflict(span, group, *other) for b in covered for other in bins[b]):
            continue
        chosen.append(span)
        for b in covered:
            bins[b].append((span, group))
    return chosen


def _conflict(a: Span, a_group: int, b: Span, b_group: int) -> bool:
    if a_group == b_group == WHOLE or FLICKER in (a_group, b_group):
        return overlap_of_shorter((a.onset, a.offset), (b.onset, b.offset)) > WHOLE_OVERLAP
    shared = min(a.offset, b.offset) - max(a.onset, b.onset)
    if shared <= 0:
        return False
    if a_group == b_group or {a_group, b_group} & {EYES, WHOLE}:
        shorter = min(a.offset - a.onset, b.offset - b.onset)
        is_nested = (a.onset >= b.onset and a.offset <= b.offset) or (b.onset >= a.onset and b.offset <= a.offset)
        return shared / shorter > (NESTED_OVERLAP if is_nested else SAME_OVERLAP)
    return shared / (max(a.offset, b.offset) - min(a.onset, b.onset)) > OTHER_OVERLAP
