"""From a recipe to a run: a map over folds.

Data sets are opened, the protocol selects and splits, every clip is blinded before a chain sees it, the folds are
learned wherever the executor puts them, and their answers are written as they come. What a fold's worker gets are
training labels and the names of test clips; the truth of a test clip never leaves this process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..core.clip import Sample
from ..core.errors import RunError
from ..core.executors import Done, Executor, executor
from ..core.files import slug
from ..core.progress import ProgressCallback, no_progress
from ..core.registry import load_plugin, loaded_plugins
from ..metrics.recognition import confusion_matrix
from ..preprocessing import Chain, SampleCache
from ..protocols import Fold, load_protocol
from ..recipes import RecognitionRecipe
from ..recognizers import RECOGNIZERS, Recognizer
from ..recognizers.network_summary import network_summary
from .data import StageData, load_stage_data, prepare_samples
from .examples import write_examples
from .options import RunOptions
from .recognition import Prediction, RecognitionMetadata, RecognitionRun, fold_record, fold_seed
from .stages import InitialWeights, drop_faceless, model_metadata, require_weights, run_earlier_stages, stage_cache_path

__all__ = ["ProgressCallback", "RunOptions", "evaluate", "evaluate_seeds"]


MAX_TRAIN_PREDICTIONS = 2000
"""Training clips that a fold's model is asked about, at the most; the report says so."""


NO_FACE = {"face": "not found"}
"""The note of a saved prediction whose clip shows no face."""


@dataclass(frozen=True)
class FoldJob:
    """What a fold's worker is told: training labels, and the names of test clips without their truth."""

    fold: str
    recognizer: dict[str, Any]
    arguments: dict[str, Any]
    train: tuple[str, ...]
    labels: tuple[str, ...]
    test: tuple[str, ...]
    initial_weights: Mapping[str, np.ndarray] | None
    model_path: Path | None = None
    model_metadata: Mapping[str, str] = field(default_factory=dict)
    plugins: tuple[Path, ...] = ()
    summarize_network: bool = False


@dataclass(frozen=True)
class FoldResult:
    """What a fold's worker gives back.

    Attributes:
        probabilities: (test clips, classes).
        notes: what was noted of each test clip.
        face_found: whether each test clip shows a face, as far as a step looked for one.
        curves: of the training.
        train_confusion: (classes, classes) counts, what the learned model says of its own training clips; rows truth.
        network: what its network is made of, where that was asked for and there is one.
    """

    probabilities: np.ndarray
    notes: tuple[Mapping[str, str], ...]
    face_found: tuple[bool, ...]
    curves: tuple[Mapping[str, float], ...]
    train_confusion: np.ndarray | None = None
    network: Mapping[str, Any] | None = None


def evaluate(
    recipe: RecognitionRecipe, out: Path, options: RunOptions | None = None, progress: ProgressCallback | None = None
) -> RecognitionRun:
    """Run a recipe, or go on with it where it was stopped.

    Args:
        recipe: what to do.
        out: the run's folder; an existing run of the same recipe, data and seed is continued.
        options: how.
        progress: called as the work goes on.

    Returns:
        The complete run.

    Raises:
        ProtocolError: the clips do not meet the published counts, and a subset was not asked for.
        RunError: `out` holds another run, or a fold failed (the others are kept).
    """
    options, progress = options or RunOptions(), progress or no_progress
    if options.quick:
        recipe = recipe.with_settings(recipe.quick.set)
    for stage in recipe.stages:
        Chain.build(stage.chain)  # a misspelled setting is found before any work is done
        RECOGNIZERS.build(stage.recognizer, classes=load_protocol(stage.protocol).classes)
    runner = executor(options.executor, options.workers, options.address, options.process_per_fold)
    runner.check()
    intakes = [load_stage_data(stage, recipe, options, progress) for stage in recipe.stages]
    judged = intakes[-1]
    run = RecognitionRun.begin(out, _metadata(recipe, intakes, options))
    done = set(run.done())
    if todo := [fold for fold in judged.folds if fold.name not in done]:
        require_weights(recipe, options)
        samples = prepare_samples(judged, judged.examples, options, progress)
        write_examples(run.folder, judged.examples, samples, faces=run.synthetic, chain=samples.chain)
        tested = {e.clip.subject for fold in judged.folds for e in fold.test}
        start, records = run_earlier_stages(intakes, options, progress, tested)
        run.write_stages([*records, {"name": judged.stage.name, "from": start.description}])
        jobs = [_job(judged, fold, run, start, options) for fold in todo]
        jobs[0] = replace(jobs[0], summarize_network=run.network() is None)
        _run_folds(run, todo, jobs, samples, runner, progress)
    return run


def evaluate_seeds(
    recipe: RecognitionRecipe, out: Path, options: RunOptions, seeds: int = 1, progress: ProgressCallback | None = None
) -> list[RecognitionRun]:
    """The same recipe with seeds 0, 1, 2 ...; with more than one, each in a folder of its own below `out`."""
    if seeds == 1:
        return [evaluate(recipe, out, options, progress)]
    return [evaluate(recipe, out / f"seed-{n}", replace(options, seed=n), progress) for n in range(seeds)]


