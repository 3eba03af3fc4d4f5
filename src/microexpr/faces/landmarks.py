"""468 points of a face by the networks of the face mesh, whose files `mesh_files` finds or fetches.

BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047) finds the face and its eyes; the face mesh (Kartynnik et al. 2019,
arXiv:1907.06724) puts 468 points on the upright crop, 68 of which stand for the points in common use (Sagonas et al.
2013). Points are x to the right and y down in pixels; integer coordinates are the centers of pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from ..core.errors import MediaError
from ..imaging.geometry import transform_points, warp_image
from .mesh_files import DETECTOR, MESH, mesh_file
from .tflite import Network, load_network

DETECTOR_SIDE, MESH_SIDE = 128, 192
MIN_SCORE, MAX_OVERLAP = 0.5, 0.3
MIN_PRESENCE = 0.5
BLACK = {"interpolation": cv2.INTER_LINEAR, "border": cv2.BORDER_CONSTANT}

# fmt: off
TO_68 = np.array([
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
])
"""Index of the mesh point for each of the 68 landmarks."""
# fmt: on


@dataclass(frozen=True, eq=False)
class Detection:
    """A face that BlazeFace found.

    Attributes:
        box: left, top, width, height in pixels; it may reach beyond the image.
        eyes: (2, 2) the person's right eye (left in the image), then the left one, in pixels.
        score: 0.5 to 1.
    """

    box: tuple[float, float, float, float]
    eyes: np.ndarray
    score: float


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The landmarks of one face.

    Attributes:
        points: (68, 2) float64, x and y in pixels, in the order of iBUG 300-W.
        mesh: (468, 3) float64, x, y and depth in pixels; smaller depth is nearer to the camera.
        quality: 0 to 1, the probability of the network that a face was in the crop.
        box: left, top, width, height of the points in pixels.
    """

    points: np.ndarray
    mesh: np.ndarray
    quality: float
    box: tuple[float, float, float, float]


def find_landmarks(image: np.ndarray) -> Landmarks | None:
    """The landmarks of the largest face in an image, or None if there is no face.

    Args:
        image: (height, width, 3) uint8 RGB.

    Raises:
        MissingDataError: the files of the networks are not on this machine and cannot be fetched.
        MediaError: the image has another shape or type.
    """
    for faces in _candidates(image):
        for face in faces:
            found = landmarks_in(image, face)
            if found is not None:
                return found
    return None


def detect_face(image: np.ndarray) -> Detection | None:
    """The largest face in the whole image, else in the image with a border, else in parts of it; None if there is none.

    With the border the detector finds a face that fills the image, and in the parts one that is small.

    Args:
        image: (height, width, 3) uint8 RGB.

    Raises:
        MissingDataError, MediaError: as `find_landmarks`.
    """
    return next((faces[0] for faces in _candidates(image) if faces), None)


def detect_faces(image: np.ndarray, thorough: bool = True) -> list[Detection]:
    """All faces of the first search that finds any, the largest first; a face may occur twice.

    Args:
        image: (height, width, 3) uint8 RGB.
        thorough: whether to continue with the searches of `detect_face` if the whole image shows no face, which takes
            up to 40 times as long.

    Raises:
        MissingDataError, MediaError: as `find_landmarks`.
    """
    searches = _candidates(image)
    return next((faces for faces in searches if faces), []) if thorough else next(searches)


def landmarks_in(image: np.ndarray, face: Detection) -> Landmarks | None:
    """The landmarks of a detected face, or None if the mesh finds no face there.

    Args:
        image: (height, width, 3) uint8 RGB, in which the face was detected.
        face: from `detect_face` or `detect_faces`.
    """
    points, quality = _mesh(image, mesh_region(face.box, face.eyes))
    return follow_landmarks(image, points) if quality >= MIN_PRESENCE else None


def follow_landmarks(image: np.ndarray, previous_mesh: np.ndarray) -> Landmarks | None:
    """The landmarks of a face near its position in the previous frame, or None if it is lost; no detector is run.

    The previous points give a better crop than the box of a detector (Kartynnik et al. 2019, section 2).

    Args:
        image: (height, width, 3) uint8 RGB.
        previous_mesh: (468, 3) points in the previous frame, in pixels.
    """
    points, quality = _mesh(image, mesh_region(_box(previous_mesh), previous_mesh[[33, 263], :2]))
    return Landmarks(points[TO_68, :2].copy(), points, quality, _box(points)) if quality >= MIN_PRESENCE else None


@cache
def anchors() -> np.ndarray:
    """(896, 2) centers of BlazeFace's anchors, 0 to 1: a grid of 16 x 16 twice, then one of 8 x 8 six times."""
    parts = []
    for cells, repeats in ((16, 2), (8, 6)):
        y, x = (np.mgrid[0:cells, 0:cells] + 0.5) / cells
        parts.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), repeats, axis=0))
    return np.concatenate(parts)


