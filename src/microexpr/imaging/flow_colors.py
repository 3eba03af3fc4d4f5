"""Optical flow as images: a color wheel, arrows, and single channels, on scales that do not depend on the clip."""

from __future__ import annotations

import cv2
import numpy as np

DEFAULT_LIMIT = 1.0
"""Motion in pixels that gets the full color where the size of the face is not known."""

STRAIN_LIMIT = 0.2
"""Optical strain that gets the full color; it has no unit."""

SIGNED_COLORS = ((33, 102, 172), (247, 247, 247), (178, 24, 43))
"""Colors of the smallest value of a signed channel, of zero, and of the largest value."""

UNSIGNED_COLORS = ((255, 255, 255), (240, 150, 60), (90, 10, 60))
"""Colors from zero to the largest value of a channel that has no sign."""


def full_color_limit(side: int) -> float:
    """Motion in pixels that gets the full color in faces of `side` pixels: a hundredth of the side, in half pixels.

    A micro-expression moves the skin by a fraction of a hundredth of the face. The limit depends on the size of the
    face alone and not on the motion in a clip, so that all clips of a run have the same scale.

    Args:
        side: of the aligned face in pixels; 0 where it is not known.
    """
    return max(0.5, round(side / 50) / 2) if side else DEFAULT_LIMIT


def flow_image(flow: np.ndarray, limit: float | None = None) -> np.ndarray:
    """(height, width, 2 or more) flow as (height, width, 3) uint8: hue is direction, saturation is length.

    Right is red, down yellow-green, left cyan, up violet: the angle is the hue, as in OpenCV's own example.

    Args:
        flow: u (right is positive) and v (down is positive) first.
        limit: length that gets the full color; the largest length in the image when None. These images are for
            display only; no recognizer reads them.
    """
    u, v = flow[..., 0].astype(np.float64), flow[..., 1].astype(np.float64)
    length = np.hypot(u, v)
    full = limit or float(length.max()) or 1.0
    color = np.zeros((*u.shape, 3), np.uint8)
    color[..., 0] = np.round(np.arctan2(v, u) * 90 / np.pi) % 180
    color[..., 1] = np.round(255 * np.clip(length / full, 0, 1))
    color[..., 2] = 255
    return cv2.cvtColor(color, cv2.COLOR_HSV2RGB)


def wheel_legend(side: int = 168) -> np.ndarray:
    """The color wheel, (side, side, 3) uint8: the color of a point is that of a motion from the center to the point."""
    v, u = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    wheel = flow_image(np.stack([u, v], axis=-1), limit=1.0)
    wheel[np.hypot(u, v) > 1] = 255
    return wheel


def arrow_image(
    flow: np.ndarray,
    background: np.ndarray | None = None,
    side: int = 336,
    columns: int = 14,
    limit: float = DEFAULT_LIMIT,
) -> np.ndarray:
    """(side, side, 3) uint8: the mean flow of each of `columns` x `columns` squares as an arrow.

    Args:
        flow: (height, width, 2 or more).
        background: image of the face behind the arrows, (height, width, 3) uint8; gray when None.
        side: of the image in pixels.
        columns: arrows in a row.
        limit: motion in pixels whose arrow is two squares long; no arrow is longer than three squares.
    """
    if background is None:
        shown = np.full((side, side, 3), 90, np.uint8)
    else:
        gray = cv2.cvtColor(background, cv2.COLOR_RGB2GRAY)
        shown = cv2.cvtColor(cv2.resize(gray, (side, side), interpolation=cv2.INTER_AREA), cv2.COLOR_GRAY2RGB)
    mean = cv2.resize(flow[..., :2].astype(np.float32), (columns, columns), interpolation=cv2.INTER_AREA)
    square = side / columns
    for row, column in np.ndindex(columns, columns):
        step = mean[row, column].astype(np.float64) * 2 * square / limit
        length = float(np.hypot(*step))
        if length < 1:  # shorter than a pixel of the image
            continue
        step *= min(1.0, 3 * square / length)
        center = np.array([column + 0.5, row + 0.5]) * square
        begin, end = (tuple(int(n) for n in np.round(center + half * step)) for half in (-0.5, 0.5))
        cv2.arrowedLine(shown, begin, end, (255, 214, 10), max(1, side // 160), cv2.LINE_AA, tipLength=0.35)
    return shown


def channel_image(values: np.ndarray, limit: float, signed: bool = True) -> np.ndarray:
    """(height, width) values as (height, width, 3) uint8 on a fixed scale; values beyond its ends are clipped.

    Args:
        values: one channel.
        limit: value that gets the full color; `-limit` does, too, if `signed`.
        signed: whether values below zero are blue and those above are red; otherwise zero is white.
    """
    stops = np.array(SIGNED_COLORS if signed else UNSIGNED_COLORS, np.float64)
    position = np.clip((values / limit + 1) / 2 if signed else values / limit, 0, 1) * (len(stops) - 1)
    colors = [np.interp(position, range(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.round(np.stack(colors, axis=-1)).astype(np.uint8)
