"""Running a recipe of spotting: track the faces of each video, find movements, classify the true positives.

A trainable spotter is fitted on the other subjects of a data set, and spots in the videos of the subject left out.
A test video is blinded before it goes to a worker: its annotations never leave this process.
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
from ..core.executors import Done, Executor
from ..core.files import unique_file_name, write_atomically
from ..core.progress import ProgressCallback, no_progress
from ..core.registry import validate_settings
from ..core.track import FaceTrack
from ..datasets import DATASETS, Dataset, DatasetIssue
from ..faces.tracking import Tracking
from ..faces.tracking.cache import cached_tracks, is_cached, main_face
from ..imaging.frames import open_frames
from ..metrics import megc_log
from ..metrics.intervals import match_intervals
from ..recipes import SpottingRecipe
from ..recognizers.model import DEFAULT_MODEL, load_classifier
from ..spotting import SPOTTERS, Spotter
from .data import open_source_dataset
from .inputs import spotting_inputs
from .options import RunOptions
from .run_folder import fold_seed, writing
from .runner import Job, run_all, run_jobs
from .spotting_run import EventPrediction, SpottingMetadata, SpottingRun, VideoResult

RECOGNIZED_KIND = "micro"
"""Kind of the found intervals that the recognizer classifies: micro-expressions, as in MEGC 2025."""


@dataclass(frozen=True, kw_only=True)
class SpottingJob(Job):
    """What a worker needs to spot in the videos of one subject.

    Attributes:
        test: Blinded clips to spot in.
        train: Clips of other subjects, with their intervals; empty for a spotter that is not fitted.
        spotter: Table of the spotter.
        tracking: Settings of the face tracker.
        seed: Seed of the spotter's training.
        model_path: File for the fitted spotter, where models are saved.
    """

    test: tuple[Clip, ...]
    train: tuple[Clip, ...] = ()
    spotter: Mapping[str, Any]
    tracking: Mapping[str, Any]
    seed: int = 0
    model_path: Path | None = None


@dataclass(frozen=True, kw_only=True)
class TrackingJob(Job):
    """A video whose faces are to be tracked into the cache."""

    clip: Clip


@dataclass(frozen=True, kw_only=True)
class RecognitionJob(Job):
    """True positives of a video, by their found intervals, for the recognizer in a file; without their labels."""

    clip: Clip
    events: tuple[Interval, ...]
    model: Path


def spot(
    recipe: SpottingRecipe, out: Path, options: RunOptions | None = None, progress: ProgressCallback | None = None
) -> SpottingRun:
    """Run a recipe of spotting, or continue it where it was stopped.

    Args:
        recipe: The recipe.
        out: The run's folder; an existing run of the same recipe, data and seed is continued.
        options: On which data, how much of it, and where jobs run (`local` or `processes`).
        progress: Called as the work goes on.

    Returns:
        The complete run.

    Raises:
        ProtocolError: the videos differ from the published counts, and `allow_subset` is not set.
        RunError: `out` holds another run, another process is writing it, or a video failed (the others are saved).
        UsageError: an executor or an option that spotting does not support.
    """
    options, progress = options or RunOptions(), progress or no_progress
    if options.quick:
        recipe = recipe.with_quick_settings()
    trained = SPOTTERS.build(recipe.spotter).trainable and recipe.learn
    validate_settings(Tracking, recipe.tracking, "tracking")
    model = _model_path(recipe)
    where = options.build_executor()
    if where.remote:
        raise UsageError("spotting reads videos of this machine: use --executor local or --executor processes")
    if options.labels is not None:
        raise UsageError("--labels: intervals come from the release; correct them with a corrections.csv beside it")
    with writing(out):
        return _spot(recipe, out, where, options, progress, trained, model)


def _spot(
    recipe: SpottingRecipe,
    out: Path,
    where: Executor,
    options: RunOptions,
    progress: ProgressCallback,
    trained: bool,
    model: Path | None,
) -> SpottingRun:
    """Run what is left of a recipe.

    Args:
        recipe: The recipe.
        out: The run's folder.
        where: Where jobs run.
        options: Options of the run.
        progress: Called as the work goes on.
        trained: Whether the spotter is fitted on the other subjects.
        model: File of the recognizer of the true positives; None for none.
    """
    sources = {name: open_source_dataset(name, recipe.quick, options, progress) for name in recipe.data}
    clips = {name: _clips(source, recipe, options) for name, source in sources.items()}
    all_clips = {clip.id: clip for own in clips.values() for clip in own}
    run = SpottingRun.begin(out, _metadata(recipe, sources, clips, options, trained, model))
    done = set(run.done())
    if todo := [clip for clip in all_clips.values() if clip.id not in done]:
        _track(list(all_clips.values()) if trained else todo, recipe, where, progress)
        jobs = _jobs(run, recipe, clips, todo, options) if trained else _untrained_jobs(recipe, todo)

        def save(job: SpottingJob, videos: Sequence[VideoResult]) -> None:
            for video in videos:
                run.write(replace(video, ground_truth=all_clips[video.id].intervals))

        run_jobs(run, jobs, run_spotting_job, None, save, where, progress, "spotting in videos")
    if model is not None:
        _recognize(run, all_clips, model, where, progress)
    _write_logs(run)
    return run


def run_spotting_job(job: SpottingJob, shared: None = None) -> list[VideoResult]:
    """Fit the spotter if the job has training clips, and spot in each test video."""
    spotter = SPOTTERS.build(job.spotter)
    if job.train:
        training = [(track, clip) for clip in job.train for track in main_face(_tracks(clip, job.tracking))]
        intervals = [_intervals_within(track, clip) for track, clip in training]
        spotter = spotter.fit([track for track, _ in training], intervals, job.seed)
        if job.model_path is not None:
            job.model_path.parent.mkdir(parents=True, exist_ok=True)
            spotter.save(job.model_path)
    return [_spot_video(clip, spotter, job.tracking) for clip in job.test]


def run_tracking_job(job: TrackingJob, tracking: Mapping[str, Any]) -> None:
    """Track the faces of a video into the cache."""
    _tracks(job.clip, tracking)


def run_recognition_job(job: RecognitionJob, shared: None = None) -> list[EventPrediction]:
    """Classify each event; its label is added where it is known. Nothing is predicted where no face is found."""
    model = load_classifier(job.model)
    events = []
    for number, interval in enumerate(job.events, 1):
        clip = replace(
            job.clip,
            id=f"{job.clip.id}/{number}",
            onset=interval.onset,
            apex=interval.apex,
            offset=interval.offset,
        )
        sample = model.chain(clip)
        row = np.asarray(model.predictor.predict_proba([sample])[0], float)
        predicted = model.predictor.predict([sample])[0] if sample.face_found else ""
        probabilities = {name: round(float(value), 6) for name, value in zip(model.classes, row, strict=True)}
        events.append(EventPrediction("", interval.onset, interval.offset, predicted, probabilities))
    return events


def true_positives(video: VideoResult, kind: str = RECOGNIZED_KIND) -> list[tuple[Interval, Interval]]:
    """(annotated, found) intervals of a kind that were matched."""
    annotated = [interval for interval in video.ground_truth if interval.kind == kind]
    found = [interval for interval in video.found if interval.kind == kind]
    return match_intervals(annotated, found)


def _model_path(recipe: SpottingRecipe) -> Path | None:
    """The recognizer's file, or None; a file that is not a model is an error before any work is done."""
    if recipe.recognizer == "none" or (recipe.recognizer == "default" and not DEFAULT_MODEL.is_file()):
        return None
    path = DEFAULT_MODEL if recipe.recognizer == "default" else Path(recipe.recognizer)
    load_classifier(path)
    return path.absolute()


