"""Descriptions of flow images and of their mirror images, and kernels made of distances between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import cv2
import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..features import FEATURES
from .base import stack


@dataclass(frozen=True)
class FlowView:
    """One description of a flow image: its values, blurred or not, or a descriptor of them.

    Args:
        blur: standard deviation in pixels of a Gaussian blur, 0 for none.
        feature: table of a descriptor of flow images, e.g. `{name = "hoof"}`; the values themselves when empty.
        array: name of the array that is described instead of the mean of the estimates. A vector has its mirror image
            in the array `<name>_mirrored`, as the step `network-features` makes it.
    """

    blur: Annotated[float, Field(ge=0)] = 0.0
    feature: dict[str, Any] = field(default_factory=dict)
    array: str = ""

    def __post_init__(self) -> None:
        if self.feature and FEATURES.build(self.feature).reads != "image":
            raise RecipeError(
                f"feature '{self.feature['name']}' describes frames; a view takes one that describes flow"
            )

    def vectors(self, samples: Sequence[Sample], estimates: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Describe samples, and the same with the faces mirrored: (n, length) float32 each."""
        if self.array and samples[0].array(self.array).ndim == 1:
            return stack(samples, self.array), stack(samples, f"{self.array}_mirrored")
        images = np.mean([stack(samples, name) for name in ([self.array] if self.array else estimates)], axis=0)
        if images.ndim != 4 or images.shape[3] < 2:
            raise RecipeError(f"a flow view takes (height, width, 2 or more); got {images.shape[1:]}")
        return self._describe(images), self._describe(mirrored(images))

    def _describe(self, images: np.ndarray) -> np.ndarray:
        if self.blur:
            images = np.stack([cv2.GaussianBlur(image, (0, 0), self.blur) for image in images])
        if self.feature:
            feature = FEATURES.build(self.feature)
            images = np.stack([feature(image) for image in images])
        return images.reshape(len(images), -1).astype(np.float32)


def mirrored(images: np.ndarray) -> np.ndarray:
    """(n, H, W, C) flow of the mirrored faces: u, the first channel, changes its sign."""
    sign = np.ones(images.shape[3], np.float32)
    sign[0] = -1
    return images[:, :, ::-1] * sign


def kernel(distances: Sequence[np.ndarray], widths: np.ndarray) -> np.ndarray:
    """(n, m) mean over the views of a Gaussian kernel, itself the mean over a clip and its mirror image.

    Args:
        distances: (n, m) each: squared distances of the clips for each view, then those of their mirror images.
        widths: (views,) squared distances at which a kernel is 1 / e.
    """
    return np.asarray(np.mean([np.exp(-d / w) for d, w in zip(distances, (*widths, *widths), strict=True)], axis=0))
