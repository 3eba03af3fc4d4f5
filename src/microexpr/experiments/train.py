"""A recognizer trained on all subjects of a recipe: to be used on other people, with no score of its own.

How well such a model does is measured by `recognition_folds.evaluate`, whose folds never train on a test subject.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..core.progress import ProgressCallback, no_progress
from ..recipes import Recipe, RecognitionRecipe
from ..recognizers import Recognizer
from .base import TASKS
from .data import load_stage_data
from .options import RunOptions
from .recognition_folds import check_settings
from .stages import fit_stage, model_metadata, require_weights, run_earlier_stages


def train_model(
    recipe: Recipe, out: Path, options: RunOptions | None = None, progress: ProgressCallback | None = None
) -> Path:
    """Train a recipe on all of its subjects and write the model.

    Args:
        recipe: A recipe of a kind that trains models.
        out: The file to write, `.safetensors`; `recognizers.model.load_model` opens it.
        options: On which data and how much of it.
        progress: Called as the work goes on.

    Raises:
        UsageError: recipes of this kind train no model.
        ProtocolError: the clips do not meet the published counts, and a subset was not asked for.
    """
    return TASKS.get(recipe.kind)().train(recipe, out, options or RunOptions(), progress or no_progress)


def train_final_model(recipe: RecognitionRecipe, out: Path, options: RunOptions, progress: ProgressCallback) -> Path:
    """Train every stage of a recipe of recognition, the last one on all of its subjects, and write the model.

    Stopped and called again, it continues where it was.

    Raises:
        ProtocolError: the clips do not meet the published counts, and a subset was not asked for.
    """
    if options.quick:
        recipe = recipe.with_quick_settings()
    check_settings(recipe)
    require_weights(recipe, options)
    stage_data = [load_stage_data(stage, recipe, options, progress) for stage in recipe.stages]
    everybody = replace(stage_data[-1], folds=[])
    start, _ = run_earlier_stages([*stage_data[:-1], everybody], options, progress, set())
    path, record = fit_stage(start, everybody, options, progress)
    training = {name: record[name] for name in ("clips", "subjects", "without_face", "count_mismatches")}
    metadata = {"recipe": recipe.name, "version": __version__, "training": json.dumps(training)}
    Recognizer.load(path).save(out, {**model_metadata(everybody, options), **metadata})
    return out
