"""From a recipe to a run: a map over folds.

Data sets are opened, the protocol selects and splits, every clip is blinded before a chain sees it, the folds are
learned wherever the executor puts them, and their answers are written as they come. What a fold's worker gets are
training labels and the names of test clips; the truth of a test clip never leaves this process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__
from .clip import Sample
from .config import cache_folder
from .datasets import DATASETS, Dataset, open_dataset
from .errors import ProtocolError, RunError, UsageError
from .executors import Done, Executor, Failed, Processes, executor
from .files import slug
from .pictures import keep_examples
from .preprocessing import Chain, Samples
from .protocols import Example, Fold, Protocol, protocol
from .recipe import Recipe, Stage
from .recognizers import RECOGNIZERS, Recognizer
from .registry import PLUGINS, load_plugin
from .runs import Header, Row, Run, fold_record

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much of it is done, how much there is)."""


@dataclass(frozen=True)
class Options:
    """How a recipe is run; none of it changes what a fold learns from equal data.

    Args:
        fake: on made-up copies of the releases instead of the licensed ones.
        small: made smaller as the recipe's table `small` says; the report says so.
        allow_subset: go on when the clips differ from the published counts; the report says so.
        on: `local`, `processes` or `ray`.
        workers: how many at once; None for one a core.
        address: of a Ray cluster.
        seed: of the run.
        roots: data set -> folder, before all other places.
    """

    fake: bool = False
    small: bool = False
    allow_subset: bool = False
    on: str = "local"
    workers: int | None = None
    address: str | None = None
    seed: int = 0
    roots: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What a fold's worker is told: training labels, and the names of test clips without their truth."""

    fold: str
    recognizer: dict[str, Any]
    common: dict[str, Any]
    train: tuple[str, ...]
    labels: tuple[str, ...]
    test: tuple[str, ...]
    init: Mapping[str, np.ndarray] | None
    plugins: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a fold's worker gives back: shares (test clips, classes), what was noted of each, and training curves."""

    shares: np.ndarray
    notes: tuple[Mapping[str, str], ...]
    curves: tuple[Mapping[str, float], ...]


def evaluate(recipe: Recipe, out: Path, options: Options | None = None, progress: Progress | None = None) -> Run:
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
    options, progress = options or Options(), progress or (lambda what, done, total: None)
    if options.small:
        recipe = recipe.with_settings(recipe.small.set)
    for stage in recipe.stages:
        _recognizer(stage, protocol(stage.protocol).classes)  # a misspelt setting is found before any work is done
    runner = executor(options.on, options.workers, options.address)
    runner.check()
    sources, data = _open(recipe.judged, recipe, options, progress)
    rules = recipe.protocol
    examples = _chosen(rules, sources, recipe, options)
    shortfall = rules.shortfall(examples)
    if shortfall and not (options.allow_subset or options.small):
        more = f" and {len(shortfall) - 1} more differences" if len(shortfall) > 1 else ""
        raise ProtocolError(
            f"protocol '{rules.name}': {shortfall[0]}{more}; --allow-subset runs on what is here and the report says so"
        )
    folds = rules.folds(examples)
    left_out = [str(fault) for source in sources for fault in source.missing()]
    run = Run.begin(out, _header(recipe, data, folds, options, (shortfall, left_out)))
    done = set(run.done())
    if todo := [fold for fold in folds if fold.name not in done]:
        samples = prepared(recipe.judged, rules, examples, options, progress)
        keep_examples(run.folder, examples, samples, faces=run.made_up)
        init = earlier_stages(recipe, {e.clip.subject for e in examples}, options, progress)
        jobs = [_job(recipe.judged, rules, fold, run, init) for fold in todo]
        _learn_all(run, todo, jobs, samples, runner, progress)
    return run


def evaluate_seeds(
    recipe: Recipe, out: Path, options: Options, seeds: int = 1, progress: Progress | None = None
) -> list[Run]:
    """The same recipe with seeds 0, 1, 2 ...; with more than one, each in a folder of its own below `out`."""
    if seeds == 1:
        return [evaluate(recipe, out, options, progress)]
    return [evaluate(recipe, out / f"seed-{n}", replace(options, seed=n), progress) for n in range(seeds)]


