"""Moves of landmarks, spread to a smooth displacement of the whole image."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RBFInterpolator


def spread_moves(points: np.ndarray, moves: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spread moves of landmarks over a grid by a thin-plate spline that is 0 around the head.

    Args:
        points: (n, 2) landmarks, x and y.
        moves: (n, 2) their moves, in any unit.
        x: (columns,) positions of the grid's columns, in the unit of `points`.
        y: (rows,) positions of its rows.

    Returns:
        (rows, columns, 2) float64 moves in x and y.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = (high - low) * 0.35
    ring = [
        (across, down)
        for across in (low[0] - margin[0], high[0] + margin[0])
        for down in np.linspace(low[1] - margin[1], high[1] + margin[1], 5)
    ]
    ring += [((low[0] + high[0]) / 2, down) for down in (low[1] - margin[1], high[1] + margin[1])]
    spline = RBFInterpolator(
        np.concatenate([points, ring]),
        np.concatenate([moves, np.zeros((len(ring), 2))]),
        kernel="thin_plate_spline",
        smoothing=0.5,
    )
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    return spline(grid.reshape(-1, 2)).reshape(grid.shape)
