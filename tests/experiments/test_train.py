"""A model trained on all subjects, and the model that ships with the package."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from microexpr.core.errors import ProtocolError, RecipeError
from microexpr.experiments.options import RunOptions
from microexpr.experiments.train import train_model
from microexpr.imaging.images import write_image
from microexpr.protocols import load_protocol
from microexpr.recipes import load_recipe, parse_recipe
from microexpr.recognizers.model import default_model, load_model
from microexpr.recognizers.network import Network
from microexpr.synthetic import Camera, Timing, render_clip

RECIPE = """
title = "small"
[[stages]]
name = "micro"
data = ["casme2", "samm", "smic"]
protocol = "megc2019-cde"
chain = [{ name = "onset-apex", without_apex = "middle" }, { name = "select-frame" }, { name = "resize", size = 28 }]
recognizer = { name = "network", epochs = 2, batch_size = 16 }
"""


@pytest.fixture
def options(synthetic_datasets, tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path / "cache"))
    return RunOptions(allow_subset=True, roots={name: dataset.root for name, dataset in synthetic_datasets.items()})


def test_the_model_is_trained_on_all_subjects_once(synthetic_datasets, options, tmp_path, monkeypatch):
    counts, real = [], Network._fit
    monkeypatch.setattr(Network, "_fit", lambda self, s, *rest: (counts.append(len(s)), real(self, s, *rest))[1])
    clips = load_protocol("megc2019-cde").select(
        [c for name in ("casme2", "samm", "smic") for c in synthetic_datasets[name].clips()]
    )
    file = train_model(parse_recipe("small", RECIPE), tmp_path / "a.safetensors", options)
    again = train_model(parse_recipe("small", RECIPE), tmp_path / "b.safetensors", options)
    model, other = load_model(file), load_model(again)
    assert counts == [len(clips)] and model.metadata == other.metadata and file.read_bytes() == again.read_bytes()
    state, same = model.predictor.state(), other.predictor.state()  # type: ignore[attr-defined]
    assert all(np.array_equal(state[name], same[name]) for name in state)
    training = json.loads(model.metadata["training"])
    assert training["clips"] == len(clips) and training["subjects"] == len({e.clip.subject for e in clips})
    assert training["count_mismatches"]
    assert model.metadata["recipe"] == "small" and model.classes == load_protocol("megc2019-cde").classes
    assert sum(model(clips[0].clip.source).values()) == pytest.approx(1)


def test_a_subset_must_be_asked_for(options, tmp_path):
    with pytest.raises(ProtocolError, match="--allow-subset"):
        train_model(parse_recipe("small", RECIPE), tmp_path / "a.safetensors", RunOptions(roots=options.roots))
    assert not (tmp_path / "a.safetensors").exists()


def test_a_misspelt_setting_is_an_error_before_any_work(tmp_path):
    with pytest.raises(RecipeError, match="sizes"):
        train_model(parse_recipe("small", RECIPE.replace("size =", "sizes =")), tmp_path / "a.safetensors")


def test_the_model_card_describes_the_shipped_model():
    model, card = (
        default_model(),
        (Path(__file__).parents[2] / "docs" / "how-to" / "default-model.md").read_text(encoding="utf-8"),
    )
    assert model is not None
    training, recipe = json.loads(model.metadata["training"]), load_recipe("default-recognizer")
    assert f"{training['clips']} clips of {training['subjects']} synthetic subjects" in card
    assert json.loads(model.metadata["chain"]) == [dict(step) for step in recipe.final_stage.chain]  # type: ignore[attr-defined]
    assert model.metadata["recipe"] == recipe.name and json.loads(model.metadata["synthetic"]) is True
    assert ", ".join(model.classes) in card
    assert re.search(r"1 683 weights", card)
    assert sum(p.numel() for p in model.predictor.module_.parameters()) == 1683  # type: ignore[attr-defined]


def test_the_shipped_model_recognizes_a_synthetic_smile(tmp_path):
    clip = render_clip(123_456, units=((12, ""),), timing=Timing(0, 8, 16, 17, 200.0), amplitude=8.0, camera=Camera())
    for number in (0, 8, 16):
        write_image(tmp_path / f"{number}.png", clip.frame(number))
    probabilities = default_model()(tmp_path, 0, 8, 16)  # type: ignore[misc]
    assert set(probabilities) == {"negative", "positive", "surprise"} and sum(probabilities.values()) == pytest.approx(
        1
    )
    assert next(iter(probabilities)) == "positive"  # a synthetic smile
