"""Curves of a face over time: how far brows, cheeks, nose, mouth and lids have moved against the head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...core.track import FaceTrack
from ..base import TimeGrid
from .head import mean_shape, with_depth_of_turns, without_head
from .points import LANDMARK_LAYOUT, follow_points, layout_of, px_per_crop_pixel

BROWS, MIDDLE, MOUTH, EYES = range(4)
"""Groups of curves: parts of the face that move on their own."""


@dataclass(frozen=True)
class Curve:
    """What one curve shows.

    Attributes:
        plus, minus: regions whose mean is added, and subtracted.
        axis: 0 for moves to the right of the image, 1 for moves up.
        unit: px that are worth one unit: what a mouth does easily says less than what a brow does.
        group: the part of the face.
    """

    plus: tuple[str, ...]
    minus: tuple[str, ...]
    axis: int
    unit: float
    group: int


def _brow(side: str) -> tuple[str, ...]:
    return f"{side} inner brow", f"{side} middle brow", f"{side} outer brow"


_CORNERS = ("right corner", "left corner")

CURVES: dict[str, Curve] = {
    "brows up": Curve((*_brow("right"), *_brow("left")), (), 1, 1.0, BROWS),
    "inner brows up": Curve(("right inner brow", "left inner brow"), (), 1, 1.0, BROWS),
    "right brow up": Curve(_brow("right"), (), 1, 1.0, BROWS),
    "left brow up": Curve(_brow("left"), (), 1, 1.0, BROWS),
    "brow distance": Curve(("left inner brow",), ("right inner brow",), 0, 1.3, BROWS),
    "cheeks up": Curve(("right cheek", "left cheek"), (), 1, 1.0, MIDDLE),
    "nose wings up": Curve(("right nose wing", "left nose wing"), (), 1, 1.0, MIDDLE),
    "mouth corners up": Curve(_CORNERS, (), 1, 2.0, MOUTH),
    "right corner up": Curve(("right corner",), (), 1, 2.0, MOUTH),
    "left corner up": Curve(("left corner",), (), 1, 2.0, MOUTH),
    "mouth width": Curve(("left corner",), ("right corner",), 0, 2.5, MOUTH),
    "mouth sideways": Curve((*_CORNERS, "upper lip", "lower lip"), (), 0, 1.5, MOUTH),
    "upper lip up": Curve(("upper lip",), (), 1, 1.5, MOUTH),
    "jaw width": Curve(("left jaw",), ("right jaw",), 0, 1.5, MOUTH),
    "mouth opening": Curve(("inner upper lip",), ("inner lower lip",), 1, 4.0, MOUTH),
    "lower lip up": Curve(("lower lip",), (), 1, 3.0, MOUTH),
    "chin up": Curve(("chin",), (), 1, 3.0, MOUTH),
    "eye opening": Curve(
        ("right upper lid", "left upper lid"), ("right lower lid", "left lower lid"), 1, 2.6, EYES
    ),  # an eye is 26 px wide: a unit is a tenth of that
}
"""The curves, in the order of the columns of `Motion.curves`."""

NAMES = tuple(CURVES)
UNITS = np.array([curve.unit for curve in CURVES.values()])
GROUPS = np.array([curve.group for curve in CURVES.values()])


@dataclass(frozen=True, eq=False)
class Motion:
    """The motion of a face against its head, in px: pixels of a face that is 224 wide.

    Attributes:
        regions: name of a region of `points.Layout` -> (N, 2) moves from the mean face, to the right of the image and
            down.
        curves: (N, K) of `CURVES`.
        known_depth: whether the depth of the points is measured, so that turns of the head leave little behind.
    """

    regions: Mapping[str, np.ndarray]
    curves: np.ndarray
    known_depth: bool


def measure(track: FaceTrack, grid: TimeGrid) -> Motion:
    """Measure the motion of a face at the steps of a grid, two or more."""
    layout = layout_of(track)
    known_depth = layout is not LANDMARK_LAYOUT
    points, shape, scale = follow_points(track, grid), mean_shape(track), px_per_crop_pixel(track)
    if known_depth:
        shape = with_depth_of_turns(points, grid.times, shape, layout.rigid, scale)
    moves = without_head(points, shape, layout.rigid, scale, known_depth)
    regions = {name: moves[:, points].mean(axis=1) for name, points in layout.regions.items()}
    curves = [_value(regions, curve) for curve in CURVES.values()]
    return Motion(regions, np.stack(curves, axis=1), known_depth)


def _value(regions: Mapping[str, np.ndarray], curve: Curve) -> np.ndarray:
    sign = -1.0 if curve.axis else 1.0
    value = np.mean([regions[name][:, curve.axis] for name in curve.plus], axis=0)
    if curve.minus:
        value = value - np.mean([regions[name][:, curve.axis] for name in curve.minus], axis=0)
    return np.asarray(sign * value)
