"""Displacement fields of action units: sums of Gaussians around the anchors of a face."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...core.action_units import ACTION_UNITS, SIDES
from .geometry import ANCHOR_INDEX, EYE_DISTANCE, MEAN_FACE, anchor_points, face_axes, to_face
from .tables import ANCHORS, FIELDS

NUMBERS = tuple(ACTION_UNITS)
"""Numbers of the action units in the order of every array of them."""


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of all action units as arrays; both sides of a pair are terms of their own.

    Attributes:
        anchor: (T,) int64 row of the anchor in `anchor_points`.
        move: (T, 2) movement in x and y; the strongest movement of an action unit has length 1.
        sigma: (T, 2) standard deviation in x and y, in eye distances.
        weight: (17, 2, T) how much a term follows the right and the left side of each action unit: a term of a pair
            follows its own side, one in the middle the mean of both.
    """

    anchor: np.ndarray
    move: np.ndarray
    sigma: np.ndarray
    weight: np.ndarray

    @classmethod
    def of_anchors(cls, names: Iterable[str] = tuple(ANCHORS)) -> Terms:
        """The terms around the anchors of these names."""
        known = set(names)
        rows: list[tuple[int, tuple[float, float], tuple[float, float]]] = []
        weights = []
        for number, terms in FIELDS.items():
            for term in (t for t in terms if t.anchor in known):
                for side in ("",) if ANCHORS[term.anchor].middle else ("R", "L"):
                    x = term.outward * (-1 if side == "R" else 1) * (side != "")
                    rows.append((ANCHOR_INDEX[term.anchor, side], (x, term.down), (term.width, term.height)))
                    weight = np.zeros((len(NUMBERS), 2))
                    weight[NUMBERS.index(number)] = {"": (0.5, 0.5), "R": (1, 0), "L": (0, 1)}[side]
                    weights.append(weight)
        anchor, move, sigma = (np.array(column) for column in zip(*rows, strict=True))
        return cls(anchor, move, sigma, np.stack(weights, axis=-1))._normalized()

    def _normalized(self) -> Terms:
        """The same with the strongest movement of each action unit, shown on both sides of the mean face, at 1."""
        anchors = anchor_points(MEAN_FACE)
        move = self.move.copy()
        for unit in range(len(NUMBERS)):
            strengths = np.zeros((len(NUMBERS), 2))
            strengths[unit] = 1
            own = self.weight[unit].any(axis=0)
            if own.any():
                largest = np.linalg.norm(self.displacement(anchors, strengths, anchors), axis=1).max()
                move[own] /= largest
        return Terms(self.anchor, move, self.sigma, self.weight)

    def displacement(self, anchors: np.ndarray, strengths: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Displacement of points of one face.

        Args:
            anchors: (A, 2) anchors of the face, in its coordinates.
            strengths: (17, 2) strongest movement of each action unit on the right and left side, in any unit.
            points: (n, 2) points in coordinates of the face.

        Returns:
            (n, 2) movement in x and y of the face, in the unit of `strengths`.
        """
        size = np.einsum("us,ust->t", strengths, self.weight)
        active = np.flatnonzero(size)
        distance = (points[:, None] - anchors[self.anchor[active]]) / self.sigma[active]
        gaussians = np.exp(-0.5 * (distance**2).sum(axis=-1))
        return gaussians @ (self.move[active] * size[active, None])


TERMS = Terms.of_anchors()

_COLUMNS = {"": [0, 1], "R": [0], "L": [1]}


def strengths_of(units: Iterable[tuple[int, str, float]]) -> np.ndarray:
    """(17, 2) size of each action unit on the person's right and left side, from (number, side, size).

    Raises:
        ValueError: an action unit or a side that is not known.
    """
    strengths = np.zeros((len(NUMBERS), 2))
    for number, side, size in units:
        if number not in NUMBERS:
            raise ValueError(f"action unit {number} cannot be drawn; known: {', '.join(map(str, NUMBERS))}")
        if side not in SIDES:
            raise ValueError(f"side '{side}' of action unit {number}: use '', 'L' or 'R'")
        strengths[NUMBERS.index(number), _COLUMNS[side]] += size
    return strengths


def action_unit_displacement(
    landmarks: np.ndarray, units: Iterable[tuple[int, str, float]], points: np.ndarray
) -> np.ndarray:
    """How far the skin of a face moves at given points when it shows action units; smooth, and zero far from the face.

    To warp a whole image, take the grid of its pixels as points; to move a face mesh, its points.

    Args:
        landmarks: (68, 2) x and y in pixels of an image, in the order of iBUG 300-W; the face may be turned.
        units: (number, side, size) of each action unit: the number of FACS (see `core.action_units.ACTION_UNITS`), ""
            for both sides or "L" or "R" for the person's left or right one, and the largest movement of the skin in
            pixels of a face 224 pixels wide. An action unit that occurs twice is added up.
        points: (n, 2) x and y in pixels of the same image.

    Returns:
        (n, 2) float64 movement in x and y in pixels of the image.

    Raises:
        ValueError: an action unit or a side that is not known.
    """
    _, axes = face_axes(landmarks)
    anchors = anchor_points(to_face(np.asarray(landmarks, np.float64), landmarks))
    moves = TERMS.displacement(anchors, strengths_of(units) / EYE_DISTANCE, to_face(np.asarray(points), landmarks))
    return np.asarray(moves @ axes)
