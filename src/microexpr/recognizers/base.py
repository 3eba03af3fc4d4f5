"""What every recognizer shares. A new one writes `_fit` and `_predict_proba`, and `state`/`_restore` to be saved."""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ..core.clip import Sample
from ..core.errors import DataError, MissingDataError, NotFittedError, RecipeError, UsageError
from ..core.files import write_atomically
from ..core.progress import StepCallback, no_step_progress
from ..core.registry import Registry

State = Mapping[str, np.ndarray]


@dataclass
class Recognizer(ABC):
    """Learns from samples and labels, and gives each class of the task a share.

    The constructor only stores; `fit` learns; what was learned ends in an underscore, as in scikit-learn.

    Args:
        classes: the task's words in the protocol's order, whether or not the training clips have them all.
        seed: of everything that is drawn while learning.
        fold: name of the fold; for messages, and for weights that were published fold by fold.
        folder: where to keep what is needed to go on after a stop; None keeps nothing.
    """

    name: ClassVar[str]

    classes: tuple[str, ...] = field(kw_only=True)
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
        """Learn.

        Args:
            samples: n samples of blinded clips; their order makes no difference.
            labels: n words of `classes`.
            groups: n people, for recognizers that split their training people further.
            init: what the stage before learned (its `state()`).
            on_progress: called with (steps done, steps in all) by recognizers that are trained step by step.

        Raises:
            RecipeError: a label that is no class, lengths that differ, or no sample at all.
        """
        people = [sample.clip.subject for sample in samples] if groups is None else groups
        if not len(samples) == len(labels) == len(people):
            raise RecipeError(f"{len(samples)} samples, {len(labels)} labels and {len(people)} groups: must be as many")
        if not samples:
            raise RecipeError("there is nothing to learn from: 0 samples")
        if unknown := sorted(set(labels) - set(self.classes)):
            raise RecipeError(f"label '{unknown[0]}' is none of the classes {', '.join(self.classes)}")
        order = sorted(range(len(samples)), key=lambda i: samples[i].id)
        targets = np.array([self.classes.index(labels[i]) for i in order])
        self.history_: list[dict[str, float]] = []
        self.on_progress_ = on_progress or no_step_progress
        self._fit([samples[i] for i in order], targets, [people[i] for i in order], init)
        self.classes_ = self.classes
        return self

    def predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        """Share of each class, (n, classes) float64, each row from 0 to 1 with sum 1.

        Raises:
            NotFittedError: `fit` or `load` comes first.
        """
        if not hasattr(self, "classes_"):
            raise NotFittedError(f"recognizer '{self.name}' has not learned anything yet; call fit or load first")
        if not samples:
            return np.zeros((0, len(self.classes)))
        probabilities = np.asarray(self._predict_proba(samples), np.float64)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def predict(self, samples: Sequence[Sample]) -> list[str]:
        """The word with the largest share, one a sample."""
        return [self.classes[i] for i in self.predict_proba(samples).argmax(axis=1)]

    def save(self, path: Path | str, metadata: Mapping[str, str] | None = None) -> None:
        """Write settings and what was learned as safetensors; no pickle.

        Args:
            path: the file.
            metadata: texts to store beside the weights. `chain` (a recipe's chain as JSON) lets
                `recognizers.model.load_model` use the file by itself; `protocol`, `recipe`, `data`, `license` say
                where the model comes from.

        Raises:
            UsageError: `metadata` has a key that the file itself uses, or a value that is not a string.
        """
        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "folder"}
        own = {"recognizer": self.name, "settings": json.dumps(settings), "curves": json.dumps(self.history_)}
        for name, value in (metadata or {}).items():
            if name in own or not isinstance(value, str):
                raise UsageError(
                    f"metadata = {{{name!r}: {value!r}}}: use a string under another key than {', '.join(own)}"
                )
        state = {name: np.array(array, order="C") for name, array in self.state().items()}
        write_atomically(Path(path), sort_metadata(save(state, metadata={**(metadata or {}), **own})))

    @classmethod
    def load(cls, path: Path | str) -> Recognizer:
        """A recognizer that `save` wrote.

        Raises:
            MissingDataError: no such file.
            DataError: it is not a recognizer's file.
        """
        if not Path(path).is_file():
            raise MissingDataError(f"'{path}' is not a file")
        try:
            with safe_open(path, framework="numpy") as file:
                about, state = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            settings, curves = json.loads(about["settings"]), json.loads(about.get("curves", "[]"))
            recognizer = RECOGNIZERS.build({"name": about["recognizer"], **settings})
            recognizer._restore(state)
        except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as fault:
            raise DataError(f"'{path}' is not a saved recognizer ({type(fault).__name__}: {fault})") from None
        recognizer.history_ = curves
        recognizer.classes_ = recognizer.classes
        return recognizer

    @abstractmethod
    def state(self) -> State:
        """What was learned, as named arrays: what `save` writes and the next stage begins from."""

    @abstractmethod
    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        """Learn from samples in the order of their ids; `targets` (n,) are positions in `classes`."""

    @abstractmethod
    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        """(n, classes), 0 or more, each row with a positive sum."""

    @abstractmethod
    def _restore(self, state: State) -> None:
        """Take back what `state` gave."""


RECOGNIZERS: Registry[Recognizer] = Registry("recognizer", "microexpr.recognizers")


def sort_metadata(content: bytes) -> bytes:
    """A safetensors file with its metadata in the order of their names: the same model has the same bytes.

    The library writes them in an order that differs from one process to the next.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def stack(samples: Sequence[Sample], array: str) -> np.ndarray:
    """One array of every sample as (n, ...) float32, or uint8 where they are bytes (a quarter of the memory).

    Raises:
        RecipeError: a sample has no such array, or they differ in shape.
    """
    arrays = [sample.array(array) for sample in samples]
    for sample, one in zip(samples, arrays, strict=True):
        if one.shape != arrays[0].shape:
            raise RecipeError(
                f"'{array}' of clip '{sample.id}' is {one.shape}, that of '{samples[0].id}' is {arrays[0].shape}; "
                "the chain needs a step that makes them alike, e.g. {name = 'resize'}"
            )
    stacked = np.stack(arrays)
    return stacked if stacked.dtype == np.uint8 else stacked.astype(np.float32)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Rows of (n, classes) scores as probabilities."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


Settings = dict[str, Any]
"""A table of a recipe: `name` and settings."""
