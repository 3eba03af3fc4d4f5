"""An active appearance model: how faces differ in shape and in texture, trained on images with 68 points each.

Cootes, Edwards, Taylor: Active appearance models, ECCV 1998; in the form of Matthews and Baker: Active appearance
models revisited, IJCV 60 (2004), where shape and texture vary independently. Shapes are in units of the mean face's
width; the mean shape is centered at 0.

The texture is a histogram of the orientations of the gradient around each pixel, as in HOG (Dalal and Triggs, CVPR
2005), instead of gray levels: those of one person hardly fit another one, histograms do (Antonakos et al.:
Feature-based Lucas-Kanade and active appearance models, IEEE TIP 24, 2015).
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import Delaunay

from ..core.errors import MediaError, MissingDataError, UsageError
from ..core.files import write_atomically
from ..imaging.geometry import similarity, transform_points, warp_image

N = 68
MAX_MODES = 60
BORDER = 2
"""Width in pixels of the border around the hull that belongs to the texture: it shows the edge of the face."""
ORIENTATIONS = 8
SMOOTHING, POOLING = 0.7, 2.0
"""Standard deviations in pixels of the filter before the gradient, and of that which makes the histograms."""
STEP = 2
"""Distance in pixels of the mean face of those at which a model has the texture: histograms are smooth."""
NOISE = 0.5
"""Length of the gradient in gray levels per pixel that is taken for noise."""


@dataclass(frozen=True, eq=False)
class Level:
    """The texture at one resolution; P pixels of the mean shape and a border around it.

    Attributes:
        width: of the mean face in pixels.
        corners, weights: (P, 3) the corners of the triangle of each pixel, and its barycentric coordinates.
        basis: (m, 8 P) orthonormal rows: constant, mean texture, modes; P values of each orientation in turn.
        slopes: (m, 8 P, 2) gradient of each row in x and y, per pixel.
    """

    width: float
    corners: np.ndarray
    weights: np.ndarray
    basis: np.ndarray
    slopes: np.ndarray

    def sample(self, image: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(8 P,) float64: `orientations` with (68, 2) points, warped piecewise affinely to the mean shape."""
        positions = (self.weights[..., None] * points[self.corners]).sum(axis=1).astype(np.float32)
        x, y = positions[:, None, 0], positions[:, None, 1]
        values = [
            cv2.remap(image[i], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]
            for i in range(len(image))
        ]
        return np.concatenate(values).astype(np.float64)


@dataclass(frozen=True, eq=False)
class AppearanceModel:
    """The shapes and textures of faces. Made by `train_model`.

    Attributes:
        mean: (68, 2) mean shape.
        modes: (n, 68, 2) orthonormal modes of shape, free of rotation, scale and shift.
        spread: (n,) standard deviation along each of them.
        triangles: (k, 3) of the mean shape.
        levels: the texture from coarse to fine.
    """

    mean: np.ndarray
    modes: np.ndarray
    spread: np.ndarray
    triangles: np.ndarray
    levels: tuple[Level, ...]

    def initial_points(self, eyes: np.ndarray) -> np.ndarray:
        """(68, 2) the mean shape with its eyes at `eyes`, (2, 2) x and y in pixels: a start for the fit."""
        mean_eyes = np.stack([self.mean[36:42].mean(axis=0), self.mean[42:48].mean(axis=0)])
        return transform_points(self.mean, similarity(mean_eyes, eyes))

    def save(self, path: Path) -> None:
        """Write the model as .npz; the file holds arrays only and nothing pickled."""
        arrays = {"mean": self.mean, "modes": self.modes, "spread": self.spread, "triangles": self.triangles}
        for i, level in enumerate(self.levels):
            arrays[f"width{i}"], arrays[f"basis{i}"] = np.array(level.width), level.basis
        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]
        write_atomically(path, content.getvalue())

    @classmethod
    def load(cls, path: Path) -> AppearanceModel:
        """Read a model that `save` wrote.

        Raises:
            MissingDataError: there is no such file.
            MediaError: the file is not an appearance model, or damaged.
        """
        if not path.is_file():
            raise MissingDataError(f"appearance model '{path}' is not there; write it by train_model(...).save(path)")
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = dict(stored)
            mean, triangles = arrays["mean"], arrays["triangles"]
            numbers = range(sum(name.startswith("width") for name in arrays))
            levels = [_level(mean, triangles, float(arrays[f"width{i}"]), arrays[f"basis{i}"]) for i in numbers]
            return cls(mean, arrays["modes"], arrays["spread"], triangles, tuple(levels))
        except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile):
            raise MediaError(
                f"'{path}' is not an appearance model, or damaged; train and save the model again"
            ) from None