def mesh_region(box: tuple[float, float, float, float], eyes: np.ndarray) -> np.ndarray:
    """(2, 3) map from pixels of the mesh's crop (192 x 192) to pixels of the image.

    The crop is a square around the center of the box, 1.5 times its longer side, turned so that the eyes are level.

    Args:
        box: left, top, width, height in pixels.
        eyes: (2, 2) in pixels; the eye on the left of an upright image is first.
    """
    left, top, width, height = box
    across = eyes[1] - eyes[0]
    angle = np.arctan2(across[1], across[0])
    scale = 1.5 * max(width, height) / MESH_SIDE
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    center = np.array([left + width / 2, top + height / 2])
    return np.column_stack([turn, center - turn @ np.full(2, (MESH_SIDE - 1) / 2)])


def _candidates(image: np.ndarray) -> Iterator[list[Detection]]:
    """The faces that each search finds, the largest first."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise MediaError(f"image of shape {image.shape} and type {image.dtype}: use (height, width, 3) uint8")
    for squares in _searches(*image.shape[:2]):
        faces = [face for square in squares for face in _detect_in(image, *square)]
        yield sorted(faces, key=lambda face: -face.box[2])


def _searches(height: int, width: int) -> Iterator[list[tuple[float, float, float]]]:
    """The squares (left, top, side) of each search, from the most to the least likely one."""
    side = max(height, width)
    for scale in (1.0, 1.5):
        yield [((width - side * scale) / 2, (height - side * scale) / 2, side * scale)]
    for divisor in (2, 4):
        part = side / divisor
        lefts = np.linspace(0, max(0.0, width - part), 1 + int(np.ceil(2 * max(0.0, width / part - 1))))
        tops = np.linspace(0, max(0.0, height - part), 1 + int(np.ceil(2 * max(0.0, height / part - 1))))
        yield [(left, top, part) for top in tops for left in lefts] if part >= DETECTOR_SIDE / 2 else []


def _box(points: np.ndarray) -> tuple[float, float, float, float]:
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def _detect_in(image: np.ndarray, left: float, top: float, side: float) -> list[Detection]:
    """Faces within a square of the image; the square is black outside the image."""
    zoom = DETECTOR_SIDE / side
    matrix = np.array([[zoom, 0, (0.5 - left) * zoom - 0.5], [0, zoom, (0.5 - top) * zoom - 0.5]])
    crop = warp_image(image, matrix, DETECTOR_SIDE, **BLACK)
    boxes, logits = _detector()(crop.astype(np.float32) / 127.5 - 1)
    scores = 1 / (1 + np.exp(-np.clip(logits.reshape(-1).astype(np.float64), -100, 100)))
    detected = scores >= MIN_SCORE
    values = boxes.reshape(-1, 8, 2)[detected].astype(np.float64) / DETECTOR_SIDE
    values[:, [0, 2, 3]] += anchors()[detected, None]  # center of the box and both eyes; [1] is the box's size
    found = []
    for center, size, right, left_eye, *_, score in _merged(values, scores[detected]):
        corner = (center - size / 2) * side + (left, top) - 0.5
        eyes = np.stack([right, left_eye]) * side + (left, top) - 0.5
        found.append(Detection((corner[0], corner[1], size[0] * side, size[1] * side), eyes, float(score)))
    return found


def _merged(values: np.ndarray, scores: np.ndarray) -> Iterator[tuple[Any, ...]]:
    """Non-maximum suppression that averages overlapping faces, weighted by score (BlazeFace, section 3.4)."""
    low, high = values[:, 0] - values[:, 1] / 2, values[:, 0] + values[:, 1] / 2
    remaining = np.argsort(-scores, kind="stable")
    while len(remaining):
        best = remaining[0]
        sides = np.minimum(high[best], high[remaining]) - np.maximum(low[best], low[remaining])
        intersection = np.prod(np.clip(sides, 0, None), axis=1)
        area = np.prod(values[remaining, 1], axis=1)
        overlapping = intersection > MAX_OVERLAP * (area + np.prod(values[best, 1]) - intersection)
        overlapping[0] = True
        weights = scores[remaining[overlapping]]
        yield (*np.average(values[remaining[overlapping]], axis=0, weights=weights), scores[best])
        remaining = remaining[~overlapping]


def _mesh(image: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """The (468, 3) points in pixels of the image, and the presence of a face, 0 to 1."""
    crop = warp_image(image, cv2.invertAffineTransform(matrix), MESH_SIDE, **BLACK)
    points, logit = _landmarker()(crop.astype(np.float32) / 255)
    mesh = points.reshape(468, 3).astype(np.float64)
    mesh[:, :2] = transform_points(mesh[:, :2] - 0.5, matrix)
    mesh[:, 2] *= math.hypot(matrix[0, 0], matrix[1, 0])
    return mesh, 1 / (1 + math.exp(-max(-100.0, min(100.0, float(logit.item())))))


@cache
def _detector() -> Network:
    return load_network(mesh_file(DETECTOR), ("regressors", "classificators"))


@cache
def _landmarker() -> Network:
    return load_network(mesh_file(MESH), ("conv2d_21", "conv2d_31"))
