"""Each data set on its own scale, learned from the clips that a recognizer may learn from, and from no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.clip import Sample

PREFIX = "_scale."
"""Of the names under which a recognizer keeps them beside its weights."""


@dataclass(frozen=True)
class DatasetScaler:
    """The root mean square of each channel over all pixels, frames and training clips of a data set.

    Values are divided by it, and nothing is taken away: no motion stays zero, and a direction keeps its sign. A
    channel that is zero everywhere stays as it is.

    Attributes:
        of: data set -> (C,) float32, above zero.
    """

    of: Mapping[str, np.ndarray]

    @classmethod
    def learn(cls, samples: Sequence[Sample], array: str) -> DatasetScaler:
        """From training samples, whose array is (..., C)."""
        sums: dict[str, np.ndarray] = {}
        counts: dict[str, int] = {}
        for sample in samples:
            values, name = sample.array(array).astype(np.float64), sample.clip.dataset
            sums[name] = sums.get(name, 0.0) + np.square(values).sum(axis=tuple(range(values.ndim - 1)))
            counts[name] = counts.get(name, 0) + values[..., 0].size
        return cls({name: _roots(total / counts[name]) for name, total in sums.items()})

    def apply(self, dataset: str, values: np.ndarray) -> np.ndarray:
        """Values (..., C) of a clip of this data set as float32; one that was not learned from gets the mean scale."""
        scale = self.of.get(dataset, self.mean)
        return (values / scale).astype(np.float32)

    @property
    def mean(self) -> np.ndarray:
        """(C,) root mean square of the data sets' scales, each counting alike."""
        return _roots(np.mean([np.square(one, dtype=np.float64) for one in self.of.values()], axis=0))

    def state(self) -> dict[str, np.ndarray]:
        """As a recognizer keeps them."""
        return {f"{PREFIX}{name}": scale for name, scale in self.of.items()}

    @classmethod
    def restored(cls, state: Mapping[str, np.ndarray]) -> DatasetScaler | None:
        """What `state` gave; None where nothing was normalized."""
        found = {name.removeprefix(PREFIX): array for name, array in state.items() if name.startswith(PREFIX)}
        return cls(found) if found else None


def _roots(squares: np.ndarray) -> np.ndarray:
    roots = np.sqrt(squares)
    return np.where(roots > 0, roots, 1.0).astype(np.float32)
