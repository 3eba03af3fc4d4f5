"""Motion of the landmarks of a face.

Park, Kim: Subtle Facial Expression Recognition Using Motion Magnification, Pattern Recognition Letters 30(7), 2009.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..core.errors import RecipeError
from ..faces.alignment import RIGID, eye_centers
from ..imaging.geometry import similarity, transform_points
from .base import FEATURES, FaceFeature

JAW = 17
"""Number of landmarks of the jaw, which come first; they slide along it and carry little motion."""


@FEATURES.register("landmark-motion")
@dataclass(frozen=True)
class LandmarkMotion(FaceFeature):
    """Motion of the landmarks since the first frame, in distances between the eyes, without that of the head.

    The eyes of the first frame are made level, and every other frame is mapped to it by the similarity that fits best
    at the corners of the eyes and the root of the nose, so that a shift, turn or zoom of a frame changes nothing. The
    paper aligns by the eyes and the tip of the nose, which moves in some expressions. It has 70 landmarks of an
    appearance model and takes 27 of them, which its abstract does not name; here there are the 68 of iBUG 300-W.

    Args:
        times: number of times, evenly spaced after the first frame up to the last, whose motion is taken; 1 is the last
            frame alone. Between two frames, landmarks are interpolated linearly.
        points: `inner`, the 51 landmarks of brows, nose, eyes and mouth, or `all` 68, with the jaw.
        factor: by what the motion is multiplied.
        values: `motion`, x and y of each landmark's motion, or `shape`, its place in the first frame plus the motion,
            the exaggerated shape that the paper classifies; only there does the factor change what a support vector
            machine of standardized values learns.
    """

    times: Annotated[int, Field(ge=1)] = 1
    points: Literal["inner", "all"] = "inner"
    factor: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    values: Literal["motion", "shape"] = "motion"

    reads: ClassVar[str] = "frames"

    @property
    def frames(self) -> int:
        """Two: motion is between frames."""
        return 2

    @property
    def length(self) -> int:
        """Number of times x number of landmarks x 2."""
        return self.times * (68 - JAW if self.points == "inner" else 68) * 2

    def compute_at(self, array: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Compute x and y of the landmarks, one after the other for each time.

        Raises:
            RecipeError: there are no landmarks of every frame.
        """
        if len(landmarks) != len(array):
            raise RecipeError(
                f"feature 'landmark-motion' needs the landmarks of all {len(array)} frames, not of {len(landmarks)}; "
                "set frames = 'all' in the step 'landmarks'"
            )
        level = transform_points(landmarks[0], similarity(eye_centers(landmarks[0]), EYES))
        aligned = np.stack([transform_points(face, similarity(face[RIGID], level[RIGID])) for face in landmarks])
        wanted = np.linspace(0, len(aligned) - 1, self.times + 1)[1:]
        before = np.minimum(wanted.astype(int), len(aligned) - 2)
        share = (wanted - before)[:, None, None]
        motion = self.factor * ((1 - share) * aligned[before] + share * aligned[before + 1] - level)
        chosen = motion if self.values == "motion" else level + motion
        return chosen[:, JAW if self.points == "inner" else 0 :].ravel()


EYES = np.array([[-0.5, 0.0], [0.5, 0.0]])
"""Centers of the eyes of the first frame after the alignment: their distance is 1."""
