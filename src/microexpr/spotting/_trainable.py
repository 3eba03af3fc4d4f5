"""Spotters that learn: what they learned is kept as named arrays, in memory or in a safetensors file."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ..core.clip import Interval
from ..core.errors import DataError, MissingDataError, NotFittedError, UsageError
from ..core.files import write_atomically
from ..core.track import FaceTrack
from .base import Spotter

State = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class TrainableSpotter(Spotter):
    """A spotter that has to learn before it can spot.

    Args:
        weights: file that `save` wrote; "" takes what ships with the package, where something does.
    """

    trainable: ClassVar[bool] = True
    shipped: ClassVar[Path | None] = None

    weights: str = ""

    def fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> Self:
        """A copy that has learned from these tracks alone; the same data, settings and seed give the same one."""
        if not tracks or len(tracks) != len(labels):
            raise UsageError(f"spotter '{self.name}': {len(tracks)} tracks and {len(labels)} lists of intervals to fit")
        return self._with(self._fit(tracks, labels, seed))

    def save(self, path: Path) -> None:
        """Write what was learned; setting `weights` reads it."""
        state = {name: np.array(value, order="C") for name, value in self.state().items()}
        write_atomically(Path(path), save(state, metadata={"spotter": self.name}))

    def state(self) -> State:
        """What was learned, as named arrays.

        Raises:
            NotFittedError: nothing was learned, and nothing ships.
            MissingDataError: the file of `weights` is not there.
            DataError: it is not one of this spotter's.
        """
        if "_state" not in self.__dict__:
            path = Path(self.weights) if self.weights else self.shipped
            if path is None:
                raise NotFittedError(f"spotter '{self.name}' has to learn first: call fit, or set weights to its file")
            object.__setattr__(self, "_state", _read(path, self.name))
        state: State = self.__dict__["_state"]
        return state

    def _with(self, state: State) -> Self:
        learned = copy.copy(self)
        object.__setattr__(learned, "_state", dict(state))
        return learned

    @abstractmethod
    def _fit(self, tracks: Sequence[FaceTrack], labels: Sequence[Sequence[Interval]], seed: int) -> State:
        """What is learned from one track or more."""


def _read(path: Path, name: str) -> State:
    if not path.is_file():
        raise MissingDataError(f"weights '{path}' of spotter '{name}' are not a file")
    try:
        with safe_open(path, framework="numpy") as file:
            if (file.metadata() or {}).get("spotter") != name:
                raise DataError(f"'{path}' does not hold what spotter '{name}' learned")
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as fault:
        raise DataError(f"'{path}' is not a safetensors file ({fault})") from None
