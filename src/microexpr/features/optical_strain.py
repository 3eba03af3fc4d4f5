"""Optical strain features (OSF).

Liong, Phan, See, Oh, Wong: Optical Strain Based Recognition of Subtle Emotions, ISPACS 2014.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from ..core.errors import RecipeError
from ..imaging.optical_flow import StrainNorm, strain
from .base import FEATURES, Change, Feature


@FEATURES.register("optical-strain")
@dataclass(frozen=True)
class OpticalStrain(Feature):
    """The mean over time of the optical strain of each pixel, its largest value brought to 1, as a small image.

    It tells how much the skin is stretched where, not in which direction. A shift or a turn of the whole face has no
    strain. The paper sums over time, which is the same after the division. Strain is not cut off at any threshold.

    Args:
        size: height and width of the small image, by area averaging; the paper has one resolution for all clips.
        normalize: `mean` divides the mean map by its largest value, `frame` the map of each flow before the mean, so
            that flows of little motion count as much as others.
        strain_norm: how often the shear counts in the strain: twice, `frobenius`, as in the paper, or `shear-once`.
    """

    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (50, 50)
    normalize: Literal["mean", "frame"] = "mean"
    strain_norm: StrainNorm = "frobenius"

    reads: ClassVar[str] = "image"
    flows: ClassVar[bool] = True
    invariant_to: ClassVar[tuple[Change, ...]] = ("length of motion", "shift of motion", "turn of motion")

    @property
    def length(self) -> int:
        """Number of pixels of the small image."""
        return math.prod(self.size)

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the small image, row by row.

        Raises:
            RecipeError: the flow is smaller than the small image.
        """
        if array.shape[1] < self.size[0] or array.shape[2] < self.size[1]:
            raise RecipeError(f"feature 'optical-strain': {array.shape[1:3]} pixels are too few for size = {self.size}")
        total = np.zeros(array.shape[1:3])
        for flow in array:
            tension = strain(flow, self.strain_norm)
            total += _to_one(tension, flow) if self.normalize == "frame" else tension
        mean = _to_one(total / len(array), array)
        return cv2.resize(mean, self.size[::-1], interpolation=cv2.INTER_AREA).ravel()


def _to_one(strains: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Strain divided by its largest value; 0 where it is no more than what rounding makes of a flow without strain."""
    largest = float(strains.max())
    rounding = 1e-5 * float(np.abs(flow[..., :2]).max())
    return strains / largest if largest > rounding else np.zeros_like(strains)
