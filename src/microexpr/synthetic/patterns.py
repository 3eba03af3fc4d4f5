"""Images of random patterns: classes to pretrain a network on when no photographs are at hand.

Each pattern is a function of coordinates that are turned and scaled at random; it mixes two random colors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Plane:
    """The coordinates of a pattern.

    Attributes:
        u, v: (side, side) turned coordinates, about -1 to 1 across the image.
        scale: how often the pattern repeats across the image.
        rng: draws what a single pattern needs.
    """

    u: np.ndarray
    v: np.ndarray
    scale: float
    rng: np.random.Generator

    @property
    def radius(self) -> np.ndarray:
        """Distance from the middle."""
        return np.hypot(self.u, self.v)

    @property
    def angle(self) -> np.ndarray:
        """Direction from the middle, in radians."""
        return np.arctan2(self.v, self.u)


def _stripes(p: Plane) -> np.ndarray:
    return np.sin(np.pi * p.scale * p.u) > 0


def _checks(p: Plane) -> np.ndarray:
    return np.sin(np.pi * p.scale * p.u) * np.sin(np.pi * p.scale * p.v) > 0


def _rings(p: Plane) -> np.ndarray:
    return np.sin(2 * np.pi * p.scale * p.radius / 2) > 0


def _spokes(p: Plane) -> np.ndarray:
    return np.sin(int(p.rng.integers(4, 9)) * p.angle) > 0


def _gradient(p: Plane) -> np.ndarray:
    return (p.u + 1) / 2


def _blobs(p: Plane) -> np.ndarray:
    fraction = np.zeros_like(p.u)
    for x, y, width in p.rng.uniform((-0.9, -0.9, 0.12), (0.9, 0.9, 0.3), (int(p.rng.integers(4, 8)), 3)):
        fraction = np.maximum(fraction, np.exp(-((p.u - x) ** 2 + (p.v - y) ** 2) / width**2))
    return fraction


def _dots(p: Plane) -> np.ndarray:
    x, y = (np.mod(p.scale * c / 1.5, 1) - 0.5 for c in (p.u, p.v))
    return np.hypot(x, y) < 0.28


def _grain(p: Plane) -> np.ndarray:
    return p.rng.random(p.u.shape)


def _clouds(p: Plane) -> np.ndarray:
    coarse = p.rng.random((int(p.rng.integers(4, 8)),) * 2)
    return cv2.resize(coarse, p.u.shape[::-1], interpolation=cv2.INTER_CUBIC)


def _polygon(p: Plane) -> np.ndarray:
    corners = int(p.rng.integers(3, 6))
    turn = np.mod(p.angle, 2 * np.pi / corners) - np.pi / corners
    return p.radius * np.cos(turn) < p.rng.uniform(0.3, 0.6)


def _waves(p: Plane) -> np.ndarray:
    return np.sin(np.pi * p.scale * (p.u + 0.25 * np.sin(2 * np.pi * p.v))) > 0


def _spiral(p: Plane) -> np.ndarray:
    return np.sin(p.angle + np.pi * p.scale * p.radius) > 0


PATTERNS: dict[str, Callable[[Plane], np.ndarray]] = {
    "stripes": _stripes,
    "checks": _checks,
    "rings": _rings,
    "spokes": _spokes,
    "gradient": _gradient,
    "blobs": _blobs,
    "dots": _dots,
    "grain": _grain,
    "clouds": _clouds,
    "polygon": _polygon,
    "waves": _waves,
    "spiral": _spiral,
}
"""Name of each pattern, and the function that gives the fraction of the second color, (side, side), 0 to 1."""


def draw_pattern(kind: str, side: int, rng: np.random.Generator) -> np.ndarray:
    """An image of a pattern, (side, side, 3) uint8 RGB, with random colors, position, turn, scale and noise."""
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j] + rng.uniform(-0.25, 0.25, (2, 1, 1))
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    fraction = np.clip(PATTERNS[kind](Plane(u, v, rng.uniform(2.5, 6.0), rng)).astype(np.float64), 0, 1)[..., None]
    first = rng.uniform(0, 255, 3)
    second = np.mod(first + rng.uniform(90, 165, 3), 255)  # two colors that differ clearly
    image = first * (1 - fraction) + second * fraction + rng.normal(0, 6, (side, side, 3))
    return np.round(np.clip(image, 0, 255)).astype(np.uint8)