def _clips(source: Dataset, recipe: SpottingRecipe, options: RunOptions) -> list[Clip]:
    """The videos of a data set; an error if they differ from the published counts and `allow_subset` is not set."""
    clips = source.clips(allow_missing=options.allow_subset)
    if not any(clip.intervals for clip in clips):
        raise ProtocolError(
            f"data set '{source.name}' has no labeled interval; spotting needs long videos with labeled intervals"
        )
    if options.quick:
        subjects = sorted({clip.subject for clip in clips})[: recipe.quick.subjects]
        return [clip for clip in clips if clip.subject in subjects]
    differences = source.compare_with_published(clips)
    if differences and not options.allow_subset:
        more = f" and {len(differences) - 1} more differences" if len(differences) > 1 else ""
        raise ProtocolError(f"{differences[0]}{more}; --allow-subset runs on what is here and the report says so")
    return clips


def _metadata(
    recipe: SpottingRecipe,
    sources: Mapping[str, Dataset],
    clips: Mapping[str, Sequence[Clip]],
    options: RunOptions,
    trained: bool,
    model: Path | None,
) -> SpottingMetadata:
    all_clips = [clip for own in clips.values() for clip in own]
    return SpottingMetadata(
        recipe=recipe.as_dict(),
        key=recipe.key,
        data={name: {"fingerprint": s.fingerprint(), "synthetic": s.synthetic} for name, s in sources.items()},
        videos=[{"id": clip.id, "dataset": clip.dataset, "subject": clip.subject} for clip in all_clips],
        trained=trained,
        model="" if model is None else f"{recipe.recognizer} {hashlib.sha256(model.read_bytes()).hexdigest()[:16]}",
        seed=options.seed,
        subset=[
            _short_text(issue)
            for name, source in sources.items()
            for issue in source.compare_with_published(clips[name])
        ],
        left_out=[str(issue) for source in sources.values() for issue in source.missing()],
        quick=options.quick,
        version=__version__,
        inputs=spotting_inputs(),
    )


def _short_text(issue: DatasetIssue) -> str:
    """A difference to the published counts, without the source of the counts."""
    return f"{issue.clip}: {issue.field} = {issue.value}: {issue.reason.partition(' (')[0]}"


def _untrained_jobs(recipe: SpottingRecipe, todo: Sequence[Clip]) -> list[SpottingJob]:
    """A job for each video."""
    return [
        SpottingJob(units=(clip.id,), test=(clip.blind(()),), spotter=recipe.spotter, tracking=recipe.tracking)
        for clip in todo
    ]


