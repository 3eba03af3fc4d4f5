"""Smoothing over time that neither delays nor flattens short movements.

A parabola is fitted to the samples in a window around each sample (Savitzky and Golay 1964), by their time stamps: at a
constant frame rate this is their filter, and it holds at a varying rate, too.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

MIN_SAMPLES = 5
"""A parabola through fewer samples hardly smooths; windows with fewer samples change nothing."""


def smooth_at(times: np.ndarray, values: np.ndarray, at: float, window: float) -> np.ndarray:
    """The smoothed value at one sample, the shape of `values[0]`.

    Args:
        times: (n,) seconds, rising; `at` is one of them.
        values: (n, ...) float.
        at: seconds.
        window: width in milliseconds; samples within half of it on either side are used.
    """
    distances = times - at
    near = np.abs(distances) <= window / 2000 + 1e-6  # time stamps are rounded
    if np.count_nonzero(near) < MIN_SAMPLES:
        return values[int(np.argmin(np.abs(distances)))]
    weights = _weights((distances[near] / (window / 2000)).round(9).tobytes())
    in_window = values[near]
    return (weights @ in_window.reshape(len(weights), -1)).reshape(in_window.shape[1:])


@lru_cache(1024)
def _weights(distances: bytes) -> np.ndarray:
    """Weights of samples by their distance from the center of the window, float64 from -1 to 1 as bytes."""
    powers = np.vander(np.frombuffer(distances), 3)
    return np.asarray(powers @ np.linalg.solve(powers.T @ powers, (0.0, 0.0, 1.0)))


def smooth(times: np.ndarray, values: np.ndarray, window: float) -> np.ndarray:
    """`smooth_at` for every sample, (n, ...).

    Args:
        times: (n,) seconds, rising.
        values: (n, ...) float.
        window: width in milliseconds.
    """
    first = np.searchsorted(times, times - window / 1000)
    last = np.searchsorted(times, times + window / 1000)
    return np.stack([smooth_at(times[a:b], values[a:b], t, window) for a, b, t in zip(first, last, times, strict=True)])
