"""What an optical flow estimator, the head and the camera do to the motion of the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .smooth import gaussian_sum, smooth_noise

NOISE_SIZES = ((0.04, 0.35), (0.09, 0.8), (0.2, 1.0))
"""Size of the noise in eye distances, and its share."""


@dataclass(frozen=True)
class Grid:
    """The grid on which fields are drawn.

    Attributes:
        x: (width,) positions of the columns in coordinates of the mean face.
        y: (height,) positions of the rows.
    """

    x: np.ndarray
    y: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return len(self.y), len(self.x)

    def pixels(self, length: float) -> tuple[float, float]:
        """A length in eye distances as pixels of the grid, across and along the face."""
        return length / float(self.x[1] - self.x[0]), length / float(self.y[1] - self.y[0])

    def noise(self, rng: np.random.Generator, count: tuple[int, ...], length: float) -> np.ndarray:
        """Normal noise (*count, height, width) float32 that varies over a length in eye distances."""
        return smooth_noise(rng, count, self.size, self.pixels(length))


@dataclass(frozen=True)
class Faults:
    """What is done to the motion of the skin; 0 turns a part off. Pixels are those of a face 224 pixels wide.

    Attributes:
        texture: how much better the motion is found on some parts of the skin: standard deviation of its logarithm.
        threshold: largest share of the peak of a field that an estimator takes for no motion.
        power: standard deviation of the logarithm of the power to which the motion is raised, relative to the peak.
        noise: median over the fields of the standard deviation of the noise, in pixels.
        noise_spread: standard deviation of its logarithm.
        head: median size of the head's motion (shift, turn, scale and shear), in pixels at one eye distance.
        head_spread: standard deviation of its logarithm.
        turn: how far the middle of the face moves when the head turns, as a share of the head's other motion.
        rim: probability of motion along an edge of the image.
        spots: probability of a few spots that move on their own.
        outside: probability that everything outside the face moves on its own.
    """

    texture: float = 0.5
    threshold: float = 0.2
    power: float = 0.3
    noise: float = 0.09
    noise_spread: float = 0.8
    head: float = 0.1
    head_spread: float = 0.9
    turn: float = 0.0
    rim: float = 0.45
    spots: float = 0.45
    outside: float = 0.3

    def apply(self, flow: np.ndarray, peak: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """Apply all of them.

        Args:
            flow: (n, 2, height, width) float32 motion of the skin in pixels; it is changed.
            peak: (n,) its largest movement in each field.
            grid: where it is.
            rng: source of the random numbers.

        Returns:
            (n, 2, height, width) float32.
        """
        flow *= self._gain(flow, peak, grid, rng)[:, None]
        n = len(flow)
        level = self.noise * np.exp(rng.normal(0, self.noise_spread, (3, n, 1, 1, 1))).astype(np.float32)
        for (size, share), scale in zip(NOISE_SIZES, level, strict=True):
            if self.noise:
                flow += grid.noise(rng, (n, 2), size) * (scale * np.float32(share))
        flow += self._head(n, grid, rng)
        self._add(flow, self._rim, self.rim, peak, grid, rng)
        self._add(flow, self._spots, self.spots, peak, grid, rng)
        self._add(flow, self._outside, self.outside, peak, grid, rng)
        return flow

    def _gain(self, flow: np.ndarray, peak: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """(n, height, width) what the size of the motion is multiplied by."""
        n, scale = len(flow), np.maximum(peak, 1e-6).astype(np.float32)[:, None, None]
        size = np.hypot(flow[:, 0], flow[:, 1]) / scale
        np.maximum(size, 1e-3, out=size)
        threshold = rng.uniform(0, self.threshold, (n, 1, 1)).astype(np.float32)
        power = np.exp(rng.normal(0, self.power, (n, 1, 1))).astype(np.float32)
        logarithm = np.log(size) * (power - 1)
        if self.texture:
            logarithm += grid.noise(rng, (n,), 0.2) * np.float32(self.texture)
        return np.asarray(np.exp(logarithm) * np.maximum(1 - threshold / size, 0))

    def _head(self, n: int, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        size = self.head * np.exp(rng.normal(0, self.head_spread, (n, 1, 1)))
        shift, x, y = (rng.normal(size=(3, n, 2, 1, 1)) * (size[..., None])).astype(np.float32)
        across, along = grid.x.astype(np.float32), (grid.y - 0.5).astype(np.float32)[:, None]
        motion = shift + x * across + y * along
        if self.turn:
            nearer = np.exp(-((across / 0.45) ** 2) - (along / 0.7) ** 2)  # the nose is in front of the head's axis
            motion += (rng.normal(size=(n, 2, 1, 1)) * size[..., None] * self.turn).astype(np.float32) * nearer
        return np.asarray(motion)

    @staticmethod
    def _add(
        flow: np.ndarray, motion: object, probability: float, peak: np.ndarray, grid: Grid, rng: np.random.Generator
    ) -> None:
        """Add a motion to some of the fields."""
        chosen = np.flatnonzero(rng.random(len(flow)) < probability)
        if len(chosen):
            flow[chosen] += motion(peak[chosen].astype(np.float32), grid, rng)  # type: ignore[operator]

    @staticmethod
    def _rim(peak: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """Motion that falls off from one of the four edges."""
        n, (height, width) = len(peak), grid.size
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        distance = np.stack([columns, width - 1 - columns, rows, height - 1 - rows])[rng.integers(4, size=n)]
        reach = rng.uniform(0.02, 0.12, (n, 1, 1)).astype(np.float32) * grid.pixels(1)[0]
        strength = rng.uniform(0.2, 1.2, (n, 1, 1)).astype(np.float32) * peak[:, None, None]
        falling = np.exp(-distance / reach) * strength
        return np.asarray(falling[:, None] * grid.noise(rng, (n, 2), 0.15))

    @staticmethod
    def _spots(peak: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """One to three small spots."""
        n = len(peak)
        low, high = (grid.x[0], grid.y[0]), (grid.x[-1], grid.y[-1])
        centers = rng.uniform(low, high, (n, 3, 2))
        sigma = np.repeat(rng.uniform(0.03, 0.12, (n, 3, 1)), 2, axis=2)
        moves = rng.normal(0, 0.5, (n, 3, 2)) * peak[:, None, None]
        moves[:, 1:] *= rng.random((n, 2, 1)) < 0.5
        return gaussian_sum(centers, sigma, moves, grid.x, grid.y)

    @staticmethod
    def _outside(peak: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """Smooth motion where there is no face."""
        strength = rng.uniform(0.2, 1, (len(peak), 1, 1, 1)).astype(np.float32) * peak[:, None, None, None]
        return np.asarray(grid.noise(rng, (len(peak), 2), 0.3) * strength * (1 - face_mask(grid)))


def face_mask(grid: Grid) -> np.ndarray:
    """(height, width) float32: 1 on the mean face, falling smoothly to 0 around it."""
    radius = (np.abs(grid.x / 1.1) ** 3 + np.abs((grid.y[:, None] - 0.45) / 1.4) ** 3) ** (1 / 3)
    return np.asarray(1 / (1 + np.exp((radius - 1) * 14)), np.float32)
