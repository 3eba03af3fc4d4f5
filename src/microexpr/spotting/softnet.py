"""SOFTNet: a small network scores the optical flow from each step to the step half an expression later.

Liong, See, Wong: Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting from Long Videos, ICIP
2021. One network for micro- and one for macro-expressions. Other than the paper: DIS flow instead of TV-L1 (which takes
100 times as long), only some of the steps without an expression are trained on, and the threshold is fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field
from scipy.ndimage import uniform_filter1d

from ..core.clip import Interval
from ..core.errors import UsageError
from ..core.track import FaceTrack
from ..imaging.optical_flow import strain
from ._peak_picking import peak_steps, suppress_overlaps, threshold
from ._regions import Estimator, eye_distance, eye_mask, flow_estimator, head_motion
from ._step_scores import step_scores, training_steps
from ._trainable import State, TrainableSpotter
from .base import SPOTTERS, Detection, Fraction, Positive, Rate, Span, TimeGrid, time_grid

Count = Annotated[int, Field(ge=1)]
"""Type of a setting of 1 or more."""

KINDS = ("micro", "macro")
SIDE = 42
SHAPE = (3, SIDE, SIDE)

RIGHT_BROW, LEFT_BROW, LIPS = slice(17, 22), slice(22, 27), slice(48, 60)


@SPOTTERS.register("softnet")
@dataclass(frozen=True)
class SoftNet(TrainableSpotter):
    """Find peaks of the smoothed scores of a network; a movement reaches from k steps before its peak to k after.

    k is half the mean duration of the expressions in the training set.

    Args:
        max_fps: steps per second at which a track is examined, 10 or more.
        min_score: smallest score that is reported; the score is the peak of the smoothed scores over the threshold.
        weights: file of trained weights; "" for those of `fit`.
        p: threshold, as its place between mean (0) and maximum (1) of the smoothed scores.
        epochs: passes over the training set.
        batch: training examples per step of the optimizer.
        lr: learning rate.
        negatives_per_positive: steps without an expression per step with one in the training set.
    """

    threshold_setting: ClassVar[str] = "p"

    max_fps: Rate = 30.0
    p: Fraction = 0.55
    epochs: Count = 10
    batch: Count = 12
    lr: Positive = 5e-4
    negatives_per_positive: Positive = 2.0

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find the peaks of both networks; where two overlap, the one with the higher score."""
        from ..networks.softnet import scorer

        state, flow = self.state(), flow_estimator()
        curve, spans = np.zeros(len(grid)), []
        for kind in KINDS:
            if f"{kind}.seconds" not in state:
                continue
            k = grid.steps(float(state[f"{kind}.seconds"]) / 2)
            own = {name.removeprefix(f"{kind}."): v for name, v in state.items() if name.startswith(f"{kind}.")}
            own.pop("seconds")
            values = step_scores(network_inputs(track, grid, k, flow), scorer(own, SHAPE), len(grid))
            if values.any():
                smooth = uniform_filter1d(values, 2 * k, mode="nearest")
                spans += [replace(span, kind=kind) for span in peaks(smooth, k, self.p)]
                curve = np.maximum(curve, smooth)
        return Detection(curve, tuple(suppress_overlaps(spans)))

    def _fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> State:
        state: dict[str, np.ndarray] = {}
        for number, kind in enumerate(KINDS):
            own = [[interval for interval in intervals if interval.kind == kind] for intervals in labels]
            durations = [seconds for pair in zip(tracks, own, strict=True) for seconds in _durations(*pair)]
            if durations:
                weights = self._fit_network(tracks, own, float(np.mean(durations)), seed + number)
                state |= {f"{kind}.{name}": value for name, value in weights.items()}
        if not state:
            raise UsageError("softnet: no micro- or macro-expression to train on")
        return state

    def _fit_network(
        self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seconds: float, seed: int
    ) -> State:
        """Train one network; return its weights and the mean duration in seconds that it is for."""
        from ..networks.softnet import train

        rng, flow = np.random.default_rng([9, seed]), flow_estimator()
        inputs: list[np.ndarray] = []
        targets: list[np.ndarray] = []
        for track, intervals in zip(tracks, labels, strict=True):
            grid = time_grid(track, self.max_fps)
            k = grid.steps(seconds / 2)
            positive = pseudo_labels(track, grid, intervals, k)
            selected = training_steps(positive, self.negatives_per_positive, rng)
            for i, image in network_inputs(track, grid, k, flow, selected):
                inputs.append(image.astype(np.float16))
                targets.append(positive[i])
        if not inputs:
            raise UsageError("softnet: the tracks are too short to train on")
        weights = train(
            np.stack(inputs), np.stack(targets), seed, epochs=self.epochs, batch_size=self.batch, lr=self.lr
        )
        return {**weights, "seconds": np.array(seconds)}


