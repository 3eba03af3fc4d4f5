"""Fitting an active appearance model to an image, and a model of synthetic faces for those who bring none.

The fit is inverse compositional (Matthews and Baker 2004) and simultaneous in shape and texture: Gauss-Newton on what
the texture's modes cannot explain, with slopes of the texture as fitted so far (Tzimiropoulos and Pantic, ICCV 2013,
"Fast-SIC"). Gain and offset of the light are two more modes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np

from ..core.config import cache_folder
from ..core.errors import DataError, UsageError
from ..imaging.geometry import similarity, transform_points
from .aam_model import AppearanceModel, Level, rigid_modes, shrink, train_model
from .landmarks import find_landmarks

__all__ = ["AppearanceModel", "Fit", "fit", "named_model", "synthetic_faces", "train_model", "train_with_mesh"]

SYNTHETIC = "synthetic-faces-1"
FIRST_SUBJECT = 90_000
"""Synthetic people from here on are what the model knows; synthetic releases draw others."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Where the model came to lie.

    Attributes:
        points: (68, 2) x and y in pixels.
        error: 0 (the model explains every pixel) to 1 (nothing): root of the share of the texture's variance, at the
            finest level, that is left over.
        iterations: of all levels together.
    """

    points: np.ndarray
    error: float
    iterations: int

    @property
    def quality(self) -> float:
        """0 to 1: the share of the texture's variance that the model explains, `1 - error ** 2`."""
        return 1 - self.error**2


def fit(
    model: AppearanceModel, image: np.ndarray, start: np.ndarray, *, max_iterations: int = 30, tolerance: float = 0.01
) -> Fit:
    """Fit a model to one face.

    Args:
        model: what `train_model` made.
        image: (height, width, 3) uint8 RGB.
        start: (68, 2) in pixels, e.g. `model.initial_points(eyes)`.
        max_iterations: number of iterations at each level.
        tolerance: mean move of a point, in pixels of the level, that ends a level.

    Raises:
        UsageError: the start is not (68, 2) finite numbers that span a face.
    """
    if start.shape != (68, 2) or not np.isfinite(start).all() or np.ptp(start, axis=0).min() < 1:
        raise UsageError(f"start of shape {start.shape}: use (68, 2) points in pixels that span a face")
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    points, error, iterations = start.astype(float), 1.0, 0
    for number in range(len(model.levels)):
        solver = _solver(model, number)
        small, placed, shift, scale = shrink(gray, points, model.mean, model.levels[number].width)
        placed, error, steps = solver.run(small, placed, max_iterations, tolerance)
        points, iterations = (placed + 0.5) / scale - shift, iterations + steps
    return Fit(points, error, iterations)


class _Solver:
    """One level of a model, made ready."""

    def __init__(self, model: AppearanceModel, number: int) -> None:
        self.model, self.level = model, model.levels[number]
        share = (number + 1) / len(model.levels)
        self.shapes = model.modes[: max(1, round(len(model.modes) * share**2))]  # coarse pixels show coarse shape only
        self.spread = model.spread[: len(self.shapes)]
        self.modes = np.concatenate([rigid_modes(model), self.shapes])
        self.pull = _pixel_moves(self.level, self.modes)
        self.ties = _triangle_corners(model)

    def run(
        self, image: np.ndarray, points: np.ndarray, max_iterations: int, tolerance: float
    ) -> tuple[np.ndarray, float, int]:
        """Points, error and iterations; the best of all that were tried."""
        points = self.project(points)
        best, least, done = points, np.inf, 0
        while done < max_iterations:
            done += 1
            move, error = self.step(image, points)
            if error < least:
                best, least = points, error
            following = self.project(self.compose(points, move))
            zoom = np.sqrt(np.linalg.det(similarity(self.model.mean, following)[:, :2]))
            if not 0.3 < zoom / self.level.width < 3:
                break
            change = np.linalg.norm(following - points, axis=1).mean()
            points = following
            if change < tolerance:
                break
        last = self.step(image, points)[1]
        return (points, last, done) if last <= least else (best, float(least), done)

    def step(self, image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, float]:
        """The (68, 2) move of the mean shape's points that explains what the texture does not, and the error."""
        level, basis = self.level, self.level.basis
        texture = level.sample(image, points)
        amounts = basis @ texture
        left = texture - amounts @ basis
        variance = float(((texture - texture.mean()) ** 2).sum())
        if variance < 1e-6 * len(texture):
            return np.zeros_like(points), 1.0
        slope = np.tensordot(amounts, level.slopes, axes=1)
        steepest = self.pull[..., 0] * slope[:, 0] + self.pull[..., 1] * slope[:, 1]
        steepest -= (steepest @ basis.T) @ basis
        hessian = steepest @ steepest.T
        hessian[np.diag_indices_from(hessian)] += 1e-4 * np.trace(hessian) / len(hessian) + 1e-9
        amount = np.linalg.solve(hessian, steepest @ left)
        return np.tensordot(amount, self.modes, axes=1), float(np.sqrt((left**2).sum() / variance))

    def compose(self, points: np.ndarray, move: np.ndarray) -> np.ndarray:
        """The current warp after the inverse of the found one (Matthews and Baker 2004, section 4.1.2)."""
        vertex, corners, weights, slopes = self.ties
        shares = weights - np.einsum("kij,kj->ki", slopes, move[vertex])
        there = (shares[..., None] * points[corners]).sum(axis=1)
        total = np.zeros_like(points)
        np.add.at(total, vertex, there)
        return total / np.bincount(vertex, minlength=len(points))[:, None]

    def project(self, points: np.ndarray) -> np.ndarray:
        """The points that the shape model can make, nearest to given ones; no mode beyond three deviations."""
        mean, shape = self.model.mean, self.model.mean
        for _ in range(2):
            place = similarity(shape, points)
            back = (points - place[:, 2]) @ np.linalg.inv(place[:, :2]).T - mean
            amounts = np.tensordot(self.shapes, back, axes=2)
            shape = mean + np.tensordot(np.clip(amounts, -3 * self.spread, 3 * self.spread), self.shapes, axes=1)
        return transform_points(shape, similarity(shape, points))


