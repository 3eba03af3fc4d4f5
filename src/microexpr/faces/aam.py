"""Fit an active appearance model to an image; the default model is trained on synthetic faces.

The fit is inverse compositional (Matthews and Baker 2004) and simultaneous in shape and texture: Gauss-Newton on the
residual that the modes of the texture leave, with the gradient of the texture as fitted so far (Tzimiropoulos and
Pantic, ICCV 2013, "Fast-SIC"). The shape has its Gaussian prior, weighed against the residual (Cootes and Taylor:
Constrained active appearance models, ICCV 2001): the worse the texture of a stranger is explained, the more the shape
stays near the mean.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np

from ..core.config import cache_folder
from ..core.errors import DataError, UsageError
from ..imaging.geometry import similarity, transform_points
from .aam_model import ORIENTATIONS, AppearanceModel, Level, rigid_modes, train_model, upright

__all__ = ["AppearanceModel", "Fit", "fit", "named_model", "synthetic_faces", "train_model"]

MIN_QUALITY = 0.35
"""Smallest quality of a fit at which the face counts as found. In eleven films of real people, strangers to the default
model, most fits beside the face have less, and 95 % of those on it have 0.4 or more (docs/how-to/faces.md)."""

PRIOR = 30.0
"""Values of the texture that count as one observation: histograms overlap over about 50 square pixels of the model,
which are 12 places with 8 orientations each, of which about four are independent."""

SYNTHETIC = "synthetic-faces-2"
FIRST_SUBJECT = 90_000
"""Seeds of the synthetic persons in the default model count from here; synthetic data sets use smaller ones."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The result of a fit.

    Attributes:
        points: (68, 2) x and y in pixels.
        error: 0 (the model explains every pixel) to 1 (it explains nothing): root of the fraction of the texture's
            variance, at the finest level, that the model leaves unexplained.
        iterations: number of iterations of all levels together.
    """

    points: np.ndarray
    error: float
    iterations: int

    @property
    def quality(self) -> float:
        """0 to 1: the fraction of the texture's variance that the model explains, `1 - error ** 2`."""
        return 1 - self.error**2


def fit(
    model: AppearanceModel, image: np.ndarray, start: np.ndarray, *, max_iterations: int = 30, tolerance: float = 0.01
) -> Fit:
    """Fit a model to one face.

    Args:
        model: from `train_model` or `named_model`.
        image: (height, width, 3) uint8 RGB.
        start: (68, 2) in pixels, e.g. `model.initial_points(eyes)`.
        max_iterations: largest number of iterations at each level.
        tolerance: a level ends when the points move less than that on average, in pixels of the level.

    Raises:
        UsageError: the start is not (68, 2) finite numbers that span a face.
    """
    if start.shape != (68, 2) or not np.isfinite(start).all() or np.ptp(start, axis=0).min() < 1:
        raise UsageError(f"start of shape {start.shape}: use (68, 2) points in pixels that span a face")
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    points, error, iterations = start.astype(float), 1.0, 0
    for number in range(len(model.levels)):
        solver = _solver(model, number)
        texture, matrix = upright(gray, points, model.mean, model.levels[number].width)
        placed, error, steps = solver.run(texture, transform_points(points, matrix), max_iterations, tolerance)
        points, iterations = transform_points(placed, cv2.invertAffineTransform(matrix)), iterations + steps
    return Fit(points, error, iterations)


