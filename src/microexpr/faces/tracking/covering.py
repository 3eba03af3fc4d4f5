"""How much of a face is covered by a hand, hair or an object: what its landmarks and the light do not explain.

Each frame is warped so that its landmarks lie where they usually are, and compared with the usual appearance of the
same person. An expression moves the landmarks, which the warp undoes; a hand puts another texture there.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

SIDE = 48
"""Side in pixels of the warped faces."""

SAMPLES = 64
"""Number of frames whose median is the usual appearance."""

PART_SECONDS = 60.0
"""The usual appearance is that of this many seconds: posture and light change."""

MAX_STEP = 1 / 12
"""Seconds between two frames that are compared; the value of a frame in between is that of the nearest."""

DIFFERENT = 0.55
"""Difference from the usual appearance, in units of its contrast, from which on a place counts as covered."""

MIN_SHARE = 0.06
"""Smallest covered share of a face that counts: less may be a shadow or an open mouth."""


DEGREES = 25.0
"""A head that turned by this much from where it usually is may look twice as different, for its other side shows."""


def covered_share(times: np.ndarray, crops: np.ndarray, points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """(T,) float32, 0 to 1: share of the face that is covered in each frame.

    What covers the face during most of a minute counts as its usual appearance.

    Args:
        times: (T,) seconds, rising.
        crops: (T, S, S) uint8 aligned crops.
        points: (T, 68, 2) landmarks in pixels of the crops.
        pose: (T, 3) degrees: yaw, pitch, roll.
    """
    shares = np.zeros(len(times), np.float32)
    parts = ((times - times[0]) // PART_SECONDS).astype(int) if len(times) else times
    for part in np.unique(parts):
        index = np.flatnonzero(parts == part)
        steps = np.floor((times[index] - times[index[0]]) / MAX_STEP)
        compared = index[np.concatenate([[True], np.diff(steps) > 0])]
        nearest = np.clip(np.searchsorted(compared, index, side="right") - 1, 0, len(compared) - 1)
        shares[index] = _shares(crops, points, pose, compared)[nearest]
    return shares


def _shares(crops: np.ndarray, points: np.ndarray, pose: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(n,) share that is covered in some frames of one minute."""
    chosen = frames[np.unique(np.linspace(0, len(frames) - 1, SAMPLES).round().astype(int))]
    usual_points = np.median(points[chosen], axis=0).astype(np.float64)
    if np.ptp(usual_points, axis=0).min() < 1:  # there is no face in these landmarks
        return np.zeros(len(frames), np.float32)
    warp, inside = _warp(usual_points)
    usual = np.median([_warped(crops[i], points[i], warp) for i in chosen], axis=0)
    turned = np.abs(pose[frames, 0] - np.median(pose[chosen, 0])) / DEGREES
    contrast = max(float(usual[inside].std()), 6.0)
    shares = np.zeros(len(frames), np.float32)
    for k, i in enumerate(frames):
        image = _warped(crops[i], points[i], warp)
        scale = float(np.clip(image[inside].std() / contrast, 0.7, 1.4))
        change = image / scale - usual
        change -= np.median(change[inside])
        different = cv2.blur(np.abs(change), (5, 5)) > DIFFERENT * contrast * (1 + turned[k])
        count, _, stats, _ = cv2.connectedComponentsWithStats((different & inside).astype(np.uint8))
        areas = stats[1:, cv2.CC_STAT_AREA] / inside.sum() if count > 1 else np.zeros(0)
        shares[k] = areas[areas >= MIN_SHARE].sum()
    return shares


def _warp(usual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(SIDE * SIDE, 68) weights of landmarks that give the place of each pixel, and (SIDE, SIDE) bool of the face."""
    low, high = usual.min(axis=0), usual.max(axis=0)
    low[1] -= 0.12 * (high[1] - low[1])
    grid = np.stack(np.meshgrid(*(np.linspace(low[k], high[k], SIDE) for k in (0, 1))), axis=-1)
    outline = np.concatenate([usual[:17], usual[[26, 24, 19, 17]] - (0, 0.12 * (high[1] - low[1]))])
    inside = np.zeros((SIDE, SIDE), np.uint8)
    pixels = (outline - low) / (high - low) * (SIDE - 1)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(pixels).astype(np.int32)), 1)
    spline = RBFInterpolator(usual, np.eye(len(usual)), kernel="thin_plate_spline", smoothing=1.0)
    return spline(grid.reshape(-1, 2)).astype(np.float32), inside.astype(bool)


def _warped(crop: np.ndarray, points: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE) float32: the crop with its landmarks moved to their usual places."""
    places = (warp @ points.astype(np.float32)).reshape(SIDE, SIDE, 2)
    smooth = cv2.blur(np.ascontiguousarray(crop), (3, 3))
    return cv2.remap(smooth, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