def _jobs(
    run: SpottingRun,
    recipe: SpottingRecipe,
    clips: Mapping[str, Sequence[Clip]],
    todo: Sequence[Clip],
    options: RunOptions,
) -> list[SpottingJob]:
    """A job for each subject; the spotter is fitted on the other subjects of the data set."""
    jobs = []
    for subject in dict.fromkeys(clip.subject for clip in todo):
        test = tuple(clip.blind(()) for clip in todo if clip.subject == subject)
        train = tuple(clip for clip in clips[test[0].dataset] if clip.subject != subject)
        if not train:
            raise ProtocolError(f"'{subject}' is the only subject of its data set: there is no other to train on")
        model_path = run.folder.absolute() / "models" / f"{unique_file_name(subject)}.safetensors"
        jobs.append(
            SpottingJob(
                units=tuple(clip.id for clip in test),
                test=test,
                train=train,
                spotter=recipe.spotter,
                tracking=recipe.tracking,
                seed=fold_seed(options.seed, subject),
                model_path=model_path if options.save_models else None,
            )
        )
    return jobs


def _tracks(clip: Clip, settings: Mapping[str, Any]) -> list[FaceTrack]:
    return cached_tracks(clip.id, clip.source, validate_settings(Tracking, settings, "tracking", fps=clip.fps))


def _track(clips: Sequence[Clip], recipe: SpottingRecipe, where: Executor, progress: ProgressCallback) -> None:
    """Track the faces of every video into the cache. A failure is reported by the job that spots in the video."""
    jobs = []
    for clip in clips:
        settings = validate_settings(Tracking, recipe.tracking, "tracking", fps=clip.fps)
        if not is_cached(clip.id, clip.source, settings):
            jobs.append(TrackingJob(units=(clip.id,), clip=clip.blind(())))
    for _ in run_all(jobs, run_tracking_job, recipe.tracking, where, progress, "tracking faces", len(clips)):
        pass


def _spot_video(clip: Clip, spotter: Spotter, tracking: Mapping[str, Any]) -> VideoResult:
    numbers, tracks = open_frames(clip.source).numbers, _tracks(clip, tracking)
    evaluated = main_face(tracks)
    found = [interval for track in evaluated for interval in spotter.spot(track)]
    return VideoResult(
        id=clip.id,
        dataset=clip.dataset,
        subject=clip.subject,
        fps=clip.fps,
        frames=len(numbers),
        seconds=(numbers[-1] - numbers[0] + 1) / clip.fps,
        ground_truth=(),
        found=tuple(sorted(found, key=lambda interval: (interval.onset, interval.offset))),
        faces=len({track.face for track in tracks}),
        face=evaluated[0].face if evaluated else None,
        seen=sum(len(track) for track in evaluated),
    )


def _intervals_within(track: FaceTrack, clip: Clip) -> list[Interval]:
    """The intervals of a clip that lie in a track, at least in part."""
    first, last = int(track.numbers[0]), int(track.numbers[-1])
    return [interval for interval in clip.intervals if interval.onset <= last and interval.offset >= first]


def _recognize(
    run: SpottingRun, clips: Mapping[str, Clip], model: Path, where: Executor, progress: ProgressCallback
) -> None:
    """Classify the micro-expressions that were found, a job for each video."""
    matched = {video.id: true_positives(video) for video in run.videos()}
    jobs = []
    for name, pairs in matched.items():
        if run.recognized(name) is not None:
            continue
        if not pairs:
            run.write_recognized(name, [])
            continue
        events = tuple(found for _, found in pairs)
        jobs.append(RecognitionJob(units=(name,), clip=clips[name].blind(()), events=events, model=model))
    for job, outcome in run_all(jobs, run_recognition_job, None, where, progress, "recognizing", len(matched)):
        name = job.units[0]
        if not isinstance(outcome, Done):
            raise RunError(f"video '{name}': {outcome.reason}; the same command continues from here")
        labels = [annotated.labels.get("emotion", "") for annotated, _ in matched[name]]
        predictions = zip(outcome.value, labels, strict=True)
        run.write_recognized(name, [replace(event, label=label) for event, label in predictions])


def _write_logs(run: SpottingRun) -> None:
    """Write the intervals as logs of the MEGC challenges, a file for each data set and kind."""
    for dataset in run.metadata.data:
        number = DATASETS.get(dataset).info.megc_number
        if not number:
            continue
        videos = [video for video in run.videos() if video.dataset == dataset]
        for kind in ("micro", "macro"):
            annotated = {video.name: _of_kind(video.ground_truth, kind) for video in videos}
            found = {video.name: _of_kind(video.found, kind) for video in videos}
            text = megc_log.write(megc_log.make_entries(number, annotated, found))
            write_atomically(run.folder / "logs" / f"{dataset}-{kind}.txt", text.encode())


def _of_kind(intervals: Sequence[Interval], kind: str) -> list[Interval]:
    return [interval for interval in intervals if interval.kind == kind]
