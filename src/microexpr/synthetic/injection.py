"""Movements of known size and time in real footage: each frame is warped where a face shows the movement.

The displacement of action units is laid over the landmarks of each frame, so that it moves, turns and grows with the
head. Noise, compression, light, and all other movements of the footage stay what they are. Pixels outside the
neighborhood of the landmarks that move are not changed at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial.distance import cdist

from ..core.track import FaceTrack
from .action_units import landmark_moves
from .displacement import extended_landmarks, spread_moves
from .script import Movement

REACH, FADE = 0.3, 0.15
"""Distance from the moving landmarks, in face widths, from which on nothing moves, and over which movement fades."""

GRID_STEP = 1 / 40
"""Step of the grid on which the displacement is computed, in face widths."""

MIN_MOVE = 1 / 64
"""Displacements in pixels below this are none: `cv2.remap` reads positions in steps of 1/32 pixel."""


@dataclass(frozen=True, eq=False)
class Displacement:
    """Displacement of a part of an image.

    Attributes:
        left, top: position of the part in whole pixels.
        values: (height, width, 2) float32 in pixels: how far what is shown at a pixel has come from elsewhere.
    """

    left: int
    top: int
    values: np.ndarray

    @property
    def region(self) -> tuple[slice, slice]:
        """Rows and columns of the part."""
        height, width = self.values.shape[:2]
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def face_axes(points: np.ndarray) -> np.ndarray:
    """(2, 2) map from moves in pixels of an upright face that is 224 wide to moves in pixels of an image.

    Args:
        points: (68, 2) or more landmarks in pixels of the image. The face is as wide as points 0 and 16 are apart, and
            level with the outer corners of the eyes.
    """
    across = points[45] - points[36]
    x, y = across / max(float(np.linalg.norm(across)), 1e-6)
    return np.array([[x, -y], [y, x]]) * np.linalg.norm(points[16] - points[0]) / 224


def displacement_at(points: np.ndarray, moves: np.ndarray, shape: Sequence[int]) -> Displacement | None:
    """The displacement that moves landmarks of a face by given amounts.

    A landmark arrives exactly where its move ends, since the displacement is given at the ends of the moves.

    Args:
        points: (68, 2) landmarks in pixels of the image.
        moves: (73, 2) moves in pixels of an upright face that is 224 wide, of the points of `landmark_moves`.
        shape: height and width of the image.

    Returns:
        None where nothing moves, or the face lies outside the image.
    """
    axes = face_axes(points)
    moved, width = moves @ axes.T, float(np.linalg.norm(axes[:, 0]) * 224)
    moving = np.linalg.norm(moved, axis=1) > MIN_MOVE
    if not moving.any() or width < 8:
        return None
    ends = extended_landmarks(points) + moved
    low = np.clip(np.floor(ends[moving].min(axis=0) - REACH * width), 0, None).astype(int)
    high = np.minimum(np.ceil(ends[moving].max(axis=0) + REACH * width) + 1, shape[1::-1]).astype(int)
    size = high - low
    if (size < 2).any():
        return None
    columns, rows = (max(4, int(np.ceil(length / (GRID_STEP * width)))) for length in size)
    x, y = np.linspace(low[0], high[0] - 1, columns), np.linspace(low[1], high[1] - 1, rows)
    coarse = spread_moves(ends, moved, x, y)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    distance = cdist(grid, ends[moving]).min(axis=1).reshape(rows, columns) / width
    coarse *= (np.clip((REACH - distance) / FADE, 0, 1))[..., None]
    across, down = np.meshgrid(
        np.linspace(0, columns - 1, size[0], dtype=np.float32), np.linspace(0, rows - 1, size[1], dtype=np.float32)
    )
    values = cv2.remap(coarse.astype(np.float32), across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    values[np.hypot(values[..., 0], values[..., 1]) < MIN_MOVE] = 0
    return Displacement(int(low[0]), int(low[1]), values)


def warp(image: np.ndarray, displacement: Displacement | None) -> np.ndarray:
    """A copy of an image whose pixels have moved; it reads bicubically, in steps of 1/32 pixel.

    Args:
        image: (height, width[, 3]) uint8.
        displacement: of a part of it; None changes nothing.
    """
    result = image.copy()
    if displacement is not None:
        rows, columns = displacement.region
        x, y = np.meshgrid(
            np.arange(columns.start, columns.stop, dtype=np.float32), np.arange(rows.start, rows.stop, dtype=np.float32)
        )
        source = np.stack([x, y], axis=-1) - displacement.values
        new = cv2.remap(image, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        moved = (displacement.values != 0).any(axis=-1)
        result[rows, columns][moved] = new[moved]
    return result


def move_points(points: np.ndarray, displacement: Displacement | None) -> np.ndarray:
    """Where points (n, 2) of the image are after `warp`: y with y = point + displacement(y)."""
    position = points.astype(np.float64)
    if displacement is None:
        return position
    corner = np.array([displacement.left, displacement.top])
    for _ in range(3):
        at = (position - corner).astype(np.float32)[None]
        step = cv2.remap(displacement.values, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[
            0
        ]
        position = points + step
    return position


def moves_at(movements: Iterable[Movement], seconds: float) -> np.ndarray:
    """(73, 2) moves at one time of all movements, in pixels of an upright face that is 224 wide."""
    moves = np.zeros((73, 2))
    for movement in movements:
        level = float(movement.level(np.array([seconds]))[0])
        if level > 0:
            moves += level * movement.amplitude * landmark_moves(movement.units)
    return moves


def inject_movements(
    frames: Iterable[tuple[int, float, np.ndarray]], track: FaceTrack, movements: Sequence[Movement]
) -> Iterator[tuple[int, float, np.ndarray]]:
    """The frames with movements that the face in them did not make.

    Args:
        frames: `(number, seconds, image)` as from `imaging.timing.iter_frames`; images are (height, width, 3) uint8.
        track: the face, with `crop_matrices`. Frames without it stay as they are.
        movements: action units with their times in seconds and their `amplitude` in pixels of a face that is 224 wide.

    Yields:
        The same frames; those within a movement are changed copies.
    """
    for number, seconds, image in frames:
        moves = moves_at(movements, seconds)
        points = track.landmarks(number) if moves.any() else None
        if points is None:
            yield number, seconds, image
        else:
            yield number, seconds, warp(image, displacement_at(points, moves, image.shape))
