"""Motion of fourteen regions of a face against a reference frame, by the method of Lucas and Kanade.

Lucas and Kanade: An Iterative Image Registration Technique with an Application to Stereo Vision, IJCAI 1981; the
pyramid is Bouguet's. The regions are those that the public code of Zhao et al. (Rethinking Optical Flow Methods for
Micro-Expression Spotting, ACM MM 2022) names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from ..core.track import FaceTrack

INNER_EYES = 64.0
"""Motion is in pixels of a face whose inner eye corners are so far apart; then a face is about 256 wide."""

NAMES = (
    *(f"{side} brow, {part}" for side in ("right", "left") for part in ("outer", "middle", "inner")),
    *("right corner of the mouth", "left corner of the mouth", "upper lip", "lower lip"),
    *("right wing of the nose", "left wing of the nose", "right lower lid", "left lower lid"),
)
"""The regions; right and left are the person's."""

LIDS = slice(12, 14)
"""The regions that every blink moves."""

LANDMARKS = (18, 19, 20, 25, 24, 23, 48, 54, 51, 57, 31, 35)
NOSE_TIP = (29, 30)
HALF = 10.0
"""Half the side of a region, in pixels of such a face."""


def region_motion(track: FaceTrack, frames: np.ndarray) -> np.ndarray:
    """Return (n, 14, 2) float64: how far each region has moved against the head since the first of n frames.

    x is to the right of the image, y down, in pixels of a face with `INNER_EYES`. The head is the tip of the nose. What
    cannot be followed has not moved.

    Args:
        track: the track of a face.
        frames: (n,) indices into the track, one or more.
    """
    reference, points = np.asarray(track.crops[frames[0]]), np.asarray(track.points[frames[0]], np.float64)
    unit = max(float(np.linalg.norm(points[39] - points[42])), 1.0) / INNER_EYES
    starts = _grids(points, unit)
    moved = np.stack(list(_followed(reference, (track.crops[frame] for frame in frames), starts, unit)))
    motion = (moved[:, :-1] - moved[:, -1:]) / unit
    motion[0] = 0
    return motion


def _grids(points: np.ndarray, unit: float) -> np.ndarray:
    """(15, 9, 2): 3 x 3 points in each region and, last, on the tip of the nose."""
    eyes = [points[first : first + 6] for first in (36, 42)]
    lids = [eye.mean(axis=0) + np.array([0, np.ptp(eye[:, 0]) / 2]) for eye in eyes]
    centers = np.stack([*points[list(LANDMARKS)], *lids, points[list(NOSE_TIP)].mean(axis=0)])
    steps = np.array([-0.6, 0.0, 0.6]) * HALF * unit
    return centers[:, None] + np.stack(np.meshgrid(steps, steps), axis=-1).reshape(9, 2)


def _followed(
    reference: np.ndarray, crops: Iterable[np.ndarray], starts: np.ndarray, unit: float
) -> Iterator[np.ndarray]:
    """Yield (15, 2) for each crop: the median motion of the points of each region, in pixels of the crops."""
    side = max(7, round(2 * HALF * unit) | 1)
    given = starts.reshape(-1, 1, 2).astype(np.float32)
    for crop in crops:
        ends, found, _ = cv2.calcOpticalFlowPyrLK(reference, crop, given, None, winSize=(side, side), maxLevel=2)
        moves = np.where(found[..., None] > 0, ends - given, np.nan).reshape(*starts.shape[:2], 2)
        lost = np.isnan(moves[..., 0]).all(axis=1)
        moves[lost] = 0
        yield np.nanmedian(moves, axis=1).astype(np.float64)
