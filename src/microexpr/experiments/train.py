"""Training of a recognizer on all subjects of a recipe, for use on other data; such a model has no score.

`recognition_folds.evaluate` estimates the score of such models: no fold is trained on a test subject.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..core.progress import ProgressCallback, no_progress
from ..recipes import Recipe, RecognitionRecipe
from ..recognizers import RECOGNIZERS, Recognizer
from .base import TASKS, errors_naming
from .data import load_data
from .options import RunOptions
from .recognition_folds import FoldEvaluation, check_settings
from .stages import fit_stage, model_metadata, require_weights, run_earlier_stages, subjects_of

LICENSE_DRAWN = "MIT; learned from drawn motion only, from no face"


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
        ProtocolError: the clips differ from the published counts, and `allow_subset` is not set.
    """
    options = options or RunOptions()
    options.build_executor()  # a wrong setting is found before any work is done
    with errors_naming(recipe):
        return TASKS.get(recipe.kind)().train(recipe, out, options, progress or no_progress)


def train_final_model(
    recipe: RecognitionRecipe,
    out: Path,
    options: RunOptions,
    progress: ProgressCallback,
    task: FoldEvaluation | None = None,
) -> Path:
    """Train every stage of a recipe of recognition, the last one on all of its subjects, and write the model.

    If it was interrupted, the next call continues the training. A recognizer that needs no clips is trained without any
    data set. `task` is what the recognizer predicts, classes if left out.

    Raises:
        ProtocolError: the clips differ from the published counts, and `options.allow_subset` is not set.
    """
    if options.quick:
        recipe = recipe.with_quick_settings()
    check_settings(recipe, task)
    if not RECOGNIZERS.get(recipe.final_stage.recognizer["name"]).needs_clips:
        return _train_without_clips(recipe, out, options, progress)
    require_weights(recipe, options)
    stage_data = load_data(recipe, options, progress)
    all_subjects = replace(stage_data[-1], folds=[])
    start, _ = run_earlier_stages([*stage_data[:-1], all_subjects], options, progress, set())
    path, record = fit_stage(start, all_subjects, options, progress)
    training = {name: record[name] for name in ("clips", "subjects", "without_face", "count_mismatches")}
    metadata = {"recipe": recipe.name, "version": __version__, "training": json.dumps(training)}
    subjects = start.subjects | subjects_of(all_subjects.train_examples)
    Recognizer.load(path).save(out, {**model_metadata(all_subjects, options, subjects), **metadata})
    return out


def _train_without_clips(recipe: RecognitionRecipe, out: Path, options: RunOptions, progress: ProgressCallback) -> Path:
    """Train the last stage of a recipe whose recognizer draws what it learns from, and write the model."""
    stage = recipe.final_stage
    recognizer = RECOGNIZERS.build(stage.recognizer, classes=recipe.protocol.classes, seed=options.seed)
    recognizer.fit([], [], on_progress=lambda done, total: progress(f"training stage '{stage.name}'", done, total))
    metadata = {
        "chain": json.dumps([dict(step) for step in stage.chain]),
        "array": str(stage.recognizer.get("array", "image")),
        "protocol": recipe.protocol.name,
        "stage": stage.name,
        "synthetic": "true",
        "license": LICENSE_DRAWN,
        "recipe": recipe.name,
        "version": __version__,
        "training": json.dumps({"clips": 0, "subjects": 0}),
    }
    recognizer.save(out, metadata)
    return out
