"""Thirty-six regions of a face from its 68 landmarks, for descriptors that measure each of them.

Liu et al. 2016 divide the face into 36 regions by its landmarks, partly along action units. These are as many, but
their corners were chosen here: three above each brow, four between brow and eye, six of the cheek, three
of the nose, and the skin over the upper lip and of the chin. They mirror each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..synthetic.action_units import MIRROR

RAISED = {68: 17, 69: 19, 70: 21, 71: 26, 72: 24, 73: 22}
"""Additional point -> landmark of a brow above which it lies; point 74 lies between the inner ones."""

FOREHEAD = 0.21
"""Height of the regions above the brows, as a fraction of the distance between the eyes."""

# The corners of the regions of the person's right half, in the image on the left. A corner is the mean of landmarks;
# one that is named twice counts twice.
RIGHT: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((17,), (19,), (69,), (68,)),  # above the brow, from the outside in
    ((19,), (21,), (70,), (69,)),
    ((21,), (27,), (74,), (70,)),
    ((0,), (17,), (36,), (1,)),  # temple
    ((17,), (19,), (37, 38), (36,)),  # upper lid
    ((19,), (21,), (39,), (37, 38)),
    ((21,), (27,), (28,), (39,)),  # root of the nose
    ((1,), (36,), (41,), (2, 29), (2,)),  # cheek below the eye
    ((41,), (40,), (39,), (2, 29, 29, 29), (2, 29)),
    ((39,), (28,), (29,), (2, 29, 29, 29)),  # side of the nose
    ((2,), (2, 29), (3, 31), (3,)),  # cheek beside the nose
    ((2, 29), (2, 29, 29, 29), (31,), (3, 31)),
    ((2, 29, 29, 29), (29,), (33,), (31,)),  # wing of the nose
    ((3,), (3, 31), (4, 48), (4,)),  # cheek beside the mouth
    ((3, 31), (31,), (48,), (4, 48)),
    ((31,), (33,), (51,), (49,), (48,)),  # over the upper lip
    ((4,), (4, 48), (48,), (59,), (6, 59), (6,), (5,)),  # below the corner of the mouth
    ((6, 59), (59,), (57,), (8,), (7,), (6,)),  # chin
)

_MIRRORED = {i: int(MIRROR[i]) for i in range(68)} | {68: 71, 69: 72, 70: 73, 74: 74}

REGIONS = (*RIGHT, *(tuple(tuple(_MIRRORED[i] for i in corner) for corner in region) for region in RIGHT))
"""Corners of the 36 regions: the right half of the person, then its mirror image."""


def region_pixels(landmarks: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixels of all regions: rows, columns and the number of the region of each.

    Neighboring regions share the pixels of their border. A region that lies outside of the image has none.

    Args:
        landmarks: (68, 2) x and y in pixels.
        height, width: size of the image.
    """
    points = _with_raised(landmarks)
    rows, columns, numbers = [], [], []
    for number, region in enumerate(REGIONS):
        y, x = _inside(points, region, height, width)
        rows.append(y)
        columns.append(x)
        numbers.append(np.full(len(y), number))
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(numbers)


def _inside(
    points: np.ndarray, region: Sequence[Sequence[int]], height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    corners = np.array([points[list(corner)].mean(axis=0) for corner in region])
    filled = np.zeros((height, width), np.uint8)
    cv2.fillPoly(filled, [np.round(corners).astype(np.int32)], 1)
    y, x = np.nonzero(filled)
    return y, x


def _with_raised(landmarks: np.ndarray) -> np.ndarray:
    """(75, 2) the landmarks and the points above the brows."""
    across = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    up = FOREHEAD * np.array([across[1], -across[0]])
    raised = landmarks[list(RAISED.values())] + up
    return np.concatenate([landmarks, raised, raised[[2, 5]].mean(axis=0, keepdims=True)])
