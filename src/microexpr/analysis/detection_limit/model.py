"""From movements that were found or missed to the size from which on they are found.

Few movements can be injected into a short recording, so that all kinds and durations share one model: the probability
that a movement is found is a logistic function of the logarithm of its size; kinds and durations differ by shifts of
this curve, about which something is known beforehand (`HALF_PX`), and the recording shifts all of them. The posterior
mode is found by Newton's method. With many injections the data decide alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HALF_PX: dict[tuple[str, int], float] = {
    ("brow raise", 100): 1.2,
    ("mouth corner raise", 100): 1.8,
    ("brow raise", 300): 0.6,
    ("mouth corner raise", 300): 0.8,
    ("lid raise", 100): 2.5,
    ("lid raise", 300): 1.5,
    ("brow raise", 40): 2.5,
    ("mouth corner raise", 40): 4.0,
    ("lid raise", 40): 5.0,
}
"""Kind and milliseconds -> size in px at which half are found, expected beforehand; in the order in which they are
tried."""

SLOPE = 2.6
"""Steepness per doubling of the size: from half to nine in ten it takes 1.8 times the size."""

RECORDING_SD, KIND_SD, SIDE_SD = 1.5, 0.7, 0.5
"""Standard deviations of what is known beforehand, in doublings: of the recording, of a kind and duration, and of what
one side of the face takes in addition."""

SIDE = 0.4
"""What a movement on one side takes in addition, expected beforehand, in doublings."""


@dataclass(frozen=True)
class Trial:
    """An injected movement.

    Attributes:
        kind: what moves.
        milliseconds: from onset to offset.
        pixels: its size.
        side: "" for both sides of the face, "L" or "R".
        found: whether the spotter found it.
    """

    kind: str
    milliseconds: int
    pixels: float
    side: str
    found: bool

    @property
    def cell(self) -> tuple[str, int]:
        """Kind and duration."""
        return self.kind, self.milliseconds


class DetectionModel:
    """The sizes at which movements are found, given trials.

    Args:
        cells: kinds and durations.
        trials: the injected movements; without any, what is expected beforehand remains.
    """

    def __init__(self, cells: Sequence[tuple[str, int]], trials: Sequence[Trial]) -> None:
        self.cells = tuple(cells)
        self._expected = np.array([0.0, SIDE, *(np.log2(HALF_PX[cell]) for cell in self.cells)])
        precision = np.diag([RECORDING_SD**-2, SIDE_SD**-2, *([KIND_SD**-2] * len(self.cells))])
        rows = np.array([self._row(trial.cell, trial.side != "") for trial in trials]).reshape(-1, len(self._expected))
        size = np.array([np.log2(trial.pixels) for trial in trials])
        found = np.array([trial.found for trial in trials], float)
        shift = np.zeros(len(self._expected))
        for _ in range(30):
            p = _logistic(SLOPE * (size - rows @ (self._expected + shift)))
            gradient = precision @ shift + SLOPE * rows.T @ (found - p)
            self._hessian = precision + SLOPE**2 * (rows.T * (p * (1 - p))) @ rows
            shift = shift - np.clip(np.linalg.solve(self._hessian, gradient), -1, 1)
        self._values = self._expected + shift

    def half(self, cell: tuple[str, int]) -> float:
        """Size in px at which half of the movements on both sides of the face are found."""
        return float(2 ** (self._row(cell, False) @ self._values))

    def nine_in_ten(self, cell: tuple[str, int]) -> float:
        """Size in px at which nine in ten of the movements on both sides of the face are found."""
        return float(self.half(cell) * 2 ** (np.log(9) / SLOPE))

    def limits(self, cell: tuple[str, int]) -> tuple[float, float]:
        """Sizes in px between which `half` lies with 80 %."""
        row = self._row(cell, False)
        error = 1.2816 * float(np.sqrt(row @ np.linalg.solve(self._hessian, row)))
        return self.half(cell) * 2**-error, self.half(cell) * 2**error

    def probability(self, cell: tuple[str, int], pixels: np.ndarray) -> np.ndarray:
        """Probability that a movement of each size in px is found."""
        return _logistic(SLOPE * (np.log2(pixels) - np.log2(self.half(cell))))

    @property
    def one_side(self) -> float:
        """How many times larger a movement on one side has to be."""
        return float(2 ** self._values[1])

    def _row(self, cell: tuple[str, int], one_side: bool) -> np.ndarray:
        row = np.zeros(2 + len(self.cells))
        row[0], row[1], row[2 + self.cells.index(cell)] = 1, one_side, 1
        return row


def _logistic(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -50, 50))))
