"""An active appearance model: how faces differ in shape and in texture, trained on images with 68 points each.

Cootes, Edwards, Taylor: Active appearance models, ECCV 1998; in the form of Matthews and Baker: Active appearance
models revisited, IJCV 60 (2004), where shape and texture vary independently. Shapes are in units of the mean face's
width; the mean shape is centered at 0.
"""

from __future__ import annotations

import io
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
from ..imaging.geometry import similarity, transform_points

N = 68
MAX_MODES = 60
BORDER = 2
"""Width in pixels of the border around the hull that belongs to the texture: it shows the edge of the face."""


@dataclass(frozen=True, eq=False)
class Level:
    """The texture at one resolution; P pixels of the mean shape and a border around it.

    Attributes:
        width: of the mean face in pixels.
        corners, weights: (P, 3) the corners of the triangle of each pixel, and its barycentric coordinates.
        basis: (m, P) orthonormal rows: constant, mean texture, modes.
        slopes: (m, P, 2) gradient of each row in x and y, per pixel.
    """

    width: float
    corners: np.ndarray
    weights: np.ndarray
    basis: np.ndarray
    slopes: np.ndarray

    def sample(self, image: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(P,) float64: a gray image with (68, 2) points, warped piecewise affinely to the mean shape."""
        positions = (self.weights[..., None] * points[self.corners]).sum(axis=1).astype(np.float32)
        values = cv2.remap(
            image, positions[:, None, 0], positions[:, None, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return values[:, 0].astype(np.float64)


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
        rows = np.stack([bare.sample(*shrink(g, p, mean, width)[:2]) for g, p in zip(grays, shapes, strict=True)])
        levels.append(_level(mean, triangles, float(width), _textures(rows, texture_variance)))
    return AppearanceModel(mean, modes.reshape(-1, N, 2), spread, triangles, tuple(levels))


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


def shrink(
    gray: np.ndarray, points: np.ndarray, mean: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The image around a face, averaged down so that the face is about `width` pixels wide; never enlarged.

    Returns:
        float32 image, (68, 2) points on it, and the shift and the scale from the given points to those:
        `points_on_image = (points + shift) * scale - 0.5`.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    reach = 0.5 * (high - low).max() + 2
    left, top = np.clip(np.floor(low - reach), 0, np.array(gray.shape[::-1]) - 1).astype(int)
    right, bottom = np.clip(np.ceil(high + reach), (left + 1, top + 1), gray.shape[::-1]).astype(int)
    cut = gray[top:bottom, left:right].astype(np.float32)
    scale = min(1.0, width / max(float(np.sqrt(np.linalg.det(similarity(mean, points)[:, :2]))), 1e-6))
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA) if scale < 1 else cut
    shift = np.array([0.5 - left, 0.5 - top])
    return small, (points + shift) * scale - 0.5, shift, scale


def _level(mean: np.ndarray, triangles: np.ndarray, width: float, basis: np.ndarray) -> Level:
    """A level from its basis; its pixels follow from the mean shape and the width."""
    points = mean * width
    low = np.floor(points.min(axis=0)) - BORDER - 1
    columns, rows = (np.ceil(points.max(axis=0)) + BORDER + 2 - low).astype(int)
    x, y = np.meshgrid(np.arange(columns) + low[0], np.arange(rows) + low[1])
    pixels = np.stack([x, y], axis=-1)
    corners = points[triangles]
    inverse = np.linalg.inv(np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=-1))
    parts = np.einsum("tij,hwtj->hwti", inverse, pixels[:, :, None] - corners[:, 0])
    weights = np.concatenate([1 - parts.sum(axis=-1, keepdims=True), parts], axis=-1)
    triangle, inner = weights.min(axis=-1).argmax(axis=-1), weights.min(axis=-1).max(axis=-1) >= -1e-9
    far, nearest = distance_transform_edt(~inner, return_indices=True)
    used = far <= BORDER
    triangle = triangle[tuple(nearest)][used]  # outside the hull, the nearest triangle is extended
    barycentric = np.take_along_axis(weights[used], triangle[:, None, None], axis=1)[:, 0]
    number = np.full(used.shape, -1)
    number[used] = np.arange(used.sum())
    return Level(width, triangles[triangle], barycentric, basis, _slopes(basis, number))


def _slopes(basis: np.ndarray, number: np.ndarray) -> np.ndarray:
    """(m, P, 2) differences of neighboring pixels; one-sided at the edge."""
    if not basis.size:
        return np.empty((0, 0, 2))
    padded = np.pad(number, 1, constant_values=-1)
    own = number[number >= 0]
    sides = []
    for ahead, behind in ((padded[1:-1, 2:], padded[1:-1, :-2]), (padded[2:, 1:-1], padded[:-2, 1:-1])):
        after, before = ahead[number >= 0], behind[number >= 0]
        gap = (after >= 0).astype(int) + (before >= 0)
        after, before = np.where(after >= 0, after, own), np.where(before >= 0, before, own)
        sides.append((basis[:, after] - basis[:, before]) / np.maximum(gap, 1))
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
    """(m, P) orthonormal rows: constant, mean texture and modes, of textures whose gain and offset are removed."""
    centered = rows - rows.mean(axis=1, keepdims=True)
    centered /= np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-9)
    mean = centered.mean(axis=0)
    first = np.stack([np.full_like(mean, len(mean) ** -0.5), mean / max(float(np.linalg.norm(mean)), 1e-9)])
    return np.concatenate([first, _principal(centered - mean, fraction, first)[0]])


def rigid_modes(model: AppearanceModel) -> np.ndarray:
    """(4, 68, 2) scale, rotation and shift of the mean shape, orthonormal."""
    return _rigid(model.mean).reshape(4, N, 2)
