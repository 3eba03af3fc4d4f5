"""Smoothing over real time that neither delays nor flattens what is short.

A parabola is fitted to the samples of a window around each one (Savitzky and Golay 1964), by their real times: at a
steady rate it is their filter, at a varying one it stays right.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

MIN_SAMPLES = 5
"""A parabola through fewer samples than this would smooth next to nothing: they are left as they are."""


def smooth_at(times: np.ndarray, values: np.ndarray, at: float, window: float) -> np.ndarray:
    """The smoothed value at one sample, the shape of `values[0]`.

    Args:
        times: (n,) seconds, rising; `at` is one of them.
        values: (n, ...) float.
        at: seconds.
        window: whole width in milliseconds; samples within half of it on either side are used.
    """
    away = times - at
    near = np.abs(away) <= window / 2000 + 1e-6  # time stamps are rounded
    if np.count_nonzero(near) < MIN_SAMPLES:
        return values[int(np.argmin(np.abs(away)))]
    weights = _weights((away[near] / (window / 2000)).round(9).tobytes())
    chosen = values[near]
    return (weights @ chosen.reshape(len(weights), -1)).reshape(chosen.shape[1:])


@lru_cache(1024)
def _weights(away: bytes) -> np.ndarray:
    """Of samples that lie so far (float64, -1 to 1) from the middle of a window; at a steady rate always the same."""
    powers = np.vander(np.frombuffer(away), 3)
    return np.asarray(powers @ np.linalg.solve(powers.T @ powers, (0.0, 0.0, 1.0)))


def smooth(times: np.ndarray, values: np.ndarray, window: float) -> np.ndarray:
    """`smoothed_at` of every sample, (n, ...).

    Args:
        times: (n,) seconds, rising.
        values: (n, ...) float.
        window: whole width in milliseconds.
    """
    first = np.searchsorted(times, times - window / 1000)
    last = np.searchsorted(times, times + window / 1000)
    return np.stack([smooth_at(times[a:b], values[a:b], t, window) for a, b, t in zip(first, last, times, strict=True)])
