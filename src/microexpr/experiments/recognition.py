"""The task of recognition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.progress import ProgressCallback
from ..recipes import RecognitionRecipe
from .base import TASKS, Task
from .options import RunOptions
from .recognition_run import RecognitionRun


@TASKS.register("recognition")
class RecognitionTask(Task):
    """Train recognizers fold by fold, and predict the test clips."""

    run_class = RecognitionRun

    def run(
        self, recipe: RecognitionRecipe, out: Path, options: RunOptions, progress: ProgressCallback
    ) -> RecognitionRun:
        """Run a recipe; see `recognition_folds.evaluate_seeds`."""
        return self.run_seeds(recipe, {options.seed: out}, options, progress)[0]

    def run_seeds(
        self, recipe: RecognitionRecipe, folders: Mapping[int, Path], options: RunOptions, progress: ProgressCallback
    ) -> list[RecognitionRun]:
        """Run a recipe with several seeds, whose folds are given to the executor together."""
        from .epoch_predictions import (  # loads torch, which reading runs does not need
            EpochEvaluation,
            recipe_keeps_epochs,
        )
        from .recognition_folds import evaluate_seeds

        kept = options.keep_epochs and recipe_keeps_epochs(recipe)
        task = EpochEvaluation(options.keep_epochs, 0) if kept else None
        return evaluate_seeds(recipe, folders, options, progress, task)

    def train(self, recipe: RecognitionRecipe, out: Path, options: RunOptions, progress: ProgressCallback) -> Path:
        """Train on all subjects; see `train.train_final_model`."""
        from .train import train_final_model

        return train_final_model(recipe, out, options, progress)
