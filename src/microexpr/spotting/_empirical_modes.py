"""Empirical mode decomposition: a curve as a sum of oscillations, fast ones first, and of what is left, its trend.

Huang et al.: The Empirical Mode Decomposition and the Hilbert Spectrum for Nonlinear and Non-Stationary Time Series
Analysis, Proceedings of the Royal Society A 454, 1998. At the ends, extrema are mirrored, as in Rilling, Flandrin,
Goncalves: On Empirical Mode Decomposition and its Algorithms, NSIP 2003.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

STOP = 0.2
"""Sifting ends when the squared change over the squared curve is below this (Huang et al.: .2 to .3)."""

MAX_SIFTINGS, MAX_MODES = 20, 12


def empirical_modes(curve: np.ndarray) -> np.ndarray:
    """Return (m, N), 1 or more rows that add up to the curve: its modes, fastest first, and last its trend.

    Args:
        curve: (N,) float.
    """
    modes: list[np.ndarray] = []
    rest = np.asarray(curve, np.float64)
    while len(modes) < MAX_MODES and (mode := _sift(rest)) is not None:
        modes.append(mode)
        rest = rest - mode
    return np.stack([*modes, rest])


def _sift(curve: np.ndarray) -> np.ndarray | None:
    """The fastest oscillation of a curve, or None if it has fewer than three extrema."""
    mode = curve
    for count in range(MAX_SIFTINGS):
        middle = _middle(mode)
        if middle is None:
            return mode if count else None
        size = float((mode**2).sum())
        mode = mode - middle
        if float((middle**2).sum()) <= STOP * size:
            break
    return mode


def _middle(curve: np.ndarray) -> np.ndarray | None:
    """The mean of the upper and the lower envelope; None if there are fewer than three extrema."""
    slope = np.diff(curve)
    turns = np.flatnonzero(slope)  # where the curve is level, the slope before it counts
    signs = np.sign(slope[turns])
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    places = turns[changes + 1]
    tops, valleys = places[signs[changes] > 0], places[signs[changes] < 0]
    if len(places) < 3:
        return None
    return (_envelope(curve, tops) + _envelope(curve, valleys)) / 2


def _envelope(curve: np.ndarray, extrema: np.ndarray) -> np.ndarray:
    """The cubic spline through extrema, which are mirrored at both ends of the curve."""
    last = len(curve) - 1
    kept = extrema[(extrema > 0) & (extrema < last)]
    places = np.concatenate([-kept[:2][::-1], kept, 2 * last - kept[-2:][::-1]])
    values = np.concatenate([curve[kept[:2][::-1]], curve[kept], curve[kept[-2:][::-1]]])
    return np.asarray(CubicSpline(places, values)(np.arange(len(curve))))
