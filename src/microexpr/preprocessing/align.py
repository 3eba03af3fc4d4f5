"""The face put upright at a fixed place, by its landmarks; optionally with all else masked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..faces.aam import fit, named_model
from ..faces.alignment import EYE_X, EYE_Y, MARGIN, eye_centers, eye_positions
from ..faces.cascade import find_eyes
from ..faces.landmarks import detect_face, find_landmarks
from ..imaging.geometry import similarity, transform_points, warp_image
from .base import STEPS, Step

MIN_QUALITY = 0.5
"""A fit of the appearance model that explains less of the texture has not found the face."""


@dataclass(frozen=True, eq=False)
class Found:
    """A face: its (2, 2) eyes in pixels, its (68, 2) points and their quality 0 to 1 where the way gives them."""

    eyes: np.ndarray
    points: np.ndarray | None = None
    quality: float | None = None


@STEPS.register("align")
@dataclass(frozen=True)
class Align(Step):
    """`frames`, turned, scaled and shifted so that the eyes of the first one are level and at a fixed place.

    All frames get the same map: one for each would add the landmarks' tremble to the motion. A face that is not found
    is marked (`Sample.face_found` is False) and the middle square is taken. How sure the
    landmarks are is noted as `quality`, 0 to 1. A single picture is a clip of one frame.

    Args:
        method: `mesh`, the 468 points of the face mesh (needs the wheel that `mesh.py` names); `aam`, an active
            appearance model; `cascade`, OpenCV's cascade, which knows no turn.
        size: of the result, in pixels.
        margin: added on every side, as a share of the size.
        eye_x: where the eye on the left lies without margin, as a share of the size; the other one mirrors it.
        eye_y: how far down both eyes lie without margin, as a share of the size.
        mask: whether everything outside the face gets one gray level: the hull of the 68 points of the first frame,
            with the brows moved up by a quarter of the way from the chin to the root of the nose.
        fill: that gray level, 0 to 255.
        initializer: what finds the face that the appearance model starts from: `cascade` (faces that are about upright)
            or `blazeface` (turned ones too; needs the wheel).
        model: name of an appearance model of one's own, kept as `aam/<model>.npz` in the cache folder; "" is one of
            synthetic faces, trained at first use, which does not know real strangers (docs/faces.md). Results are
            cached by the model's name: a new model gets a new name.
    """

    version = 2  # from 2 on, large faces are averaged by whole blocks

    method: Literal["mesh", "aam", "cascade"] = "mesh"
    size: int = 224
    margin: float = MARGIN
    eye_x: float = EYE_X
    eye_y: float = EYE_Y
    mask: bool = False
    fill: int = 0
    initializer: Literal["cascade", "blazeface"] = "cascade"
    model: str = ""

    def __post_init__(self) -> None:
        for wrong, text in (
            (self.size < 8, f"size = {self.size}; use 8 pixels or more"),
            (not -0.4 <= self.margin <= 2, f"margin = {self.margin}; use a share from -0.4 to 2"),
            (not 0 < self.eye_x < 0.5, f"eye_x = {self.eye_x}; use a share between 0 and 0.5"),
            (not 0 < self.eye_y < 1, f"eye_y = {self.eye_y}; use a share between 0 and 1"),
            (not 0 <= self.fill <= 255, f"fill = {self.fill}; use a gray level from 0 to 255"),
            (self.mask and self.method == "cascade", "mask = true needs landmarks; use by = 'mesh' or by = 'aam'"),
        ):
            if wrong:
                raise RecipeError(f"step 'align': {text}")

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames` by (T, size, size, 3) uint8.

        Raises:
            MissingDataError: what the landmarks need is not installed, or no such model was saved.
        """
        frames = sample.array("frames")
        known = sample.known_landmarks()
        found = self._find(frames[0]) if known is None else Found(eye_centers(known), known)
        if found is None:
            sample = dataclasses.replace(sample, face_found=False)
            matrix = _middle(frames.shape[1], frames.shape[2], self.size)
        else:
            matrix = similarity(found.eyes, self.eye_targets)
        aligned = np.stack(
            [
                warp_image(f, matrix, self.size, interpolation=cv2.INTER_CUBIC, border=cv2.BORDER_REPLICATE)
                for f in frames
            ]
        )
        if found is not None and found.quality is not None:
            sample = sample.with_note("quality", f"{found.quality:.2f}")
        if self.mask and found is not None and found.points is not None:
            aligned[:, ~face_mask(transform_points(found.points, matrix), self.size)] = self.fill
        return dataclasses.replace(sample.with_array("frames", aligned), landmarks=None)

    @property
    def eye_targets(self) -> np.ndarray:
        """(2, 2) where the eyes come to lie, in pixels of the result."""
        return eye_positions(self.size, self.margin, self.eye_x, self.eye_y)

    def _find(self, image: np.ndarray) -> Found | None:
        if self.method == "mesh":
            face = find_landmarks(image)
            return None if face is None else Found(eye_centers(face.points), face.points, face.quality)
        eyes = _blazeface_eyes(image) if self.method == "aam" and self.initializer == "blazeface" else find_eyes(image)
        if eyes is None or self.method == "cascade":
            return None if eyes is None else Found(eyes)
        model = named_model(self.model)
        fitted = fit(model, image, model.initial_points(eyes))
        if fitted.quality < MIN_QUALITY:
            return None
        return Found(eye_centers(fitted.points), fitted.points, fitted.quality)


def _blazeface_eyes(image: np.ndarray) -> np.ndarray | None:
    face = detect_face(image)
    return None if face is None else face.eyes


def face_mask(points: np.ndarray, side: int) -> np.ndarray:
    """(side, side) bool: the hull of (68, 2) points and of a little forehead."""
    forehead = points[17:27] + (points[27] - points[8]) * 0.25
    hull = cv2.convexHull(np.concatenate([points, forehead]).astype(np.float32))
    filled = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(filled, np.round(hull).astype(np.int32), 1)
    return filled.astype(bool)


def _middle(height: int, width: int, size: int) -> np.ndarray:
    """The map of the middle square of a picture."""
    zoom = size / min(height, width)
    shift = size / 2 - 0.5 - zoom * (np.array([width, height]) / 2 - 0.5)
    return np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
