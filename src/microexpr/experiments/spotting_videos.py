"""From a recipe of spotting to a run: faces are tracked once a video, movements are spotted, true positives are named.

A spotter that learns is fitted on the other people of a data set, and spots in the videos of the one who was left out.
A test video is blinded before it goes to a worker: what is true of it never leaves this process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..core.clip import Clip, Interval
from ..core.errors import ProtocolError, RunError, UsageError
from ..core.executors import Done, Executor, executor
from ..core.files import slug, write_atomically
from ..core.progress import ProgressCallback, no_progress
from ..core.registry import load_plugin, loaded_plugins, validate_settings
from ..core.track import FaceTrack
from ..datasets import DATASETS, Dataset, DatasetIssue, open_dataset
from ..faces.tracking import Tracking
from ..faces.tracking.cache import cached_tracks, is_cached, main_face
from ..imaging.video import open_frames
from ..metrics import megc_log
from ..metrics.intervals import match_intervals
from ..metrics.spotting import VideoIntervals
from ..recipes.spotting import SpottingRecipe
from ..recognizers.model import DEFAULT_MODEL, load_model
from ..spotting import SPOTTERS, Spotter
from .data import synthetic_dataset
from .options import RunOptions
from .recognition import fold_seed
from .spotting import EventPrediction, SpottingMetadata, SpottingRun, VideoResult

RECOGNIZED_KIND = "micro"
"""What the recognizer is asked about: micro-expressions that were found, as MEGC 2025 does."""


@dataclass(frozen=True)
class SpottingJob:
    """What a worker is told.

    Attributes:
        test: blinded clips to spot in.
        train: clips of other people, with their intervals; empty for a spotter that does not learn.
        spotter, tracking: settings.
        seed: of what is drawn.
        keep: file for what was learned.
        plugins: to load first.
    """

    test: tuple[Clip, ...]
    train: tuple[Clip, ...]
    spotter: Mapping[str, Any]
    tracking: Mapping[str, Any]
    seed: int = 0
    model_path: Path | None = None
    plugins: tuple[Path, ...] = ()


@dataclass(frozen=True)
class RecognitionJob:
    """True positives of a video, by the found interval, for the recognizer of that file; no word of the truth."""

    clip: Clip
    events: tuple[Interval, ...]
    model: Path
    plugins: tuple[Path, ...] = ()


def spot(
    recipe: SpottingRecipe, out: Path, options: RunOptions | None = None, progress: ProgressCallback | None = None
) -> SpottingRun:
    """Run a recipe of spotting, or go on with it where it was stopped.

    Args:
        recipe: what to do.
        out: the run's folder; an existing run of the same recipe, data and seed is continued.
        options: how; executors `local` and `processes`.
        progress: called as the work goes on.

    Raises:
        ProtocolError: the videos do not meet the published counts, and a subset was not asked for.
        RunError: `out` holds another run, or a video failed (the others are kept).
        UsageError: an executor or an option that does not go with spotting.
    """
    options, progress = options or RunOptions(), progress or no_progress
    if options.quick:
        recipe = recipe.with_settings(recipe.quick.set)
    learns = SPOTTERS.build(recipe.spotter).trainable and recipe.learn
    validate_settings(Tracking, recipe.tracking, "tracking")
    model = _model(recipe)
    runner = executor(options.executor, options.workers, options.address, options.process_per_fold)
    if runner.remote:
        raise UsageError("spotting reads videos of this machine: use --executor local or --executor processes")
    if options.labels is not None:
        raise UsageError("--labels: intervals come from the release; correct them with a corrections.csv beside it")
    sources = {name: _opened(name, recipe, options, progress) for name in recipe.data}
    clips = {name: _clips(source, recipe, options) for name, source in sources.items()}
    every = [clip for own in clips.values() for clip in own]
    run = SpottingRun.begin(out, _metadata(recipe, sources, clips, options, learns, model))
    done = set(run.done())
    todo = [clip for clip in every if clip.id not in done]
    if todo:
        _track(every if learns else todo, recipe, runner, progress)
        _spot(run, _jobs(run, recipe, clips, todo, options, learns), every, runner, progress)
    if model is not None:
        _recognize(run, {clip.id: clip for clip in every}, model, runner, progress)
    _write_logs(run)
    return run


def spot_seeds(
    recipe: SpottingRecipe, out: Path, options: RunOptions, seeds: int = 1, progress: ProgressCallback | None = None
) -> list[SpottingRun]:
    """The same recipe with seeds 0, 1, 2 ...; with more than one, each in a folder of its own below `out`."""
    if seeds == 1:
        return [spot(recipe, out, options, progress)]
    return [spot(recipe, out / f"seed-{n}", replace(options, seed=n), progress) for n in range(seeds)]


def run_spotting_job(job: SpottingJob, shared: None = None) -> list[VideoResult]:
    """What is found in each test video of a job; nothing is known of them there, so nothing is told of the truth."""
    for plugin in job.plugins:
        load_plugin(plugin)
    spotter = SPOTTERS.build(job.spotter)
    if job.train:
        taught = [(track, clip) for clip in job.train for track in main_face(_tracks(clip, job.tracking))]
        spotter = spotter.fit([t for t, _ in taught], [_within(t, clip) for t, clip in taught], job.seed)
        if job.model_path is not None:
            job.model_path.parent.mkdir(parents=True, exist_ok=True)
            spotter.save(job.model_path)
    return [_spot_video(clip, spotter, job.tracking) for clip in job.test]


def run_recognition_job(question: RecognitionJob, shared: None = None) -> list[EventPrediction]:
    """The recognizer's word for each event; "" where it finds no face."""
    for plugin in question.plugins:
        load_plugin(plugin)
    model, clip = load_model(question.model), question.clip
    told = []
    for number, one in enumerate(question.events, 1):
        times = {"onset": one.onset, "apex": one.apex, "offset": one.offset}
        sample = model.chain(replace(clip, id=f"{clip.id}/{number}", **times))  # type: ignore[arg-type]
        shares = np.asarray(model.predictor.predict_proba([sample])[0], float)
        guess = model.classes[int(shares.argmax())] if sample.face_found else ""
        named = {word: round(float(share), 6) for word, share in zip(model.classes, shares, strict=True)}
        told.append(EventPrediction("", one.onset, one.offset, guess, named))
    return told


