"""The base class of descriptors, their registry, and the check of a descriptor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.errors import RecipeError
from ..core.registry import Registry


@dataclass(frozen=True)
class Feature(ABC):
    """A descriptor: a frozen dataclass whose fields are its settings.

    Attributes:
        reads: name of the array that it takes: `frames` (T, H, W[, 3]) uint8, or `image` (H, W, 2 or more), a flow.
        frames: smallest number of frames that it needs.
    """

    name: ClassVar[str]
    reads: ClassVar[str] = "frames"

    @property
    def frames(self) -> int:
        """Smallest number of frames that it needs."""
        return 1

    @property
    @abstractmethod
    def length(self) -> int:
        """Number of values."""

    @abstractmethod
    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute the descriptor, (length,) values.

        Args:
            array: gray frames (T, H, W) uint8, or flow (H, W, 2 or more) float32.
        """

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """The descriptor of an array, (length,) float32.

        Args:
            array: frames (T, H, W[, 3]) uint8, or a flow (H, W, 2 or more) float32, as `reads` names.

        Raises:
            RecipeError: there are fewer frames than it needs, or the images are too small for its blocks.
        """
        if self.reads == "frames":
            array = to_gray(array)
            if len(array) < self.frames:
                raise RecipeError(f"feature '{self.name}' needs {self.frames} frames or more; got {len(array)}")
        elif array.ndim != 3 or array.shape[2] < 2:
            raise RecipeError(f"feature '{self.name}' takes a flow (height, width, 2 or more); got {array.shape}")
        return self.compute(array).astype(np.float32)


FEATURES: Registry[Feature] = Registry("feature", "microexpr.features")
"""All descriptors. One more: a subclass of `Feature` with `@FEATURES.register("name")`."""


def to_gray(frames: np.ndarray) -> np.ndarray:
    """(T, H, W) uint8 gray levels of color or gray frames, with the weights of ITU-R BT.601, as in OpenCV."""
    if frames.ndim == 3:
        return frames
    weighted = frames.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.round(weighted).astype(np.uint8)


def blocks(height: int, width: int, grid: tuple[int, int], overlap: float = 0.0) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of blocks that cover an image, row by row.

    Args:
        height, width: size of the image in pixels.
        grid: number of blocks down and across.
        overlap: fraction of a block that the next one covers again, 0 to less than 1.

    Raises:
        RecipeError: a block would have no pixel.
    """
    spans = []
    for size, n in zip((height, width), grid, strict=True):
        block = size / (1 + (n - 1) * (1 - overlap))
        starts = [round(i * block * (1 - overlap)) for i in range(n)]
        ends = [min(size, round(i * block * (1 - overlap) + block)) for i in range(n)]
        if block < 1 or any(end <= start for start, end in zip(starts, ends, strict=True)):
            raise RecipeError(f"{size} pixels are too few for {n} blocks; use larger images or fewer blocks")
        spans.append([slice(start, end) for start, end in zip(starts, ends, strict=True)])
    return ((rows, columns) for rows in spans[0] for columns in spans[1])


def check_feature(settings: Mapping[str, Any]) -> None:
    """Check that a descriptor does what `Feature` requires.

    Its length is `length`, equal input gives equal values, and the values are finite for noise, for black frames and
    for the smallest number of frames; with fewer frames it raises a `RecipeError` that names that number.

    Args:
        settings: table of the descriptor as in a recipe, `{"name": ..., ...}`.

    Raises:
        AssertionError: one of these does not hold; the message says which.
    """
    feature = FEATURES.build(settings)
    rng = np.random.default_rng(0)
    for kind, array in _inputs(feature, rng):
        found = feature(array)
        assert found.shape == (feature.length,), f"{feature.name} on {kind}: {found.shape}, length = {feature.length}"
        assert found.dtype == np.float32, f"{feature.name} on {kind}: {found.dtype}, not float32"
        assert np.isfinite(found).all(), f"{feature.name} on {kind}: a value is not finite"
        assert np.array_equal(found, feature(array.copy())), f"{feature.name} on {kind}: a second call differs"
    if feature.reads == "frames" and feature.frames > 1:
        try:
            feature(np.zeros((feature.frames - 1, 64, 64), np.uint8))
        except RecipeError as error:
            assert str(feature.frames) in str(error), f"{feature.name}: the error does not name the number of frames"
        else:
            raise AssertionError(f"{feature.name} accepts fewer frames than frames = {feature.frames}")


def _inputs(feature: Feature, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    if feature.reads == "frames":
        yield "noise", rng.integers(0, 256, (feature.frames + 9, 64, 72), np.uint8)
        yield "color", rng.integers(0, 256, (feature.frames + 9, 64, 72, 3), np.uint8)
        yield "black", np.zeros((feature.frames + 9, 64, 72), np.uint8)
        yield "the fewest frames", rng.integers(0, 256, (feature.frames, 64, 72), np.uint8)
    else:
        yield "noise", rng.normal(size=(64, 72, 3)).astype(np.float32)
        yield "no motion", np.zeros((64, 72, 2), np.float32)
