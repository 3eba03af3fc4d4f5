"""Where a face lies in an image, and the coordinates in which its action units are described.

Coordinates of a face: the origin is halfway between the eyes, the distance between the eyes is 1, x points from the
person's right eye to the left one (right in the image), y points to the chin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..action_units import MIRROR
from .tables import ANCHORS

EYE_DISTANCE = 94.08
"""Pixels between the centers of the eyes of a face 224 pixels wide, as the aligned crops of the package have it."""

RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
"""Indices of the landmarks around the person's right and left eye."""

# Mean x and y of 68 landmarks, to which OpenFace aligns faces (Amos, Ludwiczuk and Satyanarayanan 2016, Apache 2.0).
# fmt: off
_OPENFACE_MEAN = np.array([
    .0792, .3392, .0829, .4570, .0968, .5756, .1221, .6919, .1687, .8003, .2398, .8957, .3257, .9771, .4223, 1.0433,
    .5318, 1.0608, .6413, 1.0398, .7381, .9723, .8244, .8896, .8948, .7925, .9394, .6815, .9611, .5622, .9706, .4418,
    .9712, .3221, .1638, .2492, .2178, .2043, .2913, .1924, .3675, .2036, .4393, .2331, .5864, .2281, .6602, .1959,
    .7375, .1824, .8132, .1928, .8708, .2353, .5153, .3186, .5162, .3962, .5171, .4738, .5182, .5532, .4337, .6041,
    .4755, .6208, .5207, .6343, .5659, .6188, .6071, .6016, .2524, .3311, .2987, .3026, .3557, .3030, .4037, .3387,
    .3525, .3500, .2968, .3505, .6313, .3341, .6791, .2965, .7360, .2947, .7829, .3213, .7403, .3418, .6850, .3437,
    .3532, .7462, .4146, .7191, .4777, .7068, .5227, .7171, .5698, .7054, .6352, .7157, .6995, .7394, .6394, .8052,
    .5764, .8354, .5254, .8417, .4764, .8375, .4138, .8100, .3801, .7500, .4780, .7451, .5234, .7489, .5711, .7433,
    .6724, .7442, .5725, .7766, .5240, .7834, .4776, .7785,
]).reshape(68, 2)
# fmt: on

_MOUTH_WIDTH, _JAW_HEIGHT = 0.9, 0.94
"""Corrections: the template's mouth is that of smiling photographs, and its chin is low beside other mean faces."""


