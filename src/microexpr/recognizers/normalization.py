"""Normalization of each data set by a scale of its own, computed from the training clips of a recognizer alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.clip import Sample

PREFIX = "_scale."
"""Prefix of the names of the scales among a recognizer's saved arrays."""


@dataclass(frozen=True)
class DatasetScaler:
    """The root mean square of each channel over all pixels, frames and training clips of a data set.

    Values are divided by it, and nothing is subtracted: no motion stays zero, and a direction keeps its sign. A channel
    that is zero everywhere stays as it is.

    Attributes:
        scales: data set -> (C,) float32, above zero.
    """

    scales: Mapping[str, np.ndarray]

    @classmethod
    def fit(cls, samples: Sequence[Sample], array: str) -> DatasetScaler:
        """Compute the scales of training samples, whose array of that name is (..., C)."""
        sums: dict[str, np.ndarray] = {}
        counts: dict[str, int] = {}
        for sample in samples:
            values, name = sample.array(array).astype(np.float64), sample.clip.dataset
            sums[name] = sums.get(name, 0.0) + np.square(values).sum(axis=tuple(range(values.ndim - 1)))
            counts[name] = counts.get(name, 0) + values[..., 0].size
        return cls({name: _root(total / counts[name]) for name, total in sums.items()})

    def apply(self, dataset: str, values: np.ndarray) -> np.ndarray:
        """Divide values (..., C) of a clip by the scale of its data set; an unknown data set gets the mean scale.

        Returns:
            (..., C) float32.
        """
        scale = self.scales.get(dataset, self.mean)
        return (values / scale).astype(np.float32)

    @property
    def mean(self) -> np.ndarray:
        """Root mean square (C,) of the scales; data sets have equal weights."""
        return _root(np.mean([np.square(scale, dtype=np.float64) for scale in self.scales.values()], axis=0))

    def state(self) -> dict[str, np.ndarray]:
        """Return the scales as named arrays, to be saved with a recognizer."""
        return {f"{PREFIX}{name}": scale for name, scale in self.scales.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> DatasetScaler | None:
        """Read the scales from a recognizer's arrays; None where nothing was normalized."""
        found = {name.removeprefix(PREFIX): array for name, array in state.items() if name.startswith(PREFIX)}
        return cls(found) if found else None


def _root(squares: np.ndarray) -> np.ndarray:
    """Square roots; 1 where the root is 0."""
    roots = np.sqrt(squares)
    return np.where(roots > 0, roots, 1.0).astype(np.float32)
