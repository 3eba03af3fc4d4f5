"""Nine planted leaks are caught, their clean twins pass, and the lift of choosing an epoch on test people is shown."""

import json
from pathlib import Path

import numpy as np
import pytest

from microexpr import run_recipe
from microexpr.core.errors import UsageError
from microexpr.core.files import unique_file_name
from microexpr.core.progress import no_progress
from microexpr.core.registry import load_plugin, loaded_plugins
from microexpr.datasets import DATASETS
from microexpr.experiments.audit import audit_recipe
from microexpr.experiments.data import load_data
from microexpr.experiments.epoch_predictions import FoldEpochs
from microexpr.experiments.leak_checks import LEAK_CHECKS, make_trial
from microexpr.experiments.options import RunOptions
from microexpr.preprocessing import STEPS
from microexpr.recipes import parse_recipe
from microexpr.recognizers import RECOGNIZERS
from microexpr.reports.audit import make_audit_report
from tests.conftest import NETWORK

PLUGIN = Path(__file__).parent / "leaks" / "planted.py"


@pytest.fixture(scope="module", autouse=True)
def planted():
    """The plug-in is loaded for these tests only."""
    with pytest.MonkeyPatch.context() as patch:
        for registry in (DATASETS, STEPS, RECOGNIZERS):
            patch.setattr(registry, "_entries", dict(registry))  # all of them: a module registers its names only once
        load_plugin(PLUGIN)
        yield
        loaded_plugins.remove(PLUGIN.absolute())


def look(check, synthetic_datasets, *, recognizer="clean-tuning", step="", data="megc2019", faces=False):
    """What a check finds in a recipe with a part of the plug-in."""
    steps = ["onset-apex", "select-frame"] if faces else ["load-image"]
    chain = ", ".join(f'{{ name = "{name}" }}' for name in [*steps, *filter(None, [step])])
    text = f"""
title = "test"
[[stages]]
name = "micro"
data = ["{data}"]
protocol = "{"casme2-5" if faces else "megc2019-cde"}"
chain = [{chain}]
recognizer = {{ name = "{recognizer}" }}
"""
    root = synthetic_datasets["casme2" if faces else "megc2019"].root
    options = RunOptions(allow_subset=True, roots={data: root})
    stage = load_data(parse_recipe("test", text), options, no_progress)[-1]
    return LEAK_CHECKS.get(check)().look(make_trial(stage, [root], no_progress))


TWINS = [
    ("fresh-process", "a scaler fitted on all clips", {"recognizer": "{}-scaler", "step": "remember"}),
    ("files", "a selection fitted on all labels", {"recognizer": "{}-selection"}),
    ("both-sides", "copies made before the split", {"data": "{}_copies"}),
    ("both-sides", "a person on both sides", {"data": "{}_people", "faces": True}),
    ("names", "the label of a test clip", {"step": "{}-label"}),
    ("files", "the apex of a test clip", {"step": "{}-apex"}),
    ("names", "the apex of a test clip", {"step": "{}-apex"}),
    ("batch-independence", "batch statistics of the test fold", {"recognizer": "{}-batch"}),
    ("fresh-process", "a stretch by all images", {"step": "{}-stretch"}),
    ("fold-name", "a setting tuned on each test person", {"recognizer": "{}-tuning"}),
]


