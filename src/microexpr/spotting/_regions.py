"""Optical flow between crops of a track, and the regions of a face in which spotters measure it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

BROWS, EYES, NOSE, MOUTH = slice(17, 27), (slice(36, 42), slice(42, 48)), slice(27, 31), slice(48, 68)

Estimator = Callable[[np.ndarray, np.ndarray], np.ndarray]


def flow_estimator() -> Estimator:
    """Return a function for the dense flow between two crops: DIS (Kroeger et al. 2016) at the finest scale.

    The function takes two (S, S) uint8 crops and returns (S, S, 2) float32 in pixels. Each caller needs its own,
    because the algorithm reuses buffers.
    """
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    return lambda before, after: dis.calc(before, after, None)


def filled_hull(points: np.ndarray, size: int, grow: float) -> np.ndarray:
    """Return a (size, size) bool mask of the convex hull of (n, 2) points, grown by `grow` pixels on all sides."""
    mask = np.zeros((size, size), np.uint8)
    hull = cv2.convexHull(np.round(points).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    cv2.polylines(mask, [hull], True, 1, max(1, round(2 * grow)))
    return mask.astype(bool)


def eye_mask(points: np.ndarray, size: int, grow: float) -> np.ndarray:
    """Return a (size, size) bool mask of both eyes of (68, 2) points, where blinks and gaze move the face."""
    return filled_hull(points[EYES[0]], size, grow) | filled_hull(points[EYES[1]], size, grow)


def eye_distance(points: np.ndarray) -> float:
    """Return the distance of the outer eye corners of (68, 2) points, in pixels."""
    return float(np.linalg.norm(points[36] - points[45]))


def head_motion(flow: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the motion of the head, (2,): the mean flow on the bridge of the nose, which expressions hardly move."""
    x, y = points[NOSE].mean(axis=0)
    half = max(1, round(eye_distance(points) / 12))
    rows = slice(max(0, round(y) - half), round(y) + half + 1)
    columns = slice(max(0, round(x) - half), round(x) + half + 1)
    patch = flow[rows, columns].reshape(-1, 2)
    return patch.mean(axis=0) if len(patch) else np.zeros(2, np.float32)
