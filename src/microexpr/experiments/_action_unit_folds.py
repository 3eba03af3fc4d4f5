"""What evaluating action units does in another way than recognition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.action_units import ActionUnit, format_action_units, join_sides, units_by_side
from ..core.clip import Sample
from ..core.errors import RecipeError
from ..protocols import Example, Protocol
from ..recognizers import RECOGNIZERS, Recognizer
from ._action_unit_run import ActionUnitsRun
from .fold_jobs import FoldJob, FoldResult
from .recognition_folds import FoldEvaluation


@dataclass(frozen=True, kw_only=True)
class ActionUnitJob(FoldJob):
    """A fold whose recognizer predicts action units."""

    def predict(self, recognizer: Recognizer, samples: Sequence[Sample]) -> np.ndarray:
        """(n, 34) probabilities of test clips: of each action unit on the person's right and left side.

        They are 0 for a clip in which no face was found.
        """
        probabilities = np.array(recognizer.predict_action_units(samples), np.float64)  # type: ignore[attr-defined]
        probabilities[[not sample.face_found for sample in samples]] = 0
        return probabilities.reshape(len(samples), -1)

    def predicted(self, recognizer: Recognizer, samples: Sequence[Sample]) -> tuple[str, ...]:
        """Nothing: the protocol's threshold decides on the action units."""
        return ()

    def train_confusion(self, recognizer: Recognizer, samples: Sequence[Sample], labels: Sequence[str]) -> None:
        """None: clips with several labels have no confusion matrix."""


class ActionUnitEvaluation(FoldEvaluation):
    """Action units instead of classes."""

    run_class = ActionUnitsRun
    job_class = ActionUnitJob

    def check(self, recognizer: Recognizer, protocol: Protocol) -> None:
        """Check that a recognizer tells action units.

        Raises:
            RecipeError: it does not, or it learns from clips and the protocol trains on none.
        """
        super().check(recognizer, protocol)
        if not hasattr(recognizer, "predict_action_units"):
            able = [name for name, cls in RECOGNIZERS if hasattr(cls, "predict_action_units")]
            raise RecipeError(
                f"recognizer '{recognizer.name}' tells classes, not action units; these tell action units: "
                f"{', '.join(able)}; e.g. {{name = 'one-vs-rest', recognizer = {{name = '{recognizer.name}'}}}}"
            )

    def shown(self, examples: Sequence[Example], protocol: Protocol) -> Sequence[Example]:
        """For each action unit the clip that has the fewest others, under the name of this one."""
        shown = []
        for number in protocol.classes:
            having = [example for example in examples if number in protocol.labels_of(example.label)]
            if having:
                clearest = min(having, key=lambda example: (len(protocol.labels_of(example.label)), example.clip.id))
                shown.append(Example(clearest.clip, f"AU {number} {ActionUnit(int(number)).name}"))
        return shown or examples[:1]

    def predicted(self, result: FoldResult, protocol: Protocol) -> Sequence[str]:
        """Of each test clip the action units whose probability reaches the protocol's threshold, as `4+L10`."""
        found = [join_sides(units_by_side(row.reshape(-1, 2)), protocol.threshold) for row in result.probabilities]
        return [format_action_units((unit.number, unit.side) for unit in units) for units in found]
