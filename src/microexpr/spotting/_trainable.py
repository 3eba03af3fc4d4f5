"""The base class of spotters that are trained: their weights are named arrays, in memory or in a safetensors file."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ..core.clip import Interval
from ..core.errors import DataError, MissingDataError, NotFittedError, UsageError
from ..core.tensor_files import read_tensors, write_tensors
from ..core.track import FaceTrack
from .base import Spotter

State = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class TrainableSpotter(Spotter):
    """A spotter that must be trained before it can spot.

    Args:
        weights: file that `save` wrote; "" for the weights that ship with the package, where there are some.
    """

    trainable: ClassVar[bool] = True
    shipped: ClassVar[Path | None] = None

    weights: str = ""

    def fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> Self:
        """Return a copy trained on these tracks alone; the same data, settings and seed give the same weights."""
        if not tracks or len(tracks) != len(labels):
            counts = f"{len(tracks)} tracks and {len(labels)} lists of intervals"
            raise UsageError(f"spotter '{self.name}': {counts}; give one list per track, and one track or more")
        return self._with(self._fit(tracks, labels, seed))

    def save(self, path: Path) -> None:
        """Write the trained weights as safetensors; the setting `weights` reads them."""
        write_tensors(path, self.state(), {"spotter": self.name})

    def state(self) -> State:
        """Return the trained weights as named arrays.

        Raises:
            NotFittedError: the spotter is not trained, and no weights ship with it.
            MissingDataError: the file in `weights` does not exist.
            DataError: the file does not hold weights of this spotter.
        """
        if "_state" not in self.__dict__:
            path = Path(self.weights) if self.weights else self.shipped
            if path is None:
                raise NotFittedError(
                    f"spotter '{self.name}' is not trained: call fit, or set weights to a file that save wrote"
                )
            object.__setattr__(self, "_state", _read(path, self.name))
        state: State = self.__dict__["_state"]
        return state

    def _with(self, state: State) -> Self:
        trained = copy.copy(self)
        object.__setattr__(trained, "_state", dict(state))
        return trained

    @abstractmethod
    def _fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> State:
        """Train on one track or more, and return the weights."""


def _read(path: Path, name: str) -> State:
    if not path.is_file():
        raise MissingDataError(f"weights of spotter '{name}': '{path}' is not a file")
    state, metadata = read_tensors(path)
    if metadata.get("spotter") != name:
        raise DataError(f"'{path}' does not hold weights of spotter '{name}'")
    return state
