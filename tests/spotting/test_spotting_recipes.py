"""The recipes of spotters run on synthetic videos as they ship, trained without the subject who is left out."""

from functools import cache

import pytest

from microexpr.core.track import FaceTrack
from microexpr.datasets import DATASETS
from microexpr.experiments import spotting_videos
from microexpr.experiments.options import RunOptions
from microexpr.recipes import load_recipe
from microexpr.recipes.spotting import SpottingRecipe
from microexpr.reports.spotting import summarize_spotting
from microexpr.synthetic.long_video import ground_truth_track, random_video


@cache
def face() -> FaceTrack:
    """Four seconds of a face at 30 frames per second."""
    return ground_truth_track(random_video(77, seconds=4, fps=30, micro=15, macro=15), size=48)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long") / "casme_sq"
    return DATASETS.get("casme_sq").make_synthetic(folder, subjects=2, image_scale=0.1)


@pytest.mark.parametrize("name", ["spot-of-fd", "spot-mtsn", "spot-sequence-scorer"])
def test_a_recipe_runs_on_synthetic_videos(name, videos, tmp_path, monkeypatch):
    monkeypatch.setattr(spotting_videos, "cached_tracks", lambda *_: [face()])
    recipe = load_recipe(name)
    assert isinstance(recipe, SpottingRecipe)
    recipe = recipe.with_settings({"data": ["casme_sq"], "recognizer": "none", "spotter.max_fps": 10.0})
    options = RunOptions(quick=True, allow_subset=True, roots={"casme_sq": videos.root})
    run = spotting_videos.spot(recipe, tmp_path / "run", options)
    assert run.complete and run.metadata.trained == (name != "spot-of-fd")
    (summary,) = summarize_spotting(run)
    score = summary.scores.by_kind["all"]
    assert score.tp + score.fn == sum(len(clip.intervals) for clip in videos.clips())
