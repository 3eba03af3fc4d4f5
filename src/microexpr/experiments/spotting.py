"""The task of spotting."""

from __future__ import annotations

from pathlib import Path

from ..core.progress import ProgressCallback
from ..recipes import SpottingRecipe
from .base import TASKS, Task
from .options import RunOptions
from .spotting_run import SpottingRun


@TASKS.register("spotting")
class SpottingTask(Task):
    """Find facial movements in long videos, and classify the true positives."""

    run_class = SpottingRun

    def run(self, recipe: SpottingRecipe, out: Path, options: RunOptions, progress: ProgressCallback) -> SpottingRun:
        """Run a recipe of spotting; see `spotting_videos.spot`."""
        from .spotting_videos import spot  # loads torch, which runs that are only read do not need

        return spot(recipe, out, options, progress)
