"""One recognizer for each class or action unit, which tells clips that have it from all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core.action_units import ACTION_UNITS, are_action_units, face_probabilities, parse_action_units, side_array
from ..core.clip import Sample
from ..core.errors import RecipeError
from .base import RECOGNIZERS, Recognizer, Settings, State

ABSENT, PRESENT = "absent", "present"


@RECOGNIZERS.register("one-vs-rest")
@dataclass
class OneVsRest(Recognizer):
    """One recognizer of any kind for each class, or for each action unit.

    It tells action units where its classes are numbers of action units, as in a multilabel protocol; labels are then
    texts such as `4+L10`. An action unit that no training clip has, or every one, gets no recognizer: its probability
    is 0 or 1. Sides that were trained on the same clips share theirs.

    Args:
        recognizer: table of the recognizer that is trained on the classes `absent` and `present`: `name`, settings.
        sides: train one for each action unit on each side of the face; otherwise one for each, whose clips show it on
            any side, and both sides have its probability.
    """

    recognizer: Settings = field(default_factory=lambda: {"name": "svm"})
    sides: bool = True

    def __post_init__(self) -> None:
        self._new("")  # a misspelled setting is found before any work is done

    def predict_action_units(self, samples: Sequence[Sample]) -> np.ndarray:
        """Compute the probability of each action unit on each side.

        Returns:
            (n, 17, 2) float64, 0 to 1, in the order of `ACTION_UNITS`; last axis: the person's right, left side.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
            RecipeError: it was trained on classes that are no action units.
        """
        self._check_fitted()
        if not self._of_action_units:
            raise RecipeError(f"recognizer 'one-vs-rest' was trained on {', '.join(self.classes)}, not on action units")
        return self._outputs(samples).reshape(len(samples), len(ACTION_UNITS), 2)

    @property
    def _of_action_units(self) -> bool:
        return are_action_units(self.classes)

    def _new(self, name: str) -> Recognizer:
        """Build the recognizer of an output."""
        folder = None if self.folder is None else self.folder / name
        return RECOGNIZERS.build(
            self.recognizer, classes=(ABSENT, PRESENT), seed=self.seed, fold=self.fold, folder=folder
        )

    def _targets(self, labels: Sequence[str]) -> np.ndarray:
        """(n, outputs) bool: the classes, or action units by side (R1, L1, R2 ...)."""
        if self._of_action_units:
            found = np.array([side_array(parse_action_units(label)) for label in labels])
            if not self.sides:
                found[:] = found.any(axis=-1, keepdims=True)
            return found.reshape(len(labels), -1)
        return super()._targets(labels)[:, None] == np.arange(len(self.classes))

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        self.constant_ = targets.mean(axis=0)
        self.machine_of_ = np.full(targets.shape[1], -1)
        self.machines_: list[Recognizer] = []
        known: dict[bytes, int] = {}
        for output, present in enumerate(targets.T):
            if not 0 < self.constant_[output] < 1:
                continue
            if present.tobytes() not in known:
                known[present.tobytes()] = len(self.machines_)
                labels = [PRESENT if value else ABSENT for value in present]
                machine = self._new(f"output-{output}").fit(samples, labels, groups, init)
                self.machines_.append(machine)
            self.machine_of_[output] = known[present.tobytes()]

    def _outputs(self, samples: Sequence[Sample]) -> np.ndarray:
        """(n, outputs) probabilities."""
        found = np.tile(self.constant_, (len(samples), 1))
        if samples and self.machines_:
            each = np.array([machine.predict_proba(samples)[:, 1] for machine in self.machines_]).T
            trained = self.machine_of_ >= 0
            found[:, trained] = each[:, self.machine_of_[trained]]
        return found

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        outputs = self._outputs(samples)
        if self._of_action_units:
            units = list(ACTION_UNITS)
            on_face = face_probabilities(outputs.reshape(len(samples), len(units), 2))
            outputs = on_face[:, [units.index(int(label)) for label in self.classes]]
        return outputs + 1e-12  # where every class is as good as excluded, all are equally probable

    def state(self) -> State:
        """Return what each recognizer learned; an array that equals the first one's is stored once."""
        arrays = {"constant": self.constant_, "machine_of": self.machine_of_}
        first: Mapping[str, np.ndarray] = {}
        for number, machine in enumerate(self.machines_):
            own = machine.state()
            first = first or own
            for name, array in own.items():
                if number == 0 or name not in first or not np.array_equal(array, first[name]):
                    arrays[f"{number}/{name}"] = array
        return arrays

    def _restore(self, state: State) -> None:
        self.constant_, self.machine_of_ = state["constant"], state["machine_of"]
        self.machines_ = []
        first: State = {}
        for number in range(int(self.machine_of_.max()) + 1):
            begin = f"{number}/"
            own = {name.removeprefix(begin): array for name, array in state.items() if name.startswith(begin)}
            first = first or own
            self.machines_.append(self._new("")._take_back({**first, **own}))