def fold_seed(seed: int, fold: str) -> int:
    """A fold's own seed: neither the order of the folds nor the machine matters."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{fold}".encode()).digest()[:4], "big") >> 1


def learn_and_predict(job: Job, samples: Mapping[str, Sample]) -> Answer:
    """One fold. Clips without a face teach nothing; they are still asked about, and what was noted is told."""
    for plugin in job.plugins:
        load_plugin(plugin)
    recognizer = RECOGNIZERS.build(job.recognizer, **job.common)
    pairs = [(samples[name], label) for name, label in zip(job.train, job.labels, strict=True)]
    seen = [(sample, label) for sample, label in pairs if sample.notes.get("face") != "not found"]
    recognizer.fit([s for s, _ in seen], [label for _, label in seen], init=job.init)
    asked = [samples[name] for name in job.test]
    return Answer(recognizer.predict_proba(asked), tuple(s.notes for s in asked), tuple(recognizer.history_))


def prepared(
    stage: Stage, rules: Protocol, examples: Iterable[Example], options: Options, progress: Progress
) -> Samples:
    """The samples of all clips, blinded as the protocol says, made on all cores where the executor has them."""
    clips = {e.clip.id: e.clip.blind(rules.reveal) for e in examples}
    samples = Samples(Chain.build(stage.chain), list(clips.values()), cache_folder())
    missing = [name for name, clip in samples.clips.items() if not samples.path(clip).is_file()]
    what, done = "preparing clips", len(samples) - len(missing)
    runner = executor("local") if options.on == "local" or len(missing) < 16 else Processes(options.workers or 2)
    progress(what, done, len(samples))
    for _, outcome in runner.run(_prepare, missing, samples):
        if isinstance(outcome, Failed):
            raise RunError(outcome.reason)
        done += 1
        progress(what, done, len(samples))
    return samples


def earlier_stages(
    recipe: Recipe, tested: set[str], options: Options, progress: Progress
) -> Mapping[str, np.ndarray] | None:
    """What the stages before the last one learned, each from the one before; trained once, kept in the cache.

    Raises:
        ProtocolError: an earlier stage would learn from a person that the last one tests.
    """
    state: Mapping[str, np.ndarray] | None = None
    history: list[Any] = [options.seed]
    for stage in recipe.stages[:-1]:
        rules = protocol(stage.protocol)
        sources, data = _open(stage, recipe, options, progress)
        examples = _chosen(rules, sources, recipe, options)
        if both := tested & {e.clip.subject for e in examples}:
            raise ProtocolError(f"stage '{stage.name}' would learn from '{min(both)}', whom the last stage tests")
        history += [asdict(stage), data]
        key = hashlib.sha256(json.dumps(history, sort_keys=True).encode()).hexdigest()[:16]
        path = cache_folder() / "stages" / f"{slug(stage.name)}-{key}.safetensors"
        if not path.is_file():
            samples = prepared(stage, rules, examples, options, progress)
            progress(f"stage {stage.name}", 0, 1)
            learner = _recognizer(
                stage, rules.classes, seed=fold_seed(options.seed, stage.name), folder=path.with_suffix("")
            )
            learner.fit([samples[e.clip.id] for e in examples], [e.truth for e in examples], init=state)
            learner.save(path)
            progress(f"stage {stage.name}", 1, 1)
        state = Recognizer.load(path).state()
    return state


def _recognizer(stage: Stage, classes: Sequence[str], **common: Any) -> Recognizer:
    Chain.build(stage.chain)
    return RECOGNIZERS.build(stage.recognizer, classes=tuple(classes), **common)


def _open(
    stage: Stage, recipe: Recipe, options: Options, progress: Progress
) -> tuple[list[Dataset], dict[str, dict[str, Any]]]:
    """A stage's data sets, and what the run's header says of them."""
    sources = []
    for name in stage.data:
        sources.append(_made_up(name, recipe, options, progress) if options.fake else open_dataset(name, options.roots))
    if not options.allow_subset:
        for source in sources:
            source.clips()  # complains of missing pictures
    return sources, {s.name: {"fingerprint": s.fingerprint(), "made_up": s.made_up} for s in sources}


def _made_up(name: str, recipe: Recipe, options: Options, progress: Progress) -> Dataset:
    """The made-up copy of a release, from the cache if it is there."""
    people = recipe.small.people if options.small else None
    scale = recipe.small.pictures if options.small else 1.0
    folder = cache_folder() / "made-up" / f"{name}-v{__version__}-{people or 'all'}-{scale}"
    if folder.is_dir():
        return DATASETS.get(name)(folder)
    progress(f"making up {name}", 0, 1)
    made = DATASETS.get(name).fake(folder, people=people, scale=scale)
    progress(f"making up {name}", 1, 1)
    return made


def _chosen(rules: Protocol, sources: Sequence[Dataset], recipe: Recipe, options: Options) -> list[Example]:
    """The clips that take part; with `small`, of the first few people of each data set."""
    examples = rules.select(clip for source in sources for clip in source.clips(allow_missing=options.allow_subset))
    twice = {e.clip.id for e in examples}
    if len(twice) < len(examples):
        names = ", ".join(source.name for source in sources)
        raise UsageError(f"two of the data sets {names} hold the same clips; name only one of them")
    if not options.small:
        return examples
    people = sorted({(e.clip.dataset, e.clip.subject) for e in examples})
    kept = {p for d in rules.datasets for _, p in [one for one in people if one[0] == d][: recipe.small.people]}
    return [e for e in examples if e.clip.subject in kept]


def _header(
    recipe: Recipe,
    data: dict[str, dict[str, Any]],
    folds: Sequence[Fold],
    options: Options,
    lacking: tuple[list[str], list[str]],
) -> Header:
    subset, left_out = lacking
    return Header(
        recipe=recipe.as_dict(),
        key=recipe.key,
        protocol=asdict(recipe.protocol),
        data=data,
        folds=[fold_record(fold) for fold in folds],
        seed=options.seed,
        subset=subset,
        left_out=left_out,
        small=options.small,
        version=__version__,
    )


def _job(stage: Stage, rules: Protocol, fold: Fold, run: Run, init: Mapping[str, np.ndarray] | None) -> Job:
    return Job(
        fold=fold.name,
        recognizer=dict(stage.recognizer),
        common={
            "classes": rules.classes,
            "seed": fold_seed(run.header.seed, fold.name),
            "fold": fold.name,
            "folder": run.training_folder(fold.name).absolute(),
        },
        train=tuple(e.clip.id for e in fold.train),
        labels=tuple(e.truth for e in fold.train),
        test=tuple(e.clip.id for e in fold.test),
        init=init,
        plugins=tuple(PLUGINS),
    )


def _learn_all(
    run: Run, folds: Sequence[Fold], jobs: Sequence[Job], samples: Samples, runner: Executor, progress: Progress
) -> None:
    """Every job; its rows or its failure are written as it ends."""
    total, ended = len(run.fold_names), len(run.fold_names) - len(jobs)
    progress("folds", ended, total)
    # Another machine of a cluster does not see this one's cache: there the arrays travel.
    shared = dict(samples) if runner.remote else samples
    for index, outcome in runner.run(learn_and_predict, jobs, shared):
        fold = folds[index]
        if isinstance(outcome, Done):
            run.write(fold.name, _rows(fold, outcome.value, run.protocol.classes), outcome.value.curves)
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


def _rows(fold: Fold, answer: Answer, classes: Sequence[str]) -> list[Row]:
    """The fold's answers beside the truth. A clip without a face gets no guess, and so counts as wrong."""
    rows = []
    for example, shares, notes in zip(fold.test, answer.shares, answer.notes, strict=True):
        guess = "" if notes.get("face") == "not found" else classes[int(shares.argmax())]
        note = "; ".join(f"{key}: {value}" for key, value in notes.items())
        clip = example.clip
        shown = tuple(float(share) for share in shares)
        rows.append(Row(clip.id, clip.dataset, clip.subject, example.truth, guess, shown, note))
    return rows


def _prepare(name: str, samples: Samples) -> None:
    """Make one sample for the cache."""
    samples[name]
