"""The task of recognizing action units: evaluated like recognition, but a clip has any number of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.progress import ProgressCallback
from ..recipes import RecognitionRecipe
from ._action_unit_run import ActionUnitsRun
from .base import TASKS
from .options import RunOptions
from .recognition import RecognitionTask
from .recognition_run import RecognitionRun


@TASKS.register("action-units")
class ActionUnitsTask(RecognitionTask):
    """Train recognizers of action units fold by fold, and predict the test clips."""

    run_class = ActionUnitsRun

    def run_seeds(
        self, recipe: RecognitionRecipe, folders: Mapping[int, Path], options: RunOptions, progress: ProgressCallback
    ) -> list[RecognitionRun]:
        """Run a recipe with several seeds, whose folds are given to the executor together."""
        from ._action_unit_epochs import ActionUnitEpochEvaluation  # loads torch
        from ._action_unit_folds import ActionUnitEvaluation
        from .epoch_predictions import recipe_keeps_epochs
        from .recognition_folds import evaluate_seeds

        kept = options.keep_epochs and recipe_keeps_epochs(recipe)
        evaluation = ActionUnitEpochEvaluation(options.keep_epochs, 0) if kept else ActionUnitEvaluation()
        return evaluate_seeds(recipe, folders, options, progress, evaluation)

    def train(self, recipe: RecognitionRecipe, out: Path, options: RunOptions, progress: ProgressCallback) -> Path:
        """Train on all subjects; see `train.train_final_model`."""
        from ._action_unit_folds import ActionUnitEvaluation
        from .train import train_final_model

        return train_final_model(recipe, out, options, progress, ActionUnitEvaluation())
