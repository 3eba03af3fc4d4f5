"""The motion of the head, and what is left of the points of a face without it.

The shape of the face in space is the median over the track. In each frame a camera that shows it is fitted to all
points, those that an expression hardly moves counting most, with Cauchy weights: an expression moves a part of the face
and counts little in the fit. Where the depth of the points is measured, the camera is a rotation and a scale; where it
is only guessed, an affine map, which forgives a wrong depth. What a point differs from its place in the picture is
mapped back to the face seen from the front.

A point whose depth is wrong moves whenever the head turns, as if by an expression. So the depth that the face mesh
says is corrected by the turns of the recording itself, the less the head turns, the less; but only if the points that
expressions hardly move fit better for it, since expressions that come with turns could be taken for wrong depth.
"""

from __future__ import annotations

import numpy as np

from ...core.track import FaceTrack
from .points import LANDMARK_LAYOUT, landmark_positions, layout_of

SHAPE_FRAMES = 300
"""Frames of a track from which the mean shape is taken."""

MOVABLE = 0.3
"""Weight in the fit of a point that expressions move; others have 1."""

ROUNDS, OUTLIER, SMALLEST = 4, 2.0, 0.15
"""Rounds of reweighting; a point counts half if it is off by so many times the median; smallest median in px."""

DEPTH_ERROR, MOVE, LASTING = 8.0, 1.5, 0.35
"""Standard deviation in px of the depth of the face mesh; moves of a point by expressions, in px, of which each lasts
so many seconds: larger ones count less for its depth."""

SHORT = 2.0
"""In fewer seconds than these one expression and one turn of the head may be all there is, and depth stays as it is."""

BETTER = 0.88
"""Depth is corrected if the points that expressions hardly move then move by no more than this share of what they did:
.92 to 1 on eleven films of real people, .79 to .9 on five of six rendered ones, whose heads have another shape."""

DEPTH_ROUNDS, WEIGHT_ROUNDS = 2, 3
"""Rounds of correcting depth, each with new cameras, and of weighting moves in each."""


