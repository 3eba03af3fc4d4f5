"""Recognizers that learn from numbers of pairs of clips: all folds share these numbers, which are computed once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from ..core.clip import Sample
from ._threads import fit_in_threads
from .base import Fit, Recognizer


@dataclass(frozen=True, eq=False)
class Pairs:
    """Numbers of all pairs of some clips.

    Attributes:
        vectors: (clips, length) each: what the clips were described by.
        matrices: (clips, clips) each: numbers of the pairs.
    """

    vectors: tuple[np.ndarray, ...]
    matrices: tuple[np.ndarray, ...]

    def among(self, chosen: np.ndarray) -> Pairs:
        """Those of some of the clips, by their (n,) positions."""
        return Pairs(tuple(vectors[chosen] for vectors in self.vectors), self.between(chosen, chosen))

    def between(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, ...]:
        """(rows, columns) each: the numbers of the clips at some positions with those at others."""
        return tuple(part_of(matrix, rows, columns) for matrix in self.matrices)


@dataclass(frozen=True, eq=False)
class SharedPairs:
    """The pairs of the clips of all folds.

    Attributes:
        pairs: their numbers.
        positions: id of a clip -> its row and column.
    """

    pairs: Pairs
    positions: dict[str, int]

    def find(self, samples: Sequence[Sample]) -> np.ndarray | None:
        """(n,) positions of samples; None where a sample is of another clip."""
        found = [self.positions.get(sample.id, -1) for sample in samples]
        return None if -1 in found else np.array(found, np.int64)


class PairRecognizer(Recognizer):
    """A recognizer that learns from numbers of pairs of clips. A subclass says what they are."""

    _shared = cast("SharedPairs | None", None)
    _learned = cast("np.ndarray | None", None)
    """Positions of the training clips among the shared pairs."""

    @abstractmethod
    def _pairs_key(self) -> str:
        """Equal for recognizers with equal pairs of equal clips; "" where the pairs depend on the training clips."""

    @abstractmethod
    def _measure(self, samples: Sequence[Sample]) -> Pairs:
        """All pairs of samples."""

    @abstractmethod
    def _compare(self, samples: Sequence[Sample]) -> tuple[np.ndarray, ...]:
        """(n, training clips) each: the numbers of samples with the training clips."""

    def _training_pairs(self, samples: Sequence[Sample]) -> Pairs:
        self._learned = None if self._shared is None else self._shared.find(samples)
        if self._shared is None or self._learned is None:
            return self._measure(samples)
        return self._shared.pairs.among(self._learned)

    def _test_pairs(self, samples: Sequence[Sample]) -> tuple[np.ndarray, ...]:
        """(n, training clips) each, taken from the shared pairs where these have all samples."""
        if self._shared is not None and self._learned is not None:
            rows = self._shared.find(samples)
            if rows is not None:
                return self._shared.pairs.between(rows, self._learned)
        return self._compare(samples)

    def _learned_rows(self, samples: Sequence[Sample]) -> np.ndarray | None:
        """(n,) positions of samples among the training clips; None where one is not, or where no pairs are shared."""
        if self._shared is None or self._learned is None:
            return None
        rows = self._shared.find(samples)
        if rows is None:
            return None
        learned = np.full(len(self._shared.positions), -1)
        learned[self._learned] = np.arange(len(self._learned))
        return None if (learned[rows] < 0).any() else learned[rows]

    @classmethod
    def fit_many(cls, fits: Sequence[Fit]) -> Iterator[Recognizer | Exception]:
        """Fit many on parts of the same clips, one for each core; equal pairs are measured once."""
        shared: dict[str, SharedPairs | Exception] = {}
        for fit in fits:
            recognizer = fit.recognizer
            assert isinstance(recognizer, PairRecognizer)
            if (key := recognizer._pairs_key()) and key not in shared:
                same = [f for f in fits if f.recognizer._pairs_key() == key]  # type: ignore[attr-defined]
                shared[key] = recognizer._measure_all(same)
            found = shared.get(key)
            recognizer._shared = found if isinstance(found, SharedPairs) else None
        failed = [shared.get(fit.recognizer._pairs_key()) for fit in fits]  # type: ignore[attr-defined]
        fitted = fit_in_threads([f for f, error in zip(fits, failed, strict=True) if not isinstance(error, Exception)])
        for fit, error in zip(fits, failed, strict=True):
            yield error if isinstance(error, Exception) else next(fitted)
            fit.recognizer._shared = None  # type: ignore[attr-defined]

    def _measure_all(self, fits: Sequence[Fit]) -> SharedPairs | Exception:
        """The pairs of the clips of some fits, or the exception that ended it."""
        samples = {sample.id: sample for fit in fits for sample in fit.samples}
        try:
            return SharedPairs(self._measure(list(samples.values())), {name: i for i, name in enumerate(samples)})
        except MemoryError:
            raise
        except Exception as error:
            return error


def part_of(matrix: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(rows, columns) some rows and columns of a matrix; in half the time that `np.ix_` takes."""
    return matrix.take(rows, axis=0).take(columns, axis=1)


def squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n, m) squared Euclidean distances between the rows of (n, d) and of (m, d), 0 or more."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    products = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.maximum(products, 0)
