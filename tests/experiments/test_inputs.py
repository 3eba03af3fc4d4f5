"""Everything that can change an answer is part of a run's identity: a run of other inputs is refused."""

import dataclasses
import shutil

import numpy as np
import pytest

from microexpr.core import registry
from microexpr.core.config import weights_folder
from microexpr.core.errors import ProtocolError, RunError
from microexpr.core.tensor_files import write_tensors
from microexpr.experiments import recognition_folds, spotting_videos
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.experiments.spotting_videos import spot
from microexpr.imaging.images import read_image, write_image
from microexpr.recipes import load_recipe, parse_recipe

OWN = """
title = "two classes of one's own"
[[stages]]
name = "micro"
data = ["folder"]
protocol = { name = "own", title = "t", datasets = ["folder"], label = "emotion", classes = ["negative", "positive"] }
chain = [{ name = "onset-apex", which = ["apex"] }, { name = "select-frame" }, { name = "resize", size = 24 }]
recognizer = { name = "svm" }
"""


@pytest.fixture
def data(synthetic_datasets, tmp_path):
    """A copy of a data set of one's own."""
    return shutil.copytree(synthetic_datasets["folder"].root, tmp_path / "data")


@pytest.fixture
def options(data, tmp_path):
    clips = [line.split(",") for line in (data / "clips.csv").read_text().splitlines()[1:]]
    lines = [f"folder/{cells[1]}/{cells[0]},{('negative', 'positive')[i % 2]}" for i, cells in enumerate(clips)]
    (tmp_path / "labels.csv").write_text("clip,label\n" + "\n".join(lines) + "\n")
    return RunOptions(roots={"folder": data}, labels=tmp_path / "labels.csv")


def relabel(data, monkeypatch):
    file = data.parent / "labels.csv"
    lines = file.read_text().splitlines()
    lines[1], lines[2] = lines[1].replace("negative", "positive"), lines[2].replace("positive", "negative")
    file.write_text("\n".join(lines))


def move_the_onset(data, monkeypatch):
    lines = (data / "clips.csv").read_text().splitlines()
    cells = lines[1].split(",")
    cells[4] = str(int(cells[4]) + 1)
    (data / "clips.csv").write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]))


def change_an_image(data, monkeypatch):
    path = sorted(data.rglob("*.jpg"))[0]
    write_image(path, 255 - read_image(path), quality=60)


def load_a_plugin(data, monkeypatch):
    (data.parent / "plugin.py").write_text("x = 1")
    monkeypatch.setattr(registry, "loaded_plugins", [])
    monkeypatch.setattr("microexpr.experiments.inputs.loaded_plugins", [data.parent / "plugin.py"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (relabel, "its labels differ"),
        (move_the_onset, "its data differ"),
        (change_an_image, "its data differ"),
        (load_a_plugin, "its plug-ins differ"),
        (lambda _, patch: patch.setattr(recognition_folds, "__version__", "9"), "its version of microexpr differ"),
        (
            lambda _, patch: patch.setattr("microexpr.preprocessing.resize.Resize.version", 9),
            "its preprocessing differ",
        ),
    ],
)
def test_a_run_of_another_input_is_refused(change, text, options, data, tmp_path, monkeypatch):
    recipe = parse_recipe("own", OWN)
    first = evaluate(recipe, tmp_path / "run", options)
    assert evaluate(recipe, tmp_path / "run", options).predictions() == first.predictions()
    change(data, monkeypatch)
    with pytest.raises(RunError, match=text):
        evaluate(recipe, tmp_path / "run", options)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [("recognizer.C", 7.0, "its recipe differ"), ("chain.resize.size", 20, "its recipe and preprocessing differ")],
)
def test_a_run_of_other_settings_is_refused(key, value, text, options, tmp_path):
    recipe = parse_recipe("own", OWN)
    evaluate(recipe, tmp_path / "run", options)
    with pytest.raises(RunError, match=text):
        evaluate(recipe.with_settings({key: value}), tmp_path / "run", options)
    with pytest.raises(RunError, match="its seed differ"):
        evaluate(recipe, tmp_path / "run", dataclasses.replace(options, seed=1))


def test_another_file_of_weights_is_another_input(options, tmp_path, monkeypatch):
    from microexpr.core.progress import no_progress
    from microexpr.experiments.data import load_data
    from microexpr.experiments.inputs import recognition_inputs

    monkeypatch.setenv("MICROEXPR_WEIGHTS", str(tmp_path / "weights"))
    recipe = parse_recipe("own", OWN.replace("recognizer =", 'weights = "mine"\nrecognizer ='))
    found = []
    for value in (0.0, 1.0):
        write_tensors(weights_folder() / "mine.safetensors", {"a": np.full(3, value, np.float32)}, {})
        found.append(recognition_inputs(load_data(recipe, options, no_progress), options))
    assert {name for name in found[0] if found[0][name] != found[1][name]} == {"weights"}


def test_a_run_of_spotting_names_what_changed(synthetic_datasets, tmp_path, monkeypatch):
    options = RunOptions(allow_subset=True, roots=synthetic_datasets.roots)
    recipe = load_recipe("spot-strain-peaks")
    monkeypatch.setattr(spotting_videos, "_track", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        spot(recipe, tmp_path / "run", options)
    monkeypatch.setattr("microexpr.experiments.inputs.VERSION", 99)
    with pytest.raises(RunError, match="its face tracking differ"):
        spot(recipe, tmp_path / "run", options)


def test_a_class_that_no_clip_has_is_refused(options, tmp_path):
    text = OWN.replace('["negative", "positive"]', '["negative", "postive"]')
    with pytest.raises(ProtocolError, match=r"no clip has the class 'postive'; .* negative 6, positive 6, surprise 6"):
        evaluate(parse_recipe("own", text), tmp_path / "run", dataclasses.replace(options, labels=None))


def test_clips_of_other_labels_are_counted_and_named(options, tmp_path):
    run = evaluate(parse_recipe("own", OWN), tmp_path / "run", dataclasses.replace(options, labels=None))
    line = "6 of 18 clips take no part: their label is none of the classes (surprise 6)"
    assert run.metadata.absent == [line] and len(run.predictions()) == 12
