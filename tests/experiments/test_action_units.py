"""Action units from a recipe to a report, on synthetic copies."""

import csv
import json

import pytest

import microexpr as mx
from microexpr.core.action_units import parse_action_units
from microexpr.core.errors import RecipeError, RunError
from microexpr.core.progress import no_progress
from microexpr.experiments._action_unit_run import ActionUnitsRun
from microexpr.experiments.options import RunOptions
from microexpr.experiments.runs import find_runs, open_run, run_seeds
from microexpr.experiments.train import train_model
from microexpr.recipes import load_recipe, parse_recipe
from microexpr.recognizers import Recognizer
from microexpr.recognizers.model import load_model
from microexpr.recognizers.one_vs_rest import OneVsRest
from microexpr.reports import make_report

RECIPE = """
title = "test"
[action_units]
data = ["megc2019"]
protocol = "megc2019-action-units"
chain = [{ name = "load-image" }, { name = "scale", subtract = 127.5, divide = 127.5 }]
recognizer = { name = "one-vs-rest", recognizer = { name = "svm", kernel = "linear" } }
"""


@pytest.fixture
def options(synthetic_datasets):
    """Options for the small synthetic releases of the tests."""
    return RunOptions(allow_subset=True, roots={"megc2019": synthetic_datasets["megc2019"].root})


@pytest.fixture(scope="module")
def made(synthetic_datasets, tmp_path_factory):
    """One finished run."""
    options = RunOptions(allow_subset=True, roots={"megc2019": synthetic_datasets["megc2019"].root})
    folder = tmp_path_factory.mktemp("units") / "run"
    return run_seeds(parse_recipe("units", RECIPE), folder, options, 1, no_progress)[0]


def test_a_run_stores_a_probability_for_each_action_unit_and_side(made):
    assert isinstance(made, ActionUnitsRun) and made.complete and isinstance(open_run(made.folder), ActionUnitsRun)
    with made.unit_path(next(name for name in made.unit_names if name.startswith("samm"))).open() as file:
        [first, *_] = csv.DictReader(file)
    assert list(first)[4:8] == ["predicted", "p_R1", "p_L1", "p_R2"] and len(first) == 6 + 34
    for row in made.predictions():
        likely = {name[1:] for name, p in zip(made.outputs, row.probabilities, strict=True) if p >= 0.5}
        assert {str(number) for number, _ in parse_action_units(row.predicted)} == likely
        assert row.dataset != "smic" and parse_action_units(row.label)


def test_what_has_no_action_units_is_counted(made):
    [line] = [line for line in made.metadata.absent if line.startswith("smic")]
    assert "clips have no 'action_units' that can be read" in line
    assert line in make_report(made).warnings


def test_a_stopped_run_is_continued(options, made, tmp_path):
    recipe = parse_recipe("units", RECIPE)
    run = run_seeds(recipe, tmp_path / "run", options, 1, no_progress)[0]
    content = {path.name: path.read_bytes() for path in (run.folder / "folds").iterdir()}
    run.unit_path(run.unit_names[0]).unlink()
    again = run_seeds(recipe, tmp_path / "run", options, 1, no_progress)[0]
    assert {path.name: path.read_bytes() for path in (again.folder / "folds").iterdir()} == content
    with pytest.raises(RunError, match="its recipe differs"):
        run_seeds(recipe.with_settings({"recognizer.recognizer.C": 2.0}), tmp_path / "run", options, 1, no_progress)


def test_a_recognizer_of_classes_is_refused(options, tmp_path):
    recipe = parse_recipe("units", RECIPE).with_settings({"recognizer": {"name": "svm"}})
    with pytest.raises(
        RecipeError, match="recognizer 'svm' tells classes, not action units; these tell action units: "
    ):
        run_seeds(recipe, tmp_path / "run", options, 1, no_progress)


def test_a_model_of_all_subjects_tells_action_units(options, tmp_path, synthetic_datasets):
    path = train_model(parse_recipe("units", RECIPE), tmp_path / "model.safetensors", options)
    recognizer = Recognizer.load(path)
    assert isinstance(recognizer, OneVsRest)
    sample = load_model(path).chain(synthetic_datasets["megc2019"].clips()[0].blind(()))
    assert recognizer.predict_action_units([sample]).shape == (1, 17, 2)


def test_the_public_interface_runs_a_shipped_recipe_on_synthetic_copies(tmp_path):
    run = mx.run_recipe("action-units-majority", tmp_path / "run", synthetic=True, quick=True, progress=False)
    table = json.loads(mx.make_report(run).to_json())
    assert table["synthetic"] and table["quick"] and table["protocol"] == "megc2019-action-units"
    assert table["metrics"]["f1"] < table["always_present"]["f1"] and table["always_present"]["recall"] == 1


def test_flow_of_a_synthetic_copy_tells_action_units(synthetic_datasets, tmp_path):
    """Motion of synthetic faces follows their action units, so they are ranked better than by chance."""
    options = RunOptions(allow_subset=True, roots={"casme2": synthetic_datasets["casme2"].root})
    recipe = load_recipe("action-units-flow-svm").with_settings({"chain.flow.estimator": "farneback"})
    run = run_seeds(recipe, tmp_path / "run", options, 1, no_progress)[0]
    assert make_report(find_runs(run.folder)).data[0]["metrics"]["auc"] > 0.6
