"""OF-FD: peaks in the motion of regions of the face against a reference frame that slides on.

He: Research on Micro-Expression Spotting Method Based on Optical Flow Features, ACM MM 2021. The paper names fourteen
regions, the tip of the nose as the head, and peaks of curves over time; what it leaves open (filters, thresholds, ends
of a movement) is as in the public code of Zhao et al. 2022 (ACM MM), which builds on it, was written anew, and has its
thresholds from a search on CAS(ME)^2 and SAMM Long Videos. Other than there: Lucas-Kanade instead of Farneback's flow;
crops are aligned already, so that the tip of the nose is subtracted instead of moving them; the low-pass filter takes
the curve as mirrored at its ends instead of periodic; a trend that both rises and falls is a movement and stays; one
threshold for the rise instead of 1.8 to 2.1 by region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import dct, idct

from ..core.errors import RecipeError
from ..core.track import FaceTrack
from ..metrics.intervals import overlap_of_shorter
from ._empirical_modes import empirical_modes
from ._peak_picking import runs
from ._region_flow import LIDS, region_motion
from .base import SPOTTERS, Detection, Fraction, NotNegative, Positive, Rate, Span, Spotter, TimeGrid

NEAR_SECONDS = 0.09
"""Steps above a threshold that are less than this apart are one movement."""

SEARCH_SECONDS, SHORT_SEARCH_SECONDS = 1.0, 1 / 3
"""How far a valley is looked for around a movement, and where the lowest value lies within it."""

SPLIT_SECONDS, SPLIT_MARGIN_SECONDS = 2 / 3, 4 / 15
"""A movement of this length or more may be two; the valley between them is so far from its ends or farther."""

MERGE_OVERLAP = 0.34
"""Movements of two regions are one if they share more than this fraction of the shorter one."""


@SPOTTERS.register("of-fd")
@dataclass(frozen=True)
class OFFD(Spotter):
    """Find peaks in how far brows, mouth and wings of the nose have moved since a reference frame.

    The reference is the first frame of a window; the next window begins half a window later, or where no movement is
    under way. Each curve is filtered, and again without its trend (empirical modes). Lengths are in pixels of a face
    about 256 wide (64 between the inner eye corners). No paper or code gives the score: it is the rise over `rise`.

    Args:
        max_fps: steps per second at which a track is examined, 10 or more.
        min_score: smallest score that is reported; the score is the rise of the largest peak over `rise`.
        window_seconds: length of a window.
        cutoff: frequency of the low-pass filter in Hz.
        height: smallest height of a peak above the lowest value of the window.
        rise: smallest height of a peak above the lowest value within a second.
        detrended_rise: the same in the curve without its trend.
        flank: an end of a movement is where its flank has fallen to this fraction of the peak over the valley.
        end_fall: where no valley lies beside a movement, it ends at the lowest value nearby if that is so much lower.
        valley: smallest depth of a valley that parts two movements; it is also `flank` of the lower peak or more.
        min_seconds: shortest movement that is reported.
        max_seconds: longest movement that is reported.
    """

    max_fps: Rate = 30.0
    window_seconds: Positive = 6.67
    cutoff: Positive = 5.0
    height: Positive = 1.4
    rise: Positive = 1.8
    detrended_rise: NotNegative = 0.8
    flank: Fraction = 0.33
    end_fall: NotNegative = 0.3
    valley: NotNegative = 0.7
    min_seconds: NotNegative = 0.4
    max_seconds: Positive = 6.67

    def __post_init__(self) -> None:
        if not self.min_seconds < self.max_seconds:
            values = f"min_seconds = {self.min_seconds}, max_seconds = {self.max_seconds}"
            raise RecipeError(f"of-fd: {values}: the first must be smaller")

    def detect(self, track: FaceTrack, grid: TimeGrid) -> Detection:
        """Find the peaks of all windows, and join those that overlap."""
        curve, spans = np.zeros(len(grid)), []
        length = max(3, grid.steps(self.window_seconds))
        for first, last in runs(grid.visible):
            start = first
            while last - start >= 2:
                end = min(last, start + length - 1)
                motion = region_motion(track, grid.frames[start : end + 1])
                lengths = np.delete(np.linalg.norm(motion, axis=-1), LIDS, axis=1).T
                heights = [low_pass(values, self.cutoff, grid.rate) for values in lengths]
                found = join([span for values in heights for span in self.peaks(values, grid)])
                part = curve[start : end + 1]
                np.maximum(part, np.max([values - values.min() for values in heights], axis=0), out=part)
                spans += [_shifted(span, start) for span in found]
                if end == last:
                    break
                start += next_start(found, length, grid.steps(2 / 3))
        return Detection(curve, tuple(span for span in join(spans) if self._has_length(span, grid)))

    def peaks(self, values: np.ndarray, grid: TimeGrid) -> list[Span]:
        """Return the movements in a filtered curve (N,), 0 or more, of one region."""
        low = values - values.min()
        near = grid.steps(NEAR_SECONDS)
        reach = grid.steps(SEARCH_SECONDS)
        trend = empirical_modes(low)[-1]
        detrended = low if np.ptp(np.sign(np.diff(trend))) == 2 else low - trend
        clear = np.zeros(len(low), bool)
        for step in np.flatnonzero(low >= self.height):
            around = slice(max(0, step - reach), step + reach + 1)
            clear[step] = (
                low[step] - low[around].min() > self.rise
                and detrended[step] - detrended[around].min() > self.detrended_rise
            )
        found = []
        for first, last in _close_runs(clear, near):
            onset, offset = self._ends(low, first, last, grid)
            found += [self._span(low, *ends, reach) for ends in self._parted(low, onset, offset, grid)]
        return found

    def _ends(self, low: np.ndarray, first: int, last: int, grid: TimeGrid) -> tuple[int, int]:
        """Both ends of a movement that is above the thresholds from `first` to `last`."""
        top, end = float(low[first : last + 1].max()), len(low) - 1
        onset = self._onset(low, first, top, grid)
        offset = end - self._onset(low[::-1], end - last, top, grid)
        return onset, offset

    def _onset(self, low: np.ndarray, first: int, top: float, grid: TimeGrid) -> int:
        """The step where the flank before `first` has fallen far enough, or rises again."""
        begin = max(0, first - grid.steps(SEARCH_SECONDS))
        lowest = begin + int(low[begin : first + grid.steps(SEARCH_SECONDS) + 1].argmin())
        if lowest < first:
            level = low[lowest] + self.flank * (top - low[lowest])
            for step in range(first - 1, lowest - 1, -1):
                if low[step] <= level:
                    return step
                if low[step] > low[step + 1]:
                    return step + 1
            return lowest
        begin = max(0, first - grid.steps(SHORT_SEARCH_SECONDS))
        lowest = begin + int(low[begin : first + 1].argmin())
        return lowest if low[first] - low[lowest] > self.end_fall else first

    def _parted(self, low: np.ndarray, onset: int, offset: int, grid: TimeGrid) -> list[tuple[int, int]]:
        """The movement, or the two that a deep valley parts."""
        margin = grid.steps(SPLIT_MARGIN_SECONDS)
        inner = low[onset + margin : offset - margin + 1]
        if offset - onset >= grid.steps(SPLIT_SECONDS) and len(inner):
            deepest = onset + margin + int(inner.argmin())
            tops = low[onset:deepest].max(), low[deepest : offset + 1].max()
            if all(top - low[deepest] > max(self.valley, self.flank * top) for top in tops):
                return [(onset, deepest - 1), (deepest + 1, offset)]
        return [(onset, offset)]

    def _span(self, low: np.ndarray, onset: int, offset: int, reach: int) -> Span:
        apex = onset + int(low[onset : offset + 1].argmax())
        lowest = low[max(0, apex - reach) : apex + reach + 1].min()
        return Span(onset, apex, offset, float(low[apex] - lowest) / self.rise)

    def _has_length(self, span: Span, grid: TimeGrid) -> bool:
        return grid.steps(self.min_seconds) <= span.offset - span.onset <= grid.steps(self.max_seconds)


def low_pass(values: np.ndarray, cutoff: float, rate: float) -> np.ndarray:
    """Return a curve (N,) without what is faster than `cutoff` Hz, 0 or more; beyond its ends it is mirrored."""
    spectrum = dct(values, norm="ortho")
    spectrum[round(2 * len(values) * cutoff / rate) + 1 :] = 0  # component i has a frequency of i rate / (2 N)
    return np.abs(idct(spectrum, norm="ortho"))


def join(spans: Sequence[Span]) -> list[Span]:
    """Return the unions of spans that overlap by more than a third of the shorter one, in the order of time.

    Apex and score are those of the highest score.
    """
    joined: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.onset, s.offset)):
        while other := next((o for o in joined if _overlaps(o, span)), None):
            joined.remove(other)
            best = max(other, span, key=lambda s: s.score)
            span = replace(best, onset=min(other.onset, span.onset), offset=max(other.offset, span.offset))
        joined.append(span)
    return sorted(joined, key=lambda s: (s.onset, s.offset))


def _overlaps(one: Span, other: Span) -> bool:
    return overlap_of_shorter((one.onset, one.offset), (other.onset, other.offset)) > MERGE_OVERLAP


def next_start(found: Sequence[Span], length: int, rest: int) -> int:
    """Return the step of a window at which the next one begins: half-way, or where no movement is under way.

    If a movement lies there, the next window begins `rest` steps after it if it ends in the third quarter, otherwise
    `rest` steps before it if it begins in the second, otherwise after it, but within this window.

    Args:
        found: movements in the window.
        length: of the window in steps.
        rest: in steps.
    """
    half = length // 2
    for span in found:
        if span.onset < half < span.offset:
            if span.offset < 0.75 * length or span.onset - rest < 1 or span.onset <= length // 4:
                return min(span.offset + rest, length - 1)
            return span.onset - rest
    return max(1, half)


def _close_runs(marked: np.ndarray, near: int) -> list[tuple[int, int]]:
    """First and last step of each run of True; runs less than `near` steps apart are one."""
    found: list[tuple[int, int]] = []
    for first, last in runs(marked):
        if found and first - found[-1][1] < near:
            first = found.pop()[0]
        found.append((first, last))
    return found


def _shifted(span: Span, steps: int) -> Span:
    return replace(span, onset=span.onset + steps, apex=span.apex + steps, offset=span.offset + steps)
