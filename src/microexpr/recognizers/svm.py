"""Support vector machine on an array of the samples (Cortes and Vapnik 1995; scikit-learn's libsvm).

The class of a clip is what the machine says: the one with the most votes of its one-against-one machines. Its
probabilities are fitted beside it, on training subjects that were held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.group_folds import assign_folds
from ._calibration import best_temperature
from ._pairs import PairRecognizer, Pairs, squared_distances
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
            self.machine_ = self._machine(np.arange(len(targets)))

    def _machine(self, rows: np.ndarray) -> KernelMachine:
        """A machine that is fitted on some of the training clips."""
        values, moments = self.pairs_.vectors
        gamma = _gamma(self.gamma, moments[rows], values.shape[1]) if self.kernel == "rbf" else None
        pairs = self.pairs_.matrices[0][np.ix_(rows, rows)]
        return KernelMachine.fit(pairs, self.targets_[rows], gamma, self.C, self.class_weights)

    def _held_out_temperature(self, targets: np.ndarray, groups: Sequence[str]) -> float:
        """The temperature that fits the scores of held-out training subjects best; 1 where none can be held out.

        Clips are used whose classes all remain when their subject is held out.
        """
        if self.machine_ is None or not self.calibrate:
            return 1.0
        folds = assign_folds(groups, CALIBRATION_FOLDS)
        scores, labels = [], []
        for fold in np.unique(folds):
            rest, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            if np.array_equal(np.unique(targets[rest]), self.present_):
                scores.append(self._machine(rest).scores(self.pairs_.matrices[0][np.ix_(held, rest)]))
                labels.append(np.searchsorted(self.present_, targets[held]))
        return best_temperature(np.concatenate(scores), np.concatenate(labels)) if scores else 1.0

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        probabilities = np.zeros((len(samples), len(self.classes)))
        if self.machine_ is None:
            probabilities[:, self.present_] = 1.0
            return probabilities
        scores = self.machine_.scores(self._test_pairs(samples)[0])
        probabilities[:, self.present_] = softmax(scores / self.temperature_)
        return probabilities

    def _predict(self, samples: Sequence[Sample]) -> np.ndarray:
        if self.machine_ is None:
            return np.repeat(self.present_, len(samples))
        return self.machine_.predict(self._test_pairs(samples)[0])

    def _pairs_key(self) -> str:
        return "" if self.standardize else f"{self.kernel} {self.array}"

    def _measure(self, samples: Sequence[Sample]) -> Pairs:
        return self._all_pairs(self._values(samples), [sample.id for sample in samples])

    def _all_pairs(self, values: np.ndarray, ids: Sequence[str]) -> Pairs:
        wide = values.astype(np.float64)
        moments = np.stack([wide.sum(axis=1), (wide**2).sum(axis=1)], axis=1)
        return Pairs({name: i for i, name in enumerate(ids)}, (values, moments), (self._pairs(values, values),))

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
            RecipeError: they have another number of values than the training samples.
        """
        values = self._raw(samples)
        if hasattr(self, "mean_") and values.shape[1] != len(self.mean_):
            raise RecipeError(
                f"'{self.array}' of '{samples[0].id}' has {values.shape[1]} values, those of the training had "
                f"{len(self.mean_)}: the chain or the input is another one"
            )
        return (values - self.mean_) / self.deviation_ if self.standardize else values

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
        self._fit_pairs(self._all_pairs(state["values"], ()), state["targets"])
        self.temperature_ = float(state["temperature"])


@dataclass(frozen=True)
class KernelMachine:
    """A fitted machine of libsvm on a kernel that is computed here.

    Attributes:
        machine: scikit-learn's machine.
        gamma: width of a Gaussian kernel; None for a linear one.
    """

    machine: Any
    gamma: float | None

    @classmethod
    def fit(cls, pairs: np.ndarray, targets: np.ndarray, gamma: float | None, C: float, balanced: bool) -> Self:
        """Fit on the (n, n) pairs of training clips: squared distances where there is a gamma, else products."""
        from sklearn.svm import SVC

        machine = SVC(C=C, kernel="precomputed", class_weight="balanced" if balanced else None)
        return cls(machine.fit(_kernel(pairs, gamma), targets), gamma)

    def scores(self, pairs: np.ndarray) -> np.ndarray:
        """(n, classes) one-against-rest scores from (n, training clips) pairs."""
        scores = np.asarray(self.machine.decision_function(_kernel(pairs, self.gamma)))
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores  # of two classes: the second's

    def predict(self, pairs: np.ndarray) -> np.ndarray:
        """(n,) classes from (n, training clips) pairs."""
        return np.asarray(self.machine.predict(_kernel(pairs, self.gamma)), np.int64)


def _kernel(pairs: np.ndarray, gamma: float | None) -> np.ndarray:
    return pairs if gamma is None else np.exp(-gamma * pairs)


def _gamma(setting: float | str, moments: np.ndarray, length: int) -> float:
    """The width of a Gaussian kernel, from the sum and the sum of squares of each clip's values, as in scikit-learn."""
    if not isinstance(setting, str):
        return setting
    mean, square = moments.mean(axis=0) / length
    variance = square - mean**2 if setting == "scale" else 1.0
    return float(1 / (length * variance)) if variance > 0 else 1.0
