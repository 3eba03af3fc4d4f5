"""The task of recognition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.progress import ProgressCallback
from ..recipes import RecognitionRecipe
from .base import TASKS, Task
from .options import RunOptions
from .recognition_run import RecognitionRun

if TYPE_CHECKING:
    from .recognition_folds import FoldEvaluation


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
        from .recognition_folds import evaluate_seeds  # loads torch, which reading runs does not need

        kept = options.keep_epochs if self.keeps_epochs(recipe) else 0
        return evaluate_seeds(recipe, folders, options, progress, self.evaluation(kept))

    def keeps_epochs(self, recipe: RecognitionRecipe) -> bool:
        """Whether the recognizer of the last stage is trained in epochs."""
        from .epoch_predictions import recipe_keeps_epochs

        return recipe_keeps_epochs(recipe)

    def evaluation(self, keep_every: int) -> FoldEvaluation:
        """What is predicted: classes.

        Args:
            keep_every: Epochs between two that are kept; 0 keeps none.
        """
        from .epoch_predictions import EpochEvaluation
        from .recognition_folds import FoldEvaluation

        return EpochEvaluation(keep_every, 0) if keep_every else FoldEvaluation()

    def train(self, recipe: RecognitionRecipe, out: Path, options: RunOptions, progress: ProgressCallback) -> Path:
        """Train on all subjects; see `train.train_final_model`."""
        from .train import train_final_model

        return train_final_model(recipe, out, options, progress, self.evaluation(0))
