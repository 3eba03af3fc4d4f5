"""Frames of a synthetic person who shows one expression, with their true landmarks and optical flow.

Frame i shows at pixel y what the neutral image shows at `y - D_i(y)`, where the displacement D_i is the intensity times
the field of the action units, plus the drift of the head. Landmarks and flow are exact solutions of this equation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from .action_units import Unit, landmark_moves
from .displacement import spread_moves
from .person import CANVAS, FACE_WIDTH, Person, head_mask
from .timing import Timing, intensity

Kind = Literal["micro", "macro"]
"""Kind of an expression."""


@dataclass(frozen=True)
class Camera:
    """How a clip is recorded.

    Attributes:
        fps: frames per second.
        size: (height, width) in pixels.
        gray: whether the frames have no color (three equal channels).
        framing: `face` fills the image as in cropped releases; in a `wide` image the face has 40 % of the width.
        noise: standard deviation of the sensor's noise in gray levels.
        drift: how far the head drifts, in pixels at a face width of 224.
        flicker: how much the light varies, as a fraction.
    """

    fps: float = 200.0
    size: tuple[int, int] = (340, 280)
    gray: bool = False
    framing: Literal["face", "wide"] = "face"
    noise: float = 1.5
    drift: float = 0.6
    flicker: float = 0.01


def draw_amplitude(rng: np.random.Generator, kind: Kind = "micro") -> float:
    """Draw the largest move of a landmark, in pixels at a face width of 224.

    It is 0.5 to 3 (median 1.2) for micro-expressions and 4 to 12 for macro-expressions.
    """
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
    """A clip of a synthetic person who shows action units once; frames are rendered when they are asked for.

    Args:
        person_seed: of the person; equal seeds are the same person.
        units: the action units.
        camera: how the clip is recorded.
        timing: onset, apex and offset.
        amplitude: largest move of a landmark at the apex, in pixels at a face width of 224, before the person's gain.
        seed: of drift, flicker and noise.
    """
    return SyntheticClip(Person.draw(person_seed), units, camera, timing, amplitude, seed)


@dataclass(frozen=True, eq=False)
class SyntheticClip:
    """One expression of one person: frames, landmarks and flow. Made by `render_clip`."""

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
        """Every frame, (height, width, 3) uint8 RGB, rendered one after another."""
        return (self.frame(i) for i in range(len(self)))

    def frame(self, i: int) -> np.ndarray:
        """One frame, (height, width, 3) uint8 RGB.

        Raises:
            IndexError: there is no such frame.
        """
        if not 0 <= i < len(self):
            raise IndexError(f"frame {i}: there are {len(self)}, counted from 0")
        source = self._grid - self._displacement(i)
        image = cv2.remap(
            self._neutral, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        rng = np.random.default_rng([self.seed, i])
        gain = 1 + self.camera.flicker * rng.normal() / 2
        noisy = image * np.float32(gain) + self._noise[rng.integers(self.noise_pool)]
        frame = np.clip(noisy + 0.5, 0, 255).astype(np.uint8)
        return frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=2)

    def intensity(self, i: float) -> float:
        """0 (neutral) to 1 (apex) at frame i."""
        return intensity(self.timing, i)

    def landmarks(self, i: int) -> np.ndarray:
        """(68, 2) x and y in pixels of frame i."""
        return self._moved(self._points, i)[:68]

    def flow(self, i: int, j: int) -> np.ndarray:
        """True optical flow from frame i to frame j, (height, width, 2) float32 in pixels."""
        neutral = self._grid - self._displacement(i)
        end = self._moved(neutral.reshape(-1, 2), j).reshape(neutral.shape)
        return (end - self._grid).astype(np.float32)

    @cached_property
    def _zoom(self) -> tuple[float, np.ndarray]:
        """Scale and shift from the person's canvas to the camera's image."""
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
        """The neutral image, float32: (height, width, 3), or (height, width) when gray."""
        scale, shift = self._zoom
        height, width = self.camera.size
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        image = self.person.image
        if scale < 0.7:  # warpAffine does not average: blur as much as pixels are lost
            image = cv2.GaussianBlur(image, (0, 0), 0.5 / scale)
        image = cv2.warpAffine(image, matrix, (width, height), flags=interpolation, borderMode=cv2.BORDER_REPLICATE)
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if self.camera.gray else image

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
        columns, rows = max(8, width // 8), max(8, height // 8)
        x, y = np.linspace(0, width - 1, columns), np.linspace(0, height - 1, rows)
        coarse = spread_moves(points, moves, x, y).astype(np.float32)
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
        mask = head_mask(self.person.points)
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        return cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)

    @cached_property
    def _noise(self) -> np.ndarray:
        """A few images of noise; each frame takes one of them."""
        rng = np.random.default_rng([self.seed, 2**20])
        shape = (self.noise_pool, *self._neutral.shape)
        return rng.standard_normal(shape, dtype=np.float32) * np.float32(self.camera.noise)

    @cached_property
    def _drifts(self) -> np.ndarray:
        """(frames, 2) slow movement of the head in pixels, 0 at the first frame."""
        rng = np.random.default_rng([self.seed, 2**21])
        seconds = np.arange(len(self))[:, None] / self.camera.fps
        speed, phase = rng.uniform(0.2, 0.8, (1, 2)), rng.uniform(0, 2 * np.pi, (1, 2))
        path = np.sin(2 * np.pi * speed * seconds + phase)
        return (path - path[0]) * self.camera.drift / 2 * self._zoom[0] * FACE_WIDTH / 224

    def _displacement(self, i: int) -> np.ndarray:
        """D_i: (height, width, 2) float32."""
        drift = self._drifts[i].astype(np.float32)
        return self._field * np.float32(self.intensity(i)) + self._head[..., None] * drift

    def _moved(self, points: np.ndarray, i: int) -> np.ndarray:
        """Positions in frame i of points (n, 2) of the neutral image: the solution y of y = point + D_i(y)."""
        displacement, position = self._displacement(i), points.astype(np.float64)
        for _ in range(8):
            steps = [map_coordinates(displacement[..., k], position.T[::-1], order=1, mode="nearest") for k in (0, 1)]
            position = points + np.stack(steps, axis=-1)
        return position
