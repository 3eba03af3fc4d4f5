"""The ranking of three or more recipes of one protocol."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

import microexpr as mx
from microexpr.core.errors import RunError
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.experiments.recognition_run import RecognitionRun
from microexpr.experiments.run_folder import write_json
from microexpr.recipes import parse_recipe
from tests.conftest import NETWORK, RECIPE


@pytest.fixture(scope="module")
def run_network(synthetic_datasets, tmp_path_factory):
    """A function: a run of a network that keeps every nth of its epochs."""
    text = NETWORK.replace('{ name = "network"', '{ name = "network", network = { name = "ststnet" }')
    options = {"roots": {"megc2019": synthetic_datasets["megc2019"].root}, "allow_subset": True, "progress": False}

    def run(every):
        folder = tmp_path_factory.mktemp("leaderboard") / "network"
        return mx.run_recipe(parse_recipe("network", text), folder, keep_epochs=every, executor="batched", **options)

    return run


@pytest.fixture(scope="module")
def network_run(run_network):
    """A run that kept every second epoch."""
    return run_network(2)


@pytest.fixture(scope="module")
def machine_run(synthetic_datasets, tmp_path_factory):
    """A run of a support vector machine on the same clips."""
    options = RunOptions(allow_subset=True, roots={"megc2019": synthetic_datasets["megc2019"].root})
    return evaluate(parse_recipe("machine", RECIPE), tmp_path_factory.mktemp("machine") / "run", options)


def altered(run, folder, name, predicted, **settings):
    """A copy of a run under another name, with other predictions and other settings of its recognizer."""
    shutil.copytree(run.folder, folder)
    table = json.loads((folder / "run.json").read_text())
    table["recipe"]["name"], table["key"] = name, f"{name} {settings}"
    table["recipe"]["stages"][-1]["recognizer"] |= settings
    write_json(folder / "run.json", table)
    copy = RecognitionRun.open(folder)
    for fold in copy.done():
        copy.write(fold, [replace(row, predicted=predicted(row)) for row in copy.fold_predictions(fold)])
    return copy


@pytest.fixture(scope="module")
def report(network_run, machine_run, tmp_path_factory):
    """A report of a network, a machine, one that is always right and one that says nothing."""
    folder = tmp_path_factory.mktemp("others")
    right = altered(machine_run, folder / "right", "right", lambda row: row.label)
    mute = altered(machine_run, folder / "mute", "mute", lambda row: "")
    return mx.make_report([mute, network_run, machine_run, right])


def test_the_best_comes_first_and_the_others_have_their_difference_to_it(report, machine_run):
    table = report.tables[0]
    assert table.title.startswith("leaderboard: MEGC 2019")
    names = [row[0].split()[0] for row in table.rows]
    assert names[0] == "right" and names[-1] == "mute"
    assert table.rows[0][1].startswith("1.000") and table.rows[-1][1].startswith(".000")
    assert table.rows[0][3] == "" and table.rows[-1][3].startswith("-1.000")
    [own] = [row for row in table.rows if row[0].startswith("machine")]
    score = next(record for record in report.data if record["recipe"] == "machine")["metrics"]["macro_f1"]
    assert float(own[3].split()[0]) == pytest.approx(score - 1, abs=6e-4)


def test_only_a_run_whose_epochs_were_kept_has_a_lift(report):
    table = report.tables[0]
    by_name = {row[0].split()[0]: row for row in table.rows}
    assert by_name["network"][4].startswith("+") and by_name["network"][5] == "1 683"
    assert by_name["machine"][4] == by_name["machine"][5] == ""
    records = {record["recipe"]: record for record in report.data}
    assert records["network"]["lift"]["difference"] >= 0 and records["machine"]["lift"] is None


def test_the_last_epoch_alone_leaves_nothing_to_choose_and_no_lift(run_network):
    run = run_network(1000)
    assert run.keeps_epochs
    assert mx.make_report(run).data[0]["lift"] is None


def test_a_recipe_with_other_settings_has_a_lift_of_its_own(network_run, machine_run, tmp_path):
    other = altered(machine_run, tmp_path / "other", "network", lambda row: row.label)
    table = mx.make_report([network_run, machine_run, other]).tables[0]
    lifts = [(row[0].split(",")[0], row[4]) for row in table.rows]
    assert lifts[0] == ("network", "") and next(lift for name, lift in lifts[1:] if name == "network").startswith("+")


def test_runs_of_one_recipe_are_told_apart_by_the_settings_that_differ(machine_run, tmp_path):
    right = altered(machine_run, tmp_path / "right", "machine", lambda row: row.label, C=3, kernel="rbf")
    mute = altered(machine_run, tmp_path / "mute", "machine", lambda row: "", C=5, kernel="rbf")
    report = mx.make_report([machine_run, mute, right])
    first = machine_run.metadata.recipe["stages"][-1]["recognizer"].get("C", "the default")
    names = [row[0].split(" (")[0] for row in report.tables[0].rows]
    assert names[0] == "machine, C 3, kernel rbf" and names[2] == "machine, C 5, kernel rbf"
    assert names[1].startswith(f"machine, C {first}, kernel ")
    assert {record["recipe"] for record in report.data} == {"machine"}
    assert {record["name"] for record in report.data} == set(names) == set(report.to_dataframe()["recipe"])
    for record in report.data:
        own = [c for c in record["comparisons"] if c["first"] == record["name"]]
        assert [c["second"] for c in own] == ([] if record["name"] == names[0] else [names[0]])
    two = mx.compare_runs(right, mute)
    assert (two.first, two.second) == ("machine, C 3", "machine, C 5")


def test_equal_runs_have_their_folders_in_their_names(machine_run, tmp_path):
    copy = RecognitionRun.open(shutil.copytree(machine_run.folder, tmp_path / "copy"))
    names = [record["name"] for record in mx.make_report([machine_run, copy]).data]
    assert names == [f"machine, {machine_run.folder}", f"machine, {tmp_path / 'copy'}"]
    assert [record["name"] for record in mx.make_report(machine_run).data] == ["machine"]


def test_the_records_hold_what_a_leaderboard_shows(report):
    for record in report.data:
        assert record["data"]["megc2019"]["synthetic"] and record["seconds_per_fold"] > 0
        assert [c["second"] for c in record["comparisons"] if c["first"] == record["recipe"]] == (
            [] if record["recipe"] == "right" else ["right"]
        )


def test_two_recipes_are_compared_by_every_metric(network_run, machine_run):
    titles = [table.title for table in mx.make_report([network_run, machine_run]).tables]
    assert any(title.startswith("differences") for title in titles)
    assert not any(title.startswith("leaderboard") for title in titles)


def test_the_time_of_folds_adds_up_over_interruptions(machine_run, tmp_path):
    run = RecognitionRun.open(shutil.copytree(machine_run.folder, tmp_path / "run"))
    before = run.seconds_per_fold() * len(run.unit_names)
    run.add_timing(1, 5.0, "local")
    assert run.seconds_per_fold() == pytest.approx((before + 5) / (len(run.unit_names) + 1))
    (run.folder / "timing.csv").write_text("folds,seconds\n1,soon\n")
    with pytest.raises(RunError, match="damaged"):
        run.seconds_per_fold()
