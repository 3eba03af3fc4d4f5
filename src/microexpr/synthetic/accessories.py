"""What lies over a face: glasses, a mask, hair and hands, drawn as colored layers with an opacity."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from .person import CANVAS

Worn = Literal["", "glasses", "sunglasses", "mask", "hair"]
"""What a person wears: nothing, glasses, sunglasses, a mask over nose and mouth, or hair over the forehead."""


def over(image: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """An image under a layer, float32.

    Args:
        image: (height, width[, 3]) float32, 0 to 255.
        layer: (height, width, 4) RGB and opacity.
    """
    opacity, color = layer[..., 3], layer[..., :3]
    if image.ndim == 2:
        return np.asarray(
            image * (1 - opacity) + cv2.cvtColor(np.ascontiguousarray(color), cv2.COLOR_RGB2GRAY) * opacity
        )
    return np.asarray(image * (1 - opacity[..., None]) + color * opacity[..., None])


def hand_layer(points: np.ndarray, skin: float, rng: np.random.Generator) -> np.ndarray:
    """(448, 448, 4) float32 of a hand before the lower half of the face: a palm, four fingers and a thumb.

    Args:
        points: (73, 2) landmarks of the face.
        skin: brightness of the skin, as `Look.skin`.
        rng: draws position, turn and texture.
    """
    width = float(np.ptp(points[:17, 0]))
    center = points[62] + rng.uniform(-0.15, 0.15, 2) * width
    angle = rng.uniform(-0.5, 0.5)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def place(x: float, y: float) -> tuple[int, int]:
        return _pixel(center + turn @ np.array([x, y]) * width)

    mask, shade = np.zeros((CANVAS, CANVAS), np.float32), np.zeros((CANVAS, CANVAS), np.float32)
    thickness = round(0.13 * width)
    fingers = [((x, 0.25), (x * 1.25, -0.32 - 0.06 * (k in (1, 2)))) for k, x in enumerate((-0.21, -0.07, 0.07, 0.21))]
    for base, tip in (*fingers, ((0.2, 0.45), (0.45, 0.15))):
        cv2.line(mask, place(*base), place(*tip), 1.0, thickness, cv2.LINE_AA)
        cv2.line(shade, place(*base), place(*tip), 1.0, max(1, thickness - 8), cv2.LINE_AA)
    cv2.ellipse(mask, place(0, 0.48), (round(0.27 * width), round(0.33 * width)), np.degrees(angle), 0, 360, 1.0, -1)
    cv2.ellipse(shade, place(0, 0.5), (round(0.24 * width), round(0.3 * width)), np.degrees(angle), 0, 360, 1.0, -1)
    grain = cv2.GaussianBlur(rng.normal(size=(CANVAS, CANVAS)).astype(np.float32), (0, 0), 2.5) * 25
    light = 0.62 + 0.38 * cv2.GaussianBlur(shade, (0, 0), 5)
    color = (np.array([205.0, 165, 140]) * skin)[None, None] * light[..., None] + grain[..., None]
    return _layer(color, cv2.GaussianBlur(mask, (0, 0), 1.2))


def _glasses(points: np.ndarray, shade: float = 0.0) -> np.ndarray:
    rims, lenses = np.zeros((CANVAS, CANVAS), np.float32), np.zeros((CANVAS, CANVAS), np.float32)
    centers = np.stack([points[eye].mean(axis=0) for eye in (slice(36, 42), slice(42, 48))])
    across, down = np.array([1.15, 0]), np.array([0, 0.1])
    half = 0.36 * float(np.linalg.norm(centers[1] - centers[0]))
    for center in centers:
        for target, thickness in ((rims, 4), (lenses, -1)):
            axes = round(half * 1.15), round(half * 0.85)
            cv2.ellipse(target, _pixel(center + down * half), axes, 0, 0, 360, 1.0, thickness, cv2.LINE_AA)
    cv2.line(rims, _pixel(centers[0] + across * half), _pixel(centers[1] - across * half), 1.0, 4, cv2.LINE_AA)
    outer = centers[0] - across * half, centers[1] + across * half
    for end, side in zip(outer, (points[0], points[16]), strict=True):
        cv2.line(rims, _pixel(end), _pixel(side), 1.0, 4, cv2.LINE_AA)
    return _layer(np.full((CANVAS, CANVAS, 3), 35.0), np.maximum(rims, lenses * shade))


def _sunglasses(points: np.ndarray) -> np.ndarray:
    return _glasses(points, 0.97)


def _mask(points: np.ndarray) -> np.ndarray:
    area = filled(np.concatenate([points[2:15], [points[28]]]))
    y = np.arange(CANVAS, dtype=np.float32)[:, None]
    folds = 8 * np.sin(y / 7)
    color = np.array([190.0, 212, 225]) + np.broadcast_to(folds, (CANVAS, CANVAS))[..., None]
    return _layer(color, cv2.GaussianBlur(area, (0, 0), 1.5))


def _hair(points: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    up = points[27] - points[8]
    edge = np.concatenate([points[[0]], points[[17, 19, 21]] + (0, 4), points[[22, 24, 26]] + up * 0.1, points[[16]]])
    top = np.array([points[16] + up * 0.9, points[0] + up * 0.9])
    strands = cv2.GaussianBlur(rng.normal(size=(CANVAS, CANVAS)).astype(np.float32), (0, 0), 1.2, sigmaY=12) * 120
    color = np.array([62.0, 45, 32]) + strands[..., None]
    polygon = np.zeros((CANVAS, CANVAS), np.float32)
    cv2.fillPoly(polygon, [np.round(np.concatenate([edge, top])).astype(np.int32)], 1.0)
    return _layer(color, cv2.GaussianBlur(polygon, (0, 0), 2))


_PAINTERS = {"glasses": _glasses, "sunglasses": _sunglasses, "mask": _mask, "hair": _hair}


def worn_layer(worn: Worn, points: np.ndarray, brightness: float = 1.0) -> np.ndarray:
    """(448, 448, 4) float32 RGB, 0 to 255, and opacity, 0 to 1, of what a person wears.

    Args:
        worn: what it is; not "".
        points: (73, 2) landmarks of the neutral face.
        brightness: factor of its color.
    """
    return _PAINTERS[worn](points) * np.array([brightness] * 3 + [1], np.float32)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    x, y = np.round(point).astype(int).tolist()
    return x, y


def _layer(color: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    return np.concatenate([np.clip(color, 0, 255), opacity[..., None]], axis=-1).astype(np.float32)


def filled(points: np.ndarray) -> np.ndarray:
    """(448, 448) float32: 1 inside a polygon (n, 2), 0 outside."""
    mask = np.zeros((CANVAS, CANVAS), np.float32)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1.0)
    return mask


def line(points: np.ndarray, thickness: int) -> np.ndarray:
    """(448, 448) float32: 1 on a line through points (n, 2), 0 elsewhere."""
    mask = np.zeros((CANVAS, CANVAS), np.float32)
    cv2.polylines(mask, [np.round(points).astype(np.int32)], False, 1.0, thickness, cv2.LINE_AA)
    return mask
