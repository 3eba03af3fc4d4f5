"""Descriptions of flow images and of their mirror images, and the distances between them."""

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


def squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n, m) squared Euclidean distances between the rows of (n, d) and of (m, d), 0 or more."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    products = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.maximum(products, 0)


@dataclass(frozen=True, eq=False)
class ClipDistances:
    """What kernels between clips are made of.

    Attributes:
        positions: id of a clip -> its row.
        vectors: (n, length) of each view.
        direct: (n, n) squared distances of each view.
        across: (n, n) squared distances of each view between the mirrored clip of the row and the clip of the column.
    """

    positions: dict[str, int]
    vectors: tuple[np.ndarray, ...]
    direct: tuple[np.ndarray, ...]
    across: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, samples: Sequence[Sample], views: Sequence[FlowView], estimates: Sequence[str]) -> ClipDistances:
        """Describe samples and measure the distances of all pairs."""
        described = [view.vectors(samples, estimates) for view in views]
        return cls(
            {sample.id: i for i, sample in enumerate(samples)},
            tuple(own for own, _ in described),
            tuple(squared_distances(own, own) for own, _ in described),
            tuple(squared_distances(twins, own) for own, twins in described),
        )

    def select(self, rows: Sequence[Sample], columns: Sequence[Sample]) -> ClipDistances:
        """Distances between some of the clips and others; positions and vectors are those of the columns."""
        i, j = (np.array([self.positions[sample.id] for sample in samples]) for samples in (rows, columns))
        return ClipDistances(
            {sample.id: position for position, sample in enumerate(columns)},
            tuple(vectors[j] for vectors in self.vectors),
            tuple(d[np.ix_(i, j)] for d in self.direct),
            tuple(d[np.ix_(i, j)] for d in self.across),
        )


def kernel(direct: Sequence[np.ndarray], across: Sequence[np.ndarray], widths: np.ndarray) -> np.ndarray:
    """(n, m) mean over the views of a Gaussian kernel, itself the mean over a clip and its mirror image."""
    terms = [np.exp(-d / w) + np.exp(-a / w) for d, a, w in zip(direct, across, widths, strict=True)]
    return np.asarray(np.mean(terms, axis=0) / 2)