def network_inputs(
    track: FaceTrack, grid: TimeGrid, k: int, flow: Estimator, selected: np.ndarray | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield steps, and the input of the network for each: (3, 42, 42) float32.

    The channels are u, v and strain of the flow from the step to k steps later. The brows are above (the right brow of
    the person on the left), the mouth is below; the motion of the head is subtracted, and the eyes are 0.

    Args:
        track: the track of a face.
        grid: the steps at which to examine it.
        k: steps from the first to the second crop.
        flow: function for the flow between two crops.
        selected: (N,) bool: only these steps.
    """
    for i in range(len(grid) - k):
        if selected is None or selected[i]:
            before, after = grid.frames[i], grid.frames[i + k]
            yield i, face_regions(flow(track.crops[before], track.crops[after]), np.asarray(track.points[before]))


def face_regions(flow: np.ndarray, points: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Return the (3, side, side) input of a flow (S, S, 2), given the (68, 2) points of its first crop."""
    size = len(flow)
    flow = flow - head_motion(flow, points)
    channels = np.concatenate([flow, strain(flow)[..., None]], axis=-1).astype(np.float32)
    channels[eye_mask(points, size, eye_distance(points) * 0.12)] = 0
    half, margin = side // 2, round(size * 12 / 128)
    brows = [_box(channels, points[part], margin, (half, half)) for part in (RIGHT_BROW, LEFT_BROW)]
    mouth = _box(channels, points[LIPS], margin, (side, half))
    return np.concatenate([np.concatenate(brows, axis=1), mouth]).transpose(2, 0, 1)


def _box(channels: np.ndarray, points: np.ndarray, margin: int, size: tuple[int, int]) -> np.ndarray:
    """Cut out the box around points, grown by a margin, and resize it to `size` (width, height)."""
    side = len(channels)
    low = np.clip(np.floor(points.min(axis=0)).astype(int) - margin, 0, side - 2)
    high = np.clip(np.ceil(points.max(axis=0)).astype(int) + margin, low + 2, side)
    return cv2.resize(channels[low[1] : high[1], low[0] : high[0]], size, interpolation=cv2.INTER_AREA)


def pseudo_labels(track: FaceTrack, grid: TimeGrid, intervals: Sequence[Interval], k: int) -> np.ndarray:
    """Return (N,): 1 where one of the steps [i, i + k) lies in an interval, else 0."""
    numbers, labels = track.numbers[grid.frames], np.zeros(len(grid))
    for interval in intervals:
        first = np.searchsorted(numbers, interval.onset)
        last = np.searchsorted(numbers, interval.offset, side="right") - 1
        labels[max(0, first - k + 1) : last + 1] = 1
    return labels


def peaks(smooth: np.ndarray, k: int, p: float) -> list[Span]:
    """Return a span from k steps before to k after each peak above mean + p (max - mean); score = peak / threshold.

    Peaks are k steps apart or more.
    """
    level = threshold(smooth, p)
    last, tops = len(smooth) - 1, peak_steps(smooth, level, k)
    return [Span(max(0, t - k), t, min(last, t + k), float(smooth[t] / max(level, 1e-9))) for t in tops]


def _durations(track: FaceTrack, intervals: Sequence[Interval]) -> list[float]:
    """Return the duration of each interval in seconds."""
    return [
        float(np.interp(i.offset, track.numbers, track.times) - np.interp(i.onset, track.numbers, track.times))
        for i in intervals
    ]
