"""Where the eyes look, by the iris network of the face mesh.

The network (Vakunov et al. 2020, "MediaPipe Iris") puts points on the iris and around one eye. It takes 2 ms per eye,
as long as the whole face mesh: so it runs on single frames, e.g. at the onset, apex and offset of an event.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from ..core.errors import MissingDataError
from ..imaging.geometry import warp_image
from .mesh_files import IRIS, mesh_file
from .tflite import Network, load_network

CORNERS = ((33, 133), (362, 263))
"""Mesh points at the corners of the person's right and left eye; that on the left of the image is first."""

EYE_SIDE = 64
"""Side in pixels of the image of an eye that the network takes."""

EYE_MARGIN = 2.3
"""Side of that image in widths of the eye."""

OUTER, INNER = 0, 8
"""Indices of the corners among the network's points around the eye."""


@cache
def has_iris() -> bool:
    """Whether the file of the iris network is on this machine, or can be fetched: it is tried once."""
    return not why_no_iris()


def why_no_iris() -> str:
    """Why the gaze is unknown on this machine; "" where it is known."""
    try:
        mesh_file(IRIS)
    except MissingDataError as error:
        return str(error)
    return ""


def gaze(image: np.ndarray, mesh: np.ndarray) -> np.ndarray:
    """(2, 2) float64 position of the iris of the person's right and left eye between the corners of that eye.

    x to the right of the image and y down, in widths of the eye and along its axis, from the middle between the
    corners. 0.1 is a turn of the eye by about 14 degrees (an eye of 30 mm, whose ball has a radius of 12 mm).

    Args:
        image: (height, width, 3) uint8 RGB.
        mesh: (468, 3) points of the face in pixels of the image.

    Raises:
        MissingDataError: the file of the network is not on this machine and cannot be fetched.
    """
    return np.stack(
        [_iris(image, mesh[list(pair), :2].astype(np.float64), mirrored=i == 1) for i, pair in enumerate(CORNERS)]
    )


def _iris(image: np.ndarray, corners: np.ndarray, mirrored: bool) -> np.ndarray:
    """(2,) position of the iris in widths of the eye; the network knows right eyes, left ones are mirrored."""
    across = (corners[1] - corners[0]) / EYE_SIDE * EYE_MARGIN
    sign = -1 if mirrored else 1
    turn = np.column_stack([across * sign, (-across[1], across[0])])
    matrix = np.column_stack([turn, corners.mean(axis=0) - turn @ np.full(2, (EYE_SIDE - 1) / 2)])
    crop = warp_image(
        image,
        cv2.invertAffineTransform(matrix),
        EYE_SIDE,
        interpolation=cv2.INTER_LINEAR,
        border=cv2.BORDER_REPLICATE,
    )
    contour, iris = _network()(crop.astype(np.float32) / 255)
    outline, center = contour.reshape(-1, 3)[:, :2], iris.reshape(-1, 3)[0, :2]
    line = outline[INNER] - outline[OUTER]
    offset = center - (outline[OUTER] + outline[INNER]) / 2
    along = float(offset @ line) / float(line @ line)
    below = float(line[0] * offset[1] - line[1] * offset[0]) / float(line @ line)
    return np.array([along * sign, below])


@cache
def _network() -> Network:
    return load_network(mesh_file(IRIS), ("output_eyes_contours_and_brows", "output_iris"))
