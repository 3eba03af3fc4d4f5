"""Movements injected into the track of a face: its crops are warped, and its landmarks moved along.

This is faster than to warp the frames of the recording and to track the face in them again. `benchmarks/injected.py
--measure` does that: the landmarks of the face mesh follow an injected movement by the share `LANDMARK_RESPONSE`, at
all sizes alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ...core.track import FaceTrack
from ...faces.tracking.measures import eye_ratios
from ...synthetic.injection import Displacement, displacement_at, sized_units, warp
from ...synthetic.script import Movement

LANDMARK_RESPONSE = {"brow": 0.87, "eye": 0.88, "mouth": 0.83}
"""How far landmarks of these parts of the face move where the skin moves by 1: medians over calm places of
real films that `benchmarks/injected.py --measure` printed (brows .86 and .87, lids .86 and .94, mouth .82 to .84)."""

_PARTS = {"brow": (1, 2, 4), "eye": (5, 6, 7, 43)}


def inject_into_track(track: FaceTrack, movements: Sequence[Movement]) -> FaceTrack:
    """The track as it would be if its face had also made these movements.

    The displacement of each movement is computed at its apex and scaled in time, since the crops are aligned.

    Args:
        track: the track of a face; its arrays are not changed.
        movements: with times in seconds and amplitudes in pixels of a face that is 224 wide; those in the same frame
            are added up.
    """
    crops, points = np.array(track.crops), np.array(track.points)
    opening = np.array(track.eye_openness)
    mesh = None if track.mesh is None or track.crop_matrices is None else np.array(track.mesh)
    for movement in movements:
        first, last = np.searchsorted(track.times, (movement.start, movement.end), side="right")
        apex = min(int(np.searchsorted(track.times, movement.peak)), len(track) - 1)
        units = sized_units(movement.units, movement.amplitude)
        whole = displacement_at(np.asarray(track.points[apex], np.float64), units, crops.shape[1:])
        if whole is None:
            continue
        response = _response(movement)
        for i in range(first, last):
            level = float(movement.level(track.times[i : i + 1])[0])
            crops[i] = warp(crops[i], replace(whole, values=whole.values * np.float32(level)))
            before = eye_ratios(points[i])
            points[i] += level * response * _sampled(whole, points[i])
            opening[i] *= eye_ratios(points[i]) / np.maximum(before, 1e-6)
            if mesh is not None and track.crop_matrices is not None:
                matrix = track.crop_matrices[i]
                in_crop = mesh[i, :, :2] @ matrix[:, :2].T + matrix[:, 2]
                step = level * response * _sampled(whole, in_crop)
                mesh[i, :, :2] += step @ np.linalg.inv(matrix[:, :2]).T
    return replace(track, crops=crops, points=points, eye_openness=opening, mesh=track.mesh if mesh is None else mesh)


def _response(movement: Movement) -> float:
    number = movement.units[0][0]
    part = next((part for part, numbers in _PARTS.items() if number in numbers), "mouth")
    return LANDMARK_RESPONSE[part]


def _sampled(displacement: Displacement, points: np.ndarray) -> np.ndarray:
    """(n, 2) displacement at points (n, 2) of the image; 0 outside of its part."""
    x, y = (points - (displacement.left, displacement.top)).astype(np.float32).T
    values = displacement.values
    return cv2.remap(values, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[0]
