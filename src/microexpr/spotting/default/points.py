"""Points of a face, followed from frame to frame.

The landmarks of the face tracker hold no matter how far a face moves, but tremble by half a pixel; the flow of the
image around a point (Lucas and Kanade 1981, pyramids after Bouguet 2000) is ten times finer, but drifts and gets lost.
Least squares joins the two: every step of the flow and every landmark is a measurement with an error of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from ...core.track import FaceTrack
from .._regions import eye_distance
from ..base import TimeGrid

FACE_WIDTH = 224.0
"""Width in pixels of the face in whose pixels every motion is given."""

EYES_TO_FACE = 1.54
"""Width of a face in distances of its outer eye corners."""

KEY_SECONDS = 1 / 30
"""The flow is measured from a key frame to the frames of the next 33 ms, so that errors add up no faster at a high
frame rate than at a low one."""

STEP_ERROR, RETURN_ERROR, LANDMARK_ERROR = 0.06, 0.5, 1.2
"""Standard deviation of a step of the flow in px, what it grows by for each px of return error, and that of a
landmark."""

MAX_RETURN, MAX_STRAY = 1.5, 9.0
"""A step is refused if the flow back misses its start by more px, or if it differs by more px from the landmark's."""

LOST_ERROR = 30.0
"""Standard deviation in px of a step that was refused: the landmark decides."""

WINDOW = 0.085
"""Side of the window of the flow as a fraction of that of the crop."""

LEVELS, FAST_LEVELS, FAST_RATE = (2, 2), (1, 0), 100.0
"""Levels of the pyramid above the image, of the flow and of the flow back; fewer from that many steps per second on,
where a point is near to where it was a step before. The flow back starts from where it should end."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Which points of a face are followed, by their place in the face mesh or among the 68 landmarks.

    Attributes:
        indices: (P,) of the points that are followed.
        rigid: (P,) bool: those that move with the head and hardly with an expression.
        regions: name of a region -> positions of its points among the P.
    """

    indices: np.ndarray
    rigid: np.ndarray
    regions: dict[str, np.ndarray]


# Right is the person's right. Points of the mesh, then those of the 68 landmarks; 68 and 69 are the cheeks.
_REGIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "right inner brow": ((107, 55, 66, 65), (20, 21)),
    "right middle brow": ((105, 52), (19,)),
    "right outer brow": ((63, 53, 70, 46), (17, 18)),
    "left inner brow": ((336, 285, 296, 295), (22, 23)),
    "left middle brow": ((334, 282), (24,)),
    "left outer brow": ((293, 283, 300, 276), (25, 26)),
    "right upper lid": ((159, 158, 160), (37, 38)),
    "right lower lid": ((145, 153, 144), (40, 41)),
    "left upper lid": ((386, 385, 387), (43, 44)),
    "left lower lid": ((374, 380, 373), (46, 47)),
    "right cheek": ((50, 101, 205, 36), (68,)),
    "left cheek": ((280, 330, 425, 266), (69,)),
    "right nose wing": ((64, 98, 129), (31, 32)),
    "left nose wing": ((294, 327, 358), (34, 35)),
    "right corner": ((61, 62, 185, 146), (48, 60)),
    "left corner": ((291, 292, 409, 375), (54, 64)),
    "upper lip": ((0, 37, 267, 39, 269), (50, 51, 52)),
    "lower lip": ((17, 84, 314, 91, 321), (56, 57, 58)),
    "inner upper lip": ((13, 82, 312), (61, 62, 63)),
    "inner lower lip": ((14, 87, 317), (65, 66, 67)),
    "chin": ((152, 175, 199, 200), (7, 8, 9)),
    "right jaw": ((172, 136, 58), (4, 5)),
    "left jaw": ((397, 365, 288), (11, 12)),
}
_RIGID = (
    (33, 133, 362, 263, 168, 6, 197, 195, 122, 351, 193, 417, 127, 356, 162, 389, 4, 5, 1, 98, 327, 234, 454, 93, 323),
    (36, 39, 42, 45, 27, 28, 29, 30, 0, 16),
)
_CHEEKS = ((36, 48, 31), (45, 54, 35))


