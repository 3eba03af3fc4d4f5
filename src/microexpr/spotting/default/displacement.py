"""The motion of regions of a face against the head.

Points of the face are tracked from a key frame through the next second (Lucas and Kanade 1981, pyramids after Bouguet
2000); a point that strays from the landmarks of the face tracker is set back to them. The motion of the head is fitted
robustly to all points and subtracted: shift, roll, scale, and the two rotations in depth, which move a point in
proportion to its depth. The rest is averaged over regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from ...core.track import FaceTrack
from .._regions import eye_distance
from ..base import TimeGrid

SIDE = 96
"""Side in pixels to which larger crops are resized before points are tracked."""

LEVELS, FAST_LEVELS, FAST_RATE = 2, 1, 100.0
"""Levels of the pyramid above the image; fewer from that many steps per second on, where a point is near to where it
was a step before."""

MAX_STRAY = 0.08
"""Largest distance of a tracked point from its landmark, in distances of the outer eye corners."""

CHEEKS, FOREHEAD = ((36, 48, 31), (45, 54, 35)), (18, 21, 22, 25)

# Indices of the 68 landmarks; 68 and 69 are the cheeks, 70 to 73 the forehead above the brows. Right is the right of
# the person.
REGIONS: dict[str, tuple[int, ...]] = {
    "right outer brow": (17, 18, 19, 70),
    "right inner brow": (20, 21, 71),
    "left inner brow": (22, 23, 72),
    "left outer brow": (24, 25, 26, 73),
    "right upper lid": (37, 38),
    "left upper lid": (43, 44),
    "right lower lid": (40, 41),
    "left lower lid": (46, 47),
    "right cheek": (68,),
    "left cheek": (69,),
    "right nostril": (31, 32),
    "left nostril": (34, 35),
    "right corner": (48, 60, 59),
    "left corner": (54, 64, 55),
    "upper lip": (50, 51, 52, 61, 62, 63),
    "lower lip": (56, 57, 58, 65, 66, 67),
    "chin": (7, 8, 9),
}
NAMES = tuple(REGIONS)
UPPER = tuple(i for i, name in enumerate(NAMES) if "brow" in name)
LIDS = tuple(i for i, name in enumerate(NAMES) if "lid" in name)
AROUND_EYES = tuple(i for i, name in enumerate(NAMES) if "corner" not in name and "lip" not in name and name != "chin")
LOWER = tuple(i for i, name in enumerate(NAMES) if i not in UPPER + LIDS)

_RIGID = (0, 1, 2, 14, 15, 16, 27, 28, 29, 30, 33, 36, 39, 42, 45)
_TRACKED = tuple(sorted({*_RIGID, *(i for points in REGIONS.values() for i in points)}))
_PRIOR = np.array([1.0 if i in _RIGID else 0.3 for i in _TRACKED])


@dataclass(frozen=True, eq=False)
class Displacement:
    """Motion of a face at even steps of time, in distances of the outer eye corners.

    Attributes:
        regions: (N, 17, 2) float32 displacement of each region of `NAMES` since the first step, without the head.
        head: (N, 6) float32 motion of the head: x, y, roll, scale, yaw, pitch.
    """

    regions: np.ndarray
    head: np.ndarray


def displacement(track: FaceTrack, grid: TimeGrid, seconds: float = 1.0) -> Displacement:
    """Measure how every region moves against the head.

    Args:
        track: the track of a face.
        grid: the steps at which to examine it; two or more.
        seconds: time from one key frame to the next; a gap is followed by a new key frame too.
    """
    interval, levels = grid.steps(seconds), LEVELS if grid.rate < FAST_RATE else FAST_LEVELS
    regions = np.zeros((len(grid), len(NAMES), 2), np.float32)
    head = np.zeros((len(grid), 6), np.float32)
    weights = np.stack([np.isin(_TRACKED, points) / len(points) for points in REGIONS.values()]).astype(np.float32)
    first = 0
    while first < len(grid) - 1:
        last = min(first + interval, len(grid) - 1)
        lost = np.flatnonzero(~grid.visible[first + 1 : last + 1])
        last = first + max(1, int(lost[0])) if len(lost) else last
        frames = grid.frames[first : last + 1]
        start, moves = track.cached("displacement", frames, partial(_track_points, track, frames, levels))
        motion, rest = _remove_head_motion(start, moves)
        regions[first + 1 : last + 1] = regions[first] + np.einsum("rp,npd->nrd", weights, rest)
        head[first + 1 : last + 1] = head[first] + motion
        first = last
    return Displacement(regions, head)


def without_blinks(regions: np.ndarray, blink: np.ndarray) -> np.ndarray:
    """Return (N, 17, 2) with brows, lids, cheeks and nose interpolated across the marked blinks."""
    result = regions.copy()
    marked, steps = np.flatnonzero(blink), np.flatnonzero(~blink)
    if len(steps) and len(marked):
        for i in AROUND_EYES:
            for axis in (0, 1):
                result[marked, i, axis] = np.interp(marked, steps, regions[steps, i, axis])
    return result


def _track_points(track: FaceTrack, frames: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (P, 2) positions about the middle of the eyes, and (n - 1, P, 2) moves from the first of n frames.

    Both are in distances of the outer eye corners.
    """
    key = _shrink(np.asarray(track.crops[frames[0]]))
    zoom = len(key) / track.crops.shape[1]
    landmarks = _extended_points(np.asarray(track.points[frames]) * zoom)
    first, points = landmarks[0], landmarks[:, list(_TRACKED)]
    start = np.clip(points[0], 0, len(key) - 1).astype(np.float32)
    width, brightness = max(eye_distance(first), 1.0), max(cv2.mean(key)[0], 1.0)
    window = max(5, round(0.2 * width)) | 1
    flow = partial(
        cv2.calcOpticalFlowPyrLK,
        winSize=(window, window),
        maxLevel=levels,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.02),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=1e-3,
    )
    current, moves = start.copy(), np.zeros((len(frames) - 1, *start.shape), np.float32)
    for i, frame in enumerate(frames[1:].tolist()):
        crop = _shrink(np.asarray(track.crops[frame]))
        crop = cv2.convertScaleAbs(crop, alpha=brightness / max(cv2.mean(crop)[0], 1.0))
        found, status, _ = flow(key, crop, start, current.copy())
        expected = start + (points[i + 1] - points[0])
        stray = found - expected
        near = np.hypot(stray[:, 0], stray[:, 1]) < MAX_STRAY * width
        current = np.where(((status[:, 0] > 0) & near)[:, None], found, expected).astype(np.float32)
        moves[i] = current - start
    return (start - (first[36] + first[45]) / 2) / width, moves / width