@lru_cache(maxsize=12)
def _solver(model: AppearanceModel, number: int) -> _Solver:
    return _Solver(model, number)


def _pixel_moves(level: Level, modes: np.ndarray) -> np.ndarray:
    """(k, P, 2) how far each mode moves each pixel, in pixels of the level."""
    return level.width * (level.weights[None, ..., None] * modes[:, level.corners]).sum(axis=2)


def _triangle_corners(model: AppearanceModel) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For each point and each triangle at it: point, corners, its barycentric coordinates, and their slopes (3, 2)."""
    vertex = model.triangles.ravel()
    corners = np.repeat(model.triangles, 3, axis=0)
    spots = model.mean[corners]
    inverse = np.linalg.inv(np.stack([spots[:, 1] - spots[:, 0], spots[:, 2] - spots[:, 0]], axis=-1))
    slopes = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)
    return vertex, corners, np.tile(np.eye(3), (len(model.triangles), 1)), slopes


def synthetic_faces(
    subjects: int = 40, expressions: int = 3, first: int = FIRST_SUBJECT
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Images of synthetic people, (340, 280, 3) uint8 RGB, and their true (68, 2) landmarks; always the same ones."""
    from ..synthetic import Camera, render_clip  # here, because it loads two packages that the fit does without
    from ..synthetic.timing import Timing

    units = ((12,), (4,), (1, 2), (25, 26), (15,), (9,), (20,), (45,), (23,), (5, 25))
    timing = Timing(0, 1, 2, 3, 200.0)
    images, landmarks = [], []
    for person in range(first, first + subjects):
        for i in range(expressions):
            shown = tuple((unit, "") for unit in units[(person * expressions + i) % len(units)])
            clip = render_clip(person, units=shown, camera=Camera(), timing=timing, amplitude=8.0, seed=person + i)
            frame = 0 if i == 0 else 1
            images.append(clip.frame(frame))
            landmarks.append(clip.landmarks(frame))
    return images, landmarks


def train_with_mesh(images: Iterable[np.ndarray]) -> AppearanceModel:
    """A model learned from one's own images, with the landmarks of the face mesh; faces not found are left out.

    Args:
        images: (height, width, 3) uint8 RGB each, of many people; their labels are not needed.

    Raises:
        MissingDataError: the wheel of the face mesh is not installed.
        UsageError: fewer than two faces were found.
    """
    found = [(picture, face.points) for picture in images if (face := find_landmarks(picture)) is not None]
    return train_model([picture for picture, _ in found], [points for _, points in found])


@cache
def named_model(name: str = "") -> AppearanceModel:
    """The model kept as `aam/<name>.npz` in the cache folder; without a name one of synthetic faces, trained once.

    Raises:
        UsageError: a name that cannot be a file's.
        MissingDataError, MediaError: it is not there, or damaged.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]*", name):
        raise UsageError(f"appearance model '{name}': use letters, digits, '-', '_' and '.' only")
    path = cache_folder() / "aam" / f"{name or SYNTHETIC}.npz"
    try:
        return AppearanceModel.load(path)
    except DataError:
        if name:
            raise
        model = train_model(*synthetic_faces())
        model.save(path)
        return model