def train_model(
    images: Sequence[np.ndarray],
    landmarks: Sequence[np.ndarray],
    *,
    widths: Sequence[float] = (24, 48, 96),
    shape_variance: float = 0.97,
    texture_variance: float = 0.97,
    mirror: bool = True,
) -> AppearanceModel:
    """Train an appearance model.

    Args:
        images: (height, width, 3) uint8 RGB each, sizes may differ.
        landmarks: (68, 2) x and y in pixels for each image, annotated or from `landmarks.find_landmarks`.
        widths: of the mean face in pixels at each level, from coarse to fine.
        shape_variance: fraction of the variance of shape that the modes explain, 0 to 1.
        texture_variance: fraction of the variance of texture that the modes explain, 0 to 1.
        mirror: whether a mirrored copy of each image is used, too.

    Raises:
        UsageError: fewer than two faces, or landmarks that do not fit the images in number or shape.
    """
    if len(images) != len(landmarks) or len(images) < 2:
        found = f"{len(images)} images and {len(landmarks)} sets of landmarks"
        raise UsageError(f"{found}: an appearance model needs two faces or more, and one set of landmarks for each")
    shapes = [np.asarray(points, float) for points in landmarks]
    for points in shapes:
        if points.shape != (N, 2) or not np.isfinite(points).all():
            raise UsageError(f"landmarks of shape {points.shape}: use (68, 2) finite numbers for each image")
    grays = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    if mirror:
        from ..synthetic.action_units import MIRROR

        order = MIRROR[:N]
        turned = [(np.array([g.shape[1] - 1, 0]) + p * (-1, 1))[order] for g, p in zip(grays, shapes, strict=True)]
        grays, shapes = [*grays, *(g[:, ::-1] for g in grays)], [*shapes, *turned]
    mean, aligned = procrustes(np.stack(shapes))
    modes, spread = _principal((aligned - mean).reshape(len(shapes), -1), shape_variance, _rigid(mean))
    triangles = Delaunay(mean).simplices.astype(np.int64)
    levels = []
    for width in widths:
        bare = _level(mean, triangles, float(width), np.empty((0, 0)))
        rows = np.stack([_texture_of(bare, g, p, mean) for g, p in zip(grays, shapes, strict=True)])
        levels.append(_level(mean, triangles, float(width), _textures(rows, texture_variance)))
    return AppearanceModel(mean, modes.reshape(-1, N, 2), spread, triangles, tuple(levels))


