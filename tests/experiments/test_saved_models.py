"""A saved model is tested on a labeled data set, and never in silence on people whom it was trained on."""

import json
import shutil

import pytest

import microexpr as mx
from microexpr.core.errors import DataError, MissingDataError, RunError, UsageError
from microexpr.core.progress import no_progress
from microexpr.core.tensor_files import read_metadata
from microexpr.experiments.options import RunOptions
from microexpr.experiments.train import train_model
from microexpr.recipes import parse_recipe
from microexpr.recognizers import Recognizer
from tests.cli.test_cli import call
from tests.conftest import RECIPE

FLOW = """
title = "flow"
[[stages]]
name = "micro"
data = ["casme2"]
protocol = "megc2019-cde"
chain = [{ name = "onset-apex" }, { name = "flow", estimator = "dis" }, { name = "resize", size = 8 }]
recognizer = { name = "svm", kernel = "linear" }
"""

UNITS = """
title = "units"
[action_units]
data = ["casme2"]
protocol = "casme2-action-units"
chain = [{ name = "onset-apex" }, { name = "flow", estimator = "dis" }, { name = "resize", size = 8 }]
recognizer = { name = "one-vs-rest", recognizer = { name = "svm", kernel = "linear", calibrate = false } }
"""


@pytest.fixture(scope="module")
def roots(synthetic_datasets):
    return {name: synthetic_datasets[name].root for name in ("casme2", "folder", "megc2019")}


@pytest.fixture(scope="module")
def run(roots, tmp_path_factory):
    """A run that saved the model of every fold."""
    folder = tmp_path_factory.mktemp("models") / "run"
    recipe = parse_recipe("folds", RECIPE)
    return mx.run_recipe(recipe, folder, roots=roots, allow_subset=True, save_models=True, progress=no_progress)


@pytest.fixture(scope="module")
def flow_model(roots, tmp_path_factory):
    """A model that was trained on every person of the synthetic CASME II."""
    options = RunOptions(allow_subset=True, roots=roots)
    return train_model(parse_recipe("flow", FLOW), tmp_path_factory.mktemp("flow") / "flow.safetensors", options)


def fold_model(run, subject):
    return next((run.folder / "models").glob(f"{subject.replace('/', '.')}.safetensors"))


def people(rows):
    return {row.subject for row in rows}


def test_a_model_knows_whom_it_was_trained_on(run, flow_model):
    everybody = people(run.predictions())
    metadata = read_metadata(fold_model(run, "smic/s01"))
    assert set(json.loads(metadata["subjects"])) == everybody - {"smic/s01"}
    assert json.loads(read_metadata(flow_model)["subjects"]) == ["casme2/sub01", "casme2/sub02", "casme2/sub03"]


def test_on_the_person_that_was_left_out_it_predicts_what_the_fold_did(run, roots, tmp_path):
    model = fold_model(run, "smic/s01")
    tested = mx.test_model(
        model, "megc2019", out=tmp_path / "test", roots=roots, seen="skip", allow_subset=True, progress=False
    )
    own = [row for row in run.predictions() if row.subject == "smic/s01"]
    assert tested.predictions() == own and tested.metadata.seen == []
    assert tested.protocol.name == "megc2019-cde-test" and tested.complete and tested.train_confusion() is None
    report = mx.make_report(tested)
    assert report.data[0]["n"] == len(own) and report.data[0]["published"] == {}
    assert not any("ZERO-SHOT" in line or "TRAINED ON" in line for line in report.warnings)
    again = mx.test_model(
        model, "megc2019", out=tmp_path / "test", roots=roots, seen="skip", allow_subset=True, progress=False
    )
    assert again.predictions() == own


