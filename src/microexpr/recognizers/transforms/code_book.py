"""Code books of local patterns, and histograms of their words.

Local quantized patterns: Hussain, Triggs: Visual Recognition Using Local Quantized Patterns, ECCV 2012. Learned for
each component and plane, and chosen by how well they tell the classes: Huang, Zhao, Hong, Zheng, Pietikainen:
Spontaneous Facial Micro-expression Analysis using Spatiotemporal Completed Local Quantized Patterns, Neurocomputing
175, 2016.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from ...core.errors import RecipeError
from ..base import State
from .base import TRANSFORMS, Training, Transform

SWEEPS = 50
"""Largest number of sweeps of k-means; on at most 256 patterns it ends long before."""


@TRANSFORMS.register("code-book")
@dataclass
class CodeBook(Transform):
    """Histograms of words in blocks, from counts of binary patterns; each histogram sums to 1.

    The words of a code book are the centers that k-means finds among the patterns of the training clips, each weighted
    by how often it occurs; the distance of two patterns is the number of bits in which they differ. A pattern belongs
    to its nearest word, wherever it occurs. There is a code book for each histogram of a block (plane and component).
    Of several from random starts, the one is kept whose words differ most between the classes: the sum over words of
    the variance of the classes' means over the mean variance within classes, of the training clips' histograms
    (Fisher's criterion).

    Args:
        words: number of words of a code book; with fewer patterns, as many as patterns.
        histograms: number of histograms of a block, 9 for `completed-patterns` (3 planes x 3 components).
        patterns: number of patterns of a histogram, a power of two.
        starts: number of code books from which one is chosen.
    """

    words: Annotated[int, Field(ge=2)] = 40
    histograms: Annotated[int, Field(ge=1)] = 9
    patterns: Annotated[int, Field(ge=2)] = 256
    starts: Annotated[int, Field(ge=1)] = 5

    def __post_init__(self) -> None:
        if self.patterns & (self.patterns - 1):
            raise RecipeError(f"transform '{self.name}': patterns = {self.patterns}: write a power of two")

    def _fit(self, training: Training) -> None:
        counts = np.stack([self._counts(array) for array in training.arrays()])  # clip, block, histogram, pattern
        rng = np.random.default_rng(training.seed)
        books = [self._book(counts[:, :, number], training.targets, rng) for number in range(self.histograms)]
        self.word_of_ = np.stack(books)

    def _book(self, counts: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(patterns,) word of each pattern, of counts (n, blocks, patterns)."""
        frequency = counts.sum(axis=(0, 1), dtype=np.float64)
        found = [quantize(frequency, self.words, rng) for _ in range(self.starts)]
        if len(found) == 1:
            return found[0]
        return max(found, key=lambda word_of: separation(self._words(counts, word_of), targets))

    def _words(self, counts: np.ndarray, word_of: np.ndarray) -> np.ndarray:
        """(..., words) histograms that sum to 1, of counts (..., patterns); 0 where nothing is counted."""
        sums = counts.astype(np.float64) @ np.eye(self.words)[word_of]
        return np.asarray(sums / np.maximum(sums.sum(axis=-1, keepdims=True), 1))

    def _counts(self, array: np.ndarray) -> np.ndarray:
        """(blocks, histograms, patterns) of an array.

        Raises:
            RecipeError: it does not consist of such histograms.
        """
        block = self.histograms * self.patterns
        if array.size == 0 or array.size % block:
            raise RecipeError(
                f"transform '{self.name}': '{self.array}' has {array.size} values, not blocks of {self.histograms} "
                f"histograms of {self.patterns} patterns; set histograms and patterns to those of the descriptor"
            )
        return array.reshape(-1, self.histograms, self.patterns)

    def _transform(self, array: np.ndarray) -> np.ndarray:
        counts = self._counts(array)
        words = [self._words(counts[:, number], word_of) for number, word_of in enumerate(self.word_of_)]
        return np.stack(words, axis=1).ravel().astype(np.float32)

    def state(self) -> State:
        """Return the word of each pattern in each code book."""
        return {"word_of": self.word_of_}

    def _restore(self, state: State) -> None:
        self.word_of_ = state["word_of"]


def quantize(frequency: np.ndarray, words: int, rng: np.random.Generator) -> np.ndarray:
    """The word of each binary pattern, by weighted k-means on its bits; it begins as k-means++ does.

    Args:
        frequency: (2^P,) how often each pattern occurs.
        words: number of words.
        rng: draws the first centers.

    Returns:
        (2^P,) int64 words, 0 to `words` - 1.
    """
    size = len(frequency)
    bits = (np.arange(size)[:, None] >> np.arange(int(math.log2(size))) & 1).astype(np.float64)
    weights = frequency / frequency.sum() if frequency.sum() > 0 else np.full(size, 1 / size)
    centers = bits[[rng.choice(size, p=weights)]]
    while len(centers) < min(words, int((weights > 0).sum())):
        far = weights * _distances(bits, centers).min(axis=1)
        if far.sum() <= 0:
            break
        centers = np.concatenate([centers, bits[[rng.choice(size, p=far / far.sum())]]])
    word_of = _distances(bits, centers).argmin(axis=1)
    for _ in range(SWEEPS):
        members = np.eye(len(centers))[word_of] * weights[:, None]
        mass = members.sum(axis=0)
        means = members.T @ bits / np.maximum(mass, 1e-300)[:, None]
        centers = np.where(mass[:, None] > 0, means, centers)
        before, word_of = word_of, _distances(bits, centers).argmin(axis=1)
        if np.array_equal(before, word_of):
            break
    return word_of


def separation(values: np.ndarray, targets: np.ndarray) -> float:
    """Fisher's criterion: the sum over features of the variance between classes over the variance within them.

    Args:
        values: (n, ...).
        targets: (n,) classes.
    """
    flat = values.reshape(len(values), -1)
    present, index, counts = np.unique(targets, return_inverse=True, return_counts=True)
    means = np.stack([flat[index == number].mean(axis=0) for number in range(len(present))])
    share = (counts / counts.sum())[:, None]
    between = (share * (means - flat.mean(axis=0)) ** 2).sum(axis=0)
    within = ((flat - means[index]) ** 2).mean(axis=0)
    return float((between / np.maximum(within, 1e-12)).sum())


def _distances(bits: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """(patterns, centers) squared distances; of two binary patterns, the number of bits in which they differ."""
    return ((bits[:, None] - centers) ** 2).sum(axis=2)
