"""Running a recipe of recognition, fold by fold.

Data sets are opened, the protocol selects and splits the clips, every clip is blinded before a chain sees it, each fold
is trained and predicted in a worker (`fold_jobs`), and the predictions are written as they arrive.

A task that is evaluated in the same way but predicts something else is a subclass of `FoldEvaluation` and of `FoldJob`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

from .. import __version__
from ..core.clip import Clip
from ..core.errors import RecipeError
from ..core.executors import Executor
from ..core.files import unique_file_name
from ..core.progress import ProgressCallback, inner_progress, no_progress
from ..datasets import DATASETS
from ..preprocessing import Chain
from ..protocols import TEST_ONLY, Example, Fold, Protocol, load_protocol
from ..recipes import RecognitionRecipe
from ..recognizers import RECOGNIZERS, Recognizer
from ..recognizers.saved_model import TrainedOn
from .data import StageData, load_data, prepare_samples
from .examples import write_examples
from .fold_jobs import RUN_FOLD, FoldJob, FoldResult
from .inputs import recognition_inputs
from .options import RunOptions
from .recognition_run import NO_FACE, Prediction, RecognitionMetadata, RecognitionRun, fold_record
from .run_folder import fold_seed, writing
from .runner import run_jobs_of_runs
from .stages import (
    InitialWeights,
    model_metadata,
    require_weights,
    run_earlier_stages,
    stage_cache_path,
    subjects_of,
)

FEW_FOLDS = 3
"""A run of at most this many folds shows the epochs of each, where folds run in this process."""


class FoldEvaluation:
    """What recognition does in its own way; a task that is evaluated in the same folds overrides it."""

    run_class: ClassVar[type[RecognitionRun]] = RecognitionRun
    job_class: ClassVar[type[FoldJob]] = FoldJob

    def check(self, recognizer: Recognizer, protocol: Protocol) -> None:
        """Check that a recognizer and a protocol fit the task, before any work is done.

        Raises:
            RecipeError: they do not.
        """
        if protocol.without_training and recognizer.needs_clips:
            raise RecipeError(
                f"recognizer '{recognizer.name}' learns from clips, and protocol '{protocol.name}' trains on none; "
                "choose a recognizer that needs none, or another protocol"
            )

    def job(self, **fields: Any) -> FoldJob:
        """Build the job of a fold."""
        return self.job_class(**fields)

    def inputs(self) -> dict[str, str]:
        """What the files of a run depend on beside the recipe, its data and the seed, by name."""
        return {}

    def save(self, run: RecognitionRun, job: FoldJob, result: FoldResult) -> None:
        """Write what a fold gave beside its predictions; called before these are written."""

    def shown(self, examples: Sequence[Example], protocol: Protocol) -> Sequence[Example]:
        """The clips among which a report looks for examples, with the labels that it shows."""
        return examples

    def predicted(self, result: FoldResult, protocol: Protocol) -> Sequence[str]:
        """What is predicted of each test clip of a fold: the classes that the recognizer says."""
        return result.predicted


def evaluate(
    recipe: RecognitionRecipe,
    out: Path,
    options: RunOptions | None = None,
    progress: ProgressCallback | None = None,
    task: FoldEvaluation | None = None,
) -> RecognitionRun:
    """Run a recipe, or continue it where it was stopped.

    Args:
        recipe: The recipe.
        out: The run's folder; an existing run of the same recipe, data and seed is continued.
        options: On which data, how much of it, and where folds run.
        progress: Called as the work goes on.
        task: What is predicted; classes if left out.

    Returns:
        The complete run.

    Raises:
        ProtocolError: the clips differ from the published counts, and `allow_subset` is not set.
        RunError: `out` holds another run, another process is writing it, or a fold failed (the others are saved).
    """
    options = options or RunOptions()
    return evaluate_seeds(recipe, {options.seed: out}, options, progress, task)[0]


def evaluate_seeds(
    recipe: RecognitionRecipe,
    folders: Mapping[int, Path],
    options: RunOptions,
    progress: ProgressCallback | None = None,
    task: FoldEvaluation | None = None,
) -> list[RecognitionRun]:
    """Run a recipe with several seeds, or continue the runs; the folds of all seeds are given to the executor together.

    Args:
        recipe: The recipe.
        folders: Seed -> folder of its run.
        options: Options of every run but for the seed.
        progress: Called as the work goes on.
        task: What is predicted; classes if left out.

    Returns:
        The complete runs in the order of `folders`.

    Raises:
        ProtocolError, RunError: as `evaluate`.
    """
    progress, task = progress or no_progress, task or FoldEvaluation()
    if options.quick:
        recipe = recipe.with_quick_settings()
    check_settings(recipe, task)
    where = options.build_executor()
    where.check()
    with ExitStack() as held:
        for folder in folders.values():
            held.enter_context(writing(folder))
        return _evaluate_seeds(recipe, folders, where, options, progress, task)


def _evaluate_seeds(
    recipe: RecognitionRecipe,
    folders: Mapping[int, Path],
    where: Executor,
    options: RunOptions,
    progress: ProgressCallback,
    task: FoldEvaluation,
) -> list[RecognitionRun]:
    """Run what is left of a recipe with several seeds."""
    stage_data = load_data(recipe, options, progress)
    final = stage_data[-1]
    options_of = {seed: replace(options, seed=seed) for seed in folders}
    runs = {
        seed: task.run_class.begin(folder, _metadata(recipe, stage_data, options_of[seed], task))
        for seed, folder in folders.items()
    }
    unfinished = {seed: run for seed, run in runs.items() if not run.complete}
    if not unfinished:
        return list(runs.values())
    require_weights(recipe, options)
    samples = prepare_samples(final, final.examples, options, progress)
    shown = task.shown(final.examples, final.protocol)
    test_subjects = {example.clip.subject for fold in final.folds for example in fold.test}
    folds, work = {fold.name: fold for fold in final.folds}, dict[RecognitionRun, list[FoldJob]]()
    for seed, run in unfinished.items():
        if samples.chain.reads_images:
            write_examples(run.folder, shown, samples, faces=run.synthetic, chain=samples.chain)
        start, records = run_earlier_stages(stage_data, options_of[seed], progress, test_subjects)
        run.write_stages([*records, {"name": final.stage.name, "from": start.description}])
        done = set(run.done())
        jobs = [_job(final, fold, run, start, options, task) for name, fold in folds.items() if name not in done]
        jobs[0] = replace(jobs[0], summarize_network=run.network() is None)
        work[run] = jobs

    def save(run: RecognitionRun, job: FoldJob, result: FoldResult) -> None:
        task.save(run, job, result)
        run.write(job.fold, _predictions(folds[job.fold], result, task, run), result.curves, result.train_confusion)
        if result.network is not None:
            run.write_network(result.network)

    # Other machines of a cluster cannot read this machine's cache: the arrays themselves are sent there.
    shared = dict(samples) if where.remote else samples
    started = time.perf_counter()
    try:
        with inner_progress(progress if len(final.folds) * len(work) <= FEW_FOLDS else no_progress):
            run_jobs_of_runs(work, RUN_FOLD, shared, save, where, progress, "folds")
    finally:
        seconds = time.perf_counter() - started
        new = {run: len(run.done()) - (len(folds) - len(jobs)) for run, jobs in work.items()}
        for run, number in new.items():
            if number:  # each run took its part of the time
                run.add_timing(number, seconds * number / sum(new.values()), where.name)
    return list(runs.values())


def check_settings(recipe: RecognitionRecipe, task: FoldEvaluation | None = None) -> None:
    """Build every chain and recognizer once, so that a misspelled setting is found before any work is done.

    Raises:
        RecipeError: a wrong key, type or value, or a recognizer that does not fit the task.
    """
    for stage in recipe.stages:
        Chain.build(stage.chain)
        protocol = load_protocol(stage.protocol)
        # The run sets these.
        recognizer = RECOGNIZERS.build(stage.recognizer, classes=protocol.classes, seed=0, fold="", folder=None)
        final = stage is recipe.final_stage
        evaluation = task if task is not None and final else FoldEvaluation()
        evaluation.check(recognizer, protocol)
        if not final:
            recognizer.check_passed_on()


def _metadata(
    recipe: RecognitionRecipe, stage_data: Sequence[StageData], options: RunOptions, task: FoldEvaluation
) -> RecognitionMetadata:
    final = stage_data[-1]
    subset = list(final.count_mismatches)
    trained = [data for data in stage_data if data is final or not data.protocol.without_training]
    for earlier in trained[:-1]:
        subset += [f"stage '{earlier.stage.name}': {line}" for line in earlier.count_mismatches]
    return RecognitionMetadata(
        kind=recipe.kind,
        recipe=recipe.as_dict(),
        key=recipe.key,
        protocol=asdict(recipe.protocol),
        data={name: facts for stage in stage_data for name, facts in stage.data.items()},
        folds=[fold_record(fold) for fold in final.folds],
        seed=options.seed,
        subset=subset,
        left_out=[line for stage in trained for line in stage.left_out],
        absent=final.absent,
        seen=_seen(final),
        warnings=[step.warning for stage in recipe.stages for step in Chain.build(stage.chain).steps if step.warning],
        stills=all(_is_still(example.clip) for example in final.examples),
        labels="" if options.labels is None else options.labels.name,
        quick=options.quick,
        version=__version__,
        inputs={**recognition_inputs(stage_data, options), **task.inputs()},
    )


def _seen(data: StageData) -> list[str]:
    """The people that a saved model is tested on although it was trained on them, or may have been."""
    table = data.stage.recognizer
    if table["name"] != "saved-model":
        return []
    return TrainedOn.of(Path(table["file"])).seen([e.clip.subject for fold in data.folds for e in fold.test])


def _is_still(clip: Clip) -> bool:
    """Whether a clip is one image, or one frame that its protocol chose."""
    one_frame = clip.onset is not None and clip.onset == clip.apex == clip.offset
    return one_frame or (clip.dataset in DATASETS and DATASETS.get(clip.dataset).info.stills)


def _job(
    data: StageData,
    fold: Fold,
    run: RecognitionRun,
    start: InitialWeights,
    options: RunOptions,
    task: FoldEvaluation,
) -> FoldJob:
    """The job of a fold. The model of a protocol's only fold is also cached, for recipes that start from it."""
    single = len(data.folds) == 1 and data.protocol.split != TEST_ONLY
    model_path = run.folder.absolute() / "models" / f"{unique_file_name(fold.name)}.safetensors"
    return task.job(
        units=(fold.name,),
        fold=fold.name,
        recognizer=dict(data.stage.recognizer),
        arguments={
            "classes": data.protocol.classes,
            "seed": fold_seed(run.metadata.seed, fold.name),
            "fold": fold.name,
            "folder": run.training_folder(fold.name).absolute(),
        },
        train=tuple(example.clip.id for example in fold.train),
        labels=tuple(example.label for example in fold.train),
        test=tuple(example.clip.id for example in fold.test),
        initial_weights=start.state,
        cache_path=stage_cache_path(start, data) if single else None,
        model_path=model_path if options.save_models else None,
        metadata=model_metadata(data, options, start.subjects | subjects_of(fold.train))
        if options.save_models or single
        else {},
    )


def _predictions(fold: Fold, result: FoldResult, task: FoldEvaluation, run: RecognitionRun) -> list[Prediction]:
    """The predictions of a fold with the labels; a clip without a face has no predicted class, and counts as wrong."""
    predictions = []
    labels = task.predicted(result, run.protocol)
    for example, label, row, sample_notes, face_found in zip(
        fold.test, labels, result.probabilities, result.notes, result.face_found, strict=True
    ):
        clip = example.clip
        notes = sample_notes if face_found else {**NO_FACE, **sample_notes}
        predictions.append(
            Prediction(
                id=clip.id,
                dataset=clip.dataset,
                subject=clip.subject,
                label=example.label,
                predicted=label if face_found else "",
                probabilities=tuple(float(probability) for probability in row),
                note="; ".join(f"{key}: {value}" for key, value in notes.items()),
            )
        )
    return predictions
