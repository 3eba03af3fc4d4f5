"""Selection of features by gentle boosting.

Friedman, Hastie, Tibshirani: Additive Logistic Regression: a Statistical View of Boosting, The Annals of Statistics
28(2), 2000, algorithm 4. A support vector machine on the features that it selects is called GentleSVM: Wu, Shen, Fu:
The Machine Knows What You Are Hiding, ACII 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from ...core.errors import RecipeError
from ._selection import Selection
from .base import TRANSFORMS, Training


@TRANSFORMS.register("gentle-boost")
@dataclass
class GentleBoost(Selection):
    """Keeps the features that gentle boosting takes to tell a class from all others, for any of the classes.

    In each round, a regression stump (one value below a threshold of one feature, another one above) is fitted to the
    classes (1 and -1) of the weighted training clips, and each clip is weighted by exp(-class x value of the stump). A
    feature may be taken in several rounds; a class ends early where no stump fits any more.

    Args:
        rounds: number of stumps for each class.
        tried: number of features, drawn anew in each round, among which that of its stump is, since a round over all of
            165 888 Gabor magnitudes is slow; 0 tries all, as in the algorithm.
    """

    rounds: Annotated[int, Field(ge=1)] = 100
    tried: Annotated[int, Field(ge=0)] = 5000

    def _fit(self, training: Training) -> None:
        values = training.matrix()
        self.length_ = values.shape[1]
        sorted_ = SortedFeatures(values)
        if not sorted_.cuts.any():
            raise RecipeError(f"transform '{self.name}': '{self.array}' is the same in all training clips")
        rng = np.random.default_rng(training.seed)
        present = np.unique(training.targets)
        others = present if len(present) > 2 else present[:1]  # of two classes, one is told from the other
        chosen: set[int] = set()
        if len(present) > 1:
            for target in others:
                chosen.update(self._boost(sorted_, np.where(training.targets == target, 1.0, -1.0), rng))
        # With one class there is nothing to select by: the values that differ most stand for all.
        spread = np.argsort(-values.std(axis=0), kind="stable")[: self.rounds]
        self.chosen_ = np.array(sorted(chosen or set(spread.tolist())), np.int64)

    def _boost(self, features: SortedFeatures, wanted: np.ndarray, rng: np.random.Generator) -> list[int]:
        """The features of the stumps that tell 1 from -1, in the order of the rounds."""
        weights, found = np.full(len(wanted), 1 / len(wanted)), []
        for _ in range(self.rounds):
            every = len(features.values)
            rows = rng.choice(every, self.tried, replace=False) if 0 < self.tried < every else np.arange(every)
            stump = features.best_stump(rows, weights, wanted)
            if stump is None:
                break
            feature, value = stump
            found.append(feature)
            weights = weights * np.exp(-wanted * value)
            weights /= weights.sum()
        return found


class SortedFeatures:
    """Features of training clips, each sorted once, in which the best stump of any weights is found.

    Args:
        values: (n, length).

    Attributes:
        values: (length, n), a row for each feature.
        order: (length, n) clips by rising value.
        cuts: (length, n - 1) whether a threshold can be after a clip: the next one has a larger value.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.ascontiguousarray(values.T)
        self.order = np.argsort(self.values, axis=1, kind="stable").astype(np.int32)
        self.cuts = np.diff(np.take_along_axis(self.values, self.order, axis=1), axis=1) > 0

    def best_stump(self, rows: np.ndarray, weights: np.ndarray, wanted: np.ndarray) -> tuple[int, np.ndarray] | None:
        """The stump with the smallest weighted squared error.

        A stump's value on each side of its threshold is the weighted mean of what is wanted there, so that its error
        falls by (sum of weight x wanted)^2 / (sum of weights) of both sides.

        Args:
            rows: features that are tried.
            weights: (n,) of the clips, with sum 1.
            wanted: (n,) 1 or -1.

        Returns:
            The feature, and the (n,) values of the stump; None where none can be cut.
        """
        cuts, order = self.cuts[rows], self.order[rows]
        if not cuts.any():
            return None
        mass = np.cumsum(weights[order], axis=1)
        pull = np.cumsum((weights * wanted)[order], axis=1)
        below, above = mass[:, :-1], mass[:, -1:] - mass[:, :-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = pull[:, :-1] ** 2 / below + (pull[:, -1:] - pull[:, :-1]) ** 2 / above
        gain = np.where(cuts & (below > 0) & (above > 0), gain, -1)
        best, cut = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if gain[best, cut] < 0:
            return None
        value = np.full(len(wanted), (pull[best, -1] - pull[best, cut]) / above[best, cut])
        value[order[best, : cut + 1]] = pull[best, cut] / below[best, cut]
        return int(rows[best]), value
