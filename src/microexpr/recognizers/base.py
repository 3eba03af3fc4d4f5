"""The base class of recognizers. A subclass defines `_fit`, `_predict_proba`, `state` and `_restore`.

The class of a clip is what the recognizer says, see `predict`; it need not be the one of the largest probability.
"""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from ..core.clip import Sample
from ..core.errors import DataError, MissingPluginError, NotFittedError, RecipeError, RunError, UsageError
from ..core.progress import StepCallback, no_step_progress
from ..core.registry import Registry, names_of, validate_settings
from ..core.tensor_files import read_tensors, write_tensors

State = Mapping[str, np.ndarray]
"""What a recognizer learned, as named arrays."""

Settings = dict[str, Any]
"""A table of a recipe: a name, and settings."""


@dataclass(frozen=True)
class Fit:
    """A recognizer and what it is to be fitted on, as the arguments of `Recognizer.fit`."""

    recognizer: Recognizer
    samples: Sequence[Sample]
    labels: Sequence[str]
    init: State | None = None

    def run(self, on_progress: StepCallback | None = None) -> Recognizer:
        """Fit the recognizer and return it."""
        return self.recognizer.fit(self.samples, self.labels, init=self.init, on_progress=on_progress)

    def run_safely(self, on_progress: StepCallback | None = None) -> Recognizer | Exception:
        """Fit the recognizer and return it, or the exception that was raised; `MemoryError` is raised."""
        try:
            return self.run(on_progress)
        except MemoryError:
            raise
        except Exception as error:
            return error