def true_positives(video: VideoResult, kind: str = RECOGNIZED_KIND) -> list[tuple[Interval, Interval]]:
    """True and found intervals of a kind that were matched."""
    real, found = ([one for one in side if one.kind == kind] for side in (video.ground_truth, video.found))
    return match_intervals(real, found)


def _model(recipe: SpottingRecipe) -> Path | None:
    """The recognizer's file; None for none. A wrong one is found before any work is done."""
    if recipe.recognizer == "none" or (recipe.recognizer == "default" and not DEFAULT_MODEL.is_file()):
        return None
    path = DEFAULT_MODEL if recipe.recognizer == "default" else Path(recipe.recognizer)
    load_model(path)
    return path.absolute()


def _opened(name: str, recipe: SpottingRecipe, options: RunOptions, progress: ProgressCallback) -> Dataset:
    if options.synthetic:
        return synthetic_dataset(name, recipe.quick, options, progress)
    return open_dataset(name, options.roots.get(name))


def _clips(source: Dataset, recipe: SpottingRecipe, options: RunOptions) -> list[Clip]:
    """The videos of a data set, if they are what was published, or a subset was asked for."""
    clips = source.clips(allow_missing=options.allow_subset)
    if not any(clip.intervals for clip in clips):
        raise ProtocolError(f"data set '{source.name}' has no labeled interval; spotting is judged on long videos")
    if options.quick:
        people = sorted({clip.subject for clip in clips})[: recipe.quick.subjects]
        return [clip for clip in clips if clip.subject in people]
    differ = source.compare_with_published(clips)
    if differ and not options.allow_subset:
        more = f" and {len(differ) - 1} more differences" if len(differ) > 1 else ""
        raise ProtocolError(f"{differ[0]}{more}; --allow-subset runs on what is here and the report says so")
    return clips


