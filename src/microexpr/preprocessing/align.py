"""Step `align`: the face upright at a fixed position, by its landmarks; optionally with everything else masked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..faces.aam import MIN_QUALITY, fit, model_digest, named_model
from ..faces.alignment import EYE_X, EYE_Y, MARGIN, eye_centers, eye_positions
from ..faces.cascade import find_eyes
from ..faces.landmarks import detect_face, find_landmarks
from ..imaging.geometry import similarity, transform_points, warp_image
from .base import STEPS, Step


@dataclass(frozen=True, eq=False)
class Found:
    """A face that was found.

    Attributes:
        eyes: (2, 2) x and y of the right and the left eye in pixels.
        points: (68, 2) landmarks in pixels; None where the method has none.
        quality: of the landmarks, 0 to 1; None where it is not known.
    """

    eyes: np.ndarray
    points: np.ndarray | None = None
    quality: float | None = None


@STEPS.register("align")
@dataclass(frozen=True)
class Align(Step):
    """`frames`, turned, scaled and shifted so that the eyes of the first frame are level and at fixed positions.

    All frames are mapped alike: a separate map for each frame would add the noise of the landmarks to the motion. If no
    face is found, `Sample.face_found` is False and the central square is used. The note `quality` is the quality of the
    landmarks, 0 to 1. Where landmarks are known, the face is not searched. An image is a clip of one frame.

    Args:
        method: `mesh`, the 468 points of the face mesh (needs two files, see `faces/landmarks.py`); `aam`, an
            active appearance model; `cascade`, OpenCV's cascade, which finds upright faces and does not turn them.
        size: side of the result in pixels.
        margin: added on every side, as a fraction of the size.
        eye_x: horizontal position of the left eye in the image without margin, as a fraction of the size; the other
            eye mirrors it.
        eye_y: vertical position of both eyes without margin, as a fraction of the size from the top.
        mask: whether everything outside the face gets one gray level. The face is the hull of the 68 points of the
            first frame, with the brows moved up by a quarter of the way from the chin to the root of the nose.
        fill: gray level outside the face, 0 to 255.
        initializer: detector from whose eyes the appearance model starts: `cascade` (finds faces that are about
            upright) or `blazeface` (finds turned ones, too; needs the files of the face mesh).
        model: name of an appearance model, `aam/<model>.npz` in the cache folder, which `microexpr train-aam`
            writes; "" is one of synthetic faces, which is trained at first use and fits real people less exactly than
            the mesh (docs/how-to/faces.md).
    """

    version = 2  # since 2, large faces are averaged by whole blocks

    method: Literal["mesh", "aam", "cascade"] = "mesh"
    size: Annotated[int, Field(ge=8)] = 224
    margin: Annotated[float, Field(ge=-0.4, le=2)] = MARGIN
    eye_x: Annotated[float, Field(gt=0, lt=0.5)] = EYE_X
    eye_y: Annotated[float, Field(gt=0, lt=1)] = EYE_Y
    mask: bool = False
    fill: Annotated[int, Field(ge=0, le=255)] = 0
    initializer: Literal["cascade", "blazeface"] = "cascade"
    model: str = ""

    def __post_init__(self) -> None:
        if self.mask and self.method == "cascade":
            raise RecipeError("step 'align': mask = true needs landmarks; use method = 'mesh' or method = 'aam'")

    def __call__(self, sample: Sample) -> Sample:
        """Replaces `frames` by (T, size, size, 3) uint8.

        Raises:
            MissingDataError: the files of the face mesh or of the model are not there.
        """
        frames = sample.array("frames")
        known = sample.known_landmarks()
        found = self._find(frames[0]) if known is None else Found(eye_centers(known), known)
        if found is None:
            sample = dataclasses.replace(sample, face_found=False)
            matrix = _central_square(frames.shape[1], frames.shape[2], self.size)
        else:
            matrix = similarity(found.eyes, self.eye_targets)
        aligned = np.stack(
            [
                warp_image(frame, matrix, self.size, interpolation=cv2.INTER_CUBIC, border=cv2.BORDER_REPLICATE)
                for frame in frames
            ]
        )
        if found is not None and found.quality is not None:
            sample = sample.with_note("quality", f"{found.quality:.2f}")
        if self.mask and found is not None and found.points is not None:
            aligned[:, ~face_mask(transform_points(found.points, matrix), self.size)] = self.fill
        return dataclasses.replace(sample.with_array("frames", aligned), landmarks=None)

    def inputs(self) -> str:
        """Fingerprint of the appearance model."""
        return model_digest(self.model) if self.method == "aam" else ""

    @property
    def eye_targets(self) -> np.ndarray:
        """(2, 2) x and y of the right and the left eye in pixels of the result."""
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
    """(side, side) bool: the hull of (68, 2) points and of the lower forehead."""
    forehead = points[17:27] + (points[27] - points[8]) * 0.25
    hull = cv2.convexHull(np.concatenate([points, forehead]).astype(np.float32))
    filled = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(filled, np.round(hull).astype(np.int32), 1)
    return filled.astype(bool)


def _central_square(height: int, width: int, size: int) -> np.ndarray:
    """(2, 3) map of the central square of an image to a square of `size` pixels."""
    zoom = size / min(height, width)
    shift = size / 2 - 0.5 - zoom * (np.array([width, height]) / 2 - 0.5)
    return np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
