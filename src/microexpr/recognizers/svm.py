"""Support vector machine on an array of the samples (Cortes and Vapnik 1995; scikit-learn's libsvm).

The class of a clip is what the machine says: the one with the most votes of its one-against-one machines. Its
probabilities are fitted beside it, on training subjects that were held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.group_folds import assign_folds
from ._calibration import best_temperature
from ._pairs import PairRecognizer, Pairs, part_of, squared_distances
from .base import RECOGNIZERS, State, softmax, stack

Positive = Annotated[float, Field(gt=0)]

CALIBRATION_FOLDS = 3
"""Parts of the training subjects that are held out in turn to fit the temperature of the probabilities."""


@RECOGNIZERS.register("svm")
@dataclass
class SVM(PairRecognizer):
    """A support vector machine on the flattened values of one array.

    Its probabilities are the softmax of the one-against-rest scores divided by a temperature (Guo et al. 2017) that is
    fitted to the scores of training subjects who were held out in turn. The class is what the machine itself says, by
    the votes of its one-against-one machines; it may differ from the most probable one where two classes are close.

    Args:
        C: penalty of a training clip on the wrong side of the margin, above 0.
        kernel: `rbf` (Gaussian) or `linear`.
        gamma: width parameter of the RBF kernel, above 0; `scale` is 1 / (number of values x their variance), `auto` is
            1 / number of values.
        class_weights: weigh classes inversely to their number of training clips.
        calibrate: fit the temperature of the probabilities, which takes three more fits; it is 1 if not.
        standardize: bring each value to mean 0 and standard deviation 1 of the training clips.
        array: name of the array of the samples.
    """

    C: Positive = 1.0
    kernel: Literal["rbf", "linear"] = "rbf"
    gamma: Positive | Literal["scale", "auto"] = "scale"
    class_weights: bool = True
    calibrate: bool = True
    standardize: bool = False
    array: str = "image"

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        length = samples[0].array(self.array).size
        self.mean_, self.deviation_ = np.zeros(length, np.float32), np.ones(length, np.float32)
        if self.standardize:
            values = self._raw(samples)
            self.mean_, self.deviation_ = values.mean(axis=0), values.std(axis=0)
            self.deviation_[self.deviation_ == 0] = 1  # a value that is the same in all clips carries no information
        self._fit_pairs(self._training_pairs(samples), targets)
        self.temperature_ = self._held_out_temperature(targets, groups)

    def _fit_pairs(self, pairs: Pairs, targets: np.ndarray) -> None:
        self.pairs_, self.targets_ = pairs, targets
        self.present_ = np.unique(targets)
        self.machine_ = None  # with a single class in training there is nothing to fit
        if len(self.present_) > 1:
            self.width_ = self._width(pairs.vectors[1])
            kernel = _kernel(pairs.matrices[0], self.width_)
            self.machine_ = KernelMachine.fit(kernel, targets, self.C, self.class_weights)
            self.learned_decisions_ = self.machine_.decisions(kernel)

    def _width(self, moments: np.ndarray) -> float | None:
        """The width of a Gaussian kernel for clips with these sums of values and of squares; None for a linear one."""
        return _gamma(self.gamma, moments, self.pairs_.vectors[0].shape[1]) if self.kernel == "rbf" else None

    def _held_out_temperature(self, targets: np.ndarray, groups: Sequence[str]) -> float:
        """The temperature that fits the scores of held-out training subjects best; 1 where none can be held out.

        Clips are used whose classes all remain when their subject is held out.
        """
        if self.machine_ is None or not self.calibrate:
            return 1.0
        folds, (pairs,) = assign_folds(groups, CALIBRATION_FOLDS), self.pairs_.matrices
        scores, labels = [], []
        for fold in np.unique(folds):
            rest, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            if np.array_equal(np.unique(targets[rest]), self.present_):
                width = self._width(self.pairs_.vectors[1][rest])
                kernel = _kernel(part_of(pairs, rest, rest), width)
                machine = KernelMachine.fit(kernel, targets[rest], self.C, self.class_weights)
                scores.append(machine.scores(machine.decisions(_kernel(part_of(pairs, held, rest), width))))
                labels.append(np.searchsorted(self.present_, targets[held]))
        return best_temperature(np.concatenate(scores), np.concatenate(labels)) if scores else 1.0

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        probabilities = np.zeros((len(samples), len(self.classes)))
        if self.machine_ is None:
            probabilities[:, self.present_] = 1.0
            return probabilities
        scores = self.machine_.scores(self._decisions(samples))
        probabilities[:, self.present_] = softmax(scores / self.temperature_)
        return probabilities

    def _predict(self, samples: Sequence[Sample]) -> np.ndarray:
        if self.machine_ is None:
            return np.repeat(self.present_, len(samples))
        return self.machine_.predict(self._decisions(samples))

    def _decisions(self, samples: Sequence[Sample]) -> np.ndarray:
        """(n, machines) decisions of the one-against-one machines; those of training clips are known where shared."""
        assert self.machine_ is not None
        rows = self._learned_rows(samples)
        if rows is not None:
            return self.learned_decisions_[rows]
        return self.machine_.decisions(_kernel(self._test_pairs(samples)[0], self.width_))

    def _pairs_key(self) -> str:
        return "" if self.standardize else f"{self.kernel} {self.array}"

    def _measure(self, samples: Sequence[Sample]) -> Pairs:
        return self._all_pairs(self._values(samples))

    def _all_pairs(self, values: np.ndarray) -> Pairs:
        wide = values.astype(np.float64)
        moments = np.stack([wide.sum(axis=1), (wide**2).sum(axis=1)], axis=1)
        return Pairs((values, moments), (self._pairs(values, values),))

    def _compare(self, samples: Sequence[Sample]) -> tuple[np.ndarray, ...]:
        return (self._pairs(self._values(samples), self.pairs_.vectors[0]),)

    def _pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """(n, m) what the kernel is made of: squared distances of `rbf`, products of `linear`."""
        if self.kernel == "rbf":
            return squared_distances(first, second)
        return np.asarray(first.astype(np.float64) @ second.T.astype(np.float64))

    def _raw(self, samples: Sequence[Sample]) -> np.ndarray:
        return stack(samples, self.array).astype(np.float32).reshape(len(samples), -1)

    def _values(self, samples: Sequence[Sample]) -> np.ndarray:
        """(n, length) values of samples, standardized where that is set.

        Raises:
            RecipeError: they have another number of values than the training samples, or some that are not finite.
        """
        values = self._raw(samples)
        if hasattr(self, "mean_") and values.shape[1] != len(self.mean_):
            raise RecipeError(
                f"'{self.array}' of '{samples[0].id}' has {values.shape[1]} values, those of the training had "
                f"{len(self.mean_)}: the chain or the input is another one"
            )
        values = (values - self.mean_) / self.deviation_ if self.standardize else values
        if len(broken := np.flatnonzero(~np.isfinite(values).all(axis=1))):
            raise RecipeError(
                f"'{self.array}' of '{samples[broken[0]].id}' has values that are not finite, which a support vector "
                "machine cannot learn from: check the images of the clip and the chain"
            )
        return values

    def state(self) -> State:
        """Return the training values and targets (a fit on them gives the same machine again), and the temperature."""
        return {
            "values": self.pairs_.vectors[0],
            "targets": self.targets_,
            "mean": self.mean_,
            "deviation": self.deviation_,
            "temperature": np.array(self.temperature_),
        }

    def _restore(self, state: State) -> None:
        self.mean_, self.deviation_ = state["mean"], state["deviation"]
        self._fit_pairs(self._all_pairs(state["values"]), state["targets"])
        self.temperature_ = float(state["temperature"])


@dataclass(frozen=True, eq=False)
class KernelMachine:
    """A machine that libsvm fitted on a kernel that is computed here: a machine for each two classes, which vote.

    Attributes:
        classes: (classes,) those of the training clips.
        duels: (machines, classes) 1 for the class that a positive decision of a machine is for, -1 for the other one.
        coefficients: (training clips, machines), 0 for clips that are no support vectors of a machine.
        intercepts: (machines,)
    """

    classes: np.ndarray
    duels: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray

    @classmethod
    def fit(cls, kernel: np.ndarray, targets: np.ndarray, C: float, balanced: bool) -> Self:
        """Fit on the (n, n) finite kernel of training clips and their (n,) classes, two or more."""
        from sklearn import config_context
        from sklearn.svm import SVC

        classes, counts = np.unique(targets, return_counts=True)
        weights = dict(zip(classes, len(targets) / (len(classes) * counts), strict=True)) if balanced else None
        # Checks take as long as libsvm does for a few hundred clips; what they look at is known here.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            fitted = SVC(C=C, kernel="precomputed", class_weight=weights).fit(kernel, targets)
        duels = list(combinations(range(len(classes)), 2))
        signs, coefficients = np.zeros((len(duels), len(classes))), np.zeros((len(targets), len(duels)))
        ends = np.cumsum(fitted.n_support_)
        turn = -1 if len(classes) == 2 else 1  # of two classes scikit-learn turns the sign of libsvm around
        for machine, (i, j) in enumerate(duels):
            signs[machine, [i, j]] = 1, -1
            for of, row in ((i, j - 1), (j, i)):  # as libsvm stores them
                part = slice(ends[of] - fitted.n_support_[of], ends[of])
                coefficients[fitted.support_[part], machine] = turn * fitted.dual_coef_[row, part]
        return cls(classes, signs, coefficients, turn * fitted.intercept_)

    def decisions(self, kernel: np.ndarray) -> np.ndarray:
        """(n, machines) from the (n, training clips) kernel of clips with those of the training."""
        return np.asarray(kernel @ self.coefficients + self.intercepts)

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        """(n, classes) one-against-rest scores, as scikit-learn makes them.

        Of two classes they are the decision; of more the votes, and less than half a vote for the sum of decisions.
        """
        sums = np.asarray(decisions @ self.duels)
        return sums if len(self.classes) == 2 else self._votes(decisions >= 0) + sums / (3 * (np.abs(sums) + 1))

    def predict(self, decisions: np.ndarray) -> np.ndarray:
        """(n,) the classes with the most votes, the first of equal ones."""
        return np.asarray(self.classes[self._votes(decisions > 0).argmax(axis=1)], np.int64)

    def _votes(self, positive: np.ndarray) -> np.ndarray:
        """(n, classes) won duels, from (n, machines) whether a decision is for the class of the positive side."""
        return np.asarray(positive @ (self.duels > 0).astype(float) + ~positive @ (self.duels < 0).astype(float))


def _kernel(pairs: np.ndarray, gamma: float | None) -> np.ndarray:
    """The kernel of pairs: the Gaussian of squared distances where there is a width, else the products themselves."""
    if gamma is None:
        return pairs
    powers = pairs * -gamma
    return np.exp(powers, out=powers)


def _gamma(setting: float | str, moments: np.ndarray, length: int) -> float:
    """The width of a Gaussian kernel, from the sum and the sum of squares of each clip's values, as in scikit-learn."""
    if not isinstance(setting, str):
        return setting
    mean, square = moments.mean(axis=0) / length
    variance = square - mean**2 if setting == "scale" else 1.0
    return float(1 / (length * variance)) if variance > 0 else 1.0