def run_fold(job: FoldJob, samples: Mapping[str, Sample]) -> FoldResult:
    """Train on one fold and predict it; clips without a face are not trained on."""
    for plugin in job.plugins:
        load_plugin(plugin)
    used, labels = drop_faceless([samples[name] for name in job.train], job.labels)
    if job.model_path is not None and job.model_path.is_file():
        recognizer = Recognizer.load(job.model_path)
    else:
        recognizer = RECOGNIZERS.build(job.recognizer, **job.arguments)
        recognizer.fit(used, labels, init=job.initial_weights)
        if job.model_path is not None:
            recognizer.save(job.model_path, job.model_metadata)
    asked = [samples[name] for name in job.test]
    shares = recognizer.predict_proba(asked)
    # After the answers: nothing of what follows can change them.
    taught = confusion_on_training_clips(recognizer, used, labels)
    network = network_summary(recognizer, asked[0]) if job.summarize_network else None
    return FoldResult(
        shares,
        tuple(sample.notes for sample in asked),
        tuple(sample.face_found for sample in asked),
        tuple(recognizer.history_),
        taught,
        network,
    )


def confusion_on_training_clips(recognizer: Recognizer, samples: Sequence[Sample], labels: Sequence[str]) -> np.ndarray:
    """(C, C) counts of what a model says of the clips it learned from, at most `TAUGHT`, evenly chosen; rows truth."""
    places = sorted(
        {round(place) for place in np.linspace(0, len(samples) - 1, min(len(samples), MAX_TRAIN_PREDICTIONS))}
    )
    parts = [places[i : i + 256] for i in range(0, len(places), 256)]  # a bounded share of the memory at a time
    guess = [word for part in parts for word in recognizer.predict([samples[i] for i in part])]
    return confusion_matrix([labels[i] for i in places], guess, recognizer.classes)


def _metadata(recipe: RecognitionRecipe, intakes: Sequence[StageData], options: RunOptions) -> RecognitionMetadata:
    judged = intakes[-1]
    subset = list(judged.count_mismatches)
    subset += [f"stage '{one.stage.name}': {line}" for one in intakes[:-1] for line in one.count_mismatches]
    return RecognitionMetadata(
        recipe=recipe.as_dict(),
        key=recipe.key,
        protocol=asdict(recipe.protocol),
        data={name: about for intake in intakes for name, about in intake.data.items()},
        folds=[fold_record(fold) for fold in judged.folds],
        seed=options.seed,
        subset=subset,
        left_out=[line for intake in intakes for line in intake.left_out],
        absent=judged.absent,
        quick=options.quick,
        version=__version__,
    )


def _job(judged: StageData, fold: Fold, run: RecognitionRun, start: InitialWeights, options: RunOptions) -> FoldJob:
    """A protocol's only fold is kept in the cache, where recipes that begin from this stage find it."""
    keep = run.folder.absolute() / "models" / f"{slug(fold.name)}.safetensors" if options.save_models else None
    return FoldJob(
        fold=fold.name,
        recognizer=dict(judged.stage.recognizer),
        arguments={
            "classes": judged.protocol.classes,
            "seed": fold_seed(run.metadata.seed, fold.name),
            "fold": fold.name,
            "folder": run.training_folder(fold.name).absolute(),
        },
        train=tuple(e.clip.id for e in fold.train),
        labels=tuple(e.label for e in fold.train),
        test=tuple(e.clip.id for e in fold.test),
        initial_weights=start.state,
        model_path=stage_cache_path(start, judged) if len(judged.folds) == 1 else keep,
        model_metadata=model_metadata(judged, options) if options.save_models or len(judged.folds) == 1 else {},
        plugins=tuple(loaded_plugins),
    )


def _run_folds(
    run: RecognitionRun,
    folds: Sequence[Fold],
    jobs: Sequence[FoldJob],
    samples: SampleCache,
    runner: Executor,
    progress: ProgressCallback,
) -> None:
    """Every job; its rows or its failure are written as it ends."""
    total, ended = len(run.unit_names), len(run.unit_names) - len(jobs)
    progress("folds", ended, total)
    # Another machine of a cluster does not see this one's cache: there the arrays travel.
    shared = dict(samples) if runner.remote else samples
    for index, outcome in runner.run(run_fold, jobs, shared):
        fold = folds[index]
        if isinstance(outcome, Done):
            answer = outcome.value
            run.write(
                fold.name, _predictions(fold, answer, run.protocol.classes), answer.curves, answer.train_confusion
            )
            if answer.network is not None:
                run.write_network(answer.network)
        else:
            run.write_failure(fold.name, outcome.reason, outcome.details)
        ended += 1
        progress("folds", ended, total)
    if failed := run.failed():
        name, reason = next(iter(failed.items()))
        raise RunError(
            f"{len(failed)} of {total} folds failed, the others are kept; fold '{name}': {reason} "
            f"(details: {run.folder / 'folds'}/*.error); the same command again repeats them"
        )


def _predictions(fold: Fold, answer: FoldResult, classes: Sequence[str]) -> list[Prediction]:
    """The fold's answers beside the truth. A clip without a face gets no guess, and so counts as wrong."""
    rows = []
    for example, shares, notes, face_found in zip(
        fold.test, answer.probabilities, answer.notes, answer.face_found, strict=True
    ):
        guess = classes[int(shares.argmax())] if face_found else ""
        note = "; ".join(f"{key}: {value}" for key, value in (notes if face_found else {**NO_FACE, **notes}).items())
        clip = example.clip
        shown = tuple(float(share) for share in shares)
        rows.append(Prediction(clip.id, clip.dataset, clip.subject, example.label, guess, shown, note))
    return rows


def _prepare(name: str, samples: SampleCache) -> None:
    """Make one sample for the cache."""
    samples[name]
