"""Movements of known size and time in real footage: each frame is warped where a face shows the movement.

The displacement of action units (`motion.action_unit_displacement`) is laid over the landmarks of each frame, so that
it moves, turns and grows with the head. Noise, compression, light, and all other movements of the footage stay what
they are. Pixels outside the neighborhood of the skin that moves are not changed at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from ..core.track import FaceTrack
from .action_units import Unit
from .motion.fields import action_unit_displacement
from .motion.geometry import EYE_DISTANCE, MEAN_FACE, anchor_points
from .script import Movement

MARGIN = 0.5
"""Margin around the landmarks within which skin moves, as a fraction of their larger extent."""

GRID_STEPS = 40
"""Steps of the grid on which the displacement is computed, over the larger extent of the landmarks."""

MIN_MOVE = 1 / 64
"""Displacements in pixels below this are none: `cv2.remap` reads positions in steps of 1/32 pixel."""

SizedUnit = tuple[int, str, float]
"""Number and side of an action unit, and the largest movement of the skin in pixels of a face that is 224 wide."""


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


def sized_units(units: Iterable[Unit], pixels: float) -> list[SizedUnit]:
    """Action units with sizes such that together they move the skin of the mean face by `pixels` where it moves most.

    Args:
        units: number and side of each.
        pixels: of a face that is 224 wide.

    Raises:
        ValueError: an action unit or a side that is not known.
    """
    units = tuple(units)
    return [(number, side, pixels / _largest_move(units)) for number, side in units]


@cache
def _largest_move(units: tuple[Unit, ...]) -> float:
    """Largest movement where each of the action units has size 1."""
    face = MEAN_FACE * EYE_DISTANCE
    moves = action_unit_displacement(
        face, [(number, side, 1.0) for number, side in units], anchor_points(MEAN_FACE) * EYE_DISTANCE
    )
    return float(np.linalg.norm(moves, axis=1).max())


def displacement_at(points: np.ndarray, units: Sequence[SizedUnit], shape: Sequence[int]) -> Displacement | None:
    """The displacement of an image whose face shows action units.

    Args:
        points: (68, 2) landmarks in pixels of the image, without the action units.
        units: with their sizes.
        shape: height and width of the image.

    Returns:
        None where nothing moves, or the face lies outside the image.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max())
    low = np.clip(np.floor(low - MARGIN * extent), 0, None)
    high = np.minimum(np.ceil(high + MARGIN * extent), np.array(shape[1::-1]) - 1)
    step = max(extent / GRID_STEPS, 1.0)
    if not units or (high - low < 4 * step).any():
        return None
    x, y = (np.arange(a, b + step, step) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    coarse = action_unit_displacement(points, units, grid.reshape(-1, 2)).reshape(grid.shape).astype(np.float32)
    moving = np.argwhere(np.abs(coarse).max(axis=-1) >= MIN_MOVE)
    if not len(moving):
        return None
    reach = np.ceil(np.abs(coarse).max(axis=(0, 1))[::-1] / step) + 1  # skin moves out of where it was
    first, last = (moving.min(axis=0) - reach)[::-1] * step + low, (moving.max(axis=0) + reach)[::-1] * step + low
    first, last = np.ceil(np.maximum(first, low)).astype(int), np.floor(np.minimum(last, high)).astype(int)
    columns, rows = (
        ((np.arange(a, b + 1) - c) / step).astype(np.float32) for a, b, c in zip(first, last, low, strict=True)
    )
    at_x, at_y = np.meshgrid(columns, rows)
    values = np.zeros((*at_x.shape, 2), np.float32)
    for _ in range(3):  # the place that skin comes from depends on how far it moved
        source = at_x - values[..., 0] / np.float32(step), at_y - values[..., 1] / np.float32(step)
        values = cv2.remap(coarse, *source, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    values[np.abs(values).max(axis=-1) < MIN_MOVE] = 0
    return Displacement(int(first[0]), int(first[1]), values)


def warp(image: np.ndarray, displacement: Displacement | None) -> np.ndarray:
    """A copy of an image whose pixels have moved; it reads bicubically, in steps of 1/32 pixel.

    Args:
        image: (height, width[, 3]) uint8.
        displacement: of a part of it; None changes nothing.
    """
    result = image.copy()
    if displacement is not None:
        rows, columns = displacement.region
        x, y = (np.arange(part.start, part.stop, dtype=np.float32) for part in (columns, rows))
        source_x, source_y = x - displacement.values[..., 0], y[:, None] - displacement.values[..., 1]
        new = cv2.remap(image, source_x, source_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        result[rows, columns] = new  # where nothing moves, the same pixels
    return result


def inject_movements(
    frames: Iterable[tuple[int, float, np.ndarray]], track: FaceTrack, movements: Sequence[Movement]
) -> Iterator[tuple[int, float, np.ndarray]]:
    """The frames with movements that the face in them did not make.

    Args:
        frames: `(number, seconds, image)` as from `imaging.timing.iter_frames`; images are (height, width, 3) uint8.
        track: the face, with `crop_matrices`. Frames without it stay as they are.
        movements: action units with their times in seconds and their `amplitude`: how far the skin moves at the apex
            where it moves most, in pixels of a face that is 224 wide.

    Yields:
        The same frames; those within a movement are changed copies.

    Raises:
        ValueError: an action unit that cannot be shown.
    """
    for number, seconds, image in frames:
        units = units_at(movements, seconds)
        points = track.landmarks(number) if units else None
        changed = None if points is None else displacement_at(points, units, image.shape)
        yield number, seconds, image if changed is None else warp(image, changed)


def units_at(movements: Iterable[Movement], seconds: float) -> list[SizedUnit]:
    """The action units of all movements at one time, with their sizes at that time."""
    found: list[SizedUnit] = []
    for movement in movements:
        level = float(movement.level(np.array([seconds]))[0])
        if level * movement.amplitude > 0:
            found += sized_units(movement.units, level * movement.amplitude)
    return found
