"""A model trained on all subjects, and the model that ships with the package."""

import json
from pathlib import Path

import numpy as np
import pytest

from microexpr.core.errors import ProtocolError, RecipeError
from microexpr.experiments.options import RunOptions
from microexpr.experiments.train import train_model
from microexpr.imaging.images import write_image
from microexpr.protocols import load_protocol
from microexpr.recipes import RecognitionRecipe, load_recipe, parse_recipe
from microexpr.recognizers.default import STILL, Default
from microexpr.recognizers.model import DEFAULT_MODEL, default_model, load_model
from microexpr.recognizers.network import Network
from microexpr.synthetic import Camera, Timing, Unit, render_clip
from tests.marks import needs_mesh

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
    return RunOptions(allow_subset=True, roots=synthetic_datasets.roots)


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
    first = clips[0].clip
    assert sum(model(first.source, first.onset, first.apex).values()) == pytest.approx(1)


def test_a_subset_must_be_asked_for(options, tmp_path):
    with pytest.raises(ProtocolError, match="--allow-subset"):
        train_model(parse_recipe("small", RECIPE), tmp_path / "a.safetensors", RunOptions(roots=options.roots))
    assert not (tmp_path / "a.safetensors").exists()


def test_a_misspelt_setting_is_an_error_before_any_work(tmp_path):
    with pytest.raises(RecipeError, match="sizes"):
        train_model(parse_recipe("small", RECIPE.replace("size =", "sizes =")), tmp_path / "a.safetensors")


def test_a_recognizer_that_needs_no_clips_is_trained_without_data(tmp_path):
    recipe = load_recipe("default-recognizer").with_settings({"recognizer.fields": 300, "recognizer.epochs": 1})
    model = load_model(train_model(recipe, tmp_path / "a.safetensors", RunOptions(roots={"casme2": tmp_path / "none"})))
    assert json.loads(model.metadata["training"]) == {"clips": 0, "subjects": 0}
    assert "from no face" in model.metadata["license"] and model.metadata["recipe"] == "default-recognizer"


def test_the_model_card_describes_the_shipped_model():
    model, recipe = default_model(), load_recipe("default-recognizer")
    card = (Path(__file__).parents[2] / "docs" / "how-to" / "default-model.md").read_text(encoding="utf-8")
    assert model is not None and isinstance(model.predictor, Default) and isinstance(recipe, RecognitionRecipe)
    assert json.loads(model.metadata["chain"]) == [dict(step) for step in recipe.final_stage.chain]
    assert model.metadata["recipe"] == recipe.name and json.loads(model.metadata["synthetic"]) is True
    assert ", ".join(model.classes) in card and model.metadata["results"] in " ".join(card.split())
    weights = sum(p.numel() for module in model.predictor.modules_ for p in module.parameters())
    assert f"{weights:,} weights".replace(",", " ") in card
    assert DEFAULT_MODEL.stat().st_size < 1_300_000


def rendered(folder: Path, units: tuple[Unit, ...], amplitude: float) -> Path:
    """Frames of a synthetic face."""
    shown = render_clip(5, units=units, timing=Timing(0, 8, 16, 17, 200.0), amplitude=amplitude, camera=Camera())
    for number in (0, 8, 16):
        write_image(folder / f"{number}.png", shown.frame(number))
    return folder


@needs_mesh
@pytest.mark.parametrize(
    ("units", "label"),
    [(((12, ""), (6, "")), "positive"), (((4, ""),), "negative"), (((1, ""), (2, "")), "surprise")],
)
@pytest.mark.parametrize("amplitude", [1.5, 8.0])
def test_the_shipped_model_recognizes_rendered_faces(tmp_path, units, label, amplitude):
    answer = default_model().answer(rendered(tmp_path, units, amplitude), 0, 8, 16)
    assert answer.unknown == "" and next(iter(answer.probabilities)) == label
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert {unit.number for unit in answer.action_units if unit.probability >= 0.5} >= {units[0][0]}


@needs_mesh
def test_the_shipped_model_says_why_a_face_that_does_not_move_is_unknown(tmp_path):
    answer = default_model().answer(rendered(tmp_path, ((12, ""),), 0.0), 0, 8, 16)
    assert answer.unknown == STILL and max(unit.probability for unit in answer.action_units) == 0
