"""A network scores every step of the regions' motion, and movements grow from the peaks of the scores.

After Guo et al.: Boosting Micro-Expression Analysis via Prior-Guided Video-Level Regression, ACM MM 2025 (arXiv
2508.18834), with windows, training and ends of movements as in its public code for CAS(ME)^3 (the size of batches is
that for SAMM Long Videos), written anew. Other than there: Lucas-Kanade instead of Farneback's flow, and 14 regions
without the means of whole brows and mouth; dilated convolutions instead of state-space blocks; macro-expressions, too,
by a score of their own in the same way; where windows overlap, the mean of their scores; of movements that overlap the
one with the highest score; no class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.ndimage import uniform_filter1d

from ..core.clip import Interval
from ..core.errors import UsageError
from ..core.track import FaceTrack
from ._peak_picking import peak_steps, runs, suppress_overlaps, threshold
from ._region_flow import region_motion
from ._trainable import State, TrainableSpotter
from .base import SPOTTERS, Detection, Fraction, NotNegative, Positive, Rate, Span, TimeGrid, time_grid
from .softnet import Count

if TYPE_CHECKING:
    from ..networks.scoring import Scorer

KINDS = ("micro", "macro")

GROWTH = 5
"""A movement grows up to so many times k from its peak."""

LOW_PART = 1.5
"""The mean over this is the score from which on a movement may begin."""


@SPOTTERS.register("sequence-scorer")
@dataclass(frozen=True)
class SequenceScorer(TrainableSpotter):
    """Find peaks of the smoothed scores; a movement grows from its peak to where the scores stay below their mean.

    k is half the median duration of the training set's expressions of a kind.

    Args:
        max_fps: steps per second at which a track is examined, 10 or more.
        min_score: smallest score that is reported; the score is the peak of the smoothed scores over the threshold.
        weights: file of trained weights; "" for those of `fit`.
        p: threshold, as its place between mean (0) and maximum (1) of the smoothed scores.
        window: steps of a window, whose first one is what motion is measured against; windows overlap by half.
        epochs: passes over the training set.
        batch: training windows per step of the optimizer.
        lr: highest learning rate.
        negatives_per_positive: windows without an expression per window with one in the training set.
    """

    threshold_setting: ClassVar[str] = "p"

    max_fps: Rate = 30.0
    p: Fraction = 0.55
    window: Count = 50
    epochs: Count = 50
    batch: Count = 32
    lr: Positive = 3e-4
    negatives_per_positive: NotNegative = 4.0

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find the peaks of the scores of each kind that the network was trained on."""
        from ..networks.sequence_scorer import scorer

        state = dict(self.state())
        seconds = {kind: float(state.pop(f"{kind}.seconds")) for kind in KINDS if f"{kind}.seconds" in state}
        scores = step_scores(track, grid, self.window, scorer(state))
        curve, spans = np.zeros(len(grid)), []
        for kind, values in zip(KINDS, scores, strict=True):
            if kind in seconds and np.ptp(values) > 1e-5:  # smaller differences are rounding errors
                k = grid.steps(seconds[kind] / 2)
                smooth = uniform_filter1d(values, 2 * k, mode="nearest")
                spans += [replace(span, kind=kind) for span in peaks(values, smooth, k, self.p)]
                curve = np.maximum(curve, smooth)
        return Detection(curve, tuple(suppress_overlaps(spans)))

    def _fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> State:
        from ..networks.sequence_scorer import train

        rng = np.random.default_rng([22, seed])
        inputs: list[np.ndarray] = []
        targets: list[np.ndarray] = []
        for track, intervals in zip(tracks, labels, strict=True):
            grid = time_grid(track, self.max_fps)
            steps, label = list(windows(grid, self.window)), step_labels(track, grid, intervals)
            positive = np.array([bool(label[:, part].any()) for part in steps], bool)
            wanted = round(self.negatives_per_positive * int(positive.sum()))
            negatives = rng.permutation(np.flatnonzero(~positive))[:wanted]
            for i in sorted([*np.flatnonzero(positive), *negatives]):
                inputs.append(network_input(track, grid, steps[i]))
                targets.append(label[:, steps[i]])
        if not inputs:
            raise UsageError("sequence-scorer: no micro- or macro-expression to train on")
        weights = train(
            np.stack(inputs), np.stack(targets), seed, epochs=self.epochs, batch_size=self.batch, lr=self.lr
        )
        return {**weights, **_median_seconds(tracks, labels)}


