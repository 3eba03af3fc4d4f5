"""Two runs are compared clip by clip, in Python and in every form of a report."""

import dataclasses
import json
import shutil

import pytest

import microexpr as mx
from microexpr.core.errors import RunError, UsageError
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.experiments.recognition_run import RecognitionRun
from microexpr.metrics import METRICS, Metric, macro_f1, weighted_average_recall
from microexpr.recipes import parse_recipe
from tests.conftest import RECIPE


@pytest.fixture(scope="module")
def run(synthetic_datasets, tmp_path_factory):
    options = RunOptions(allow_subset=True, roots=synthetic_datasets.roots)
    return evaluate(parse_recipe("first", RECIPE), tmp_path_factory.mktemp("comparison") / "run", options)


def copy(run, folder, name="second", predicted=lambda row: row.predicted, seed=0, **changes):
    """A run of another recipe on the same clips, whose predictions a function gives."""
    shutil.copytree(run.folder, folder)
    header = json.loads((folder / "run.json").read_text())
    title = name if name == "second" else header["recipe"]["title"]
    header["recipe"] |= {"name": name, "title": title}
    key = header["key"] if name == "first" else name
    (folder / "run.json").write_text(json.dumps({**header, "key": key, "seed": seed, **changes}))
    other = RecognitionRun.open(folder)
    for fold in other.done():
        rows = [dataclasses.replace(row, predicted=predicted(row)) for row in other.fold_predictions(fold)]
        other.write(fold, rows)
    return other


def test_the_difference_is_that_of_the_two_scores(run, tmp_path):
    worse = copy(run, tmp_path / "second", predicted=lambda row: "negative" if "/s01/" in row.id else row.predicted)
    found = mx.compare_runs(run, worse, metrics=["macro_f1", "weighted_average_recall"])
    for record, function in zip(found.differences, (macro_f1, weighted_average_recall), strict=True):
        each = [
            function([row.label for row in rows], [row.predicted for row in rows], run.protocol.classes)
            for rows in (run.predictions(), worse.predictions())
        ]
        assert (record.first, record.second) == pytest.approx(tuple(each))
        assert record.difference == pytest.approx(each[0] - each[1])
        assert record.low <= record.difference <= record.high
    assert (found.first, found.second, found.left_out, found.seeds) == ("first", "second", 0, 1)
    assert found.clips == len(run.predictions())
    assert found.subjects == len({row.subject for row in run.predictions()})
    assert found.to_dataframe()["metric"].tolist() == ["macro_f1", "weighted_average_recall"]


def test_against_always_wrong_predictions_every_swap_counts(run, tmp_path):
    """All people better: only the swap of nobody and that of everybody are as extreme, of 2 to the power of people."""
    right = copy(run, tmp_path / "right", "right", lambda row: row.label)
    wrong = copy(run, tmp_path / "wrong", "wrong", lambda row: "")
    [record] = mx.compare_runs(right, wrong, metrics=["weighted_average_recall"]).differences
    people = len({row.subject for row in run.predictions()})
    assert (record.first, record.second, record.low, record.high) == (1, 0, 1, 1)
    assert record.p_permutation == pytest.approx(2 / 2**people)


def test_a_metric_without_counts_gives_the_same(run, tmp_path, monkeypatch):
    monkeypatch.setattr(METRICS, "_entries", dict(METRICS))
    METRICS.add("plain", Metric("plain", "plain", macro_f1))
    worse = copy(run, tmp_path / "second", predicted=lambda row: "negative" if "/s01/" in row.id else row.predicted)
    found = mx.compare_runs(run, worse, metrics=["plain", "macro_f1"], n=50)
    plain, counted = (dataclasses.replace(record, metric="", label="") for record in found.differences)
    assert plain == counted