def _layout(kind: int) -> Layout:
    rigid = set(_RIGID[kind])
    indices = np.array(sorted(rigid | {i for points in _REGIONS.values() for i in points[kind]}))
    regions = {name: np.searchsorted(indices, points[kind]) for name, points in _REGIONS.items()}
    return Layout(indices, np.isin(indices, list(rigid)), regions)


MESH_LAYOUT, LANDMARK_LAYOUT = _layout(0), _layout(1)


def layout_of(track: FaceTrack) -> Layout:
    """The layout of the points that a track has: of the mesh, or of the 68 landmarks."""
    return LANDMARK_LAYOUT if track.mesh is None or track.crop_matrices is None else MESH_LAYOUT


def landmark_positions(track: FaceTrack, frames: np.ndarray) -> np.ndarray:
    """(n, P, 3) float32 points of the layout of a track in some of its frames: x, y and depth in pixels of the crops.

    Depth is 0 where only the 68 landmarks are known.
    """
    layout = layout_of(track)
    if layout is LANDMARK_LAYOUT:
        points = np.asarray(track.points[frames], np.float32)
        cheeks = [points[:, list(corners)].mean(axis=1) for corners in _CHEEKS]
        points = np.concatenate([points, np.stack(cheeks, axis=1)], axis=1)[:, layout.indices]
        return np.concatenate([points, np.zeros_like(points[..., :1])], axis=2)
    assert track.mesh is not None and track.crop_matrices is not None
    mesh = np.asarray(track.mesh[frames][:, layout.indices], np.float32)
    matrices = track.crop_matrices[frames].astype(np.float32)
    flat = mesh[..., :2] @ matrices[:, :, :2].transpose(0, 2, 1) + matrices[:, None, :, 2]
    zoom = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    return np.concatenate([flat, mesh[..., 2:] * zoom[:, None, None]], axis=2)


def px_per_crop_pixel(track: FaceTrack) -> float:
    """How many px, pixels of a face 224 wide, a pixel of the crops is: the median over the track."""
    some = np.unique(np.linspace(0, len(track) - 1, 200).astype(int))
    distances = [eye_distance(points) for points in np.asarray(track.points[some])]
    return FACE_WIDTH / EYES_TO_FACE / max(float(np.median(distances)), 1.0)


def follow_points(track: FaceTrack, grid: TimeGrid, seconds: float = 1.0) -> np.ndarray:
    """Positions of the points of `layout_of(track)`, (N, P, 2) float64 in pixels of the crops.

    Args:
        track: the track of a face.
        grid: the steps at which to follow them; two or more.
        seconds: of the parts in which the flow is measured and cached; a gap begins a new part too.
    """
    landmarks = landmark_positions(track, grid.frames)[..., :2].astype(np.float64)
    scale = px_per_crop_pixel(track)
    steps, errors, keys = _flow(track, grid, landmarks, scale, grid.steps(seconds))
    return _join(landmarks, steps, errors / scale, keys, LANDMARK_ERROR / scale)


