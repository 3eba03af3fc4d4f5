"""MTSN: one network on two flows, over one step and over a fifth of a second, scores how far an expression is.

Liong, Liong, See, Chan: MTSN, a Multi-Temporal Stream Network for Spotting Facial Macro- and Micro-Expression with Hard
and Soft Pseudo-labels, FME 2022. What the score says of micro- and of macro-expressions, its smoothing and its
thresholds are as in the public code for the videos of 30 frames per second of CAS(ME)^3, written anew; it does not tell
on what its thresholds were chosen. Other than there: DIS flow, as in `softnet`; regions of the face as in `softnet`,
since the code that made its inputs is not public; videos of 200 frames per second are examined at 30 steps too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.ndimage import uniform_filter1d

from ..core.clip import Interval
from ..core.errors import RecipeError, UsageError
from ..core.track import FaceTrack
from ._peak_picking import peak_steps
from ._regions import Estimator, flow_estimator
from ._step_scores import step_scores, training_steps
from ._trainable import State, TrainableSpotter
from .base import SPOTTERS, Detection, Fraction, Positive, Rate, Span, TimeGrid, time_grid
from .softnet import Count, face_regions

SIDE = 28
SHAPE = (6, SIDE, SIDE)

SURE = 0.95
"""A peak as high as this need not be higher than the ends of its movement."""


@dataclass(frozen=True)
class Kind:
    """What a movement of a kind is, in seconds.

    Attributes:
        name: `micro` or `macro`.
        flank: how far from the peak an end may be.
        shortest, longest: limits of the duration.
    """

    name: str
    flank: float
    shortest: float
    longest: float


KINDS = (Kind("micro", 0.5, 5 / 30, 1.0), Kind("macro", 1.5, 0.5, 3.0))


@SPOTTERS.register("mtsn")
@dataclass(frozen=True)
class MTSNSpotter(TrainableSpotter):
    """Find peaks of one score, smoothed over the length of a micro- and of a macro-expression.

    A peak is a micro-expression if it is much higher in the first curve than in the second.

    Args:
        max_fps: steps per second at which a track is examined, 10 or more.
        min_score: smallest score that is reported; the score is that of the peak of the smoothed scores, 0 to 1.
        weights: file of trained weights; "" for those of `fit`.
        threshold: smallest peak of the smoothed scores.
        difference: how much higher a micro-expression must be in its own curve than in that of macro-expressions.
        micro_half: half the length in seconds of micro-expressions: of the longer flow, and of the smoothing each way.
        macro_half: half the length in seconds of macro-expressions: of the smoothing each way.
        hard_weight: weight of the hard label, 1 within an expression; the rest is that of the soft one, which rises
            from 0 at the onset to 1 at the apex and falls to 0 at the offset.
        epochs: passes over the training set.
        batch: training examples per step of the optimizer.
        lr: learning rate.
        negatives_per_positive: steps without an expression per step within one in the training set.
    """

    threshold_setting: ClassVar[str] = "threshold"

    max_fps: Rate = 30.0
    threshold: Fraction = 0.7
    difference: Fraction = 0.4
    micro_half: Positive = 0.2
    macro_half: Positive = 0.6
    hard_weight: Fraction = 0.7
    epochs: Count = 10
    batch: Count = 128
    lr: Positive = 5e-5
    negatives_per_positive: Positive = 1.0

    def __post_init__(self) -> None:
        if not self.micro_half < self.macro_half:
            values = f"micro_half = {self.micro_half}, macro_half = {self.macro_half}"
            raise RecipeError(f"mtsn: {values}: the first must be smaller")

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find the peaks of both smoothed curves."""
        from ..networks.mtsn import scorer

        inputs = network_inputs(track, grid, grid.steps(self.micro_half), flow_estimator())
        values = step_scores(inputs, scorer(self.state(), SHAPE), len(grid))
        micro, macro = (
            uniform_filter1d(values, 2 * grid.steps(half), mode="nearest")
            for half in (self.micro_half, self.macro_half)
        )
        spans = []
        for kind, curve, half in zip(KINDS, (micro, macro), (self.micro_half, self.macro_half), strict=True):
            for span in movements(curve, grid, kind, self.threshold, half):
                if kind.name == "macro" or micro[span.apex] - macro[span.apex] > self.difference:
                    spans.append(span)
        return Detection(np.maximum(micro, macro), tuple(spans))

    def _fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> State:
        from ..networks.mtsn import train

        rng, flow = np.random.default_rng([21, seed]), flow_estimator()
        inputs: list[np.ndarray] = []
        targets: list[float] = []
        for track, intervals in zip(tracks, labels, strict=True):
            grid = time_grid(track, self.max_fps)
            hard, soft = pseudo_labels(track, grid, intervals)
            selected = training_steps(hard, self.negatives_per_positive, rng)
            # the errors to both labels, weighted, have the same gradient as the error to their weighted mean
            target = self.hard_weight * hard + (1 - self.hard_weight) * soft
            for i, image in network_inputs(track, grid, grid.steps(self.micro_half), flow, selected):
                inputs.append(image.astype(np.float16))
                targets.append(float(target[i]))
        if not any(targets):
            raise UsageError("mtsn: no micro- or macro-expression to train on")
        return train(np.stack(inputs), np.array(targets), seed, epochs=self.epochs, batch_size=self.batch, lr=self.lr)