@pytest.mark.parametrize(("check", "leak", "parts"), TWINS, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize(("twin", "outcome"), [("planted", "leak"), ("clean", "passed")])
def test_a_planted_leak_is_caught_and_its_clean_twin_passes(synthetic_datasets, check, leak, parts, twin, outcome):
    named = {name: value.format(twin) if isinstance(value, str) else value for name, value in parts.items()}
    found = look(check, synthetic_datasets, **named)
    assert found.outcome == outcome, f"{leak}: {found.details}"


def test_every_check_catches_a_planted_leak():
    assert {check for check, _, _ in TWINS} == set(LEAK_CHECKS.names())


def audit_network(synthetic_datasets, folder, **options):
    """An audit of a small network on synthetic flow."""
    roots = {"megc2019": synthetic_datasets["megc2019"].root}
    common = {"roots": roots, "inner_folds": 2, "allow_subset": True, "executor": "local", "progress": False}
    return audit_recipe(parse_recipe("net", NETWORK), folder, **{**common, **options})


def test_an_audit_of_a_clean_network(synthetic_datasets, tmp_path):
    audit = audit_network(synthetic_datasets, tmp_path / "audit", seeds=2)
    assert {finding.outcome for finding in audit.findings.values()} == {"passed"} and not audit.leaks
    report = make_audit_report(audit)
    record = json.loads(report.to_json())
    last, inner, one, each = record["epochs"]
    assert [choice["clean"] for choice in (last, inner, one, each)] == [True, True, False, False]
    assert last["chosen"] == [6, 6] and 1 <= inner["chosen"][0] <= inner["chosen"][1] <= 6
    assert "†" in report.to_markdown() and each["lift"]["macro_f1"]["low"] <= each["lift"]["macro_f1"]["high"]
    for run in audit.runs:
        for fold in run.unit_names:
            kept = FoldEpochs.read(run, fold)
            rows = run.fold_predictions(fold)
            assert kept.epochs.tolist() == [1, 2, 3, 4, 5, 6] and kept.test_ids == tuple(row.id for row in rows)
            own = [run.protocol.classes[c] for c in kept.test_predicted[-1]]
            assert own == [row.predicted for row in rows]  # the last kept epoch is the run itself
            people = {run_id.rpartition("/")[0] for run_id in kept.held_out_ids}
            assert people.isdisjoint({row.subject for row in rows})  # a test person is in no inner fold
    again = make_audit_report(audit_network(synthetic_datasets, tmp_path / "audit", seeds=2))
    assert json.loads(again.to_json()) == record


def test_kept_epochs_change_no_prediction_and_need_more_than_a_saved_model(synthetic_datasets, tmp_path):
    """What is asked of a network between two epochs changes nothing that it learns."""
    options = {"roots": {"megc2019": synthetic_datasets["megc2019"].root}, "allow_subset": True, "progress": False}
    plain, kept = (
        run_recipe(parse_recipe("net", NETWORK), tmp_path / name, keep_epochs=every, save_models=True, **options)
        for name, every in (("plain", 0), ("kept", 4))
    )
    fold = kept.unit_names[0]
    assert FoldEpochs.read(kept, fold).epochs.tolist() == [4, 6]
    assert all(kept.fold_predictions(name) == plain.fold_predictions(name) for name in plain.unit_names)
    before = kept.fold_predictions(fold)
    [table] = (tmp_path / "kept" / "folds").glob(f"{unique_file_name(fold)}.csv")
    table.unlink()  # a stop between the model and the predictions
    again = run_recipe(parse_recipe("net", NETWORK), tmp_path / "kept", keep_epochs=4, save_models=True, **options)
    assert again.fold_predictions(fold) == before


def test_all_folds_at_once_keep_the_same_epochs(synthetic_datasets, tmp_path):
    one = audit_network(synthetic_datasets, tmp_path / "one").runs[0]
    many = audit_network(synthetic_datasets, tmp_path / "many", executor="batched", workers=3).runs[0]
    for fold in one.unit_names:
        first, second = FoldEpochs.read(one, fold), FoldEpochs.read(many, fold)
        assert np.mean(first.test_predicted == second.test_predicted) > 0.95


ACTION_UNITS = """
title = "test"
[action_units]
data = ["megc2019"]
protocol = "megc2019-action-units"
chain = [{ name = "load-image" }]
recognizer = { name = "action-unit-network", epochs = 3, batch_size = 16 }
"""


def test_an_audit_of_a_network_of_action_units(synthetic_datasets, tmp_path):
    roots = {"megc2019": synthetic_datasets["megc2019"].root}
    options = {"inner_folds": 2, "allow_subset": True, "executor": "local", "progress": False}
    audit = audit_recipe(parse_recipe("units", ACTION_UNITS), tmp_path / "audit", roots=roots, **options)
    assert not audit.leaks, audit.findings
    report = make_audit_report(audit)
    last, inner, one, each = json.loads(report.to_json())["epochs"]
    assert (
        last["chosen"] == [3, 3]
        and [choice["clean"] for choice in (last, inner, one, each)] == [True] * 2 + [False] * 2
    )
    assert one["scores"]["auc"] >= last["scores"]["auc"] and each["lift"]["f1"]["low"] <= each["lift"]["f1"]["high"]
    assert "mean AUC" in report.to_markdown() and report.save_figures(tmp_path / "figures") == 1
    [run] = audit.runs
    for fold in run.unit_names:
        kept = FoldEpochs.read(run, fold)
        rows = [row.probabilities for row in run.fold_predictions(fold)]
        assert kept.test_predicted[-1] == pytest.approx(np.array(rows), abs=1e-6)  # the last one is the run itself


NO_IMAGES = """
title = "test"
[action_units]
data = ["casme", "samm"]
protocol = "cd6me"
chain = [{ name = "no-images" }]
recognizer = { name = "always-present" }
"""


def test_an_audit_of_a_recipe_that_reads_no_images(tmp_path):
    roots = {name: tmp_path / name for name in ("casme", "samm")}
    for name, root in roots.items():
        DATASETS.get(name).make_synthetic(root, subjects=2, image_scale=0)
    audit = audit_recipe(
        parse_recipe("none", NO_IMAGES), tmp_path / "a", roots=roots, allow_subset=True, progress=False
    )
    outcomes = {name: finding.outcome for name, finding in audit.findings.items()}
    assert outcomes.pop("both-sides") == "not tried" and set(outcomes.values()) == {"passed"}


def test_a_recognizer_without_epochs_is_looked_at_only(synthetic_datasets, tmp_path, recipe):
    roots = {"megc2019": synthetic_datasets["megc2019"].root}
    audit = audit_recipe(recipe, tmp_path / "svm", roots=roots, allow_subset=True, progress=False)
    assert audit.runs == () and not audit.leaks
    assert "lift" not in make_audit_report(audit).to_markdown()


def test_a_recipe_that_trains_on_nobody_is_refused(tmp_path):
    with pytest.raises(UsageError, match="trains on no clips"):
        audit_recipe("zero-shot-megc2019", tmp_path)
