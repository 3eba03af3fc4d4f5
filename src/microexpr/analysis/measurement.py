"""How far the regions of a face moved during an event, from its track and without the motion of the head."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core.action_units import ActionUnit
from ..core.facial_regions import unit_size
from ..core.track import FaceTrack
from ..spotting.base import time_grid
from ..spotting.default.displacement import NAMES, displacement
from .summary import rounded

FACE_WIDTH = 224
"""Sizes are given in pixels of a face of this width: from the first to the last landmark of the jaw line."""

JAW, EYES, OUTER_CORNERS = (0, 16), (range(36, 42), range(42, 48)), (36, 45)
"""Landmarks, by number: the ends of the jaw line, the outlines of the eyes, their outer corners."""


@dataclass(frozen=True)
class RegionMotion:
    """Motion of the regions of a face.

    Attributes:
        regions: region -> (x, y) in pixels of a face 224 pixels wide; x to the right of the image, y down.
        interocular: distance between the middles of the eyes in the same pixels; 0 where nothing was measured.
    """

    regions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    interocular: float = 0.0

    def sized(self, units: Sequence[ActionUnit]) -> tuple[ActionUnit, ...]:
        """Return action units with the motion of their regions as their size."""
        found = []
        for unit in units:
            pixels = unit_size(unit.number, unit.side, self.regions)
            share = None if pixels is None or not self.interocular else rounded(pixels / self.interocular)
            found.append(dataclasses.replace(unit, pixels=None if pixels is None else rounded(pixels), share=share))
        return tuple(found)


def measure_regions(track: FaceTrack, onset: int, apex: int) -> RegionMotion:
    """Measure how far each region moved from onset to apex, without the motion of the head.

    Args:
        track: the track of a face.
        onset: index into the track of the frame at which the movement begins.
        apex: index of the frame at which it is strongest.

    Returns:
        Nothing in it if the apex is the onset or the track has no landmarks there.
    """
    points = np.asarray(track.points[onset], np.float64)
    width = _distance(points, *JAW)
    if apex <= onset or width < 1:
        return RegionMotion()
    part = track.select(slice(onset, apex + 1))
    moved = displacement(part, time_grid(part, part.fps)).regions[-1]
    scale = FACE_WIDTH / width
    pixels = moved * _distance(points, *OUTER_CORNERS) * scale  # they are in distances of the outer eye corners
    right, left = (points[list(eye)].mean(axis=0) for eye in EYES)
    return RegionMotion(
        {name: (rounded(x), rounded(y)) for name, (x, y) in zip(NAMES, pixels, strict=True)},
        rounded(np.linalg.norm(right - left) * scale),
    )


def _distance(points: np.ndarray, first: int, second: int) -> float:
    return float(np.linalg.norm(points[first] - points[second]))