def windows(grid: TimeGrid, length: int) -> Iterator[np.ndarray]:
    """Yield (length,) steps of each window; windows overlap by half, and none reaches across a gap.

    Beyond the last step before a gap or the end, that step is repeated.
    """
    for first, last in runs(grid.visible):
        for start in range(first, max(first + 1, last + 1 - length // 2), max(1, length // 2)):
            yield np.minimum(start + np.arange(length), last)


def network_input(track: FaceTrack, grid: TimeGrid, steps: np.ndarray) -> np.ndarray:
    """Return (28, T) float32: x and y of the motion of each region since the first step of a window of T steps."""
    return region_motion(track, grid.frames[steps]).reshape(len(steps), -1).T.astype(np.float32)


def step_scores(track: FaceTrack, grid: TimeGrid, length: int, score: Scorer) -> np.ndarray:
    """Return (2, N): score of each step and kind, 0 to 1, the mean over the windows that hold it; 0 in a gap."""
    total, count = np.zeros((len(KINDS), len(grid))), np.zeros(len(grid))
    for steps in windows(grid, length):
        values = score(network_input(track, grid, steps)[None])[0]
        inside = int(steps[-1] - steps[0]) + 1
        total[:, steps[:inside]] += values[:, :inside]
        count[steps[:inside]] += 1
    return total / np.maximum(count, 1)


def step_labels(track: FaceTrack, grid: TimeGrid, intervals: Sequence[Interval]) -> np.ndarray:
    """Return (2, N): 1 where a step lies in a micro- and in a macro-expression, else 0."""
    numbers, labels = track.numbers[grid.frames], np.zeros((len(KINDS), len(grid)))
    for interval in intervals:
        labels[KINDS.index(interval.kind), (numbers >= interval.onset) & (numbers <= interval.offset)] = 1
    return labels


def peaks(values: np.ndarray, smooth: np.ndarray, k: int, p: float) -> list[Span]:
    """Return a span around each peak of the smoothed scores above mean + p (max - mean); score = peak / threshold.

    Peaks are k steps apart or more.

    Args:
        values: (N,) scores.
        smooth: (N,) smoothed scores.
        k: half the length of a movement, in steps.
        p: place of the threshold, 0 to 1.
    """
    level = threshold(smooth, p)
    last, found = len(values) - 1, []
    for top in peak_steps(smooth, level, k):
        onset, offset = grow(values, top, k), last - grow(values[::-1], last - top, k)
        found.append(Span(onset, top, offset, float(smooth[top] / max(level, 1e-9))))
    return found


def grow(values: np.ndarray, peak: int, k: int) -> int:
    """Return the first step of the movement with a peak at a step.

    It is before the first rise within k steps of the peak to more than two thirds of the mean score, or k steps before
    the peak; and from there on outwards as long as no two steps in a row are below the mean, up to `GROWTH` k.

    Args:
        values: (N,) scores.
        peak: step of the peak.
        k: half the length of a movement, in steps.
    """
    mean = float(values.mean())
    onset = first = max(0, peak - k)
    for step in range(first + 1, peak):
        if values[step] > values[step - 1] and values[step] > mean / LOW_PART:
            onset = step - 1
            break
    for step in range(onset - 1, max(1, peak - GROWTH * k) - 1, -1):
        if values[step] < mean and values[step - 1] < mean:
            return step + 1
    return onset


def _median_seconds(tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]]) -> dict[str, np.ndarray]:
    """`<kind>.seconds`: the median duration of the expressions of each kind that there is."""
    durations: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for track, intervals in zip(tracks, labels, strict=True):
        for interval in intervals:
            onset, offset = np.interp([interval.onset, interval.offset], track.numbers, track.times)
            durations[interval.kind].append(float(offset - onset))
    return {f"{kind}.seconds": np.array(np.median(own)) for kind, own in durations.items() if own}
