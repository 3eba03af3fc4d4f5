"""Facial dynamics map (FDM).

Xu, Zhang, Wang: Microexpression Identification and Categorization Using a Facial Dynamics Map, IEEE Transactions on
Affective Computing 8(2), 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..core.errors import RecipeError
from .base import FEATURES, Change, Feature, blocks

MOST_ITERATIONS = 50
"""Iterations after which a correction or a direction is taken as it is; a few suffice."""


@FEATURES.register("fdm")
@dataclass(frozen=True)
class FDM(Feature):
    """The principal motion, x and y, of each cuboid of a series of flows from frame to frame, or of one flow.

    1. Fine alignment: most of a face does not move, so that the value that most pixels of u share is the motion of the
       head, and the same for v. It is found by iteration and taken from each flow: the mean of the values within
       `tolerance` of the last mean, from the median on.
    2. The flows are divided into cuboids of the image and of time.
    3. Principal direction, by iteration: the sum of the vectors at less than 90 degrees to the last sum, until none
       changes sides. Each step increases what all vectors have along the direction, taken forward only.

    The steps are those of the paper; what it leaves open, or says in equations that were not at hand, is a setting: the
    width of the alignment, and whether a cuboid keeps the length of its motion.

    Args:
        cells: number of cuboids down, across and in time.
        align: whether the flows are aligned.
        tolerance: half width of the values that count as equal in the alignment, in median absolute deviations.
        lengths: `mean`, the sum of step 3 divided by the number of all vectors of the cuboid, or `unit`, its direction
            only, of the length 1 where there is motion.
    """

    cells: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (8, 8, 1)
    align: bool = True
    tolerance: Annotated[float, Field(gt=0)] = 1.0
    lengths: Literal["mean", "unit"] = "mean"

    reads: ClassVar[str] = "image"
    flows: ClassVar[bool] = True
    invariant_to: ClassVar[tuple[Change, ...]] = ("shift of motion",)

    @property
    def frames(self) -> int:
        """One flow for each cuboid in time."""
        return self.cells[2]

    @property
    def length(self) -> int:
        """Two values for each cuboid."""
        return 2 * math.prod(self.cells)

    def compute(self, array: np.ndarray) -> np.ndarray:
        """Compute x and y of each cuboid: in time, then down, then across.

        Raises:
            RecipeError: the flow is smaller than the number of cuboids.
        """
        height, width = array.shape[1:3]
        if height < self.cells[0] or width < self.cells[1]:
            raise RecipeError(f"feature 'fdm': {height} x {width} pixels are too few for cells = {self.cells}")
        motion = array[..., :2].astype(np.float64)
        if self.align:
            motion -= np.array([[common_value(flow[..., c], self.tolerance) for c in (0, 1)] for flow in motion])[
                :, None, None
            ]
        edges = np.linspace(0, len(array), self.cells[2] + 1).round().astype(int)
        vectors = [
            principal_motion(motion[start:end, rows, columns].reshape(-1, 2))
            for start, end in pairwise(edges)
            for rows, columns in blocks(height, width, self.cells[:2])
        ]
        values = np.stack(vectors)
        if self.lengths == "unit":
            values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
        return values.ravel()


def common_value(values: np.ndarray, tolerance: float) -> float:
    """The value that most of the values are near to, by iterated means that begin at the median.

    Args:
        values: any number of them.
        tolerance: half width of what is near, in median absolute deviations.
    """
    rising = np.sort(values, axis=None).astype(np.float64)
    sums = np.concatenate([[0.0], rising.cumsum()])
    common = float(np.median(rising))
    width = tolerance * float(np.median(np.abs(rising - common)))
    for _ in range(MOST_ITERATIONS):
        start, end = np.searchsorted(rising, (common - width, common + width), side="left")
        if start == end:
            break  # most of the values are equal but for rounding
        before, common = common, float((sums[end] - sums[start]) / (end - start))
        if abs(common - before) <= 1e-6 * width:
            break
    return common


def principal_motion(vectors: np.ndarray) -> np.ndarray:
    """(2,) sum of those vectors (n, 2) that lie at less than 90 degrees to it, divided by n; 0 if nothing moves.

    The iteration begins with the sum of all vectors, or with the longest one where they cancel each other.
    """
    lengths = np.hypot(vectors[:, 0], vectors[:, 1])
    longest = int(lengths.argmax())
    total = vectors.sum(axis=0)
    if np.hypot(*total) <= 1e-9 * lengths[longest] * len(vectors):
        total = vectors[longest]
    chosen = np.zeros(len(vectors), bool)
    for _ in range(MOST_ITERATIONS):
        ahead = vectors @ total > 0
        if not ahead.any() or np.array_equal(ahead, chosen):
            break
        chosen, total = ahead, ahead @ vectors
    return total / len(vectors)
