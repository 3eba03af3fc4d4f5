"""Any classifier of scikit-learn as a recognizer."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.clip import Sample
from ..core.errors import RecipeError, UsageError, did_you_mean
from .base import RECOGNIZERS, Recognizer, State, softmax, stack

ATTRIBUTES = "_attributes"
"""Name of the saved array that holds, as JSON, the estimator's attributes that are no arrays."""


@RECOGNIZERS.register("sklearn")
@dataclass
class SklearnRecognizer(Recognizer):
    """A classifier of scikit-learn on the flattened values of one array.

    In Python it takes an estimator: `SklearnRecognizer(LogisticRegression(C=2.0))`. A recipe names a class of the
    package `sklearn`, with the estimator's parameters beside it:

        recognizer = { name = "sklearn", estimator = "sklearn.linear_model.LogisticRegression", C = 2.0 }

    The class of a clip is what the estimator's `predict` says. Probabilities are the estimator's own, or the softmax of
    its decision function where it has none; a class without a training clip gets 0. Both may disagree: `SVC` with
    `probability = true` fits its probabilities beside its decision. An estimator with a parameter `random_state` that
    is None gets the recognizer's seed.

    It can be saved (without pickle) if the estimator is a class of `sklearn` whose parameters are numbers, strings,
    lists and tables, and whose fitted attributes are arrays of numbers, numbers and strings: linear models, naive
    Bayes, discriminant analysis, support vector machines. Trees, forests, nearest neighbors and pipelines can be
    fitted and can predict, but cannot be saved.

    Args:
        estimator: a classifier, or the full name of its class, which must begin with `sklearn.`.
        parameters: parameters of the estimator, where it is given by name.
        array: name of the array of the samples.
    """

    estimator: Any = "sklearn.linear_model.LogisticRegression"
    parameters: dict[str, Any] = field(default_factory=dict)
    array: str = "image"

    def __post_init__(self) -> None:
        self._new_estimator()  # a wrong name or parameter is found before any work is done

    @classmethod
    def gather_settings(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Move settings that belong to the estimator into `parameters`."""
        names = {f.name for f in dataclasses.fields(cls)}
        own = {name: value for name, value in values.items() if name in names}
        parameters = {name: value for name, value in values.items() if name not in names}
        return {**own, "parameters": {**own.get("parameters", {}), **parameters}} if parameters else own

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all settings by name.

        Args:
            deep: also return the parameters of an estimator that is an object, as `estimator__<name>`.
        """
        params = super().get_params()
        if deep and not isinstance(self.estimator, str):
            params |= {f"estimator__{name}": value for name, value in self.estimator.get_params().items()}
        return params

    def set_params(self, **params: Any) -> SklearnRecognizer:
        """Change settings by name; `estimator__<name>` is a parameter of the estimator.

        Raises:
            RecipeError: an unknown setting or parameter (the nearest is named), or a value of the wrong type.
        """
        nested = {name.partition("__")[2]: params.pop(name) for name in list(params) if name.startswith("estimator__")}
        super().set_params(**params)
        if nested and isinstance(self.estimator, str):
            super().set_params(parameters={**self.parameters, **nested})
        elif nested:
            _check_names(self.estimator, nested)
            self.estimator.set_params(**nested)
        return self

    def _new_estimator(self) -> Any:
        """Build an estimator that is not fitted."""
        from sklearn.base import clone, is_classifier

        if not isinstance(self.estimator, str):
            if self.parameters:
                raise RecipeError("sklearn: set the parameters of an estimator object on the object itself")
            estimator = clone(self.estimator)
        else:
            estimator = _class_named(self.estimator)()
            _check_names(estimator, self.parameters)
            estimator.set_params(**self.parameters)
        if not is_classifier(estimator):
            raise RecipeError(f"sklearn: estimator = {self.estimator!r} is not a classifier")
        if estimator.get_params().get("random_state", "") is None:
            estimator.set_params(random_state=self.seed)
        return estimator

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        self.present_ = np.unique(targets)
        self.estimator_ = self._new_estimator()
        if len(self.present_) > 1:  # most classifiers reject a single class, whose probability is 1
            self.estimator_.fit(self._values(samples), targets)

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        probabilities = np.zeros((len(samples), len(self.classes)))
        probabilities[:, self.present_] = 1.0 if len(self.present_) == 1 else self._of_present(self._values(samples))
        return probabilities

    def _predict(self, samples: Sequence[Sample]) -> np.ndarray:
        if len(self.present_) == 1:
            return np.repeat(self.present_, len(samples))
        return np.asarray(self.estimator_.predict(self._values(samples)), np.int64)

    def _of_present(self, values: np.ndarray) -> np.ndarray:
        """Probabilities (n, classes that were trained on)."""
        if hasattr(self.estimator_, "predict_proba"):
            return np.asarray(self.estimator_.predict_proba(values))
        if not hasattr(self.estimator_, "decision_function"):
            raise UsageError(f"sklearn: {_name_of(self.estimator_)} has neither predict_proba nor decision_function")
        scores = np.asarray(self.estimator_.decision_function(values))
        if scores.ndim == 1:  # two classes: one score, for the second
            scores = np.stack([-scores, scores], axis=1)
        return softmax(scores)

    def _values(self, samples: Sequence[Sample]) -> np.ndarray:
        return stack(samples, self.array).astype(np.float32).reshape(len(samples), -1)

    def _saved_settings(self) -> dict[str, Any]:
        settings = super()._saved_settings()
        if isinstance(self.estimator, str):
            return settings
        name, parameters = _name_of(self.estimator), self.estimator.get_params(deep=False)
        if not name.startswith("sklearn.") or not _is_json(parameters):
            raise UsageError(f"{name} cannot be saved: only classes of sklearn with parameters that JSON can hold can")
        return {**settings, "estimator": name, "parameters": parameters}

    def state(self) -> State:
        """Return the estimator's fitted attributes.

        Raises:
            UsageError: an attribute is neither an array of numbers nor something that JSON can hold.
        """
        parameters = self.estimator_.get_params(deep=False)
        fitted = {name: value for name, value in vars(self.estimator_).items() if name not in parameters}
        arrays, others = {"_present": self.present_}, {}
        for name, value in fitted.items():
            if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
                arrays[name] = value
            elif isinstance(value, np.generic) and value.dtype.kind in "biuf":
                others[name] = value.item()
            elif _is_json(value):
                others[name] = value
            else:
                kind = f"its attribute {name} is of type {type(value).__name__}"
                raise UsageError(f"{_name_of(self.estimator_)} cannot be saved without pickle: {kind}")
        return {**arrays, ATTRIBUTES: np.frombuffer(json.dumps(others).encode(), np.uint8)}

    def _restore(self, state: State) -> None:
        self.present_ = state["_present"]
        self.estimator_ = self._new_estimator()
        arrays = {name: value for name, value in state.items() if name not in ("_present", ATTRIBUTES)}
        for name, value in {**arrays, **json.loads(state[ATTRIBUTES].tobytes())}.items():
            setattr(self.estimator_, name, tuple(value) if isinstance(value, list) else value)


def _class_named(name: str) -> Any:
    """Import a class of scikit-learn; no other package is imported.

    Raises:
        RecipeError: there is no such class.
    """
    from sklearn.base import BaseEstimator

    module, _, cls = name.rpartition(".")
    if module.split(".")[0] != "sklearn":
        raise RecipeError(f"sklearn: estimator = '{name}' must be a class of sklearn, e.g. 'sklearn.svm.LinearSVC'")
    try:
        found = getattr(importlib.import_module(module), cls)
    except (ImportError, AttributeError):
        raise RecipeError(f"sklearn: there is no estimator '{name}' in the installed scikit-learn") from None
    if not isinstance(found, type) or not issubclass(found, BaseEstimator):
        raise RecipeError(f"sklearn: '{name}' is not an estimator")
    return found


def _name_of(estimator: Any) -> str:
    """The full name of an estimator's class, without scikit-learn's private modules."""
    cls = type(estimator)
    public = [part for part in cls.__module__.split(".") if not part.startswith("_")]
    return ".".join([*public, cls.__qualname__])


def _check_names(estimator: Any, parameters: Mapping[str, Any]) -> None:
    known = estimator.get_params()
    for name in parameters:
        if name not in known:
            raise RecipeError(f"{_name_of(estimator)} has no parameter '{name}'{did_you_mean(name, known)}")


def _is_json(value: Any) -> bool:
    """Whether JSON gives the same value back, but for tuples, which become lists."""
    if isinstance(value, list | tuple):
        return all(_is_json(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return value is None or isinstance(value, bool | int | float | str)