def eye_centers(landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centers (..., 2) of the person's right and left eye, from landmarks (..., 68, 2)."""
    return landmarks[..., RIGHT_EYE, :].mean(axis=-2), landmarks[..., LEFT_EYE, :].mean(axis=-2)


def face_axes(landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Origin and axes of a face's coordinates in an image.

    Args:
        landmarks: (68, 2) x and y in pixels.

    Returns:
        (2,) origin in pixels, and (2, 2) axes: its rows are one eye distance along x and along y, in pixels.
    """
    right, left = eye_centers(np.asarray(landmarks, np.float64))
    across = left - right
    return (right + left) / 2, np.array([across, [-across[1], across[0]]])


def to_face(points: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Points (n, 2) in pixels of an image as coordinates of the face with these landmarks (68, 2)."""
    origin, axes = face_axes(landmarks)
    return (points - origin) @ np.linalg.inv(axes)


def _mean_face() -> np.ndarray:
    face = to_face(_OPENFACE_MEAN, _OPENFACE_MEAN)
    face = (face + face[MIRROR[:68]] * (-1, 1)) / 2
    face[48:, 0] *= _MOUTH_WIDTH
    face[:17, 1] *= _JAW_HEIGHT
    return face


MEAN_FACE = _mean_face()
"""(68, 2) landmarks of the mean face in coordinates of the face; it is symmetric."""


def _anchor_table() -> tuple[dict[tuple[str, str], int], np.ndarray, np.ndarray]:
    """Position of each anchor and side, and the weights of the landmarks and shifts that make it."""
    index: dict[tuple[str, str], int] = {}
    weights: list[np.ndarray] = []
    shifts: list[tuple[float, float]] = []
    for name, anchor in ANCHORS.items():
        for side in ("",) if anchor.middle else ("R", "L"):
            index[name, side] = len(weights)
            row = np.zeros(68)
            for landmark in anchor.landmarks:
                row[MIRROR[landmark] if side == "L" else landmark] += 1 / len(anchor.landmarks)
            weights.append(row)
            shifts.append((anchor.outward * (-1 if side == "R" else 1) * (side != ""), anchor.down))
    return index, np.array(weights), np.array(shifts)


ANCHOR_INDEX, _WEIGHTS, _SHIFTS = _anchor_table()
"""(name of the anchor, side) -> its row in `anchor_points`; the side is "" in the middle, else "R" or "L"."""


def anchor_points(face: np.ndarray) -> np.ndarray:
    """Anchors (..., A, 2) of faces whose landmarks are (..., 68, 2), both in coordinates of the face."""
    return _WEIGHTS @ face + _SHIFTS


@dataclass(frozen=True, eq=False)
class FaceFrame:
    """How an upright face lies in an image.

    Attributes:
        landmarks: (68, 2) x and y of the landmarks in pixels of the image; integers are centers of pixels.
        size: height and width of the image in pixels.
        unit: pixels of the image per eye distance, across and along the face; they differ in a stretched image.
    """

    landmarks: np.ndarray
    size: tuple[int, int]
    unit: tuple[float, float]

    @classmethod
    def place(cls, origin: tuple[float, float], unit: tuple[float, float], size: tuple[int, int]) -> Self:
        """The mean face, with the point between its eyes at `origin` (x and y in pixels)."""
        return cls(MEAN_FACE * unit + origin, size, unit)

    @classmethod
    def megc2019(cls, size: int = 28) -> Self:
        """The frame of the precomputed release of MEGC 2019 (`datasets/megc2019.py`), in images of any side.

        In its images of 28 pixels the middle of the brows lies in row 3.2, the eyes in row 7.2 at columns 5.8 and 20.6,
        the tip of the nose in row 13.7, the corners of the mouth in row 19.4 and the chin in row 27.4: the face is
        compressed along its height, and cut above the brows.
        """
        zoom = size / 28
        origin = ((13.2 + 0.5) * zoom - 0.5, (7.2 + 0.5) * zoom - 0.5)
        return cls.place(origin, (14.8 * zoom, 11.5 * zoom), (size, size))

    @classmethod
    def aligned(cls, size: int = 28, margin: float = 0.0, eye_x: float = 0.29, eye_y: float = 0.31) -> Self:
        """The frame of the step `align` with these settings, in images of any side."""
        side = size / (1 + 2 * margin)
        unit = side * (1 - 2 * eye_x)
        return cls.place((size / 2 - 0.5, size / 2 + side * (eye_y - 0.5) - 0.5), (unit, unit), (size, size))

    @classmethod
    def of_landmarks(cls, landmarks: np.ndarray, size: tuple[int, int]) -> Self:
        """The frame of an upright face with these (68, 2) landmarks, in pixels of an image of that height and width."""
        right, left = eye_centers(np.asarray(landmarks, np.float64))
        unit = float(np.linalg.norm(left - right))
        return cls(np.asarray(landmarks, np.float64), size, (unit, unit))

    def map_from(self, landmarks: np.ndarray) -> np.ndarray:
        """(2, 3) map of an image of a face into this frame.

        Args:
            landmarks: (68, 2) of the face, in pixels of the image.
        """
        origin, axes = face_axes(landmarks)
        linear = (np.linalg.inv(axes) * self.unit).T
        return np.column_stack([linear, self.origin - linear @ origin])

    @property
    def origin(self) -> np.ndarray:
        """(2,) x and y of the point between the eyes, in pixels."""
        right, left = eye_centers(self.landmarks)
        return np.asarray((right + left) / 2)

    @property
    def face(self) -> np.ndarray:
        """(68, 2) the landmarks in coordinates of the face."""
        return np.asarray((self.landmarks - self.origin) / self.unit)

    @property
    def pixel(self) -> np.ndarray:
        """(2,) width and height of a pixel of the image, in pixels of a face 224 pixels wide."""
        return EYE_DISTANCE / np.array(self.unit)
