"""Runs of spotting: nobody is learned from and tested, nothing is lost, everything is counted."""

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import pytest

from microexpr.cli.main import main as cli
from microexpr.core.clip import Clip, Interval, Sample
from microexpr.core.errors import MediaError, ProtocolError, RecipeError, RunError, UsageError
from microexpr.core.files import machine_tag
from microexpr.core.track import FaceTrack
from microexpr.datasets import DATASETS
from microexpr.experiments import spotting_videos as spot
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_run import RecognitionRun
from microexpr.experiments.runs import find_runs, open_run
from microexpr.experiments.spotting_run import SpottingRun
from microexpr.experiments.train import train_model
from microexpr.faces.tracking import Tracking, cache
from microexpr.faces.tracking.cache import cached_tracks, is_cached, main_face
from microexpr.metrics import megc_log
from microexpr.metrics.intervals import SpottingScore
from microexpr.preprocessing import Chain
from microexpr.recipes import load_recipe, load_recipes
from microexpr.recipes.spotting import SpottingRecipe
from microexpr.recognizers.model import Model
from microexpr.reports import make_report
from microexpr.reports.spotting import _intervals, summarize_spotting
from microexpr.spotting import SPOTTERS, Spotter
from microexpr.spotting.base import Detection

RECIPE = SpottingRecipe("test", "a test", ("casme_sq",), {"name": "fixed"}, recognizer="none")
FITS: list[tuple[int, list[Interval]]] = []