def _flow(
    track: FaceTrack, grid: TimeGrid, landmarks: np.ndarray, scale: float, interval: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, P, 2) move of each point since its key frame, (N, P) its error in px, and (N,) the step of the key frame."""
    steps, errors = np.zeros_like(landmarks), np.full(landmarks.shape[:2], LOST_ERROR)
    levels = LEVELS if grid.rate < FAST_RATE else FAST_LEVELS
    keys = np.arange(len(grid))
    first = 0
    while first < len(grid) - 1:
        last = min(first + interval, len(grid) - 1)
        lost = np.flatnonzero(~grid.visible[first + 1 : last + 1])
        last = first + max(1, int(lost[0])) if len(lost) else last
        part = slice(first, last + 1)
        local = np.arange(last - first + 1)
        local_keys = (np.maximum(local - 1, 0) // grid.steps(KEY_SECONDS)) * grid.steps(KEY_SECONDS)
        frames = grid.frames[part]
        flow = partial(_measure_flow, track.crops, frames, landmarks[part], local_keys, levels)
        moves, wrong = track.cached("points", frames, flow)
        straying = np.linalg.norm(moves - (landmarks[part] - landmarks[part][local_keys]), axis=2) * scale
        refused = (straying > MAX_STRAY) | (wrong * scale > MAX_RETURN)
        error = np.where(refused, LOST_ERROR, STEP_ERROR + RETURN_ERROR * wrong * scale)
        steps[first + 1 : last + 1], errors[first + 1 : last + 1] = moves[1:], error[1:]
        keys[first + 1 : last + 1] = first + local_keys[1:]
        first = last
    return steps, errors, keys


def _measure_flow(
    crops: np.ndarray, frames: np.ndarray, landmarks: np.ndarray, keys: np.ndarray, levels: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """(n, P, 2) move of each point since its key frame, and (n, P) by how much the flow back misses, in crop pixels."""
    size = crops.shape[1]
    window = max(7, round(WINDOW * size)) | 1
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.01)
    flow, flow_back = (
        partial(
            cv2.calcOpticalFlowPyrLK,
            winSize=(window, window),
            maxLevel=level,
            criteria=criteria,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )
        for level in levels
    )
    inside = np.ascontiguousarray(np.clip(landmarks, 0, size - 1), np.float32)
    moves, wrong = np.zeros(landmarks.shape, np.float32), np.zeros(landmarks.shape[:2], np.float32)
    brightness = max(float(crops[frames[0]].mean()), 1.0)
    images: dict[int, np.ndarray] = {}
    for i, (key, frame) in enumerate(zip(keys.tolist(), frames.tolist(), strict=True)):
        crop = np.asarray(crops[frame])
        images = {number: image for number, image in images.items() if number == key}
        images[i] = cv2.convertScaleAbs(crop, alpha=brightness / max(float(cv2.mean(crop)[0]), 1.0))
        if i:
            start = inside[key]
            guess = start + moves[i - 1] if i - 1 > key else start.copy()
            to, there, _ = flow(images[key], images[i], start, guess)
            back, and_back, _ = flow_back(images[i], images[key], to, start.copy())
            moves[i] = to - start
            wrong[i] = np.where((there & and_back)[:, 0] > 0, np.linalg.norm(back - start, axis=1), np.inf)
    return moves, wrong


def _join(
    landmarks: np.ndarray, steps: np.ndarray, errors: np.ndarray, keys: np.ndarray, landmark_error: float
) -> np.ndarray:
    """The positions (N, P, 2) that fit steps (sd `errors`) and landmarks (sd `landmark_error`) best.

    Key frames form a chain, whose normal equations are tridiagonal (Thomas' algorithm, all points at once); every other
    frame depends on its key frame and its own landmark alone.
    """
    stiffness, pull = 1 / errors[..., None] ** 2, 1 / landmark_error**2
    chain = np.unique([0, *keys.tolist(), len(keys) - 1])
    links, moves = stiffness[chain[1:]], steps[chain[1:]]
    diagonal, right = np.full((len(chain), errors.shape[1], 1), pull), pull * landmarks[chain]
    diagonal[:-1] += links
    diagonal[1:] += links
    right[:-1] -= links * moves
    right[1:] += links * moves
    for i in range(1, len(chain)):
        factor = links[i - 1] / diagonal[i - 1]
        diagonal[i] -= factor * links[i - 1]
        right[i] += factor * right[i - 1]
    for i in range(len(chain) - 2, -1, -1):
        right[i] += links[i] * right[i + 1] / diagonal[i + 1]
    joined = np.empty_like(landmarks)
    joined[chain] = right / diagonal
    others = np.setdiff1d(np.arange(len(keys)), chain)
    weight = stiffness[others]
    joined[others] = (weight * (joined[keys[others]] + steps[others]) + pull * landmarks[others]) / (weight + pull)
    return joined
