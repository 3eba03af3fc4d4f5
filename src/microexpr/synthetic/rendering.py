"""Frames of a synthetic person who moves, and the truth about them.

Frame i shows at pixel y what the neutral picture shows at `y - D_i(y)`, where D_i is the intensity times the field of
the action units plus the drift of the head. Landmarks and flow are exact solutions of the same equation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates

from .action_units import Unit, landmark_moves
from .person import CANVAS, FACE_WIDTH, Person, face_mask
from .timing import Timing, intensity

Kind = Literal["micro", "macro"]


@dataclass(frozen=True)
class Camera:
    """How it is filmed.

    Attributes:
        fps: frames per second.
        size: (height, width) in pixels.
        gray: without color (three equal channels).
        framing: `face` fills the picture as in cropped releases; `wide` shows it at 40 % of the width.
        noise: standard deviation of the sensor's noise in gray levels.
        drift: how far the head drifts, in pixels at a face width of 224.
        flicker: how much the light varies, as a share.
    """

    fps: float = 200.0
    size: tuple[int, int] = (340, 280)
    gray: bool = False
    framing: Literal["face", "wide"] = "face"
    noise: float = 1.5
    drift: float = 0.6
    flicker: float = 0.01


def draw_amplitude(rng: np.random.Generator, kind: Kind = "micro") -> float:
    """Largest move of a landmark in pixels at a face width of 224: micro .5 to 3 (median 1.2), macro 4 to 12."""
    if kind == "micro":
        return float(np.clip(1.2 * np.exp(rng.normal(0, 0.4)), 0.5, 3))
    return float(rng.uniform(4, 12))


def render_clip(
    person_seed: int,
    *,
    units: tuple[Unit, ...],
    camera: Camera,
    timing: Timing,
    amplitude: float = 1.2,
    seed: int = 0,
) -> SyntheticClip:
    """A person shows action units once.

    Args:
        person_seed: who.
        units: which action units.
        camera, timing: how it is filmed, and when it happens.
        amplitude: largest move of a landmark at the apex, in pixels at a face width of 224, before the person's gain.
        seed: of drift, flicker and noise.
    """
    return SyntheticClip(Person.draw(person_seed), units, camera, timing, amplitude, seed)


@dataclass(frozen=True, eq=False)
class SyntheticClip:
    """One expression of one person: frames, and what is true of them. Made by `perform`."""

    person: Person
    units: tuple[Unit, ...]
    camera: Camera
    timing: Timing
    amplitude: float
    seed: int = 0
    noise_pool: int = field(default=8, repr=False)

    def __len__(self) -> int:
        return self.timing.frames

    def frames(self) -> Iterator[np.ndarray]:
        """Every frame, (height, width, 3) uint8 RGB, made when asked for."""
        return (self.frame(i) for i in range(len(self)))

    def frame(self, i: int) -> np.ndarray:
        """One frame, (height, width, 3) uint8 RGB.

        Raises:
            IndexError: there is no such frame.
        """
        if not 0 <= i < len(self):
            raise IndexError(f"frame {i}: there are {len(self)}, counted from 0")
        moved = self._grid - self._displacement(i)
        picture = cv2.remap(
            self._neutral, moved[..., 0], moved[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        draws = np.random.default_rng([self.seed, i])
        gain = 1 + self.camera.flicker * draws.normal() / 2
        noisy = picture * np.float32(gain) + self._noise[draws.integers(self.noise_pool)]
        shown = np.clip(noisy + 0.5, 0, 255).astype(np.uint8)
        return shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)

    def intensity(self, i: float) -> float:
        """0 (neutral) to 1 (apex) at frame i."""
        return intensity(self.timing, i)

    def landmarks(self, i: int) -> np.ndarray:
        """(68, 2) x and y in pixels of frame i."""
        return self._follow(self._points, i)[:68]

    def flow(self, i: int, j: int) -> np.ndarray:
        """(height, width, 2) float32: where each pixel of frame i has moved in frame j, less where it was."""
        start = self._grid - self._displacement(i)
        there = self._follow(start.reshape(-1, 2), j).reshape(start.shape)
        return (there - self._grid).astype(np.float32)

    @cached_property
    def _zoom(self) -> tuple[float, np.ndarray]:
        """Scale and shift that take the person's canvas to the camera's picture."""
        height, width = self.camera.size
        if self.camera.framing == "face":
            scale = max(height / (CANVAS * 0.74), width / (CANVAS * 0.62))
        else:
            scale = 0.4 * width / FACE_WIDTH
        center = np.array([CANVAS / 2, CANVAS * 0.5])
        return scale, np.array([width, height]) / 2 - center * scale

    @cached_property
    def _points(self) -> np.ndarray:
        scale, shift = self._zoom
        return self.person.points * scale + shift

    @cached_property
    def _neutral(self) -> np.ndarray:
        """The neutral picture, float32: (height, width, 3), or (height, width) when gray."""
        scale, shift = self._zoom
        height, width = self.camera.size
        place = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = self.person.picture
        if scale < 0.7:  # warpAffine does not average: blur as much as pixels are lost
            picture = cv2.GaussianBlur(picture, (0, 0), 0.5 / scale)
        picture = cv2.warpAffine(picture, place, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)
        return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if self.camera.gray else picture

    @cached_property
    def _grid(self) -> np.ndarray:
        height, width = self.camera.size
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        return np.stack([x, y], axis=-1)

    @cached_property
    def _field(self) -> np.ndarray:
        """(height, width, 2) displacement in pixels at the apex, without drift."""
        points, (scale, _) = self._points, self._zoom
        moves = landmark_moves(self.units) * self.amplitude * self.person.gain * scale * FACE_WIDTH / 224
        height, width = self.camera.size
        low, high = points.min(axis=0), points.max(axis=0)
        far = (high - low) * 0.35
        ring = [
            (x, y)
            for x in (low[0] - far[0], high[0] + far[0])
            for y in np.linspace(low[1] - far[1], high[1] + far[1], 5)
        ]
        ring += [((low[0] + high[0]) / 2, y) for y in (low[1] - far[1], high[1] + far[1])]
        centers = np.concatenate([points, ring])
        values = np.concatenate([moves, np.zeros((len(ring), 2))])
        spread = RBFInterpolator(centers, values, kernel="thin_plate_spline", smoothing=0.5)
        columns, rows = max(8, width // 8), max(8, height // 8)
        x, y = np.meshgrid(np.linspace(0, width - 1, columns), np.linspace(0, height - 1, rows))
        coarse = spread(np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(rows, columns, 2).astype(np.float32)
        dense = cv2.remap(
            coarse,
            self._grid[..., 0] * np.float32((columns - 1) / (width - 1)),
            self._grid[..., 1] * np.float32((rows - 1) / (height - 1)),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return dense * self._head[..., None]

    @cached_property
    def _head(self) -> np.ndarray:
        """(height, width): 1 on the head, 0 on the background, smooth between."""
        scale, shift = self._zoom
        height, width = self.camera.size
        wide = (self.person.points - CANVAS / 2) * (1.25, 1.2) + CANVAS / 2
        mask = cv2.GaussianBlur(face_mask(wide, CANVAS), (0, 0), 12)
        place = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        return cv2.warpAffine(mask, place, (width, height), flags=cv2.INTER_LINEAR)

    @cached_property
    def _noise(self) -> np.ndarray:
        """A few pictures of noise; each frame takes one of them."""
        draws = np.random.default_rng([self.seed, 2**20])
        shape = (self.noise_pool, *self._neutral.shape)
        return draws.standard_normal(shape, dtype=np.float32) * np.float32(self.camera.noise)

    @cached_property
    def _drifts(self) -> np.ndarray:
        """(frames, 2) slow movement of the head in pixels, 0 at the first frame."""
        draws = np.random.default_rng([self.seed, 2**21])
        seconds = np.arange(len(self))[:, None] / self.camera.fps
        speed, phase = draws.uniform(0.2, 0.8, (1, 2)), draws.uniform(0, 2 * np.pi, (1, 2))
        path = np.sin(2 * np.pi * speed * seconds + phase)
        return (path - path[0]) * self.camera.drift / 2 * self._zoom[0] * FACE_WIDTH / 224

    def _displacement(self, i: int) -> np.ndarray:
        """D_i: (height, width, 2) float32."""
        drift = self._drifts[i].astype(np.float32)
        return self._field * np.float32(self.intensity(i)) + self._head[..., None] * drift

    def _follow(self, points: np.ndarray, i: int) -> np.ndarray:
        """Where points (n, 2) of the neutral picture are in frame i: solves y = point + D_i(y)."""
        moved, there = self._displacement(i), points.astype(np.float64)
        for _ in range(8):
            steps = [map_coordinates(moved[..., k], there.T[::-1], order=1, mode="nearest") for k in (0, 1)]
            there = points + np.stack(steps, axis=-1)
        return there