@dataclass(frozen=True)
class Fixed(Spotter):
    """Finds the same intervals in every video: frames 10 to 14 and 20 to 60."""

    name = "fixed"

    def detect(self, track, grid):
        return Detection(np.zeros(len(grid)), ())

    def spot(self, track):
        kinds = ((10, 14, "micro"), (20, 60, "macro"))
        return [Interval(a, b, (a + b) // 2, kind, score=1.0) for a, b, kind in kinds]


@dataclass(frozen=True)
class Learner(Fixed):
    """Records seed and intervals of each fit in `FITS`."""

    name, trainable = "learner", True

    def fit(self, tracks, labels, seed):
        FITS.append((seed, [interval for video in labels for interval in video]))
        return self


def track(frames=240, face=1, first=1):
    shapes = {"points": (68, 2), "quality": (), "pose": (3,), "eye_openness": (2,), "boxes": (4,)}
    zeros = {name: np.zeros((frames, *shape), np.float32) for name, shape in shapes.items()}
    numbers, crops = np.arange(first, first + frames), np.zeros((frames, 36, 36), np.uint8)
    blink = np.zeros(frames, bool)
    return FaceTrack(face=face, numbers=numbers, times=numbers / 30, blink=blink, crops=crops, **zeros)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    return DATASETS.get("casme_sq").make_synthetic(
        tmp_path_factory.mktemp("long") / "casme_sq", subjects=3, image_scale=0.1
    )


@pytest.fixture
def options(synthetic, monkeypatch):
    """Options for the synthetic data set; adds two spotters, and replaces the tracker by an empty track."""
    for cls in (Fixed, Learner):
        monkeypatch.setitem(SPOTTERS._entries, cls.name, cls)
    monkeypatch.setattr(spot, "cached_tracks", lambda name, source, settings: [track()])
    FITS.clear()
    return RunOptions(allow_subset=True, roots={"casme_sq": synthetic.root})


def test_a_run_stores_annotated_and_found_intervals_of_every_video(options, tmp_path, synthetic):
    run = spot.spot(RECIPE, tmp_path / "run", options)
    assert run.complete and run.unit_names == [clip.id for clip in synthetic.clips()]
    for video, clip in zip(run.videos(), synthetic.clips(), strict=True):
        assert video.ground_truth == clip.intervals and [interval.onset for interval in video.found] == [10, 20]
        assert (video.fps, video.frames, video.seconds, video.face, video.seen) == (30, 240, 8, 1, 240)


def test_counts_cover_every_interval_of_each_kind(options, tmp_path):
    (summary,) = summarize_spotting(spot.spot(RECIPE, tmp_path / "run", options))
    counts = summary.scores.by_kind
    assert all(score.tp + score.fn == 6 and score.tp + score.fp == 6 for score in (counts["micro"], counts["macro"]))
    assert counts["all"].tp == counts["micro"].tp + counts["macro"].tp
    assert summary.scores.false_alarms_per_minute == pytest.approx(summary.scores.any_kind.fp / (6 * 8 / 60))


def test_bootstrap_intervals_of_spotting_draw_subjects(options, tmp_path, monkeypatch):
    monkeypatch.setattr(Fixed, "spot", lambda self, track: [])
    nothing = summarize_spotting(spot.spot(RECIPE, tmp_path / "run", options))[0]
    assert set(nothing.intervals.values()) == {(0, 0)}
    videos = [dataclasses.replace(v, found=v.ground_truth) for v in nothing.run.videos()]
    assert set(_intervals(videos).values()) == {(1, 1)}
    half = [v if v.subject.endswith("s15") else dataclasses.replace(v, found=()) for v in videos]
    assert _intervals(half)["micro"] == (
        0,
        1,
    )  # with one of three subjects right, a sample may hold none or only that one


def test_intervals_of_a_video_without_a_face_count_as_missed(options, tmp_path, monkeypatch):
    monkeypatch.setattr(spot, "cached_tracks", lambda *_: [])
    run = spot.spot(RECIPE, tmp_path / "run", options)
    (summary,) = summarize_spotting(run)
    assert summary.scores.by_kind["all"] == SpottingScore(0, 0, 12)
    assert len(summary.faceless) == 6 and "6 videos of casme_sq show no face" in make_report(run).to_markdown()


def test_the_face_visible_longest_is_evaluated(options, tmp_path, monkeypatch):
    tracks = [track(100, face=1), track(90, face=2), track(60, face=2, first=95)]
    assert [found.face for found in main_face(tracks)] == [2, 2] and main_face([]) == []
    monkeypatch.setattr(spot, "cached_tracks", lambda *_: tracks)
    run = spot.spot(RECIPE, tmp_path / "run", options)
    assert {(v.faces, v.face, v.seen) for v in run.videos()} == {(2, 2, 150)}
    assert "6 videos with several faces" in make_report(run).to_markdown()


def test_a_spotter_is_not_fitted_on_its_test_subject(options, tmp_path, synthetic):
    recipe = dataclasses.replace(RECIPE, spotter={"name": "learner"})
    run = spot.spot(recipe, tmp_path / "run", options)
    subjects = sorted({clip.subject for clip in synthetic.clips()})
    assert run.metadata.trained and len(FITS) == len(subjects) == len({seed for seed, _ in FITS})
    for left_out, (_, fitted) in zip(subjects, FITS, strict=True):
        expected = [i for clip in synthetic.clips() if clip.subject != left_out for i in clip.intervals]
        assert fitted == expected


def test_learn_false_does_not_fit_the_spotter(options, tmp_path):
    recipe = dataclasses.replace(RECIPE, spotter={"name": "learner"}, learn=False)
    assert not spot.spot(recipe, tmp_path / "run", options).metadata.trained and not FITS


def test_jobs_hold_no_annotation_of_test_videos(options, tmp_path, monkeypatch):
    jobs = []
    real = spot.run_spotting_job
    monkeypatch.setattr(spot, "run_spotting_job", lambda job, shared: jobs.append(job) or real(job, shared))
    spot.spot(dataclasses.replace(RECIPE, spotter={"name": "learner"}), tmp_path / "run", options)
    assert all(not clip.intervals and not clip.labels for job in jobs for clip in job.test)
    for job in jobs:
        assert not {clip.subject for clip in job.test} & {clip.subject for clip in job.train}


def files(run):
    return {p.name: p.read_bytes() for p in sorted((run.folder / "videos").iterdir())}


def test_an_interrupted_run_continues_with_the_videos_left(options, tmp_path, monkeypatch):
    whole = files(spot.spot(RECIPE, tmp_path / "whole", options))
    started, real = [], spot.run_spotting_job

    def killed(job, shared):
        started.append(job.test[0].id)
        if len(started) == 3:
            raise KeyboardInterrupt
        return real(job, shared)

    monkeypatch.setattr(spot, "run_spotting_job", killed)
    with pytest.raises(KeyboardInterrupt):
        spot.spot(RECIPE, tmp_path / "run", options)
    assert len(SpottingRun.open(tmp_path / "run").done()) == 2
    assert files(spot.spot(RECIPE, tmp_path / "run", options)) == whole
    assert len(started) == 3 + 4  # the two that were done are not done again


def test_the_other_videos_are_written_when_a_video_fails(options, tmp_path, monkeypatch):
    def broken(name, source, settings):
        if "s16" in name:
            raise MediaError(f"'{source}' is broken")
        return [track()]

    monkeypatch.setattr(spot, "cached_tracks", broken)
    with pytest.raises(RunError, match=r"2 of 6 videos failed.*s16.*is broken"):
        spot.spot(RECIPE, tmp_path / "run", options)
    run = SpottingRun.open(tmp_path / "run")
    assert len(run.done()) == 4 and "PARTIAL: 4 of 6" in make_report(run).to_markdown()
    monkeypatch.setattr(spot, "cached_tracks", lambda *_: [track()])
    assert spot.spot(RECIPE, tmp_path / "run", options).complete and not run.failed()


def test_fewer_videos_than_published_are_refused(options, tmp_path):
    with pytest.raises(ProtocolError, match=r"clips = 6: the release has 98.*--allow-subset"):
        spot.spot(RECIPE, tmp_path / "run", dataclasses.replace(options, allow_subset=False))
    run = spot.spot(RECIPE, tmp_path / "run", options)
    text = make_report(run).to_markdown()
    assert "test (synthetic faces, subset) | micro" in text and "SUBSET of the published videos" in text


def test_runs_of_one_recipe_with_other_settings_are_told_apart(options, tmp_path):
    changed = dataclasses.replace(RECIPE, spotter={"name": "learner"})
    runs = [spot.spot(recipe, tmp_path / recipe.spotter["name"], options) for recipe in (RECIPE, changed)]
    runs.append(spot.spot(RECIPE, tmp_path / "again", dataclasses.replace(options, seed=1)))
    report = make_report(runs)
    names = ["test, spotter fixed", "test, spotter learner", "test, spotter fixed"]
    assert [record["name"] for record in report.data] == names
    assert [row[0] for row in report.tables[1].rows[:3]] == [
        f"{name}{seed} (synthetic faces, subset)" for name, seed in zip(names, ("", "", ", seed 1"), strict=True)
    ]


def test_another_run_in_the_same_folder_is_refused(options, tmp_path):
    spot.spot(RECIPE, tmp_path / "run", options)
    with pytest.raises(RunError, match="its recipe differs"):
        spot.spot(dataclasses.replace(RECIPE, spotter={"name": "learner"}), tmp_path / "run", options)
    with pytest.raises(RunError):
        RecognitionRun.open(tmp_path / "run")


@pytest.mark.parametrize("change", [{"executor": "ray"}, {"labels": "x.csv"}])
def test_options_that_spotting_does_not_support_are_errors(options, tmp_path, change):
    with pytest.raises(UsageError):
        spot.spot(RECIPE, tmp_path / "run", dataclasses.replace(options, **change))


def test_logs_have_the_counts_of_the_report(options, tmp_path):
    run = spot.spot(RECIPE, tmp_path / "run", options)
    (summary,) = summarize_spotting(run)
    for kind in ("micro", "macro"):
        lines = megc_log.read((run.folder / "logs" / f"casme_sq-{kind}.txt").read_text())
        assert megc_log.score(lines)[2] == summary.scores.by_kind[kind]
        assert megc_log.find_problems(lines) == []


MOMENTS = {"name": "onset-apex", "without_apex": "middle"}


class Says:
    """Always the first class."""

    classes = ("negative", "positive", "surprise")

    def predict_proba(self, samples: list[Sample]) -> np.ndarray:
        assert all(s.clip.onset and not s.clip.labels for s in samples)
        return np.tile([0.5, 0.3, 0.2], (len(samples), 1))

    def predict(self, samples: list[Sample]) -> list[str]:
        return [self.classes[0]] * len(samples)


def test_spot_then_recognize(options, synthetic, tmp_path, monkeypatch):
    monkeypatch.setattr(spot, "load_classifier", lambda path: Model(Chain.build([MOMENTS]), Says()))
    hit = synthetic.clips()[0].intervals[1]
    assert hit.kind == "micro"
    monkeypatch.setattr(Fixed, "spot", lambda self, track: [dataclasses.replace(hit, labels={}, score=1.0)])
    run = spot.spot(dataclasses.replace(RECIPE, recognizer="default"), tmp_path / "run", options)
    (summary,) = summarize_spotting(run)
    hits = summary.scores.by_kind["micro"].tp
    assert hits >= 1 and summary.recognized.scored + summary.recognized.left_out == hits
    assert summary.recognized.strs == pytest.approx(summary.scores.by_kind["micro"].f1 * summary.recognized.analysis_f1)
    assert "STRS" in make_report(run).to_markdown() and "UNCHECKED" not in make_report(run).to_markdown()
    first = next(event for name in run.unit_names for event in run.recognized(name) or [])
    assert (first.predicted, first.probabilities["negative"]) == ("negative", 0.5) and first.label


def test_the_report_warns_of_models_trained_elsewhere(options, synthetic, tmp_path, monkeypatch):
    monkeypatch.setattr(spot, "load_classifier", lambda path: Model(Chain.build([MOMENTS]), Says()))
    (tmp_path / "own.safetensors").write_bytes(b"x")
    recipe = dataclasses.replace(RECIPE, recognizer=str(tmp_path / "own.safetensors"))
    run = spot.spot(recipe, tmp_path / "run", options)
    assert "UNCHECKED: the recognizer" in make_report(run).to_markdown()


@pytest.mark.parametrize("form", ["json", "markdown", "latex", "html"])
def test_every_format_warns_of_synthetic_faces(options, tmp_path, form):
    text = make_report(spot.spot(RECIPE, tmp_path / "run", options)).render(form)
    assert "synthetic" in text and "SOFTNet" in text and ("†" in text or "dagger" in text or '"leaky": true' in text)
    if form == "json":
        data = json.loads(text)["per_dataset"]["casme_sq"]
        assert data["scores"]["micro"].keys() == {"tp", "fp", "fn", "precision", "recall", "f1"}


def call(capsys, *arguments):
    try:
        cli(arguments)
    except SystemExit as done:
        return done.code or 0, *capsys.readouterr()
    return 0, *capsys.readouterr()


def test_run_and_report(options, synthetic, tmp_path, capsys):
    recipe, run = tmp_path / "mine.toml", str(tmp_path / "run")
    recipe.write_text('title = "t"\n[spotting]\ndata = ["casme_sq"]\nspotter = {name = "mdmd"}\nrecognizer = "none"\n')
    given = ("--allow-subset", "--root", f"casme_sq={synthetic.root}", "--set", "spotter.p=0.2")
    code, out, err = call(capsys, "run", str(recipe), "--out", run, *given)
    assert code == 0 and "casme_sq: counts" in out and "spotting in videos: 6 of 6" in err
    code, out, _ = call(capsys, "report", run, "--json")
    assert code == 0 and json.loads(out)["spotter"] == {"name": "mdmd", "p": 0.2}
    assert call(capsys, "report", run, "--html")[0] == 0 and (tmp_path / "run" / "report.html").is_file()
    assert "beside published numbers" in call(capsys, "report", run, "--markdown")[1]
    assert call(capsys, "report", run, "--figures", str(tmp_path / "f"))[0] == 2


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"spotting": {"data": ["casme_sq"]}}, "lacks 'spotter'"),
        ({"spotting": {"data": [], "spotter": {"name": "mdmd"}}}, "names no data set"),
        ({"spotting": {"data": ["a"], "spotter": {}, "spoter": 1}}, "no setting 'spoter'; did you mean 'spotter'"),
        ({"spotting": {"data": ["a"], "spotter": {}}, "stages": []}, "no setting 'stages'"),
    ],
)
def test_misspelt_recipes_are_errors_that_name_the_nearest_key(table, text):
    with pytest.raises(RecipeError, match=text):
        SpottingRecipe.parse("mine", {"title": "t", **table})


