"""The task of recognizing action units: evaluated like recognition, but a clip has any number of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._action_unit_run import ActionUnitsRun
from .base import TASKS
from .recognition import RecognitionTask

if TYPE_CHECKING:
    from .recognition_folds import FoldEvaluation


@TASKS.register("action-units")
class ActionUnitsTask(RecognitionTask):
    """Train recognizers of action units fold by fold, and predict the test clips."""

    run_class = ActionUnitsRun

    def evaluation(self, keep_every: int) -> FoldEvaluation:
        """What is predicted: action units; as of recognition."""
        from ._action_unit_epochs import ActionUnitEpochEvaluation  # loads torch
        from ._action_unit_folds import ActionUnitEvaluation

        return ActionUnitEpochEvaluation(keep_every, 0) if keep_every else ActionUnitEvaluation()
