"""Recognizers that learn from numbers of pairs of clips: all folds share these numbers, which are computed once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from ..core.clip import Sample
from .base import Fit, Recognizer


@dataclass(frozen=True, eq=False)
class Pairs:
    """Numbers of all pairs of some clips (rows) with others (columns).

    Attributes:
        positions: id of a clip -> its column; while rows and columns are the same clips, also its row.
        vectors: (columns, length) each: what the clips of the columns were described by.
        matrices: (rows, columns) each: numbers of the pairs.
    """

    positions: dict[str, int]
    vectors: tuple[np.ndarray, ...]
    matrices: tuple[np.ndarray, ...]

    def select(self, rows: Sequence[Sample], columns: Sequence[Sample]) -> Pairs:
        """Those of some of the clips with others."""
        i, j = (np.array([self.positions[sample.id] for sample in samples]) for samples in (rows, columns))
        return Pairs(
            {sample.id: position for position, sample in enumerate(columns)},
            tuple(vectors[j] for vectors in self.vectors),
            tuple(matrix[np.ix_(i, j)] for matrix in self.matrices),
        )


class PairRecognizer(Recognizer):
    """A recognizer that learns from numbers of pairs of clips. A subclass says what they are."""

    _shared = cast("Pairs | None", None)
    _learned: Sequence[Sample] = ()

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
        self._learned = samples
        return self._measure(samples) if self._shared is None else self._shared.select(samples, samples)

    def _test_pairs(self, samples: Sequence[Sample]) -> tuple[np.ndarray, ...]:
        """(n, training clips) each, taken from the shared pairs where these have all samples."""
        if self._shared is not None and all(sample.id in self._shared.positions for sample in samples):
            return self._shared.select(samples, self._learned).matrices
        return self._compare(samples)

    @classmethod
    def fit_many(cls, fits: Sequence[Fit]) -> Iterator[Recognizer | Exception]:
        """Fit many on parts of the same clips; equal pairs are measured once."""
        shared: dict[str, Pairs] = {}
        for fit in fits:
            recognizer = fit.recognizer
            assert isinstance(recognizer, PairRecognizer)
            if key := recognizer._pairs_key():
                if key not in shared:
                    same = [f for f in fits if f.recognizer._pairs_key() == key]  # type: ignore[attr-defined]
                    samples = {sample.id: sample for other in same for sample in other.samples}
                    try:
                        shared[key] = recognizer._measure(list(samples.values()))
                    except MemoryError:
                        raise
                    except Exception as error:
                        yield error
                        continue
                recognizer._shared = shared[key]
            yield fit.run_safely()
            recognizer._shared = None


def squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n, m) squared Euclidean distances between the rows of (n, d) and of (m, d), 0 or more."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    products = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.maximum(products, 0)