def test_settings_of_a_recipe_can_be_replaced(tmp_path):
    (recipe,) = load_recipes("spot-mdmd")
    assert recipe.with_settings({"spotter.p": 0.1}).spotter == {"name": "mdmd", "p": 0.1}  # type: ignore[attr-defined]
    assert recipe.with_settings({"tracking.size": 64}).key != recipe.key
    with pytest.raises(RecipeError, match="'spotter'"):
        recipe.with_settings({"spoter.p": 1})
    with pytest.raises(UsageError, match="is a recipe of spotting, which trains no model"):
        train_model(load_recipe("spot-mdmd"), tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()


def test_a_run_is_opened_by_its_kind(options, tmp_path):
    run = spot.spot(RECIPE, tmp_path / "a" / "run", options)
    assert isinstance(open_run(run.folder), SpottingRun)
    assert [found.folder for found in find_runs([tmp_path / "a"])] == [run.folder]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "run.json").write_text("{}")
    with pytest.raises(RunError, match="is damaged"):
        find_runs([tmp_path / "b"])


@pytest.fixture
def tracked(monkeypatch):
    """Folders in which a fake tracker, which only writes a file, was run."""
    passes = []

    def follow(frames, options, progress, folder):
        if not (folder / "done").is_file():
            passes.append(folder)
            (folder / "done").write_text("x")
        return []

    monkeypatch.setattr(cache, "track_faces", follow)
    return passes


def test_a_recording_is_tracked_once_until_it_or_the_settings_change(tracked, synthetic):
    clip: Clip = synthetic.clips()[0]
    for size in (64, 64, 96):
        cached_tracks(clip.id, clip.source, Tracking(size=size))
    assert len(tracked) == 2 and is_cached(clip.id, clip.source, Tracking(size=96))
    assert not is_cached(clip.id, clip.source, Tracking(size=32))
    assert not list(tracked[0].parent.glob("*.tmp"))


def test_folders_of_killed_processes_are_removed(tracked, synthetic):
    clip: Clip = synthetic.clips()[1]
    cached_tracks(clip.id, clip.source, Tracking())
    folder = cache._folder(clip.id, clip.source.absolute(), Tracking())
    folder.rename(folder.with_name(f"{folder.name}.999999999-{machine_tag()}-0.tmp"))
    assert not is_cached(clip.id, clip.source, Tracking())
    cached_tracks(clip.id, clip.source, Tracking())
    assert [p.name for p in folder.parent.glob(f"{folder.name}*")] == [folder.name]
