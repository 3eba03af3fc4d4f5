"""A recognizer that has learned from everybody: to be used on other people, with no score of its own.

What it can do is measured by `evaluate`, whose folds never learn from whom they test; this model is for use afterwards.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..core.progress import Progress, quiet
from ..preprocessing import Chain
from ..protocols import protocol
from ..recipes.recipe import Recipe
from ..recognizers import RECOGNIZERS, Recognizer
from .data import Options, take_in
from .stages import about_model, beginning, learned, require_weights


def train(recipe: Recipe, out: Path, options: Options | None = None, progress: Progress | None = None) -> Path:
    """Learn every stage of a recipe, the last one from all of its people, and keep what it learned.

    Stopped and called again, it goes on where it was.

    Args:
        recipe: what to learn.
        out: the file to write, `.safetensors`; `recognize.open_model` opens it.
        options: how.
        progress: called as the work goes on.

    Raises:
        ProtocolError: the clips do not meet the published counts, and a subset was not asked for.
    """
    options, progress = options or Options(), progress or quiet
    if options.small:
        recipe = recipe.with_settings(recipe.small.set)
    for stage in recipe.stages:
        Chain.build(stage.chain)  # a misspelt setting is found before any work is done
        RECOGNIZERS.build(stage.recognizer, classes=protocol(stage.protocol).classes)
    require_weights(recipe, options)
    intakes = [take_in(stage, recipe, options, progress) for stage in recipe.stages]
    everybody = replace(intakes[-1], folds=[])
    start, _ = beginning([*intakes[:-1], everybody], options, progress, set())
    path, record = learned(start, everybody, options, progress)
    taught = {name: record[name] for name in ("clips", "people", "without_face", "shortfall")}
    about = {"recipe": recipe.name, "version": __version__, "taught": json.dumps(taught)}
    Recognizer.load(path).save(out, {**about_model(everybody, options), **about})
    return out
