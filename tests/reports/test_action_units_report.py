"""Reports of action units: scores from stored predictions, tables, every format."""

import dataclasses
import json
import math

import pytest

from microexpr.core.action_units import ACTION_UNITS
from microexpr.experiments._action_unit_run import ActionUnitsRun
from microexpr.experiments.recognition_run import Prediction, RecognitionMetadata
from microexpr.protocols import PROTOCOLS
from microexpr.recipes import load_recipe
from microexpr.reports import make_report
from microexpr.reports._unit_summary import summarize_units

LABELS = ("4+12", "4", "R12", "L12", "4+L12")
FOUND = ({"R4": 0.9, "L4": 0.8, "R12": 0.7, "L12": 0.2}, {"R4": 0.6}, {"R12": 0.6, "L4": 0.7}, {"L12": 0.4}, {})


def make_run(folder, seed=0, found=FOUND, **changes) -> ActionUnitsRun:
    """Write a run of five clips of two subjects."""
    rules = dataclasses.replace(PROTOCOLS.get("casme2-action-units"), **{"min_positives": 2, **changes})
    ids = [f"casme2/sub0{1 + i % 2}/c{i}" for i in range(5)]
    folds = [{"name": "all", "train_subjects": [], "train_clips": 0, "test": ids}]
    recipe = load_recipe("action-units-flow-svm")
    data = {"casme2": {"fingerprint": "f", "synthetic": False}}
    common = {"kind": "action-units", "recipe": recipe.as_dict(), "key": "k", "data": data, "seed": seed}
    run = ActionUnitsRun.begin(folder, RecognitionMetadata(**common, protocol=dataclasses.asdict(rules), folds=folds))
    rows = []
    for name, label, own in zip(ids, LABELS, found, strict=True):
        probabilities = tuple(own.get(output, 0.1) for output in run.outputs)
        rows.append(Prediction(name, "casme2", name.rsplit("/", 1)[0], label, "", probabilities))
    run.write("all", rows)
    return run


@pytest.fixture
def run(tmp_path):
    """A finished run."""
    return make_run(tmp_path / "run")


def test_scores_of_each_unit_are_those_counted_by_hand(run):
    summary = summarize_units([run])
    by_number = {unit.number: unit for unit in summary.units}
    assert set(by_number) == {4, 12} and by_number[4].positives == 3 and by_number[12].positives == 4
    # AU 4: present .9 .6 .1, absent .7 .1; AU 12: present .7 .6 .4 .1, absent .1
    assert by_number[4].metrics["auc"] == pytest.approx((2 + 1 + 0.5) / 6)
    assert by_number[12].metrics["auc"] == pytest.approx(3.5 / 4)
    assert by_number[4].metrics["f1"] == pytest.approx(4 / 6) and by_number[12].metrics["f1"] == pytest.approx(4 / 6)
    assert by_number[4].trivial["f1"] == pytest.approx(6 / 8) and by_number[4].trivial["auc"] == 0.5
    assert summary.metrics["auc"] == pytest.approx((3.5 / 6 + 3.5 / 4) / 2)


def test_sides_of_each_unit_are_those_counted_by_hand(run):
    sides = summarize_units([run]).sides
    assert sides.counts == ((1, 0, 0, 0), (0, 0, 0, 2), (2, 0, 1, 1))
    assert sides.one_sided == 3 and sides.accuracy == pytest.approx(2.5 / 3)
    assert sides.interval is not None and 0 <= sides.interval[0] <= sides.accuracy <= sides.interval[1] <= 1


def test_the_mean_leaves_out_units_of_few_clips(tmp_path):
    report = make_report(make_run(tmp_path / "run", min_positives=4))
    summary = summarize_units([make_run(tmp_path / "run", min_positives=4)])
    assert summary.metrics["auc"] == pytest.approx(3.5 / 4) and [unit.number for unit in summary.judged] == [12]
    assert "AU 4‡" in report.to_markdown() and "‡ fewer than 4 clips: not in the means" in report.to_markdown()
    nobody = make_report(make_run(tmp_path / "other", min_positives=9))
    assert nobody.data[0]["metrics"]["auc"] is None
    assert "No action unit has 9 clips or more: there is no mean." in nobody.warnings


def test_the_threshold_is_that_of_the_protocol(tmp_path):
    summary = summarize_units([make_run(tmp_path / "run", threshold=0.05)])
    assert summary.metrics["f1"] == summary.trivial["f1"] and summary.metrics["recall"] == 1


def test_every_format_and_the_figure(run, tmp_path):
    report = make_report(run)
    for form in ("markdown", "latex", "html", "json"):
        assert "AUC" in report.render(form) or form == "json"
    table = json.loads(report.to_json())
    assert table["action_units"]["12"]["name"] == ACTION_UNITS[12] and table["n"] == 5 and table["subjects"] == 2
    frame = report.to_dataframe()
    assert set(frame[frame.metric == "auc"].part) == {"", "casme2", "AU 4", "AU 12"}
    assert report.save_figures(tmp_path / "figures") == 1 and (tmp_path / "figures" / "auc-by-unit.svg").is_file()


def test_seeds_are_one_report_and_recipes_are_compared(tmp_path):
    better = tuple({**own, "R4": 0.95} if "4" in label else own for own, label in zip(FOUND, LABELS, strict=True))
    seeds = [make_run(tmp_path / "a", seed=0), make_run(tmp_path / "b", seed=1, found=better)]
    summary = summarize_units(seeds)
    aucs = [summarize_units([run]).metrics["auc"] for run in seeds]
    assert summary.metrics["auc"] == pytest.approx(sum(aucs) / 2)
    assert summary.spread["auc"] == pytest.approx(abs(aucs[0] - aucs[1]) / math.sqrt(2))
    assert "sd of 2 seeds" in make_report(seeds).to_markdown()
    both = make_report([seeds[0], make_run(tmp_path / "c")])
    assert (
        len(both.parts) == 2 and "always present" in both.to_markdown() and "AUC by action unit" in both.to_markdown()
    )


def test_a_clip_without_a_face_is_counted(tmp_path):
    run = make_run(tmp_path / "run")
    path = run.unit_path("all")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1] + "face: not found"]) + "\n")
    n = len(run.predictions())
    line = f"no face was found in 1 of {n} clips ({100 / n:.0f} %): no action unit is predicted for them."
    assert any(warning.endswith(line) for warning in make_report(run).warnings)