@dataclass
class Recognizer(ABC):
    """Classifies samples: `fit` on samples and labels, then `predict_proba` or `predict`.

    It behaves like a scikit-learn classifier on samples: the constructor only stores its settings, attributes that
    `fit` sets end in an underscore, `get_params` and `set_params` read and change settings, and `sklearn.base.clone`
    copies it without what was learned.

    Args:
        classes: the classes of the task in the protocol's order, whether or not the training clips have them all; when
            empty, `fit` takes the sorted labels.
        seed: seed of every random number of the training.
        fold: name of the fold; for messages, and for weights that were published fold by fold.
        folder: where checkpoints and curves are written; None writes nothing.
    """

    name: ClassVar[str]

    needs_clips: ClassVar[bool] = True
    """Whether it learns from clips; one that does not can be fitted on 0 samples, as a zero-shot protocol does."""

    classes: tuple[str, ...] = field(default=(), kw_only=True)
    seed: int = field(default=0, kw_only=True)
    fold: str = field(default="", kw_only=True)
    folder: Path | None = field(default=None, kw_only=True)

    def fit(
        self,
        samples: Sequence[Sample],
        labels: Sequence[str],
        groups: Sequence[str] | None = None,
        init: State | None = None,
        on_progress: StepCallback | None = None,
    ) -> Self:
        """Train on samples.

        Args:
            samples: n samples of blinded clips; their order makes no difference.
            labels: n labels, each one of `classes`.
            groups: n subjects, for recognizers that hold out training subjects; by default those of the clips.
            init: what the stage before learned (its `passed_on()`).
            on_progress: called with (steps done, steps in all) by recognizers that are trained step by step.

        Returns:
            The recognizer itself.

        Raises:
            RecipeError: a label that is not a class, lengths that differ, or no sample where some are needed.
        """
        groups = [sample.clip.subject for sample in samples] if groups is None else groups
        if not len(samples) == len(labels) == len(groups):
            raise RecipeError(
                f"{len(samples)} samples, {len(labels)} labels and {len(groups)} groups: give as many of each"
            )
        if not samples and self.needs_clips:
            raise RecipeError("there is nothing to train on: 0 samples")
        if not self.classes:
            self.classes = tuple(sorted(set(labels)))
        order = sorted(range(len(samples)), key=lambda i: samples[i].id)
        targets = self._targets([labels[i] for i in order])
        self.history_: list[dict[str, float]] = []
        self.on_progress_ = on_progress or no_step_progress
        self._fit([samples[i] for i in order], targets, [groups[i] for i in order], init)
        self.classes_ = self.classes
        return self

    @classmethod
    def fit_many(cls, fits: Sequence[Fit]) -> Iterator[Recognizer | Exception]:
        """Fit many recognizers of this kind, such as those of all folds; the result is that of `fit` on each.

        A kind that can share work between folds overrides this. A recognizer is predicted with before the next one is
        asked for, so that work can be shared with its predictions, too.

        Args:
            fits: recognizers of this class and what each learns from; the same clip may be in many of them.

        Yields:
            Each fitted recognizer in the order of `fits`, or the exception that ended its training.

        Raises:
            MemoryError: so many do not fit into the memory.
        """
        for fit in fits:
            yield fit.run_safely()

    def predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        """Compute the probability of each class.

        Returns:
            (n, classes) float64, 0 to 1, each row with sum 1; columns in the order of `classes`.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
            RunError: a probability is infinite or not a number.
        """
        self._check_fitted()
        if not samples:
            return np.zeros((0, len(self.classes)))
        probabilities = np.asarray(self._predict_proba(samples), np.float64)
        if not np.isfinite(probabilities).all():
            wrong = samples[int(np.argmin(np.isfinite(probabilities).all(axis=1)))].id
            raise RunError(
                f"recognizer '{self.name}' gives no finite probability for '{wrong}': the training diverged (use a "
                "smaller learning rate), or the clip's array holds values that are not finite"
            )
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def predict(self, samples: Sequence[Sample]) -> list[str]:
        """Return the class of each sample: the most probable one, unless the recognizer decides in another way.

        A support vector machine decides by the votes of its machines, and its probabilities are fitted beside them: the
        class need not be the most probable one.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
        """
        self._check_fitted()
        return [self.classes[i] for i in self._predict(samples)] if samples else []

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all settings by name, as scikit-learn's estimators do.

        Args:
            deep: ignored by recognizers without nested estimators.
        """
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.init}

    def set_params(self, **params: Any) -> Self:
        """Change settings by name; what was learned stays until `fit` is called again.

        Returns:
            The recognizer itself.

        Raises:
            RecipeError: an unknown setting (the nearest is named), or a value of the wrong type or out of range.
        """
        changed = validate_settings(type(self), {**self.get_params(deep=False), **params}, f"recognizer '{self.name}'")
        for name in params:
            setattr(self, name, getattr(changed, name))
        return self

    def save(self, path: Path | str, metadata: Mapping[str, str] | None = None) -> None:
        """Write settings and what was learned as safetensors, without pickle.

        Args:
            path: the file.
            metadata: texts to store beside the weights. `chain` (a recipe's chain as JSON) lets
                `recognizers.model.load_model` use the file by itself; `protocol`, `recipe`, `data`, `license` say
                where the model comes from.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
            UsageError: `metadata` has a key that the file itself uses, or a value that is not a string; or this
                recognizer cannot be saved.
        """
        self._check_fitted()
        settings, curves = json.dumps(self._saved_settings()), json.dumps(self.history_)
        own = {"recognizer": self.name, "settings": settings, "curves": curves}
        for name, value in (metadata or {}).items():
            if name in own or not isinstance(value, str):
                reserved = ", ".join(own)
                raise UsageError(f"metadata = {{{name!r}: {value!r}}}: use a string under another key than {reserved}")
        write_tensors(path, self.state(), {**(metadata or {}), **own})

    @classmethod
    def load(cls, path: Path | str) -> Recognizer:
        """Read a recognizer that `save` wrote.

        Raises:
            MissingDataError: no such file.
            MissingPluginError: it is of a recognizer or network of a plug-in that is not loaded.
            DataError: it is not a recognizer's file.
        """
        state, metadata = read_tensors(path)
        try:
            settings, curves = json.loads(metadata["settings"]), json.loads(metadata.get("curves", "[]"))
            with names_of(f"'{path}'"):
                recognizer = RECOGNIZERS.build({"name": metadata["recognizer"], **settings})
                recognizer._take_back(state, curves)
        except MissingPluginError:
            raise
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise DataError(f"'{path}' is not a saved recognizer ({type(error).__name__}: {error})") from None
        return recognizer

    def _take_back(self, state: State, curves: Sequence[dict[str, float]] = ()) -> Self:
        """Become what a recognizer with the same settings was when it returned this state."""
        self._restore(state)
        self.history_ = list(curves)
        self.classes_ = self.classes
        return self

    def _targets(self, labels: Sequence[str]) -> np.ndarray:
        """(n, ...) what `_fit` learns from labels: positions in `classes`.

        Raises:
            RecipeError: a label that is not a class.
        """
        if unknown := sorted(set(labels) - set(self.classes)):
            raise RecipeError(f"label '{unknown[0]}' is none of the classes {', '.join(self.classes)}")
        return np.array([self.classes.index(label) for label in labels], np.int64)

    def _check_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            raise NotFittedError(f"recognizer '{self.name}' is not fitted; call fit or load first")

    def _saved_settings(self) -> dict[str, Any]:
        """Settings from which `load` builds the recognizer again, as JSON can hold them."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "folder"}

    @abstractmethod
    def state(self) -> State:
        """Return what was learned as named arrays: what `save` writes."""

    def passed_on(self) -> State:
        """Return what the next stage begins from: all that was learned, unless that stage can take a part only."""
        return self.state()

    def check_passed_on(self) -> None:  # noqa: B027  (most recognizers pass on whatever they learn)
        """Check, before any training, that the next stage can begin from what will be learned.

        Raises:
            RecipeError: it cannot.
        """

    @abstractmethod
    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        """Train on samples in the order of their ids; `targets` (n,) are positions in `classes` (see `_targets`)."""

    @abstractmethod
    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        """(n, classes), 0 or more, each row with a positive sum."""

    def _predict(self, samples: Sequence[Sample]) -> np.ndarray:
        """(n,) positions in `classes` of 1 sample or more; override it where the class is not the most probable one."""
        return self.predict_proba(samples).argmax(axis=1)

    @abstractmethod
    def _restore(self, state: State) -> None:
        """Take back what `state` returned."""


RECOGNIZERS: Registry[Recognizer] = Registry("recognizer", "microexpr.recognizers")
"""All recognizers. One more: a subclass of `Recognizer` with `@RECOGNIZERS.register("name")`."""


def stack(samples: Sequence[Sample], array: str) -> np.ndarray:
    """Stack one array of every sample as (n, ...) float32, or uint8 where they are bytes (a quarter of the memory).

    Raises:
        RecipeError: a sample has no such array, or they differ in shape.
    """
    arrays = [sample.array(array) for sample in samples]
    for sample, values in zip(samples, arrays, strict=True):
        if values.shape != arrays[0].shape:
            raise RecipeError(
                f"'{array}' of clip '{sample.id}' is {values.shape}, that of '{samples[0].id}' is {arrays[0].shape}; "
                "the chain needs a step that makes them alike, e.g. {name = 'resize'}"
            )
    stacked = np.stack(arrays)
    return stacked if stacked.dtype == np.uint8 else stacked.astype(np.float32)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn scores (n, classes) into probabilities, each row with sum 1."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
