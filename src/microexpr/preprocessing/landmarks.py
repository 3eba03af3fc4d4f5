"""Step `landmarks`: where the parts of the face are, for descriptors of its regions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.clip import Sample
from ..faces.aam import MIN_QUALITY, fit, model_digest, named_model
from ..faces.cascade import find_eyes
from ..faces.landmarks import find_landmarks
from .base import STEPS, Step


@STEPS.register("landmarks")
@dataclass(frozen=True)
class Landmarks(Step):
    """`landmarks` (1 or T, 68, 2) float32: x and y in pixels of `frames`, in the order of iBUG 300-W.

    It comes after the steps that move pixels, such as `align`, and before `flow`. If a frame shows no face,
    `Sample.face_found` is False and there are no landmarks.

    Args:
        frames: `first`, the landmarks of the first frame only, or `all`, of every frame.
        method: `mesh`, the 468 points of the face mesh, or `aam`, an active appearance model that starts from the eyes
            that OpenCV's cascade finds, and from the frame before.
        model: name of an appearance model, as in the step `align`.
    """

    frames: Literal["first", "all"] = "first"
    method: Literal["mesh", "aam"] = "mesh"
    model: str = ""

    def __call__(self, sample: Sample) -> Sample:
        """Adds `landmarks`.

        Raises:
            MissingDataError: the files of the face mesh or of the model are not there.
        """
        frames = sample.array("frames")
        points: list[np.ndarray] = []
        for frame in frames[:1] if self.frames == "first" else frames:
            found = self._find(frame, points[-1] if points else None)
            if found is None:
                return dataclasses.replace(sample, face_found=False)
            points.append(found)
        return sample.with_array("landmarks", np.stack(points).astype(np.float32))

    def inputs(self) -> str:
        """Fingerprint of the appearance model."""
        return model_digest(self.model) if self.method == "aam" else ""

    def _find(self, image: np.ndarray, before: np.ndarray | None) -> np.ndarray | None:
        """(68, 2) landmarks of an image, or None; `before` are those of the frame before."""
        if self.method == "mesh":
            face = find_landmarks(image)
            return None if face is None else face.points
        model = named_model(self.model)
        if before is None:
            eyes = find_eyes(image)
            if eyes is None:
                return None
            before = model.initial_points(eyes)
        fitted = fit(model, image, before)
        return fitted.points if fitted.quality >= MIN_QUALITY else None