def _metadata(
    recipe: SpottingRecipe,
    sources: Mapping[str, Dataset],
    clips: Mapping[str, Sequence[Clip]],
    options: RunOptions,
    learns: bool,
    model: Path | None,
) -> SpottingMetadata:
    every = [clip for own in clips.values() for clip in own]
    return SpottingMetadata(
        recipe=recipe.as_dict(),
        key=recipe.key,
        data={name: {"fingerprint": s.fingerprint(), "synthetic": s.synthetic} for name, s in sources.items()},
        videos=[{"id": clip.id, "dataset": clip.dataset, "subject": clip.subject} for clip in every],
        trained=learns,
        model="" if model is None else f"{recipe.recognizer} {hashlib.sha256(model.read_bytes()).hexdigest()[:16]}",
        seed=options.seed,
        subset=[
            _short(fault) for name, source in sources.items() for fault in source.compare_with_published(clips[name])
        ],
        left_out=[str(fault) for source in sources.values() for fault in source.missing()],
        quick=options.quick,
        version=__version__,
    )


def _short(fault: DatasetIssue) -> str:
    """Without the publication that it names."""
    return f"{fault.clip}: {fault.field} = {fault.value}: {fault.reason.partition(' (')[0]}"


def _jobs(
    run: SpottingRun,
    recipe: SpottingRecipe,
    clips: Mapping[str, Sequence[Clip]],
    todo: Sequence[Clip],
    options: RunOptions,
    learns: bool,
) -> list[SpottingJob]:
    """A job a video; for a spotter that learns a job a person, who is not among those it learns from."""
    empty = SpottingJob((), (), recipe.spotter, recipe.tracking, plugins=tuple(loaded_plugins))
    if not learns:
        return [replace(empty, test=(clip.blind(()),)) for clip in todo]
    jobs = []
    for subject in dict.fromkeys(clip.subject for clip in todo):
        test = tuple(clip.blind(()) for clip in todo if clip.subject == subject)
        train = tuple(clip for clip in clips[test[0].dataset] if clip.subject != subject)
        if not train:
            raise ProtocolError(f"'{subject}' is alone in its data set: there is nobody to learn from")
        keep = run.folder.absolute() / "models" / f"{slug(subject)}.safetensors" if options.save_models else None
        jobs.append(replace(empty, test=test, train=train, seed=fold_seed(options.seed, subject), model_path=keep))
    return jobs


def _tracks(clip: Clip, settings: Mapping[str, Any]) -> list[FaceTrack]:
    return cached_tracks(clip.id, clip.source, validate_settings(Tracking, settings, "tracking", fps=clip.fps))


def _track_one(clip: Clip, settings: Mapping[str, Any]) -> None:
    _tracks(clip, settings)


def _track(clips: Sequence[Clip], recipe: SpottingRecipe, runner: Executor, progress: ProgressCallback) -> None:
    """Every video's faces into the cache. A failure is told where the video is spotted: it is tried again there."""
    options = [validate_settings(Tracking, recipe.tracking, "tracking", fps=clip.fps) for clip in clips]
    lacking = [c.blind(()) for c, one in zip(clips, options, strict=True) if not is_cached(c.id, c.source, one)]
    done = len(clips) - len(lacking)
    progress("tracking faces", done, len(clips))
    for _ in runner.run(_track_one, lacking, recipe.tracking):
        done += 1
        progress("tracking faces", done, len(clips))


