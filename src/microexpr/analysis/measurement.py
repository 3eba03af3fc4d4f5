"""How far the regions of a face moved during an event, from its track and without the motion of the head."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core.action_units import ActionUnit
from ..core.facial_regions import REGIONS, unit_size
from ..core.track import FaceTrack
from ..spotting.base import time_grid
from ..spotting.default.curves import measure
from ..spotting.default.points import px_per_crop_pixel
from .summary import rounded

EYES = (range(36, 42), range(42, 48))
"""Landmarks, by number: the outlines of the eyes."""

PARTS = {
    "outer brow": ("middle brow", "outer brow"),
    "nostril": ("nose wing",),
    "upper lip": ("upper lip", "inner upper lip"),
    "lower lip": ("lower lip", "inner lower lip"),
}
"""Region of `core.facial_regions` -> the regions that the spotter measures in it, where their names differ; without the
side."""


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
    if apex <= onset or not np.ptp(points, axis=0).min() >= 1:
        return RegionMotion()
    part = track.select(slice(onset, apex + 1))
    measured = measure(part, time_grid(part, part.fps)).regions
    right, left = (points[list(eye)].mean(axis=0) for eye in EYES)
    return RegionMotion(
        {region: _moved(measured, region) for region in REGIONS},
        rounded(np.linalg.norm(right - left) * px_per_crop_pixel(part)),
    )


def farthest_frame(track: FaceTrack, onset: int, offset: int) -> int:
    """Find the frame in which the face is farthest from its onset, without the motion of the head.

    Args:
        track: the track of a face.
        onset: index into the track of the frame at which a movement begins.
        offset: index of the frame at which it ends.

    Returns:
        Index of the frame in which the regions that move most, a third of them, have moved farthest; the onset where
        nothing can be measured.
    """
    if offset <= onset or not np.ptp(track.points[onset], axis=0).min() >= 1:
        return onset
    part = track.select(slice(onset, offset + 1))
    grid = time_grid(part, part.fps)
    regions = np.stack(list(measure(part, grid).regions.values()))
    moved = np.sort(np.linalg.norm(regions - regions[:, :1], axis=-1), axis=0)
    return onset + int(grid.frames[moved[-len(regions) // 3 :].mean(axis=0).argmax()])


def _moved(measured: Mapping[str, np.ndarray], region: str) -> tuple[float, float]:
    """Motion of a region from the first to the last step, the mean over what is measured in it."""
    side = next((side for side in ("right ", "left ") if region.startswith(side)), "")
    name = region.removeprefix(side)
    parts = [measured[side + part] for part in PARTS.get(name, (name,))]
    x, y = np.mean([part[-1] - part[0] for part in parts], axis=0)
    return rounded(x), rounded(y)