def test_clips_of_one_run_only_are_left_out_and_counted(run, tmp_path):
    part = copy(run, tmp_path / "second")
    part.unit_path("smic/s01").unlink()
    n = len(run.fold_predictions("smic/s01"))
    found = mx.compare_runs(run, part)
    assert found.left_out == n and found.clips == len(run.predictions()) - n
    table = mx.make_report([run, part]).tables[1]
    assert f"{n} clips that only one of them tested are left out" in table.note


def test_runs_that_cannot_be_compared_are_refused(run, tmp_path):
    with pytest.raises(UsageError, match="nothing cannot be compared clip by clip"):
        mx.compare_runs(run, [])
    more = copy(run, tmp_path / "classes")
    more.__dict__["protocol"] = dataclasses.replace(run.protocol, classes=(*run.protocol.classes, "others"))
    with pytest.raises(UsageError, match="the classes of their protocols differ"):
        mx.compare_runs(run, more)
    real = {name: {**facts, "synthetic": False} for name, facts in run.metadata.data.items()}
    with pytest.raises(UsageError, match="is on synthetic faces, the other is not"):
        mx.compare_runs(run, copy(run, tmp_path / "real", data=real))
    empty = copy(run, tmp_path / "empty")
    for fold in empty.done():
        empty.unit_path(fold).unlink()
    with pytest.raises(RunError, match="no tested clip in common"):
        mx.compare_runs(run, empty)


def test_every_form_of_a_report_has_the_comparison(run, tmp_path):
    worse = copy(run, tmp_path / "second", predicted=lambda row: "")
    report = mx.make_report([run, worse])
    table = report.tables[1]
    assert table.title == "differences: test minus each other run"
    assert [row[0] for row in table.rows] == ["second"] * len(run.protocol.primary_metrics)
    for form in ("markdown", "latex", "html"):
        assert "differences: test minus each other run" in report.render(form)
    records = [json.loads(line) for line in report.to_json().splitlines()]
    for record in records:
        [found] = record["comparisons"]
        assert (found["first"], found["second"]) == ("first", "second")
        assert set(found["differences"]) == set(run.protocol.primary_metrics)
        assert (
            found["differences"]["macro_f1"]["p_permutation"]
            == mx.compare_runs(run, worse).differences[0].p_permutation
        )


def test_a_recipe_without_chance_has_no_spread_over_seeds(run, tmp_path):
    seeds = [run, *(copy(run, tmp_path / str(n), "first", seed=n) for n in (1, 2))]
    worse = [copy(run, tmp_path / f"worse{n}", predicted=lambda row: "", seed=n) for n in (0, 1, 2)]
    report = mx.make_report([*seeds, *worse])
    text = report.to_markdown()
    assert "±" not in text and "sd of" not in text and "better with" not in text
    assert "all 3 seeds predict the same: nothing in this recipe depends on the seed" in text
    assert report.data[0]["seeds"] == [0, 1, 2] and report.data[0]["spread"] == {}
    assert mx.compare_runs(seeds, worse).seeds == 1


def test_where_predictions_depend_on_the_seed_they_are_paired_by_seed(run, tmp_path):
    """Seed 0 loses one person, seed 1 two; the other recipe, in which nothing is random, is right everywhere."""
    people = sorted({row.subject for row in run.predictions()})

    def losing(n):
        return lambda row: "" if row.subject in people[: n + 1] else row.label

    right = [copy(run, tmp_path / f"right{n}", "first", lambda row: row.label, n) for n in (0, 1)]
    losers = [copy(run, tmp_path / f"loser{n}", predicted=losing(n), seed=n) for n in (0, 1)]
    found = mx.compare_runs(right, losers, metrics=["weighted_average_recall"])
    [record] = found.differences
    of = [sum(row.subject == person for row in run.predictions()) for person in people]
    assert record.difference == pytest.approx((of[0] + of[0] + of[1]) / 2 / sum(of))
    assert (found.seeds, record.better) == (2, 2)
    text = mx.make_report([*right, *losers]).to_markdown()
    assert "better with" in text and "2 of 2" in text
