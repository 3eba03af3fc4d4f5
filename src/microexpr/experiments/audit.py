"""An audit of a recipe: what leaks, and what choosing the epoch on the test subject would have printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from ..core.progress import ProgressCallback, show_progress
from ..preprocessing import Chain
from ..recipes import RecognitionRecipe, load_recipe
from ._action_unit_epochs import ActionUnitEpochEvaluation
from .data import load_data, open_source_dataset
from .epoch_predictions import INNER_FOLDS, EpochEvaluation, recipe_keeps_epochs
from .leak_checks import LEAK_CHECKS, Finding, make_trial
from .options import RunOptions
from .recognition_folds import check_settings, evaluate_seeds
from .recognition_run import RecognitionRun
from .runs import default_folder


@dataclass(frozen=True)
class Audit:
    """What an audit of a recipe found.

    Attributes:
        recipe: the recipe as it was audited.
        findings: name of a check -> what it found.
        runs: a run for each seed, with the predictions of every epoch; empty where the recognizer has no epochs.
        synthetic: whether the faces are synthetic.
        caveats: what must be said with every number, a line each.
    """

    recipe: RecognitionRecipe
    findings: Mapping[str, Finding]
    runs: tuple[RecognitionRun, ...]
    synthetic: bool
    caveats: tuple[str, ...] = ()

    @property
    def leaks(self) -> list[str]:
        """Names of the checks that found a leak."""
        return [name for name, finding in self.findings.items() if finding.outcome == "leak"]


def audit_recipe(  # noqa: PLR0913
    recipe: str | Path | RecognitionRecipe,
    out: str | Path | None = None,
    *,
    roots: Mapping[str, str | Path] | None = None,
    set: Mapping[str, Any] | None = None,
    seeds: int = 1,
    inner_folds: int = INNER_FOLDS,
    keep_every: int = 1,
    synthetic: bool = False,
    quick: bool = False,
    allow_subset: bool = False,
    executor: str = "batched",
    workers: int | None = None,
    progress: ProgressCallback | bool = True,
) -> Audit:
    """Look for leaks of a recipe, and train it once with the predictions of every epoch kept.

    Called again with the same arguments, it continues where it was stopped.

    Args:
        recipe: name of a shipped recipe of recognition, path of a TOML file, or a recipe.
        out: folder of the runs; `runs/audit-<recipe>` if left out, with suffixes as for a run.
        roots: data set -> folder; takes precedence over the configuration.
        set: dotted key of the recipe -> value.
        seeds: how many times to train, with seeds 0, 1, 2 ...
        inner_folds: parts of the training subjects that are held out in turn, to choose an epoch without the test
            subject; each costs one more training. Below 2 none is chosen.
        keep_every: epochs between two that are kept; the last is always kept.
        synthetic: audit on synthetic copies of the releases.
        quick: make the run smaller by the recipe's table `quick`.
        allow_subset: go on although the data differ from the published counts.
        executor: where folds run; `batched` trains all of them at once where the recognizer can.
        workers: number of jobs at once.
        progress: whether to show the progress, or a function to call instead.

    Raises:
        UsageError: the recipe is not of recognition.
        RecipeError, ProtocolError, RunError: as `run_recipe`.
    """
    loaded = recipe if isinstance(recipe, RecognitionRecipe) else load_recipe(str(recipe))
    if not isinstance(loaded, RecognitionRecipe) or loaded.protocol.without_training:
        raise UsageError(f"recipe '{loaded.name}' trains on no clips that could leak; audit a recipe of recognition")
    loaded = loaded.with_user_overrides(set or {})
    options = RunOptions(
        synthetic=synthetic,
        quick=quick,
        allow_subset=allow_subset,
        executor=executor,
        workers=workers,
        roots={name: Path(root) for name, root in (roots or {}).items()},
    )
    folder = audit_folder(loaded.name, synthetic, quick) if out is None else Path(out)
    with show_progress(progress) as callback:
        findings, caveats = look_for_leaks(loaded, options, callback)
        evaluation = ActionUnitEpochEvaluation if loaded.protocol.multilabel else EpochEvaluation
        runs = _train(loaded, folder, options, seeds, evaluation(keep_every, inner_folds), callback)
    faces = any(run.synthetic for run in runs) or synthetic
    return Audit(loaded, findings, tuple(runs), faces, tuple(caveats))


def audit_folder(name: str, synthetic: bool = False, quick: bool = False) -> Path:
    """The default folder of an audit: that of a run of the recipe, with `audit-` before its name."""
    run = default_folder(name, synthetic, quick)
    return run.with_name(f"audit-{run.name}")


def look_for_leaks(
    recipe: RecognitionRecipe, options: RunOptions, progress: ProgressCallback
) -> tuple[dict[str, Finding], list[str]]:
    """Try every check on one fold of a recipe.

    Returns:
        Name of a check -> what it found, and the differences to the published counts.
    """
    small = recipe.with_quick_settings() if options.quick else recipe
    check_settings(small)
    data = load_data(small, options, progress)[-1]
    images = Chain.build(data.stage.chain).reads_images
    roots = [open_source_dataset(name, small.quick, options, progress, images).root for name in data.stage.data]
    trial = make_trial(data, roots, progress)
    findings = {}
    for done, (name, check) in enumerate(sorted(LEAK_CHECKS)):
        progress("looking for leaks", done, len(LEAK_CHECKS.names()))
        findings[name] = check().look(trial)
    progress("looking for leaks", len(findings), len(findings))
    return findings, data.count_mismatches


def _train(
    recipe: RecognitionRecipe,
    folder: Path,
    options: RunOptions,
    seeds: int,
    task: EpochEvaluation,
    progress: ProgressCallback,
) -> Sequence[RecognitionRun]:
    """The runs whose epochs are kept, one for each seed; none where the recognizer is not trained in epochs."""
    if not recipe_keeps_epochs(recipe):
        return []
    return evaluate_seeds(recipe, {seed: folder / f"seed-{seed}" for seed in range(seeds)}, options, progress, task)
