"""Support vector machine on an array of the samples (Cortes and Vapnik 1995; scikit-learn's libsvm).

The class of a clip is what the machine says: the one with the most votes of its one-against-one machines. Its
probabilities are fitted beside it, on training subjects that were held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.group_folds import assign_folds
from .base import RECOGNIZERS, Recognizer, State, softmax, stack

Positive = Annotated[float, Field(gt=0)]

CALIBRATION_FOLDS = 3
"""Parts of the training subjects that are held out in turn to fit the temperature of the probabilities."""


@RECOGNIZERS.register("svm")
@dataclass
class SVM(Recognizer):
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
        values = self._values(samples)
        self._fit_arrays(values, targets)
        self.temperature_ = 1.0 if self.machine_ is None else self._held_out_temperature(values, targets, groups)

    def _fit_arrays(self, values: np.ndarray, targets: np.ndarray) -> None:
        self.values_, self.targets_ = values, targets
        self.mean_, self.deviation_ = values.mean(axis=0), values.std(axis=0)
        self.deviation_[self.deviation_ == 0] = 1  # a value that is the same in all clips carries no information
        self.present_ = np.unique(targets)
        self.machine_ = None  # with a single class in training there is nothing to fit
        if len(self.present_) > 1:
            self.machine_ = self._new_machine().fit(self._scaled(values), targets)

    def _new_machine(self) -> Any:
        from sklearn.svm import SVC

        weight = "balanced" if self.class_weights else None
        return SVC(C=self.C, kernel=self.kernel, gamma=self.gamma, class_weight=weight)

    def _held_out_temperature(self, values: np.ndarray, targets: np.ndarray, groups: Sequence[str]) -> float:
        """The temperature that fits the scores of held-out training subjects best; 1 where none can be held out.

        Clips are used whose classes all remain when their subject is held out.
        """
        from ._calibration import best_temperature

        folds = assign_folds(groups, CALIBRATION_FOLDS)
        scores, labels = [], []
        for fold in np.unique(folds):
            rest, held = folds != fold, folds == fold
            if np.array_equal(np.unique(targets[rest]), self.present_):
                machine = self._new_machine().fit(self._scaled(values[rest]), targets[rest])
                scores.append(_scores(machine, self._scaled(values[held])))
                labels.append(np.searchsorted(self.present_, targets[held]))
        return best_temperature(np.concatenate(scores), np.concatenate(labels)) if scores else 1.0

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        probabilities = np.zeros((len(samples), len(self.classes)))
        if self.machine_ is None:
            probabilities[:, self.present_] = 1.0
            return probabilities
        scores = _scores(self.machine_, self._scaled(self._asked(samples)))
        probabilities[:, self.present_] = softmax(scores / self.temperature_)
        return probabilities

    def _predict(self, samples: Sequence[Sample]) -> np.ndarray:
        if self.machine_ is None:
            return np.repeat(self.present_, len(samples))
        return np.asarray(self.machine_.predict(self._scaled(self._asked(samples))), np.int64)

    def _values(self, samples: Sequence[Sample]) -> np.ndarray:
        return stack(samples, self.array).astype(np.float32).reshape(len(samples), -1)

    def _asked(self, samples: Sequence[Sample]) -> np.ndarray:
        """The values of test samples.

        Raises:
            RecipeError: they have another number of values than the training samples.
        """
        values = self._values(samples)
        if values.shape[1] != self.values_.shape[1]:
            raise RecipeError(
                f"'{self.array}' of '{samples[0].id}' has {values.shape[1]} values, those of the training had "
                f"{self.values_.shape[1]}: the chain or the input is another one"
            )
        return values

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        return (values - self.mean_) / self.deviation_ if self.standardize else values

    def state(self) -> State:
        """Return the training values and targets (a fit on them gives the same machine again), and the temperature."""
        return {"values": self.values_, "targets": self.targets_, "temperature": np.array(self.temperature_)}

    def _restore(self, state: State) -> None:
        self._fit_arrays(state["values"], state["targets"])
        self.temperature_ = float(state["temperature"]) if "temperature" in state else 1.0  # older files have none


def _scores(machine: Any, values: np.ndarray) -> np.ndarray:
    """(n, classes) one-against-rest scores of a fitted machine."""
    scores = np.asarray(machine.decision_function(values))
    return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores  # of two classes: that of the second
