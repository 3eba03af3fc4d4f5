"""Looks of synthetic persons: skin, beard, brows, wrinkles, light, and what a person wears.

The installed packages ship two portraits of frontal faces in the public domain (see `person`), so variety comes from
texture and shading that are drawn: no further person stands behind a look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from .accessories import Worn, filled, line, worn_layer
from .person import CANVAS, Person, face_mask


@dataclass(frozen=True)
class Look:
    """How a synthetic person looks. The defaults change nothing.

    Attributes:
        skin: brightness of the skin, 0.3 (dark) to 1.1 (light), as a factor.
        warmth: redness of the skin, -0.1 to 0.2.
        beard: density of a beard, 0 to 1.
        brows: how much darker the brows are, 0 to 1.
        wrinkles: depth of lines on forehead and cheeks in gray levels.
        spots: number of moles and freckles.
        worn: what lies over the face; it moves with the head alone.
        light: strength of light from one side, 0 to 0.8.
        angle: direction of that light in radians.
        brightness: of the whole image, as a factor; 0.15 is a dark room.
    """

    skin: float = 1.0
    warmth: float = 0.0
    beard: float = 0.0
    brows: float = 0.0
    wrinkles: float = 0.0
    spots: int = 0
    worn: Worn = ""
    light: float = 0.0
    angle: float = 0.0
    brightness: float = 1.0

    @classmethod
    def draw(cls, rng: np.random.Generator, worn: Worn | None = None) -> Look:
        """Draw a look: every second person has a beard or wrinkles, every third wears glasses.

        Args:
            rng: draws everything.
            worn: what the person wears; drawn when None.
        """
        chosen: Worn = worn if worn is not None else ("glasses" if rng.random() < 1 / 3 else "")
        return cls(
            skin=float(rng.uniform(0.35, 1.1)),
            warmth=float(rng.uniform(-0.05, 0.15)),
            beard=float(rng.uniform(0.4, 1) * (rng.random() < 0.4)),
            brows=float(rng.uniform(0, 0.6)),
            wrinkles=float(rng.uniform(4, 14) * (rng.random() < 0.5)),
            spots=int(rng.integers(0, 40)),
            worn=chosen,
            light=float(rng.uniform(0, 0.6)),
            angle=float(rng.uniform(0, 2 * np.pi)),
            brightness=float(rng.uniform(0.7, 1.05)),
        )

    def person(self, seed: int) -> Person:
        """The person of a seed with this look; the landmarks stay."""
        return _with_look(seed, self)

    def paint(self, image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The image of a neutral face with this look, apart from what is worn; (448, 448, 3) float32.

        Args:
            image: (448, 448, 3) float32 RGB, 0 to 255.
            points: (73, 2) landmarks on it.
            rng: draws hairs and spots.
        """
        face = face_mask(points, CANVAS)[..., None]
        tone = self.skin * np.array([1 + self.warmth, 1.0, 1 - self.warmth / 2])
        image = image * (1 - face + face * tone)
        image = self._with_hairs(image, points, rng)
        image = image + self._relief(points, rng)[..., None] * face
        x, y = np.meshgrid(np.linspace(-1, 1, CANVAS), np.linspace(-1, 1, CANVAS))
        shade = 1 + self.light * np.tanh(1.5 * (np.cos(self.angle) * x + np.sin(self.angle) * y))
        return np.clip(image * shade[..., None] * self.brightness, 0, 255).astype(np.float32)

    def layer(self, points: np.ndarray) -> np.ndarray | None:
        """(448, 448, 4) float32 RGB, 0 to 255, and opacity, 0 to 1, of what is worn; None where nothing is.

        Args:
            points: (73, 2) landmarks of the neutral face.
        """
        return worn_layer(self.worn, points, self.brightness) if self.worn else None

    def _with_hairs(self, image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The image with beard and brows: dark where hairs grow, with a grain along them."""
        grain = cv2.GaussianBlur(rng.normal(size=(CANVAS, CANVAS)).astype(np.float32), (0, 0), 0.9, sigmaY=2.5) * 2
        lower = np.concatenate([points[2:15], points[[35, 33, 31]]])
        beard = filled(lower) * (1 - filled(points[48:60]))
        brows = np.max([line(points[part], 9) for part in (slice(17, 22), slice(22, 27))], axis=0)
        for density, mask in ((self.beard * 0.75, beard), (self.brows, brows)):
            cover = (cv2.GaussianBlur(mask, (0, 0), 3) * density * np.clip(1 + 0.35 * grain, 0, 1.6))[..., None]
            image = image * (1 - np.clip(cover, 0, 1)) + 28 * np.clip(cover, 0, 1)
        return image

    def _relief(self, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(448, 448) change in gray levels by wrinkles, moles and freckles."""
        change = np.zeros((CANVAS, CANVAS), np.float32)
        up = points[27] - points[8]
        for height in (0.18, 0.26, 0.34):  # lines across the forehead
            change -= self.wrinkles * line(points[[18, 20, 27, 23, 25]] + up * height, 2)
        for nostril, corner in ((31, 48), (35, 54)):  # folds from the nose to the mouth
            middle = (points[nostril] + points[corner]) / 2 + (points[corner] - points[33]) * (0.2, 0)
            change -= 1.5 * self.wrinkles * line(np.stack([points[nostril], middle, points[corner]]), 2)
        low, high = points.min(axis=0), points.max(axis=0)
        for _ in range(self.spots):
            place = tuple(np.round(rng.uniform(low, high)).astype(int).tolist())
            cv2.circle(change, place, int(rng.integers(1, 4)), -float(rng.uniform(8, 45)), -1, cv2.LINE_AA)
        return cv2.GaussianBlur(change, (0, 0), 1.0)


@cache
def _with_look(seed: int, look: Look) -> Person:
    person = Person.draw(seed)
    image = look.paint(person.image, person.points, np.random.default_rng([8, seed]))
    return replace(person, image=image, worn=look.layer(person.points))