class _Solver:
    """The fit at one level of a model, with everything that does not depend on the image computed in advance."""

    def __init__(self, model: AppearanceModel, number: int) -> None:
        self.model, self.level = model, model.levels[number]
        fraction = (number + 1) / len(model.levels)
        count = max(1, round(len(model.modes) * fraction**2))  # fine modes of shape do not show at a coarse level
        self.shapes = model.modes[:count]
        self.spread = model.spread[: len(self.shapes)]
        self.modes = np.concatenate([rigid_modes(model), self.shapes])
        self.precision = np.concatenate([np.zeros(4), 1 / np.maximum(self.spread, 1e-6) ** 2])
        self.basis, self.slopes = self.level.basis.astype(np.float32), self.level.slopes.astype(np.float32)
        self.pixel_moves = _pixel_moves(self.level, self.modes).astype(np.float32)
        self.triangle_corners = _triangle_corners(model)

    def run(
        self, image: np.ndarray, points: np.ndarray, max_iterations: int, tolerance: float
    ) -> tuple[np.ndarray, float, int]:
        """Points, error and number of iterations; the points are those with the smallest error of all iterations."""
        points = self.project(points)
        best, best_error, iterations = points, np.inf, 0
        while iterations < max_iterations:
            iterations += 1
            move, error = self.step(image, points)
            if error < best_error:
                best, best_error = points, error
            following = self.project(self.compose(points, move))
            zoom = np.sqrt(np.linalg.det(similarity(self.model.mean, following)[:, :2]))
            if not 0.3 < zoom / self.level.width < 3:
                break
            change = np.linalg.norm(following - points, axis=1).mean()
            points = following
            if change < tolerance:
                break
        last_error = self.error(image, points)
        if last_error <= best_error:
            return points, last_error, iterations
        return best, float(best_error), iterations

    def step(self, image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, float]:
        """The (68, 2) move of the mean shape's points that reduces the residual of the texture most, and the error."""
        amounts, residual, variance = self.explain(image, points)
        if variance == 0:
            return np.zeros_like(points), 1.0
        slope = np.tensordot(amounts, self.slopes, axes=1).reshape(ORIENTATIONS, -1, 2)
        steepest = self.pixel_moves[..., 0] * slope[None, ..., 0] + self.pixel_moves[..., 1] * slope[None, ..., 1]
        steepest = steepest.reshape(len(self.modes), -1)
        explained = steepest @ self.basis.T
        hessian = (steepest @ steepest.T - explained @ explained.T).astype(np.float64)  # the basis is orthonormal
        hessian[np.diag_indices_from(hessian)] += 1e-4 * np.trace(hessian) / len(hessian) + 1e-9
        prior = PRIOR * float((residual**2).mean()) * self.precision
        hessian[np.diag_indices_from(hessian)] += prior
        amount = np.linalg.solve(hessian, steepest @ residual + prior * self.amounts(points))
        return np.tensordot(amount, self.modes, axes=1), float(np.sqrt((residual**2).sum() / variance))

    def explain(self, image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """How much of each row of the basis the texture has, what they leave, and its variance, 0 where it is flat."""
        texture = self.level.sample(image, points).astype(np.float32)
        amounts = self.basis @ texture
        variance = float(((texture - texture.mean()) ** 2).sum())
        return amounts, texture - amounts @ self.basis, variance if variance > 1e-6 * len(texture) else 0.0

    def error(self, image: np.ndarray, points: np.ndarray) -> float:
        """Root of the fraction of the texture's variance that is left unexplained."""
        _, residual, variance = self.explain(image, points)
        return float(np.sqrt((residual**2).sum() / variance)) if variance else 1.0

    def compose(self, points: np.ndarray, move: np.ndarray) -> np.ndarray:
        """The current warp composed with the inverse of `move` (Matthews and Baker 2004, section 4.1.2)."""
        vertex, corners, weights, slopes = self.triangle_corners
        moved_weights = weights - np.einsum("kij,kj->ki", slopes, move[vertex])
        moved = (moved_weights[..., None] * points[corners]).sum(axis=1)
        total = np.zeros_like(points)
        np.add.at(total, vertex, moved)
        return total / np.bincount(vertex, minlength=len(points))[:, None]

    def amounts(self, points: np.ndarray) -> np.ndarray:
        """(k,) of each mode in these points, 0 for rotation, scale and shift."""
        matrix = similarity(self.model.mean, points)
        deviation = (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T - self.model.mean
        return np.concatenate([np.zeros(4), np.tensordot(self.shapes, deviation, axes=2)])

    def project(self, points: np.ndarray) -> np.ndarray:
        """The nearest points that the shape model can produce with every mode within three standard deviations."""
        mean, shape = self.model.mean, self.model.mean
        for _ in range(2):
            matrix = similarity(shape, points)
            deviation = (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T - mean
            amounts = np.tensordot(self.shapes, deviation, axes=2)
            shape = mean + np.tensordot(np.clip(amounts, -3 * self.spread, 3 * self.spread), self.shapes, axes=1)
        return transform_points(shape, similarity(shape, points))


@lru_cache(maxsize=12)
def _solver(model: AppearanceModel, number: int) -> _Solver:
    return _Solver(model, number)


def _pixel_moves(level: Level, modes: np.ndarray) -> np.ndarray:
    """(k, 1, P, 2) how far each mode moves each pixel, in pixels of the level; the same for all orientations."""
    return level.width * (level.weights[None, ..., None] * modes[:, level.corners]).sum(axis=2)[:, None]


def _triangle_corners(model: AppearanceModel) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For each point and each triangle at it: point, corners, barycentric coordinates, and their gradients (3, 2)."""
    vertex = model.triangles.ravel()
    corners = np.repeat(model.triangles, 3, axis=0)
    positions = model.mean[corners]
    sides = np.stack([positions[:, 1] - positions[:, 0], positions[:, 2] - positions[:, 0]], axis=-1)
    inverse = np.linalg.inv(sides)
    slopes = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)
    return vertex, corners, np.tile(np.eye(3), (len(model.triangles), 1)), slopes


def synthetic_faces(
    subjects: int = 80, expressions: int = 2, first: int = FIRST_SUBJECT
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Images of synthetic persons and their exact landmarks; equal arguments give equal images.

    Args:
        subjects: number of persons, who differ in shape, skin, beard, brows, wrinkles and light.
        expressions: images per person; the first is neutral.
        first: seed of the first person.

    Returns:
        Images (340, 280, 3) uint8 RGB, and landmarks (68, 2) in pixels for each.
    """
    from ..synthetic import Camera  # here, because it imports two packages that the fit does not need
    from ..synthetic.look import Look
    from ..synthetic.rendering import SyntheticClip
    from ..synthetic.timing import Timing

    units = ((12,), (4,), (1, 2), (25, 26), (15,), (9,), (20,), (45,), (23,), (5, 25))
    timing = Timing(0, 1, 2, 3, 200.0)
    images, landmarks = [], []
    for seed in range(first, first + subjects):
        person = Look.draw(np.random.default_rng([9, seed]), "").person(seed)
        for i in range(expressions):
            chosen = tuple((unit, "") for unit in units[(seed * expressions + i) % len(units)])
            clip = SyntheticClip(person, chosen, Camera(), timing, 8.0, seed + i)
            frame = 0 if i == 0 else 1
            images.append(clip.frame(frame))
            landmarks.append(clip.landmarks(frame))
    return images, landmarks


def named_model(name: str = "") -> AppearanceModel:
    """The model in the file `aam/<name>.npz` of the cache folder.

    Args:
        name: of the model; "" is the default model, which is trained on synthetic faces at first use and then saved.

    Raises:
        UsageError: the name cannot be that of a file.
        MissingDataError: there is no such file.
        MediaError: the file is damaged.
    """
    return _model_in(model_path(name), model_digest(name), bool(name))


def model_digest(name: str) -> str:
    """Fingerprint of the file of a named model, "" where there is none; of the default model, its own name."""
    if not name:
        return SYNTHETIC
    path = model_path(name)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""


def model_path(name: str) -> Path:
    """The file of a named model, `aam/<name>.npz` in the cache folder; "" is the default model.

    Raises:
        UsageError: the name cannot be that of a file.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]*", name):
        raise UsageError(f"appearance model '{name}': use letters, digits, '-', '_' and '.' only")
    return cache_folder() / "aam" / f"{name or SYNTHETIC}.npz"


@cache
def _model_in(path: Path, digest: str, named: bool) -> AppearanceModel:
    """Read a model; the one of synthetic faces is trained where it is missing or damaged."""
    try:
        return AppearanceModel.load(path)
    except DataError:
        if named:
            raise
        model = train_model(*synthetic_faces())
        model.save(path)
        return model