def _shrink(crop: np.ndarray) -> np.ndarray:
    return crop if len(crop) <= SIDE else cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _extended_points(points: np.ndarray) -> np.ndarray:
    """Return (n, 74, 2): the 68 points, two on the cheeks and four on the forehead."""
    cheeks = np.stack([points[:, list(corners)].mean(axis=1) for corners in CHEEKS], axis=1)
    forehead = points[:, list(FOREHEAD)].astype(np.float64)
    forehead[..., 1] -= 0.15 * np.linalg.norm(points[:, 45] - points[:, 36], axis=-1)[:, None]
    return np.concatenate([points, cheeks, forehead], axis=1)


def _remove_head_motion(start: np.ndarray, moves: np.ndarray, rounds: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return the motion of the head (n, 6) and the rest of the moves (n, P, 2); least squares with Cauchy weights."""
    x, y = start.T
    depth = np.sqrt(np.clip(1.2 - (x / 1.1) ** 2 - ((y - 0.3) / 1.5) ** 2, 0, None))
    zero, ones = np.zeros_like(x), np.ones_like(x)
    basis = np.stack([(ones, zero), (zero, ones), (-y, x), (x, y), (depth, zero), (zero, depth)], axis=-1)
    basis = basis.transpose(1, 0, 2).astype(np.float64)  # (P, 2, 6)
    weights = np.repeat(_PRIOR[None], len(moves), axis=0)
    for _ in range(rounds):
        normal = np.einsum("np,pdi,pdj->nij", weights, basis, basis, optimize=True) + 1e-6 * np.eye(6)
        right = np.einsum("np,pdi,npd->ni", weights, basis, moves, optimize=True)
        motion = np.linalg.solve(normal, right[..., None])[..., 0]
        rest = moves - np.einsum("pdi,ni->npd", basis, motion)
        size = np.linalg.norm(rest, axis=-1)
        usual = np.maximum(np.median(size, axis=1, keepdims=True), 0.003)
        weights = _PRIOR / (1 + (size / (2 * usual)) ** 2)
    return motion, rest
