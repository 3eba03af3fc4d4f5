"""Synthetic persons: shape, texture, skin and light.

The texture comes from two public-domain portraits that ship with scikit-image and matplotlib: Eileen Collins (NASA) and
Grace Hopper (US Navy). Their shapes are replaced by one that is drawn around the mean, and their skin is mixed and
shaded: the persons shown here do not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from matplotlib import cbook
from scipy.interpolate import RBFInterpolator
from skimage import data

from .action_units import MIRROR, N_POINTS

CANVAS = 448
"""Side in pixels of the square image of a person; the face is half as wide."""

FACE_WIDTH = CANVAS / 2

# 68 landmarks in pixels of the portraits.
# fmt: off
_ASTRONAUT = (
    (180, 93), (179, 112), (179, 121), (182, 142), (186, 151), (190, 157), (201, 168), (212, 176), (220, 177),
    (229, 177), (242, 170), (254, 160), (260, 154), (264, 146), (270, 126), (272, 116), (273, 98), (185, 89),
    (191, 88), (198, 86), (206, 87), (216, 89), (236, 89), (246, 88), (255, 88), (261, 91), (268, 93),
    (225, 101), (224, 111), (223, 121), (223, 127), (214, 130), (217, 134), (223, 134), (228, 134), (232, 131),
    (194, 101), (199, 98), (206, 98), (213, 104), (207, 104), (200, 104), (237, 105), (245, 100), (252, 101),
    (256, 104), (250, 106), (243, 106), (201, 139), (210, 139), (216, 139), (223, 140), (230, 140), (236, 140),
    (246, 141), (234, 153), (229, 155), (222, 156), (216, 155), (211, 152), (204, 140), (217, 142), (223, 142),
    (228, 142), (243, 142), (228, 150), (222, 150), (217, 150),
)
_HOPPER = (
    (172, 180), (174, 214), (176, 231), (185, 269), (193, 285), (202, 298), (225, 320), (251, 333), (271, 334),
    (290, 332), (316, 316), (337, 293), (345, 279), (352, 262), (358, 223), (359, 206), (358, 172), (179, 171),
    (191, 167), (203, 163), (220, 162), (241, 163), (286, 160), (307, 157), (325, 156), (338, 159), (349, 163),
    (264, 184), (265, 205), (266, 225), (266, 237), (246, 247), (255, 252), (267, 252), (279, 251), (287, 245),
    (201, 193), (209, 187), (224, 186), (240, 192), (228, 196), (213, 196), (290, 190), (306, 181), (321, 182),
    (330, 186), (318, 192), (303, 192), (230, 276), (244, 270), (255, 268), (267, 269), (278, 267), (290, 268),
    (304, 274), (289, 285), (279, 288), (268, 290), (257, 289), (247, 287), (235, 275), (259, 276), (267, 276),
    (276, 275), (300, 273), (276, 277), (268, 278), (258, 278),
)
# fmt: on


@dataclass(frozen=True, eq=False)
class Person:
    """A synthetic person.

    Attributes:
        image: (448, 448, 3) float32 RGB, 0 to 255, of the neutral face.
        points: (73, 2) landmarks on it, x and y.
        gain: how far this person's face moves, relative to the average.
        worn: (448, 448, 4) float32 RGB and opacity of what lies over the face and moves with the head; None for
            nothing.
    """

    image: np.ndarray
    points: np.ndarray
    gain: float
    worn: np.ndarray | None = field(default=None, repr=False)

    @classmethod
    def draw(cls, seed: int) -> Person:
        """The person of a seed; equal seeds give the same person."""
        return _draw(seed)


@cache
def _draw(seed: int) -> Person:
    rng = np.random.default_rng([7, seed])
    points = _shape(rng)
    first, second = (0, 1) if rng.random() < 0.7 else (1, 0)
    main = _warped(first, points, bool(rng.random() < 0.5))
    mixed_in = _warped(second, points, bool(rng.random() < 0.5))
    mask = face_mask(points, CANVAS)[..., None]
    fraction = rng.uniform(0.0, 0.45)
    image = main * (1 - mask * fraction) + mixed_in * mask * fraction
    image = _skin(image, mask, rng)
    return Person(np.clip(_light(image, rng), 0, 255).astype(np.float32), points, float(rng.uniform(0.8, 1.2)))


def face_mask(points: np.ndarray, size: int) -> np.ndarray:
    """(size, size) float32: 1 on the face, falling smoothly to 0 outside."""
    outline = np.concatenate([points[:17], points[[72, 71, 70]]])
    mask = np.zeros((size, size), np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(outline).astype(np.int32)), 1.0)
    return cv2.GaussianBlur(mask, (0, 0), size / 40)


def head_mask(points: np.ndarray) -> np.ndarray:
    """(448, 448) float32: 1 on the head of a person with these landmarks, falling smoothly to 0 on the background."""
    around = (points - CANVAS / 2) * (1.25, 1.2) + CANVAS / 2
    return cv2.GaussianBlur(face_mask(around, CANVAS), (0, 0), 12)


def _with_extras(points: np.ndarray) -> np.ndarray:
    """(73, 2): 68 landmarks, and five more on cheeks and forehead."""
    cheeks = [points[[41, 31, 3]].mean(axis=0), points[[46, 35, 13]].mean(axis=0)]
    up = (points[27] - points[8]) * 0.45
    forehead = [points[19] + up, points[27] + up * 1.35, points[24] + up]
    return np.concatenate([points, cheeks, forehead])


@cache
def _portrait(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Portrait 0 or 1 as float32 RGB, and its 73 landmarks."""
    if number == 0:
        return data.astronaut().astype(np.float32), _with_extras(np.array(_ASTRONAUT, float))
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.float32), _with_extras(np.array(_HOPPER, float))


