"""Train an appearance model on some people and measure it on others.

The error of a face is the mean distance of its 68 points, in distances of the outer corners of the eyes (Sagonas et
al., 300 Faces in-the-wild challenge, 2013). A fit starts from the eyes that OpenCV's cascade finds, as in the step
`align`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..core.errors import UsageError
from .aam import MIN_QUALITY, fit
from .aam_model import AppearanceModel, train_model
from .cascade import find_eyes

OUTER_CORNERS = [36, 45]
MAX_WIDTH = 400
"""Width in pixels to which larger faces are averaged down: the finest level of a model has far fewer."""


@dataclass(frozen=True, eq=False)
class LabeledFace:
    """A face whose landmarks are known.

    Attributes:
        subject: the person, `<dataset>/<person>`.
        image: (height, width, 3) uint8 RGB.
        points: (68, 2) x and y in pixels.
    """

    subject: str
    image: np.ndarray
    points: np.ndarray


@dataclass(frozen=True, eq=False)
class Measured:
    """How a model fits people whom it was not trained on.

    Attributes:
        subjects: the people whom it was tested on.
        faces: number of their images.
        undetected: of these, how many have no face that the cascade finds.
        refused: of these, how many fits have a quality below `MIN_QUALITY`, which counts as no face.
        start_errors: of each other face, the error of the start.
        errors: of each of these faces, the error of the fit.
    """

    subjects: tuple[str, ...]
    faces: int
    undetected: int
    refused: int
    start_errors: np.ndarray
    errors: np.ndarray

    @property
    def mean_start(self) -> float:
        """Mean error of the starts; not a number without any face."""
        return float(self.start_errors.mean()) if len(self.start_errors) else float("nan")

    @property
    def mean_error(self) -> float:
        """Mean error of the fits; not a number without any face."""
        return float(self.errors.mean()) if len(self.errors) else float("nan")

    @property
    def high_error(self) -> float:
        """The error that 95 % of the faces do not exceed; not a number without any face."""
        return float(np.percentile(self.errors, 95)) if len(self.errors) else float("nan")


def cut_out(face: LabeledFace) -> LabeledFace:
    """The face with half its size around it, no wider than `MAX_WIDTH`: what training and testing need of an image.

    Raises:
        UsageError: the face lies outside of the image.
    """
    low, high = face.points.min(axis=0), face.points.max(axis=0)
    reach = 0.5 * (high - low).max()
    left, top = np.maximum(np.floor(low - reach), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + reach) + 1, face.image.shape[1::-1]).astype(int)
    if right <= left or bottom <= top:
        raise UsageError(f"a face of '{face.subject}' lies outside of its image of {face.image.shape[1::-1]} pixels")
    image, points = np.ascontiguousarray(face.image[top:bottom, left:right]), face.points - (left, top)
    scale = MAX_WIDTH / float(high[0] - low[0])
    if scale < 1:
        size = np.maximum(np.round(np.array(image.shape[1::-1]) * scale), 1).astype(int)
        points = (points + 0.5) * (size / np.array(image.shape[1::-1])) - 0.5
        image = cv2.resize(image, size.tolist(), interpolation=cv2.INTER_AREA)
    return LabeledFace(face.subject, image, points)


def split_people(subjects: Sequence[str], fraction: float, seed: int) -> frozenset[str]:
    """The people who are tested: a fraction of all, drawn, at least one.

    Raises:
        UsageError: fewer than three people, of whom two are trained on.
    """
    people = sorted(set(subjects))
    if len(people) < 3:
        raise UsageError(f"{len(people)} people: an appearance model needs two to train on and one to test on")
    number = min(max(1, round(fraction * len(people))), len(people) - 2)
    return frozenset(np.random.default_rng(seed).permutation(people)[:number].tolist())


def train_and_test(
    faces: Sequence[LabeledFace], fraction: float = 0.2, seed: int = 0
) -> tuple[AppearanceModel, Measured]:
    """Train a model on most people, and measure it on the others.

    Args:
        faces: of three people or more.
        fraction: of the people who are tested, 0 to 1.
        seed: of the draw of these people.

    Raises:
        UsageError: too few people.
    """
    tested = split_people([face.subject for face in faces], fraction, seed)
    known = [face for face in faces if face.subject not in tested]
    model = train_model([face.image for face in known], [face.points for face in known])
    return model, measure(model, [face for face in faces if face.subject in tested])


def measure(model: AppearanceModel, faces: Sequence[LabeledFace]) -> Measured:
    """Fit a model to faces with known landmarks."""
    starts, errors, undetected, refused = [], [], 0, 0
    for face in faces:
        eyes = find_eyes(face.image)
        if eyes is None:
            undetected += 1
            continue
        start = model.initial_points(eyes)
        found = fit(model, face.image, start)
        if found.quality < MIN_QUALITY:
            refused += 1
            continue
        starts.append(landmark_error(start, face.points))
        errors.append(landmark_error(found.points, face.points))
    people = tuple(sorted({face.subject for face in faces}))
    return Measured(people, len(faces), undetected, refused, np.array(starts), np.array(errors))


def landmark_error(found: np.ndarray, points: np.ndarray) -> float:
    """Mean distance of (68, 2) points from the true ones, in distances of the outer corners of the eyes."""
    right, left = points[OUTER_CORNERS]
    return float(np.linalg.norm(found - points, axis=1).mean() / np.linalg.norm(left - right))