def _texture_of(level: Level, gray: np.ndarray, points: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """(8 P,) the texture of a face with known points."""
    image, matrix = upright(gray, points, mean, level.width)
    return level.sample(image, transform_points(points, matrix))


def procrustes(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Generalized Procrustes analysis (Gower 1975): the upright mean, one unit wide, and the shapes aligned to it.

    Args:
        shapes: (n, 68, 2) in pixels.

    Returns:
        (68, 2) mean and (n, 68, 2) shapes.
    """
    mean, aligned = shapes[0], shapes
    for _ in range(5):
        eyes = mean[42:48].mean(axis=0) - mean[36:42].mean(axis=0)
        turn = np.array([[eyes[0], eyes[1]], [-eyes[1], eyes[0]]]) / np.linalg.norm(eyes)
        mean = (mean - mean.mean(axis=0)) @ turn.T
        mean = mean / np.ptp(mean[:, 0])
        aligned = np.stack([transform_points(shape, similarity(shape, mean)) for shape in shapes])
        mean = aligned.mean(axis=0)
    return mean, aligned


def upright(gray: np.ndarray, points: np.ndarray, mean: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """The orientations of a face and what is around it, turned upright and scaled to a face `width` pixels wide.

    Args:
        gray: (height, width) uint8.
        points: (68, 2) in pixels.
        mean: (68, 2) mean shape.
        width: of the face in the result.

    Returns:
        (8, side, side) float32 as `orientations` has it, and the (2, 3) map from pixels of the image to those.
    """
    side = math.ceil(2 * width)
    matrix = similarity(points, mean * width + (side - 1) / 2)
    warped = warp_image(gray, matrix, side, interpolation=cv2.INTER_LINEAR, border=cv2.BORDER_REPLICATE)
    return orientations(warped), matrix


def orientations(gray: np.ndarray) -> np.ndarray:
    """(8, height, width) float32, 0 to 1: how much of the gradient around each pixel has each of eight directions.

    Args:
        gray: (height, width) uint8.
    """
    smooth = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), SMOOTHING)
    along_x, along_y = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=1, scale=0.5) for order in ((1, 0), (0, 1)))
    length = np.hypot(along_x, along_y) + 1e-6
    angles = np.arange(ORIENTATIONS) * 2 * np.pi / ORIENTATIONS
    parts = [np.maximum(along_x * np.cos(a) + along_y * np.sin(a), 0) ** 2 / length for a in angles]
    pooled = np.stack([cv2.GaussianBlur(part, (0, 0), POOLING) for part in parts])
    energy = cv2.GaussianBlur((pooled**2).sum(axis=0), (0, 0), 2 * POOLING)
    return np.sqrt(pooled / np.sqrt(energy + NOISE**2))


def _level(mean: np.ndarray, triangles: np.ndarray, width: float, basis: np.ndarray) -> Level:
    """A level from its basis; its pixels follow from the mean shape and the width."""
    points = mean * width
    low = np.floor(points.min(axis=0)) - BORDER - 1
    columns, rows = np.ceil((points.max(axis=0) + BORDER + 2 - low) / STEP).astype(int)
    x, y = np.meshgrid(np.arange(columns) * STEP + low[0], np.arange(rows) * STEP + low[1])
    pixels = np.stack([x, y], axis=-1)
    corners = points[triangles]
    inverse = np.linalg.inv(np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=-1))
    parts = np.einsum("tij,hwtj->hwti", inverse, pixels[:, :, None] - corners[:, 0])
    weights = np.concatenate([1 - parts.sum(axis=-1, keepdims=True), parts], axis=-1)
    triangle, inner = weights.min(axis=-1).argmax(axis=-1), weights.min(axis=-1).max(axis=-1) >= -1e-9
    far, nearest = distance_transform_edt(~inner, return_indices=True)
    used = far * STEP <= BORDER
    triangle = triangle[tuple(nearest)][used]  # outside the hull, the nearest triangle is extended
    barycentric = np.take_along_axis(weights[used], triangle[:, None, None], axis=1)[:, 0]
    number = np.full(used.shape, -1)
    number[used] = np.arange(used.sum())
    return Level(width, triangles[triangle], barycentric, basis, _slopes(basis, number))


def _slopes(basis: np.ndarray, number: np.ndarray) -> np.ndarray:
    """(m, 8 P, 2) differences of neighboring pixels; one-sided at the edge."""
    if not basis.size:
        return np.empty((0, 0, 2))
    pixels = int((number >= 0).sum())
    if basis.shape[1] != ORIENTATIONS * pixels:
        raise ValueError(f"a texture of {basis.shape[1]} values at {pixels} pixels")
    parts = [_slopes_of(basis[:, start : start + pixels], number) for start in range(0, basis.shape[1], pixels)]
    return np.concatenate(parts, axis=1)


def _slopes_of(basis: np.ndarray, number: np.ndarray) -> np.ndarray:
    """(m, P, 2) differences of neighboring pixels of images of one value each."""
    padded = np.pad(number, 1, constant_values=-1)
    own = number[number >= 0]
    sides = []
    for ahead, behind in ((padded[1:-1, 2:], padded[1:-1, :-2]), (padded[2:, 1:-1], padded[:-2, 1:-1])):
        after, before = ahead[number >= 0], behind[number >= 0]
        gap = (after >= 0).astype(int) + (before >= 0)
        after, before = np.where(after >= 0, after, own), np.where(before >= 0, before, own)
        sides.append((basis[:, after] - basis[:, before]) / (STEP * np.maximum(gap, 1)))
    return np.stack(sides, axis=-1)


def _rigid(mean: np.ndarray) -> np.ndarray:
    """(4, 136) orthonormal rows: scale, rotation, shift in x, shift in y (Matthews and Baker 2004, section 4.2.1)."""
    centered = mean - mean.mean(axis=0)
    rows = [
        centered,
        np.stack([-centered[:, 1], centered[:, 0]], axis=-1),
        np.tile([1.0, 0], (N, 1)),
        np.tile([0, 1.0], (N, 1)),
    ]
    return np.stack([row.ravel() / np.linalg.norm(row) for row in rows])


def _principal(rows: np.ndarray, fraction: float, orthogonal_to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal components that hold a fraction of the variance, orthogonal to given rows, and their deviations."""
    rows = rows - rows @ orthogonal_to.T @ orthogonal_to
    _, values, modes = np.linalg.svd(rows, full_matrices=False)
    energy = np.cumsum(values**2)
    if energy[-1] < 1e-18:
        return modes[:0], values[:0]
    count = min(int(np.searchsorted(energy, fraction * energy[-1])) + 1, MAX_MODES, len(modes))
    return modes[:count], values[:count] / np.sqrt(len(rows))


def _textures(rows: np.ndarray, fraction: float) -> np.ndarray:
    """(m, 8 P) orthonormal rows: constant, mean texture and modes, of textures whose mean and length are removed."""
    centered = rows - rows.mean(axis=1, keepdims=True)
    centered /= np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-9)
    mean = centered.mean(axis=0)
    first = np.stack([np.full_like(mean, len(mean) ** -0.5), mean / max(float(np.linalg.norm(mean)), 1e-9)])
    return np.concatenate([first, _principal(centered - mean, fraction, first)[0]])


def rigid_modes(model: AppearanceModel) -> np.ndarray:
    """(4, 68, 2) scale, rotation and shift of the mean shape, orthonormal."""
    return _rigid(model.mean).reshape(4, N, 2)
