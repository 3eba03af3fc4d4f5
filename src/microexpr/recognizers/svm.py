"""Support vector machine on an array of the samples (Cortes and Vapnik 1995; scikit-learn's libsvm)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from .base import RECOGNIZERS, Recognizer, State, softmax, stack

Positive = Annotated[float, Field(gt=0)]


@RECOGNIZERS.register("svm")
@dataclass
class SVM(Recognizer):
    """A support vector machine on the flattened values of one array.

    Its probabilities are the softmax of the one-against-rest scores: they rank classes, and are not calibrated.

    Args:
        C: penalty of a training clip on the wrong side of the margin, above 0.
        kernel: `rbf` (Gaussian) or `linear`.
        gamma: width parameter of the RBF kernel, above 0; `scale` is 1 / (number of values x their variance), `auto` is
            1 / number of values.
        class_weights: weigh classes inversely to their number of training clips.
        standardize: bring each value to mean 0 and standard deviation 1 of the training clips.
        array: name of the array of the samples.
    """

    C: Positive = 1.0
    kernel: Literal["rbf", "linear"] = "rbf"
    gamma: Positive | Literal["scale", "auto"] = "scale"
    class_weights: bool = True
    standardize: bool = False
    array: str = "image"

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        self._fit_arrays(stack(samples, self.array).astype(np.float32).reshape(len(samples), -1), targets)

    def _fit_arrays(self, values: np.ndarray, targets: np.ndarray) -> None:
        from sklearn.svm import SVC

        self.values_, self.targets_ = values, targets
        self.mean_, self.deviation_ = values.mean(axis=0), values.std(axis=0)
        self.deviation_[self.deviation_ == 0] = 1  # a value that is the same in all clips carries no information
        self.present_ = np.unique(targets)
        self.machine_ = None  # with a single class in training there is nothing to fit
        if len(self.present_) > 1:
            weight = "balanced" if self.class_weights else None
            self.machine_ = SVC(C=self.C, kernel=self.kernel, gamma=self.gamma, class_weight=weight, break_ties=True)
            self.machine_.fit(self._scaled(values), targets)

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        probabilities = np.zeros((len(samples), len(self.classes)))
        if self.machine_ is None:
            probabilities[:, self.present_] = 1.0
            return probabilities
        values = stack(samples, self.array).astype(np.float32).reshape(len(samples), -1)
        scores = self.machine_.decision_function(self._scaled(values))
        if scores.ndim == 1:  # two classes: one score, for the second
            scores = np.stack([-scores, scores], axis=1)
        probabilities[:, self.present_] = softmax(scores)
        return probabilities

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        return (values - self.mean_) / self.deviation_ if self.standardize else values

    def state(self) -> State:
        """Return the training values and targets: a fit on them gives the same machine again."""
        return {"values": self.values_, "targets": self.targets_}

    def _restore(self, state: State) -> None:
        self._fit_arrays(state["values"], state["targets"])
