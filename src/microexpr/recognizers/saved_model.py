"""A model that was trained before, as a recognizer: it learns nothing and predicts as its file does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.clip import Sample
from ..core.errors import DataError, RecipeError
from ..core.files import file_digest
from ..protocols import PROTOCOLS
from .base import RECOGNIZERS, Recognizer, State

if TYPE_CHECKING:
    from .model import Model


@RECOGNIZERS.register("saved-model")
@dataclass
class SavedModel(Recognizer):
    """A saved model, `.safetensors` or `.onnx`, whose classes are those of the task; `fit` only opens the file.

    `microexpr test` and `test_model` write such recipes. The chain of the recipe must be that of the model.

    Args:
        file: the file of the model.
        digest: SHA-256 of the file; another content is refused. Empty for any.
    """

    needs_clips = False

    file: str = ""
    digest: str = ""

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        self._restore({})

    def _restore(self, state: State) -> None:
        from .model import load_model

        if self.digest and file_digest(Path(self.file)) != self.digest:
            raise DataError(f"'{self.file}' is another file than when this run began; test it into another folder")
        self.model_: Model = load_model(self.file)
        if sorted(self.model_.classes) != sorted(self.classes):
            raise RecipeError(
                f"model '{self.file}' tells {', '.join(self.model_.classes)}; the protocol has "
                f"{', '.join(self.classes)}"
            )

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        columns = [self.model_.classes.index(name) for name in self.classes]
        return np.asarray(self.model_.predictor.predict_proba(samples))[:, columns]

    def _predict(self, samples: Sequence[Sample]) -> np.ndarray:
        return np.array([self.classes.index(name) for name in self.model_.predictor.predict(samples)])

    def predict_action_units(self, samples: Sequence[Sample]) -> np.ndarray:
        """Compute the probability of each action unit on each side, (n, 17, 2), 0 to 1.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
            RecipeError: the model tells no action units.
        """
        self._check_fitted()
        predictor: Any = self.model_.predictor
        if not hasattr(predictor, "predict_action_units"):
            raise RecipeError(f"model '{self.file}' tells no action units")
        return np.asarray(predictor.predict_action_units(samples))

    def state(self) -> State:
        """Nothing: what was learned stays in the model's own file."""
        return {}


@dataclass(frozen=True)
class TrainedOn:
    """What a saved model says of its training.

    Attributes:
        subjects: the people whose clips it was trained on; None where the file does not say.
        datasets: the data sets that it was trained on.
    """

    subjects: frozenset[str] | None
    datasets: frozenset[str]

    @classmethod
    def of(cls, path: Path) -> TrainedOn:
        """Read what a model's file says of its training.

        Raises:
            MissingDataError: there is no such file.
            DataError: it is no model.
        """
        from .model import load_model

        metadata = load_model(path).metadata
        try:
            datasets = frozenset(json.loads(metadata.get("data", "{}")))
            named = json.loads(metadata["subjects"]) if "subjects" in metadata else [] if not datasets else None
            protocol = metadata.get("protocol", "")
            if datasets and protocol in PROTOCOLS:  # a composite release has people of other data sets
                datasets |= set(PROTOCOLS.get(protocol).datasets)
            return cls(None if named is None else frozenset(named), datasets)
        except (ValueError, TypeError) as error:
            raise DataError(f"'{path}': what it says of its training cannot be read ({error})") from None

    def seen(self, subjects: Sequence[str]) -> list[str]:
        """Those of some people who were trained on, or who may have been, since the file does not say; sorted."""
        if self.subjects is not None:
            return sorted(self.subjects & set(subjects))
        return sorted(name for name in set(subjects) if name.split("/")[0] in self.datasets)