def _spot_video(clip: Clip, spotter: Spotter, tracking: Mapping[str, Any]) -> VideoResult:
    numbers, tracks = open_frames(clip.source).numbers, _tracks(clip, tracking)
    judged = main_face(tracks)
    found = sorted((one for track in judged for one in spotter.spot(track)), key=lambda one: (one.onset, one.offset))
    return VideoResult(
        clip.id,
        clip.dataset,
        clip.subject,
        clip.fps,
        len(numbers),
        (numbers[-1] - numbers[0] + 1) / clip.fps,
        ground_truth=(),
        found=tuple(found),
        faces=len({track.face for track in tracks}),
        face=judged[0].face if judged else None,
        seen=sum(map(len, judged)),
    )


def _within(track: FaceTrack, clip: Clip) -> list[Interval]:
    """The intervals of a clip that lie in a track, at least in part."""
    first, last = int(track.numbers[0]), int(track.numbers[-1])
    return [one for one in clip.intervals if one.onset <= last and one.offset >= first]


def _spot(
    run: SpottingRun, jobs: Sequence[SpottingJob], clips: Sequence[Clip], runner: Executor, progress: ProgressCallback
) -> None:
    """Every job; what it found is written beside the truth as it ends, or why it failed."""
    truth = {clip.id: clip.intervals for clip in clips}
    total, ended = len(run.unit_names), len(run.done())
    progress("spotting in videos", ended, total)
    for index, outcome in runner.run(run_spotting_job, jobs, None):
        for clip in jobs[index].test:
            if not isinstance(outcome, Done):
                run.write_failure(clip.id, outcome.reason, outcome.details)
        for video in outcome.value if isinstance(outcome, Done) else ():
            run.write(replace(video, ground_truth=truth[video.id]))
        ended += len(jobs[index].test)
        progress("spotting in videos", ended, total)
    if failed := run.failed():
        name, reason = next(iter(failed.items()))
        raise RunError(
            f"{len(failed)} of {total} videos failed, the others are kept; '{name}': {reason} "
            f"(details: {run.folder / 'videos'}/*.error); the same command again repeats them"
        )


def _recognize(
    run: SpottingRun, clips: Mapping[str, Clip], model: Path, runner: Executor, progress: ProgressCallback
) -> None:
    """The recognizer's word for each micro-expression that was found, video by video."""
    matched = {video.id: true_positives(video) for video in run.videos()}
    todo = [name for name in matched if run.recognized(name) is None]
    asked = [name for name in todo if matched[name]]
    for name in set(todo) - set(asked):
        run.write_recognized(name, [])
    questions = [
        RecognitionJob(clips[name].blind(()), tuple(found for _, found in matched[name]), model, tuple(loaded_plugins))
        for name in asked
    ]
    done = len(matched) - len(asked)
    progress("recognizing", done, len(matched))
    for index, outcome in runner.run(run_recognition_job, questions, None):
        name = asked[index]
        if not isinstance(outcome, Done):
            raise RunError(f"video '{name}': {outcome.reason}; the same command goes on from here")
        words = [real.labels.get("emotion", "") for real, _ in matched[name]]
        run.write_recognized(name, [replace(one, label=word) for one, word in zip(outcome.value, words, strict=True)])
        done += 1
        progress("recognizing", done, len(matched))


def _write_logs(run: SpottingRun) -> None:
    """What was found as MEGC logs, one a data set and kind."""
    videos = run.videos()
    for dataset in run.metadata.data:
        number = DATASETS.get(dataset).info.megc_number
        if not number:
            continue
        for kind in ("micro", "macro"):
            truth, found = of_kind(videos, dataset, kind, "ground_truth"), of_kind(videos, dataset, kind, "found")
            text = megc_log.write(megc_log.make_entries(number, truth, found))
            write_atomically(run.folder / "logs" / f"{dataset}-{kind}.txt", text.encode())


def of_kind(videos: Sequence[VideoResult], dataset: str, kind: str, side: str) -> VideoIntervals:
    """Video -> its true or found intervals of a kind."""
    own = [video for video in videos if video.dataset == dataset]
    return {video.name: [one for one in getattr(video, side) if one.kind == kind] for video in own}
