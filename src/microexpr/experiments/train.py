"""A recognizer that has learned from everybody: to be used on other people, with no score of its own.

What it can do is measured by `evaluate`, whose folds never learn from whom they test; this model is for use afterwards.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..core.progress import ProgressCallback, no_progress
from ..preprocessing import Chain
from ..protocols import load_protocol
from ..recipes import RecognitionRecipe
from ..recognizers import RECOGNIZERS, Recognizer
from .data import load_stage_data
from .options import RunOptions
from .stages import fit_stage, model_metadata, require_weights, run_earlier_stages


def train(
    recipe: RecognitionRecipe, out: Path, options: RunOptions | None = None, progress: ProgressCallback | None = None
) -> Path:
    """Learn every stage of a recipe, the last one from all of its people, and keep what it learned.

    Stopped and called again, it goes on where it was.

    Args:
        recipe: what to learn.
        out: the file to write, `.safetensors`; `recognizers.model.load_model` opens it.
        options: how.
        progress: called as the work goes on.

    Raises:
        ProtocolError: the clips do not meet the published counts, and a subset was not asked for.
    """
    options, progress = options or RunOptions(), progress or no_progress
    if options.quick:
        recipe = recipe.with_settings(recipe.quick.set)
    for stage in recipe.stages:
        Chain.build(stage.chain)  # a misspelled setting is found before any work is done
        RECOGNIZERS.build(stage.recognizer, classes=load_protocol(stage.protocol).classes)
    require_weights(recipe, options)
    intakes = [load_stage_data(stage, recipe, options, progress) for stage in recipe.stages]
    everybody = replace(intakes[-1], folds=[])
    start, _ = run_earlier_stages([*intakes[:-1], everybody], options, progress, set())
    path, record = fit_stage(start, everybody, options, progress)
    taught = {name: record[name] for name in ("clips", "subjects", "without_face", "count_mismatches")}
    about = {"recipe": recipe.name, "version": __version__, "training": json.dumps(taught)}
    Recognizer.load(path).save(out, {**model_metadata(everybody, options), **about})
    return out
