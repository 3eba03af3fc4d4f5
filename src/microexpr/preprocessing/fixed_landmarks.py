"""Step `fixed-landmarks`: the landmarks of a mean face, where a release or `align` puts every face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..faces.alignment import EYE_X, EYE_Y, MARGIN
from ..synthetic.motion import FaceFrame
from .base import STEPS, Step


@STEPS.register("fixed-landmarks")
@dataclass(frozen=True)
class FixedLandmarks(Step):
    """`landmarks` (1, 68, 2) float32: x and y in pixels of the mean face, the same for all clips.

    They take the place of the step `landmarks` for precomputed flow, which shows no face to find, and where the face
    mesh is not installed. The eyes lie where those of the clips do; the rest of a face only about.

    Args:
        frame: `megc2019`, how faces lie in the precomputed release of MEGC 2019, or `aligned`, in the result of the
            step `align`.
        array: name of the array whose pixels are meant, `image` or `frames`; it is square.
        margin: for `aligned`, as in the step `align`.
        eye_x: for `aligned`, as in the step `align`.
        eye_y: for `aligned`, as in the step `align`.
    """

    frame: Literal["megc2019", "aligned"] = "megc2019"
    array: str = "image"
    margin: Annotated[float, Field(ge=-0.4, le=2)] = MARGIN
    eye_x: Annotated[float, Field(gt=0, lt=0.5)] = EYE_X
    eye_y: Annotated[float, Field(gt=0, lt=1)] = EYE_Y

    def __call__(self, sample: Sample) -> Sample:
        """Adds `landmarks`.

        Raises:
            RecipeError: the array is not square.
        """
        height, width = sample.array(self.array).shape[-3:-1]
        if height != width:
            raise RecipeError(
                f"step 'fixed-landmarks' takes square images; '{self.array}' has {height} x {width} pixels"
            )
        frame = (
            FaceFrame.megc2019(width)
            if self.frame == "megc2019"
            else FaceFrame.aligned(width, self.margin, self.eye_x, self.eye_y)
        )
        return sample.with_array("landmarks", frame.landmarks[None].astype(np.float32))
