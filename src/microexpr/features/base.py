"""The base classes of descriptors, and their registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..core.errors import RecipeError
from ..core.registry import Registry
from ..imaging.gray_levels import gray_levels

Change = Literal["brightness", "contrast", "length of motion", "shift of motion", "turn of motion"]
"""A change of the input that a descriptor may be invariant to; `checks.py` says what each does."""


@dataclass(frozen=True)
class Feature(ABC):
    """A descriptor: a frozen dataclass whose fields are its settings.

    Attributes:
        reads: name of the array that it takes: `frames` (T, H, W[, 3]) uint8, or `image`, a flow.
        flows: whether that flow is (T, H, W, 2 or more), of several pairs of frames, instead of (H, W, 2 or more). A
            single flow then counts as T = 1.
        exactly: whether it takes no more than the smallest number of frames, or of flows.
        invariant_to: changes of the array that leave the values as they are, with the default settings.
        frames: smallest number of frames, or of flows, that it needs.
    """

    name: ClassVar[str]
    reads: ClassVar[str] = "frames"
    flows: ClassVar[bool] = False
    exactly: ClassVar[bool] = False
    invariant_to: ClassVar[tuple[Change, ...]] = ()

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
            array: gray frames (T, H, W) uint8, or flow ([T,] H, W, 2 or more) float32.
        """

    def __call__(self, array: np.ndarray, landmarks: np.ndarray | None = None) -> np.ndarray:
        """The descriptor of an array, (length,) float32.

        Args:
            array: frames (T, H, W[, 3]) uint8, or a flow ([T,] H, W, 2 or more) float32, as `reads` and `flows` say.
            landmarks: (1 or T, 68, 2) x and y in pixels, of the first frame or of all; for a `FaceFeature`.

        Raises:
            RecipeError: there are fewer frames than it needs, or more than it takes, the images are too small for its
                blocks, or landmarks are missing.
        """
        array = to_gray(array) if self.reads == "frames" else self._flow(array)
        if self.reads == "frames" or self.flows:
            self._check_number(len(array))
        return self._values(array, landmarks).astype(np.float32)

    def _flow(self, array: np.ndarray) -> np.ndarray:
        """The flow with the dimensions that `compute` takes: of one pair, or of several."""
        if self.flows and array.ndim == 3:
            array = array[None]
        if array.ndim == 3 + self.flows and array.shape[-1] >= 2:
            return array
        shape = "frames, height, width, 2 or more" if self.flows else "height, width, 2 or more"
        mode = "" if self.flows else ", or set mode = 'pair' in the step 'flow'"
        raise RecipeError(f"feature '{self.name}' takes a flow ({shape}){mode}; got {array.shape}")

    def _check_number(self, number: int) -> None:
        unit = "flows" if self.flows else "frames"
        if number < self.frames:
            raise RecipeError(f"feature '{self.name}' needs {self.frames} {unit} or more; got {number}")
        if self.exactly and number > self.frames:
            raise RecipeError(f"feature '{self.name}' takes {self.frames} {unit}, no more; got {number}")

    def _values(self, array: np.ndarray, landmarks: np.ndarray | None) -> np.ndarray:
        return self.compute(array)


@dataclass(frozen=True)
class FaceFeature(Feature):
    """A descriptor of regions of a face, which lie where its landmarks are; a subclass defines `compute_at`."""

    @abstractmethod
    def compute_at(self, array: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Compute the descriptor, (length,) values.

        Args:
            array: as in `compute`.
            landmarks: (1 or T, 68, 2) x and y in pixels of the array, in the order of iBUG 300-W, of the first frame or
                of every frame.
        """

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Refuse to compute the descriptor without landmarks.

        Raises:
            RecipeError: always.
        """
        raise RecipeError(f"feature '{self.name}' needs landmarks; put {{name = 'landmarks'}} before 'flow'")

    def _values(self, array: np.ndarray, landmarks: np.ndarray | None) -> np.ndarray:
        if landmarks is None:
            return self.compute(array)
        if landmarks.ndim != 3 or landmarks.shape[1:] != (68, 2):
            raise RecipeError(f"feature '{self.name}': landmarks are (1 or T, 68, 2), not {landmarks.shape}")
        return self.compute_at(array, landmarks.astype(np.float64))


FEATURES: Registry[Feature] = Registry("feature", "microexpr.features")
"""All descriptors. One more: a subclass of `Feature` with `@FEATURES.register("name")`."""


def to_gray(frames: np.ndarray) -> np.ndarray:
    """(T, H, W) uint8 gray levels of color or gray frames, with the weights of ITU-R BT.601, as in OpenCV."""
    if frames.ndim == 3:
        return frames
    return np.round(gray_levels(frames)).astype(np.uint8)


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