def test_people_whom_it_was_trained_on_are_refused(run, roots, flow_model, tmp_path):
    n = len(people(run.predictions()))
    with pytest.raises(UsageError, match=rf"was trained on {n - 1} of the {n} people of these clips, .*--seen skip"):
        mx.test_model(fold_model(run, "smic/s01"), "megc2019", out=tmp_path / "a", roots=roots, progress=False)
    with pytest.raises(UsageError, match=r"was trained on 3 of the 3 people .*; take other data"):
        mx.test_model(flow_model, "casme2", out=tmp_path / "b", roots=roots, seen="skip", progress=False)
    with pytest.raises(UsageError, match="seen = 'all': choose one of refuse, skip, mark"):
        mx.test_model(flow_model, "casme2", roots=roots, seen="all", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_test_on_people_whom_it_was_trained_on_is_marked_everywhere(roots, flow_model, tmp_path):
    tested = mx.test_model(
        flow_model, "casme2", out=tmp_path / "test", roots=roots, seen="mark", allow_subset=True, progress=False
    )
    report = mx.make_report(tested)
    line = "TRAINED ON TEST SUBJECTS: the model was trained on 3 of the 3 subjects of this test"
    assert any(warning.startswith(line) for warning in report.warnings)
    assert report.data[0]["seen"] == ["casme2/sub01", "casme2/sub02", "casme2/sub03"]
    for form in ("markdown", "latex", "html"):
        assert "TRAINED ON TEST SUBJECTS" in report.render(form)


def test_a_file_that_does_not_say_whom_it_was_trained_on_is_not_trusted(run, roots, tmp_path):
    metadata = read_metadata(fold_model(run, "smic/s01"))
    old = {name: metadata[name] for name in ("chain", "data", "protocol")}
    Recognizer.load(fold_model(run, "smic/s01")).save(tmp_path / "old.safetensors", old)
    with pytest.raises(UsageError, match=r"does not say whether it was trained on .* people of these clips"):
        mx.test_model(tmp_path / "old.safetensors", "megc2019", roots=roots, seen="skip", progress=False)


def test_on_another_data_set_it_says_what_it_says_of_each_clip(roots, synthetic_datasets, flow_model, tmp_path):
    tested = mx.test_model(flow_model, "folder", out=tmp_path / "test", roots=roots, progress=False)
    model = mx.load_model(flow_model)
    clips = {clip.id: clip for clip in synthetic_datasets["folder"].clips()}
    rows = tested.predictions()
    assert {row.id for row in rows} == set(clips)
    for row in rows:
        clip = clips[row.id]
        answer = model.answer(clip.source, clip.onset, clip.apex, clip.offset)
        assert (row.label, row.predicted) == (clip.labels["emotion"], answer.label)
        assert dict(zip(model.classes, row.probabilities, strict=True)) == pytest.approx(answer.probabilities, abs=1e-5)
    assert mx.compare_runs(tested, tested).differences[0].difference == 0
    assert mx.make_report(tested).data[0]["subset"] == []


def test_a_model_of_action_units_has_the_report_of_action_units(roots, tmp_path):
    options = RunOptions(allow_subset=True, roots=roots)
    model = train_model(parse_recipe("units", UNITS), tmp_path / "units.safetensors", options)
    tested = mx.test_model(
        model, "casme2", out=tmp_path / "test", roots=roots, seen="mark", allow_subset=True, progress=False
    )
    assert tested.kind == "action-units"
    text = mx.make_report(tested).to_markdown()
    assert "mean AUC" in text and "TRAINED ON TEST SUBJECTS" in text


def test_what_does_not_fit_is_refused(roots, flow_model, tmp_path):
    with pytest.raises(UsageError, match="give a protocol of the model's classes"):
        mx.test_model(flow_model, "folder", "casme2-5", roots=roots, progress=False)
    with pytest.raises(MissingDataError, match="is not a file"):
        mx.test_model(tmp_path / "nowhere.safetensors", "folder", roots=roots, progress=False)
    metadata = {k: v for k, v in read_metadata(flow_model).items() if k in ("chain", "subjects")}
    Recognizer.load(flow_model).save(tmp_path / "bare.safetensors", metadata)
    with pytest.raises(UsageError, match="names no protocol that is known"):
        mx.test_model(tmp_path / "bare.safetensors", "folder", roots=roots, progress=False)


def test_another_file_of_the_same_name_is_another_run(roots, flow_model, tmp_path):
    copy = shutil.copy(flow_model, tmp_path / "m.safetensors")
    mx.test_model(copy, "folder", out=tmp_path / "test", roots=roots, progress=False)
    Recognizer.load(flow_model).save(copy, {**_texts(flow_model), "note": "another"})
    with pytest.raises(RunError, match="holds another run"):
        mx.test_model(copy, "folder", out=tmp_path / "test", roots=roots, progress=False)
    (tmp_path / "m.safetensors").write_bytes(b"damaged")
    with pytest.raises(DataError):
        mx.test_model(copy, "folder", out=tmp_path / "other", roots=roots, progress=False)


def _texts(path):
    return {k: v for k, v in read_metadata(path).items() if k in ("chain", "subjects", "protocol")}


def test_the_command_prints_the_report_of_a_run(roots, flow_model, tmp_path, capsys):
    root = f"folder={roots['folder']}"
    code, out, err = call(
        capsys, "test", str(flow_model), "--data", "folder", "--root", root, "--out", str(tmp_path / "t")
    )
    assert code == 0 and "UF1" in out and f"wrote {tmp_path / 't'}" in err
    code, _, err = call(capsys, "test", str(flow_model), "--data", "casme2", "--root", f"casme2={roots['casme2']}")
    assert code == 2 and "was trained on 3 of the 3 people" in err
