"""How the parts of a face move against the head that carries them.

Points of the face are followed from a key picture through the next second (Lucas and Kanade 1981, pyramids after
Bouguet 2000); one that strays from the tracker's landmarks is brought back to them. What the head did is fitted to all
points robustly and taken away: shift, turn in the picture, size, and the two turns in depth, which move a point by its
depth. What is left is averaged over regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from ...core.track import FaceTrack
from .._regions import eye_distance
from ..base import TimeGrid

SIDE = 96
"""Pixels; larger crops are shrunk to it before points are followed."""

MAX_STRAY = 0.08
"""Distances of the outer eye corners."""

CHEEKS, FOREHEAD = ((36, 48, 31), (45, 54, 35)), (18, 21, 22, 25)

# Numbers of the 68 points, then 68 and 69: cheeks, 70 to 73: forehead above the brows. Right is the person's.
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
    """Motion of a face at even steps of time, in distances of the outer corners of the eyes.

    Attributes:
        regions: (N, 17, 2) float32 where each region of `NAMES` has gone since the beginning, without the head.
        head: (N, 6) float32 what the head did: x, y, turn in the picture, size, turns in depth (sideways, up and down).
    """

    regions: np.ndarray
    head: np.ndarray


def displacement(track: FaceTrack, grid: TimeGrid, seconds: float = 1.0) -> Displacement:
    """How every region moved against the head.

    Args:
        track: of a face.
        grid: where to look at it; two or more.
        seconds: a new key picture is taken after so long, and after every gap.
    """
    every = grid.steps(seconds)
    regions = np.zeros((len(grid), len(NAMES), 2), np.float32)
    head = np.zeros((len(grid), 6), np.float32)
    member = np.stack([np.isin(_TRACKED, points) / len(points) for points in REGIONS.values()]).astype(np.float32)
    first = 0
    while first < len(grid) - 1:
        last = min(first + every, len(grid) - 1)
        lost = np.flatnonzero(~grid.visible[first + 1 : last + 1])
        last = first + max(1, int(lost[0])) if len(lost) else last
        start, moved = _cached_tracking(track, grid.frames[first : last + 1])
        gone, left = _remove_head_motion(start, moved)
        regions[first + 1 : last + 1] = regions[first] + np.einsum("rp,npd->nrd", member, left)
        head[first + 1 : last + 1] = head[first] + gone
        first = last
    return Displacement(regions, head)


def without_blinks(regions: np.ndarray, blink: np.ndarray) -> np.ndarray:
    """(N, 17, 2): brows, lids, cheeks and nose drawn straight through the marked blinks; the mouth is left as it is."""
    calm = regions.copy()
    marked, steps = np.flatnonzero(blink), np.flatnonzero(~blink)
    if len(steps) and len(marked):
        for i in AROUND_EYES:
            for axis in (0, 1):
                calm[marked, i, axis] = np.interp(marked, steps, regions[steps, i, axis])
    return calm


def _cached_tracking(track: FaceTrack, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`_followed`, once for the same frames where the track has a memory."""
    if track.flow_cache is None:
        return _track_points(track, frames)
    numbers = track.numbers[frames]
    key = int(numbers[0]), int(numbers[-1]), numbers.tobytes()
    if key not in track.flow_cache:
        track.flow_cache[key] = _track_points(track, frames)
    return cast("tuple[np.ndarray, np.ndarray]", track.flow_cache[key])


def _track_points(track: FaceTrack, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, 2) places about the middle of the eyes, and (n - 1, P, 2) moves from the first of n frames to the others."""
    key = _shrink(track.crops[frames[0]])
    zoom = len(key) / track.crops.shape[1]
    points = _extended_points(track.points[frames[0]] * zoom)
    start = np.clip(points[list(_TRACKED)], 0, len(key) - 1).astype(np.float32)
    wide, light = max(eye_distance(points), 1.0), max(float(key.mean()), 1.0)
    window = max(5, round(0.2 * wide)) | 1
    now, moved = start.copy(), np.zeros((len(frames) - 1, *start.shape), np.float32)
    how = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.02)
    for i, frame in enumerate(frames[1:]):
        crop = _shrink(track.crops[frame])
        crop = cv2.convertScaleAbs(crop, alpha=light / max(float(crop.mean()), 1.0))
        found, there, _ = cv2.calcOpticalFlowPyrLK(
            key, crop, start, now.copy(), None, None, (window, window), 2, how, cv2.OPTFLOW_USE_INITIAL_FLOW, 1e-3
        )
        told = start + (_extended_points(track.points[frame] * zoom) - points)[list(_TRACKED)]
        near = np.linalg.norm(found - told, axis=1) < MAX_STRAY * wide
        now = np.where(((there[:, 0] > 0) & near)[:, None], found, told).astype(np.float32)
        moved[i] = now - start
    return (start - (points[36] + points[45]) / 2) / wide, moved / wide


def _shrink(crop: np.ndarray) -> np.ndarray:
    return crop if len(crop) <= SIDE else cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _extended_points(points: np.ndarray) -> np.ndarray:
    """(74, 2): the 68 points, cheeks and forehead."""
    cheeks = [points[list(three)].mean(axis=0) for three in CHEEKS]
    return np.concatenate([points, cheeks, points[list(FOREHEAD)] - (0, 0.15 * eye_distance(points))])


def _remove_head_motion(start: np.ndarray, moved: np.ndarray, rounds: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """What the head did (n, 6), and what is left of the moves (n, P, 2): robust least squares, Cauchy's weights."""
    x, y = start.T
    depth = np.sqrt(np.clip(1.2 - (x / 1.1) ** 2 - ((y - 0.3) / 1.5) ** 2, 0, None))
    none, one = np.zeros_like(x), np.ones_like(x)
    basis = np.stack([(one, none), (none, one), (-y, x), (x, y), (depth, none), (none, depth)], axis=-1)
    basis = basis.transpose(1, 0, 2).astype(np.float64)  # (P, 2, 6)
    weights = np.repeat(_PRIOR[None], len(moved), axis=0)
    for _ in range(rounds):
        normal = np.einsum("np,pdi,pdj->nij", weights, basis, basis, optimize=True) + 1e-6 * np.eye(6)
        right = np.einsum("np,pdi,npd->ni", weights, basis, moved, optimize=True)
        gone = np.linalg.solve(normal, right[..., None])[..., 0]
        left = moved - np.einsum("pdi,ni->npd", basis, gone)
        size = np.linalg.norm(left, axis=-1)
        usual = np.maximum(np.median(size, axis=1, keepdims=True), 0.003)
        weights = _PRIOR / (1 + (size / (2 * usual)) ** 2)
    return gone, left
