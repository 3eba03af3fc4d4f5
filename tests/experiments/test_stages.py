"""Stages before the last one: trained once, cached, shared and continued; never trained on test subjects."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from microexpr.core.config import cache_folder
from microexpr.core.errors import DataError, MissingDataError, ProtocolError, RecipeError, UsageError
from microexpr.datasets import open_dataset
from microexpr.experiments import stages
from microexpr.experiments.epoch_predictions import EpochEvaluation
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.networks.training import Trainer
from microexpr.recipes import RecognitionRecipe, load_recipe, parse_recipe
from microexpr.recognizers import RECOGNIZERS, Recognizer
from microexpr.recognizers.model import load_model
from microexpr.recognizers.network import Network
from microexpr.recognizers.synthetic_motion import SyntheticMotion
from microexpr.reports import make_report

ROUTE = """
title = "a route of two stages"
[[stages]]
name = "macro"
data = ["jaffe", "ckplus48"]
protocol = "macro-5"
chain = [{ name = "onset-apex", which = ["apex"] }, { name = "select-frame" }, { name = "resize" }]
recognizer = { name = "network", epochs = 2, batch_size = 16, checkpoint_seconds = 0.0 }
[[stages]]
name = "micro"
data = ["casme2", "samm"]
protocol = "megc2018-hde"
chain = [{ name = "onset-apex", which = ["apex"] }, { name = "select-frame" }, { name = "resize" }]
recognizer = { name = "network", epochs = 2, batch_size = 16 }
"""


@pytest.fixture
def route():
    return parse_recipe("route", ROUTE)


@pytest.fixture
def options(synthetic_datasets):
    return RunOptions(allow_subset=True, roots=synthetic_datasets.roots)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def trainings(monkeypatch):
    """The number of training images of each training of a network, in order."""
    counts = []
    real = Network._fit
    monkeypatch.setattr(Network, "_fit", lambda self, s, *rest: (counts.append(len(s)), real(self, s, *rest))[1])
    return counts


def test_a_stage_is_trained_once_and_shared_by_recipes(route, options, tmp_path, trainings):
    run = evaluate(route, tmp_path / "a", options)
    assert len(trainings) == 1 + 2
    macro, micro = run.stages()
    assert macro["clips"] == trainings[0] and micro["from"] == "stage 'macro'"
    assert macro["test"]["subjects"] == 2 and set(macro["data"]) == {"jaffe", "ckplus48"}
    evaluate(route.with_settings({"recognizer.epochs": 3}), tmp_path / "b", options)
    assert len(trainings) == 3 + 2  # the folds only: the first stage was found
    alone = dataclasses.replace(route, stages=route.stages[:1], name="alone")
    last = evaluate(alone, tmp_path / "c", options)
    assert len(trainings) == 5  # as the last stage it is found, too
    assert last.complete and last.curves()


def test_a_network_of_drawn_motion_is_trained_once_and_fine_tuned_in_every_fold(options, tmp_path, monkeypatch):
    small = {"stages.drawn.recognizer.fields": 100, "stages.drawn.recognizer.epochs": 1, "recognizer.epochs": 1}
    recipe = load_recipe("megc2019-motion-pretrained").with_settings(small)
    assert isinstance(recipe, RecognitionRecipe)
    drawn, real = [], SyntheticMotion._fit
    monkeypatch.setattr(SyntheticMotion, "_fit", lambda self, s, *rest: (drawn.append(len(s)), real(self, s, *rest))[1])
    run = evaluate(recipe, tmp_path / "run", options, task=EpochEvaluation(keep_every=1, inner_folds=0))
    assert drawn == [0] and len(run.done()) > 1  # once for all folds, from no clip of anybody
    first, last = run.stages()
    assert run.keeps_epochs and last["from"] == "stage 'drawn'" and first["clips"] == first["subjects"] == 0
    assert run.metadata.subset and not [line for line in run.metadata.subset if "drawn" in line]


def test_several_networks_cannot_be_passed_on_and_none_is_trained_for_it(options, tmp_path, monkeypatch):
    monkeypatch.setattr(SyntheticMotion, "_fit", None)
    recipe = load_recipe("megc2019-motion-pretrained").with_settings({"stages.drawn.recognizer.members": 2})
    assert isinstance(recipe, RecognitionRecipe)
    with pytest.raises(RecipeError, match="members = 2: the next stage can go on from one network"):
        evaluate(recipe, tmp_path / "run", options)
    assert not (tmp_path / "run").exists()


PIPELINE = {
    "name": "pipeline",
    "transforms": [
        {"name": "stage-network", "network": {"name": "ststnet"}, "array": "image", "append_to": "features"},
        {"name": "genetic-selection", "population": 4, "generations": 1},
    ],
    "recognizer": {"name": "svm", "array": "features", "calibrate": False},
}


def test_features_of_a_stage_are_selected_inside_the_folds_of_the_next(route, options, tmp_path, trainings):
    pipeline = route.with_settings({"recognizer": PIPELINE})
    run = evaluate(pipeline, tmp_path / "a", dataclasses.replace(options, save_models=True))
    assert len(trainings) == 1 and run.complete and run.stages()[-1]["from"] == "stage 'macro'"
    row = next(row for row in run.predictions() if row.dataset == "samm")
    [path] = (run.folder / "models").glob("casme2-to-samm*")
    clip = next(c for c in open_dataset("samm", options.roots["samm"]).clips() if c.id == row.id)
    found = load_model(path)(clip.source, clip.onset, clip.apex, clip.offset)  # a saved model has the network, too
    assert [found[name] for name in run.outputs] == pytest.approx(row.probabilities, abs=1e-5)


def test_an_interrupted_stage_continues_to_the_same_results(route, options, tmp_path, monkeypatch, trainings):
    whole = evaluate(route, tmp_path / "a", options)
    files = sorted((whole.folder / "folds").iterdir())
    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path / "other"))
    real, calls = Trainer.train_step, []

    def stopping(self, *args):
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(Trainer, "train_step", stopping)
    with pytest.raises(KeyboardInterrupt):
        evaluate(route, tmp_path / "b", options)
    assert len(list((tmp_path / "other" / "stages").glob("*/checkpoint*"))) == 1
    again = evaluate(route, tmp_path / "b", options)
    assert not list((tmp_path / "other" / "stages").glob("*/checkpoint*"))  # removed at the end
    for path in files:
        assert (again.folder / "folds" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("suffix", "position"), [("json", 20), ("json", None), ("safetensors", -9), ("safetensors", None)]
)
def test_a_damaged_stage_in_the_cache_is_trained_anew(route, options, tmp_path, trainings, suffix, position):
    whole = evaluate(route, tmp_path / "a", options)
    [path] = (cache_folder() / "stages").glob(f"*.{suffix}")
    content = bytearray(path.read_bytes())
    if position is None:
        del content[len(content) // 2 :]
    else:
        content[position] ^= 0x40
    path.write_bytes(content)
    again = evaluate(route, tmp_path / "b", options)
    assert len(trainings) == 2 * (1 + 2) and again.predictions() == whole.predictions()


def test_predictions_depend_on_the_initial_weights(route, options, tmp_path):
    routed = evaluate(route, tmp_path / "a", options).predictions()
    alone = evaluate(dataclasses.replace(route, stages=route.stages[1:]), tmp_path / "b", options).predictions()
    assert [row.id for row in routed] == [row.id for row in alone]
    assert [row.probabilities for row in routed] != [row.probabilities for row in alone]


def test_training_a_stage_on_a_test_subject_is_refused(route, options, tmp_path):
    swapped = dataclasses.replace(route, stages=(route.stages[1], route.stages[1]))
    with pytest.raises(
        ProtocolError, match="stage 'micro' would be trained on 'casme2/sub01', a test subject of the last"
    ):
        evaluate(swapped, tmp_path / "run", options)


def test_count_mismatches_of_every_stage_are_errors_or_noted(route, options, tmp_path):
    named = route.with_settings({"stages.macro.protocol": "peng2018-macro", "stages.macro.data": ["jaffe"]})
    with pytest.raises(ProtocolError, match="protocol 'peng2018-macro': ckplus is missing: 0 of 852 clips"):
        evaluate(named, tmp_path / "run", dataclasses.replace(options, allow_subset=False))
    run = evaluate(named, tmp_path / "run", options)
    assert "stage 'macro': ckplus is missing: 0 of 852 clips" in run.metadata.subset


def test_stages_start_from_named_weights(route, options, tmp_path, monkeypatch):
    named = route.with_settings({"stages.macro.weights": "nowhere"})
    with pytest.raises(MissingDataError, match="nowhere"):
        evaluate(named, tmp_path / "run", options)
    run = evaluate(route, tmp_path / "a", options)
    from_random = cache_folder() / "stages" / run.stages()[0]["file"]
    module = Network(network={"name": "ststnet"}, classes=("a", "b"))
    module._build_classifier((3, 28, 28), torch.Generator())
    from safetensors.numpy import save_file

    save_file({k: np.array(v) for k, v in module.state().items() if k != "_shape"}, tmp_path / "own.safetensors")
    named = route.with_settings({"stages.macro.weights": str(tmp_path / "own.safetensors")})
    run = evaluate(named, tmp_path / "b", options)
    assert run.stages()[0]["from"].endswith("own.safetensors")
    assert from_random.name != run.stages()[0]["file"]


def test_synthetic_data_use_synthetic_weights(route, tmp_path, monkeypatch):
    requested = []

    def weights(network, cache, progress):
        requested.append(network)
        return tmp_path / "w.safetensors"

    monkeypatch.setattr(stages, "synthetic_weights", weights)
    monkeypatch.setattr(stages, "read_weights", lambda path: {})
    start = stages.InitialWeights(None, "random weights", (0,))
    stage = dataclasses.replace(route.stages[0], weights="resnet10-imagenet")
    named = stages.load_named_weights(start, stage, RunOptions(synthetic=True), print)
    assert named.description == stages.SYNTHETIC_WEIGHTS and len(requested) == 1


def test_save_models_saves_a_model_for_each_fold(route, options, tmp_path):
    run = evaluate(route, tmp_path / "run", dataclasses.replace(options, save_models=True))
    names = sorted(path.name for path in (run.folder / "models").iterdir())
    assert names == ["casme2-to-samm.safetensors", "samm-to-casme2.safetensors"]
    model = Recognizer.load(run.folder / "models" / names[0])
    assert model.classes == ("I", "II", "III", "IV", "V") and len(model.history_) == 2


def test_save_models_saves_the_model_of_a_protocol_with_one_fold(route, options, tmp_path):
    single = dataclasses.replace(route, stages=route.stages[:1])
    for name in ("first", "from-cache"):  # the second run finds the trained stage in the cache
        run = evaluate(single, tmp_path / name, dataclasses.replace(options, save_models=True))
        [fold] = run.unit_names
        [path] = (run.folder / "models").iterdir()
        assert path.name == f"{fold}.safetensors"
        model = load_model(path)
        assert model.classes == run.protocol.classes
        cached = cache_folder() / "stages"
        assert path.read_bytes() == next(cached.glob("*.safetensors")).read_bytes()
    assert len(list(cached.glob("*.safetensors"))) == 1
    plain = evaluate(single, tmp_path / "not-saved", options)
    assert plain.complete and not (plain.folder / "models").exists()


def test_the_report_shows_stages_and_published_matrices(route, options, tmp_path):
    run = evaluate(route, tmp_path / "run", options)
    text = make_report(run).to_markdown()
    assert "stage 'macro'" in text and "images of" in text
    assert "91.7" in text and "Table II" in text and "Table III" in text
    data = json.loads(make_report(run).to_json())
    assert data["stages"][0]["clips"] > 0 and "curves" not in data["stages"][0]


def test_recipes_are_compared_seed_by_seed(route, options, tmp_path):
    alone = dataclasses.replace(route, name="alone", stages=route.stages[1:], title="alone")
    groups = [
        [evaluate(r, tmp_path / f"{r.title}-{n}", dataclasses.replace(options, seed=n)) for n in (0, 1)]
        for r in (route, alone)
    ]
    first, pairs = make_report([run for group in groups for run in group]).tables[:2]
    assert "±" in first.rows[0][1]
    assert (
        pairs.title == "differences: a route of two stages minus each other run" and pairs.columns[-1] == "better with"
    )
    assert {row[0] for row in pairs.rows} == {"alone"} and all(row[-1].endswith(" of 2") for row in pairs.rows)


def test_labels_are_read_from_a_csv(synthetic_datasets, options, tmp_path):
    clips = synthetic_datasets["megc2019"].clips()
    path = tmp_path / "labels.csv"
    lines = [f"{clip.id},{('I', 'II')[i % 2]}" for i, clip in enumerate(clips) if clip.dataset != "smic"]
    path.write_text("clip,label\n" + "\n".join(lines) + "\n")
    recipe = parse_recipe("flow", FLOW)
    own = dataclasses.replace(options, labels=path)
    run = evaluate(recipe, tmp_path / "run", own)
    assert sum(len(fold["test"]) for fold in run.metadata.folds) == len(lines)
    path.write_text(path.read_text() + "casme2/nobody/EP01,I\nsamm/nobody/1,3\n")  # as in the whole sheets
    again = evaluate(recipe, tmp_path / "whole", own)
    assert again.predictions() == run.predictions()
    assert again.metadata.absent[-1] == (
        f"labels 'labels.csv': 2 of {len(lines) + 2} lines name no clip of these data sets, e.g. 'casme2/nobody/EP01'"
    )
    path.write_text("clip,label\ncasme2/nobody/EP01,I\n")
    with pytest.raises(UsageError, match="'casme2/nobody/EP01' is none of the"):
        evaluate(recipe, tmp_path / "run2", own)
    path.write_text("clip,label\n")
    with pytest.raises(DataError, match="no line below its header"):
        evaluate(recipe, tmp_path / "run3", own)


FLOW = """
title = "flow"
[[stages]]
name = "micro"
data = ["megc2019"]
protocol = "megc2018-hde"
chain = [{ name = "load-image" }]
recognizer = { name = "svm" }
"""


def test_labels_are_read_from_the_sheets_of_the_releases(synthetic_datasets, options, tmp_path):
    run = evaluate(parse_recipe("flow", FLOW), tmp_path / "run", options)
    labels = {
        clip.id: clip.labels["objective"] for name in ("casme2", "samm") for clip in synthetic_datasets[name].clips()
    }
    assert run.predictions() and all(labels[row.id] == row.label for row in run.predictions())
    assert RECOGNIZERS.names()


def test_labels_go_to_every_stage_that_has_their_clips(route, synthetic_datasets, options, tmp_path):
    clips = [clip for name in ("casme2", "samm") for clip in synthetic_datasets[name].clips()]
    digits = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6", "VII": "7.0"}
    lines = [f"{clip.id},{digits[clip.labels['objective']]}" for clip in clips]
    (tmp_path / "labels.csv").write_text("clip,label\n" + "\n".join(lines) + "\n")
    plain = evaluate(route, tmp_path / "a", options)
    run = evaluate(route, tmp_path / "b", dataclasses.replace(options, labels=tmp_path / "labels.csv"))
    assert run.predictions() == plain.predictions() and len(run.stages()) == 2


def test_sheets_without_images_give_labels(synthetic_datasets, options, tmp_path):
    whole = evaluate(parse_recipe("flow", FLOW), tmp_path / "a", options)
    roots = dict(options.roots)
    for name in ("casme2", "samm"):
        roots[name] = tmp_path / name
        roots[name].mkdir()
        for sheet in synthetic_datasets[name].root.glob("*.xlsx"):
            shutil.copy(sheet, roots[name])
    run = evaluate(parse_recipe("flow", FLOW), tmp_path / "b", dataclasses.replace(options, roots=roots))
    assert run.predictions() == whole.predictions()