def network_inputs(
    track: FaceTrack, grid: TimeGrid, k: int, flow: Estimator, selected: np.ndarray | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield steps, and the input of the network for each: (6, 28, 28) float32.

    The channels are u, v and strain of the flow to k steps later, then of the flow to the next step.

    Args:
        track: the track of a face.
        grid: the steps at which to examine it.
        k: steps of the longer flow.
        flow: function for the flow between two crops.
        selected: (N,) bool: only these steps.
    """
    for i in range(len(grid) - k):
        if selected is None or selected[i]:
            crops = [track.crops[grid.frames[j]] for j in (i, i + k, i + 1)]
            points = np.asarray(track.points[grid.frames[i]])
            yield i, np.concatenate([face_regions(flow(crops[0], later), points, SIDE) for later in crops[1:]])


def pseudo_labels(track: FaceTrack, grid: TimeGrid, intervals: Sequence[Interval]) -> tuple[np.ndarray, np.ndarray]:
    """Return the hard and the soft label of each step, (N,) each, 0 to 1.

    The hard one is 1 within an expression; the soft one rises from 0 at its onset to 1 at its apex, half-way where that
    is unknown, and falls to 0 at its offset.
    """
    numbers = track.numbers[grid.frames]
    hard, soft = np.zeros(len(grid)), np.zeros(len(grid))
    for interval in intervals:
        apex = (interval.onset + interval.offset) / 2 if interval.apex is None else interval.apex
        hard[(numbers >= interval.onset) & (numbers <= interval.offset)] = 1
        rise = (numbers - interval.onset) / max(apex - interval.onset, 1e-9)
        fall = (interval.offset - numbers) / max(interval.offset - apex, 1e-9)
        np.maximum(soft, np.clip(np.minimum(rise, fall), 0, 1), out=soft)
    return hard, soft


def movements(curve: np.ndarray, grid: TimeGrid, kind: Kind, level: float, half: float) -> list[Span]:
    """Return a span of a kind around each peak of a smoothed curve (N,) that is `level` or higher.

    Its ends are the lowest steps near it that are above the level. Peaks are `2 half` seconds apart or more. The score
    is the height of the peak.
    """
    found = []
    for top in peak_steps(curve, level, 2 * grid.steps(half)):
        onset, offset = (_end(curve, top, direction, grid.steps(kind.flank), level) for direction in (-1, 1))
        higher = curve[top] > SURE or curve[top] > max(curve[onset], curve[offset])
        if higher and grid.steps(kind.shortest) < offset - onset < grid.steps(kind.longest):
            found.append(Span(onset, top, offset, float(curve[top]), kind.name))
    return found


def _end(curve: np.ndarray, top: int, direction: int, reach: int, level: float) -> int:
    """The step with the lowest value above the level within reach of a peak, in a direction; the nearest of equals."""
    steps = top + direction * np.arange(reach + 1)
    steps = steps[(steps >= 0) & (steps < len(curve))]
    steps = steps[curve[steps] > level]
    return int(steps[curve[steps].argmin()]) if len(steps) else top