def mean_shape(track: FaceTrack) -> np.ndarray:
    """(P, 3) median shape of the face in space, in pixels of the crops, its mean at 0."""
    some = np.unique(np.linspace(0, len(track) - 1, min(len(track), SHAPE_FRAMES)).astype(int))
    shapes = landmark_positions(track, some).astype(np.float64)
    shapes -= shapes.mean(axis=1, keepdims=True)
    if layout_of(track) is LANDMARK_LAYOUT:
        shape = np.median(shapes, axis=0)
        shape[:, 2] = _guessed_depth(shape)
    else:
        shape = shapes[len(shapes) // 2]
        for _ in range(3):
            shape = np.median(_aligned(shapes, shape), axis=0)
    return np.asarray(shape - shape.mean(axis=0))


def _guessed_depth(shape: np.ndarray) -> np.ndarray:
    """(P,) depth of an ellipsoid, for landmarks that have none; smaller is nearer."""
    right, left = shape[np.searchsorted(LANDMARK_LAYOUT.indices, (36, 45))]
    width = max(float(np.linalg.norm(left - right)), 1e-6)
    x, y = ((shape - (left + right) / 2) / width)[:, :2].T
    return np.asarray(-width * np.sqrt(np.clip(1.2 - (x / 1.1) ** 2 - ((y - 0.3) / 1.5) ** 2, 0, None)))


def _aligned(shapes: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Shapes (n, P, 3) turned and scaled to another one (P, 3) (Umeyama 1991); all have their means at 0."""
    left, sizes, right = np.linalg.svd(to.T @ shapes)
    left[..., 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    scale = sizes.sum(axis=1) / np.maximum((shapes**2).sum(axis=(1, 2)), 1e-9)
    return np.asarray(shapes @ (left @ right).transpose(0, 2, 1) * scale[:, None, None])


def with_depth_of_turns(
    points: np.ndarray, times: np.ndarray, shape: np.ndarray, rigid: np.ndarray, scale: float
) -> np.ndarray:
    """The shape of a face with depths that explain how its points move as the head turns.

    Args:
        points: (N, P, 2) in pixels of the crops.
        times: (N,) seconds.
        shape: (P, 3) from `mean_shape`, with measured depth.
        rigid: (P,) bool: the points that expressions hardly move.
        scale: px per pixel of the crops.

    Returns:
        (P, 3), its mean at 0; the same shape if there are fewer seconds than `SHORT`, or nothing fits better.
    """
    seconds = float(times[-1] - times[0])
    if seconds < SHORT:
        return shape
    some = np.unique(np.linspace(0, len(points) - 1, min(len(points), SHAPE_FRAMES)).astype(int))
    prior = (MOVE / DEPTH_ERROR) ** 2 * max(LASTING / seconds * len(some), 1.0)
    corrected, stray = shape, []
    for n in range(DEPTH_ROUNDS + 1):
        camera = _cameras(points[some], corrected, rigid, scale, True)
        moves, lever = _seen_from_front(points[some], corrected, camera, scale)
        moves -= np.median(moves, axis=0)
        stray.append(float(moves[:, rigid].std()))
        if n < DEPTH_ROUNDS:
            depth = _depth(moves, lever - np.median(lever, axis=0), prior) / scale
            corrected = corrected + depth[:, None] * (0, 0, 1)
            corrected -= corrected.mean(axis=0)
    return corrected if stray[-1] < BETTER * stray[0] else shape


def _depth(moves: np.ndarray, lever: np.ndarray, prior: float) -> np.ndarray:
    """(P,) px of depth that explain moves (N, P, 2) in px best, where a px of depth moves a point by (N, 2)."""
    depth = np.zeros(moves.shape[1])
    for _ in range(WEIGHT_ROUNDS):
        rest = np.linalg.norm(moves - lever[:, None] * depth[:, None], axis=2)
        weights = 1 / (1 + (rest / MOVE) ** 2)
        explained = (weights * np.matmul(moves, lever[:, :, None])[..., 0]).sum(axis=0)
        depth = explained / ((lever**2).sum(axis=1) @ weights + prior)
    return depth


def without_head(
    points: np.ndarray, shape: np.ndarray, rigid: np.ndarray, scale: float, known_depth: bool
) -> np.ndarray:
    """What is left of the points without the motion of the head.

    Args:
        points: (N, P, 2) in pixels of the crops.
        shape: (P, 3) from `mean_shape`.
        rigid: (P,) bool: the points that expressions hardly move.
        scale: px per pixel of the crops.
        known_depth: whether the depth of the shape is measured.

    Returns:
        (N, P, 2) moves from the mean shape in px, seen from the front.
    """
    return _seen_from_front(points, shape, _cameras(points, shape, rigid, scale, known_depth), scale)[0]


def _seen_from_front(
    points: np.ndarray, shape: np.ndarray, camera: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """(N, P, 2) moves of the points from the shape in px, and (N, 2) by how much a px of depth moves a point."""
    front = np.linalg.inv(camera[:, :2])
    moves = (points - _with_one(shape) @ camera) @ front * scale
    return moves, np.matmul(camera[:, 2:3], front)[:, 0]


def _with_one(shape: np.ndarray) -> np.ndarray:
    return np.concatenate([shape, np.ones((len(shape), 1))], axis=1)


def _cameras(points: np.ndarray, shape: np.ndarray, rigid: np.ndarray, scale: float, known_depth: bool) -> np.ndarray:
    """(N, 4, 2) the map from the shape, with a 1 after x, y and depth, to the picture of each frame."""
    basis = _with_one(shape)
    prior = np.where(rigid, 1.0, MOVABLE)
    weights = np.broadcast_to(prior, points.shape[:2])
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), 16)
    ridge = np.diag([1e-6, 1e-6, 1e-4 * float((shape[:, :2] ** 2).sum()) + 1e-6, 1e-9])
    for _ in range(ROUNDS):
        normal = (weights @ products).reshape(-1, 4, 4) + ridge
        right = np.matmul(basis.T, weights[..., None] * points)
        camera = np.linalg.solve(normal, right)
        rest = np.linalg.norm(points - basis @ camera, axis=2)
        usual = np.maximum(np.median(rest, axis=1, keepdims=True), SMALLEST / scale)
        weights = prior / (1 + (rest / (OUTLIER * usual)) ** 2)
    if known_depth:
        camera = _scaled_rotation(camera, weights @ basis / weights.sum(axis=1, keepdims=True))
    return np.asarray(camera)


def _scaled_rotation(camera: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """The cameras (N, 4, 2) made scaled rotations, which show the middle (N, 4) of the points where they did."""
    left, sizes, right = np.linalg.svd(camera[:, :3], full_matrices=False)
    turn = left * sizes.mean(axis=1)[:, None, None] @ right
    shift = np.einsum("ni,nij->nj", middle, camera) - np.einsum("ni,nij->nj", middle[:, :3], turn)
    return np.concatenate([turn, shift[:, None]], axis=1)