@cache
def _mean_shape() -> np.ndarray:
    """(73, 2) symmetric mean of both portraits, centered on the canvas, `FACE_WIDTH` wide."""
    shapes = []
    for number in (0, 1):
        points = _portrait(number)[1]
        points = points - (points[0] + points[16]) / 2
        across = points[16] - points[0]
        turn = np.array([[across[0], across[1]], [-across[1], across[0]]]) / (across @ across)
        upright = points @ turn.T
        shapes.append((upright + upright[MIRROR] * (-1, 1)) / 2)
    return np.mean(shapes, axis=0) * FACE_WIDTH + (CANVAS / 2, CANVAS * 0.42)


def _shape(rng: np.random.Generator) -> np.ndarray:
    """A shape drawn around the mean: symmetric changes of its parts, and small asymmetric ones."""
    points = _mean_shape().copy()
    middle = np.array([CANVAS / 2, CANVAS * 0.5])
    points = (points - middle) * rng.normal(1, (0.04, 0.05)) + middle
    groups = (range(17), range(17, 27), range(27, 36), range(36, 48), range(48, 68))
    for group in groups:
        part = list(group)
        center = points[part].mean(axis=0)
        points[part] = (points[part] - center) * rng.normal(1, 0.05, 2) + center + (0, rng.normal(0, 3))
    points += rng.normal(0, 0.8, (N_POINTS, 2))
    return points


def _warped(portrait: int, points: np.ndarray, mirrored: bool) -> np.ndarray:
    """A portrait warped so that its landmarks lie on `points`; (448, 448, 3) float32."""
    image, landmarks = _portrait(portrait)
    if mirrored:
        image = image[:, ::-1]
        landmarks = (landmarks * (-1, 1) + (image.shape[1] - 1, 0))[MIRROR]
    scale = np.ptp(landmarks[:17, 0]) / np.ptp(points[:17, 0])
    border = np.array([(x, y) for x in (-60, CANVAS / 2, CANVAS + 60) for y in (-60, CANVAS + 60)], float)
    border_source = (border - points.mean(axis=0)) * scale + landmarks.mean(axis=0)
    warp = RBFInterpolator(np.concatenate([points, border]), np.concatenate([landmarks, border_source]), smoothing=1.0)
    step = 8
    grid = np.arange(0, CANVAS + step, step, dtype=float)
    coarse = warp(np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)).reshape(len(grid), len(grid), 2)
    fine = np.arange(CANVAS, dtype=np.float32) / step
    x, y = np.meshgrid(fine, fine)
    dense = cv2.remap(coarse.astype(np.float32), x, y, cv2.INTER_LINEAR)
    return cv2.remap(
        np.ascontiguousarray(image), dense[..., 0], dense[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def _skin(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The image with another tone and contrast of the skin, and with pores: the grain that makes motion visible."""
    tone = rng.uniform(0.62, 1.08) * np.array([1.0, rng.uniform(0.93, 1.0), rng.uniform(0.88, 1.02)])
    middle = image.mean()
    toned = ((image - middle) * rng.uniform(0.85, 1.1) + middle) * tone
    image = image * (1 - mask * 0.75) + toned * mask * 0.75
    grain = sum(
        cv2.GaussianBlur(rng.normal(size=(CANVAS, CANVAS)).astype(np.float32), (0, 0), s) * s * k
        for s, k in ((1.2, 6.0), (3.0, 5.0), (8.0, 3.0))
    )
    return image + (np.asarray(grain) * rng.uniform(0.7, 1.3))[..., None] * mask


def _light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The image with light from one side."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.18)
    x, y = np.meshgrid(np.linspace(-1, 1, CANVAS), np.linspace(-1, 1, CANVAS))
    shade = 1 + strength * (np.cos(angle) * x + np.sin(angle) * y)
    return image * shade[..., None] * rng.uniform(0.9, 1.05)
