"""A run in which hardly any face is found is refused, and fewer such clips are told loudly."""

import dataclasses
import json

import pytest

from microexpr.core.errors import RunError
from microexpr.experiments.data import MAX_FACELESS
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.preprocessing.base import STEPS, Step
from microexpr.reports import make_report


@pytest.fixture
def blindfolded(recipe, synthetic_datasets, tmp_path, monkeypatch):
    """A function that runs a recipe which finds no face in the first n clips, and the number of all clips."""
    monkeypatch.setattr(STEPS, "_entries", dict(STEPS))
    hidden: set[str] = set()

    @STEPS.register("blindfold")
    @dataclasses.dataclass(frozen=True)
    class Blindfold(Step):
        """No face is found in the hidden clips."""

        n: int = 0

        def __call__(self, sample):
            return dataclasses.replace(sample, face_found=sample.id not in hidden)

    options = RunOptions(allow_subset=True, roots=synthetic_datasets.roots)
    ids = [clip.id for clip in synthetic_datasets["megc2019"].clips()]

    def run(n):
        hidden.clear()
        hidden.update(ids[:n])
        chain = [{"name": "load-image"}, {"name": "blindfold", "n": n}]
        return evaluate(recipe.with_settings({"chain": chain}), tmp_path / f"run{n}", options)

    return run, len(ids)


def test_a_run_that_finds_no_face_in_most_clips_is_refused(blindfolded):
    assert MAX_FACELESS == 0.5
    run, clips = blindfolded
    for n in (clips - 1, clips // 2 + 1):
        with pytest.raises(RunError, match=rf"no face was found in {n} of {clips} clips, e.g. 'casme2/"):
            run(n)


def test_a_tenth_of_the_clips_without_a_face_is_told_loudly_in_every_form(blindfolded):
    run, clips = blindfolded
    n = max(1, clips // 10)
    report = make_report(run(n))
    share = f"{100 * n / clips:.0f} %"
    line = f"NO FACE: no face was found in {n} of {clips} clips ({share}): they got no prediction"
    assert any(warning.startswith(line) for warning in report.warnings)
    assert report.data[0]["without_face"] == n
    assert json.loads(report.to_json())["without_face"] == n
    for form in ("markdown", "html"):
        assert f"NO FACE: no face was found in {n} of" in report.render(form)


def test_without_a_clip_without_a_face_nothing_is_said(blindfolded):
    run, _ = blindfolded
    report = make_report(run(0))
    assert report.data[0]["without_face"] == 0
    assert not any("face was found" in warning for warning in report.warnings)
