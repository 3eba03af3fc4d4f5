"""A saved model is loaded and classifies a clip."""

import json

import numpy as np
import pytest

from microexpr.analysis.options import AnalysisOptions
from microexpr.core.action_units import ActionUnit
from microexpr.core.errors import DataError, MicroexprError, MissingDataError, UnknownNameError, UsageError
from microexpr.core.tensor_files import read_metadata
from microexpr.imaging.images import write_image
from microexpr.preprocessing import Chain
from microexpr.preprocessing.base import STEPS
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.model import Answer, Model, joined_answer, load_model
from microexpr.recognizers.onnx_export import export

IMAGE_CHAIN = [
    {"name": "load-image"},
    {"name": "resize", "size": 28},
    {"name": "scale", "subtract": 127.5, "divide": 127.5},
]
FLOW = [{"name": "onset-apex"}, {"name": "flow", "estimator": "farneback"}, {"name": "resize", "size": 28}]


def saved(path, chain=IMAGE_CHAIN, **about):
    samples, labels = synthetic_samples(9)
    settings = {"name": "network", "epochs": 2, "batch_size": 8}
    about = {"chain": chain if isinstance(chain, str) else json.dumps(chain), "protocol": "megc2019-cde", **about}
    RECOGNIZERS.build(settings, classes=CLASSES, seed=1).fit(samples, labels).save(path, about)
    return path


@pytest.fixture
def frames(tmp_path):
    """A folder of six frames, numbers 10 to 15."""
    draws = np.random.default_rng(0)
    for number in range(10, 16):
        write_image(tmp_path / "clip" / f"img{number}.png", draws.integers(0, 255, (40, 40, 3), np.uint8))
    return tmp_path / "clip"


def test_a_saved_model_classifies_an_image(tmp_path, frames):
    model = load_model(saved(tmp_path / "m.safetensors"))
    answer = model(frames / "img10.png")
    assert set(answer) == set(model.classes) == set(CLASSES)
    assert sum(answer.values()) == pytest.approx(1)
    assert list(answer.values()) == sorted(answer.values(), reverse=True)
    assert model.metadata["protocol"] == "megc2019-cde"


def test_onnx_gives_the_same_probabilities(tmp_path, frames):
    path = saved(tmp_path / "m.safetensors", FLOW)
    expected = load_model(path)(frames, onset=10, apex=13)
    found = load_model(export(path, tmp_path / "m.onnx"))(frames, onset=10, apex=13)
    assert found == pytest.approx(expected, abs=1e-5)
    assert found != load_model(path)(frames, onset=10, apex=12)
    assert load_model(path)(frames, 10, offset=15) == load_model(path)(frames, 10, 13, 15)  # the middle is the apex


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({}, r"its onset and apex are not given; give onset and apex \(frames 10 to 15\), or onset=10, offset=15"),
        ({"onset": 10}, "its apex is not given"),
        ({"apex": 13, "offset": 15}, "its onset is not given"),
        ({"onset": 12, "apex": 12}, "onset = apex = 12: between a frame and itself there is no motion"),
    ],
)
def test_a_model_of_motion_is_told_when_the_movement_is(tmp_path, frames, times, said):
    model = load_model(saved(tmp_path / "m.safetensors", FLOW))
    with pytest.raises(UsageError, match=said):
        model(frames, **times)
    images = {number: np.full((40, 40, 3), number, np.uint8) for number in range(10, 16)}
    with pytest.raises(UsageError, match=said):
        model.answer("in memory", **times, frames=images)


def test_a_model_of_apex_frames_takes_a_picture_and_asks_for_the_apex_of_a_film(tmp_path, frames):
    chain = [{"name": "onset-apex", "which": ["apex"]}, {"name": "select-frame"}, {"name": "resize", "size": 28}]
    model = load_model(saved(tmp_path / "m.safetensors", chain))
    assert model(frames / "img12.png") == model(frames, apex=12) != model(frames, apex=13)
    with pytest.raises(UsageError, match="its apex is not given"):
        model(frames)


SEQUENCE = [{"name": "sequence", "min_frames": 3}, {"name": "flow", "mode": "sequence", "estimator": "dis"}]
DIFFERENCE = [{"name": "sequence"}, {"name": "difference"}]
WINDOW = [{"name": "apex-window"}, {"name": "select-frame"}]


@pytest.mark.parametrize("chain", [FLOW, SEQUENCE, DIFFERENCE, WINDOW], ids=lambda chain: chain[0]["name"])
def test_a_model_of_motion_refuses_a_single_picture(tmp_path, frames, chain):
    model = load_model(saved(tmp_path / "m.safetensors", chain))
    with pytest.raises(MicroexprError, match=r"is one picture, which shows no motion|needs two frames"):
        model(frames / "img10.png")


def test_a_model_of_action_units_is_refused_where_classes_are_needed(tmp_path):
    samples, _ = synthetic_samples(6)
    units = RECOGNIZERS.build({"name": "one-vs-rest"}, classes=("4", "12"))
    units.fit(samples, ["4", "12", "4+12", "L12", "4", "12"]).save(
        tmp_path / "units.safetensors", {"chain": json.dumps(IMAGE_CHAIN)}
    )
    assert load_model(tmp_path / "units.safetensors").classes == ("4", "12")
    options = AnalysisOptions(model=tmp_path / "units.safetensors")
    for refused in (options.check, options.load_model):
        with pytest.raises(UsageError, match=r"units.safetensors' tells action units \(4, 12\), not classes"):
            refused()


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({"apex": 99}, r"apex = 99: '.*clip' has no such frame \(it has 10 to 15\)"),
        ({"onset": 12, "apex": 11}, "apex = 11: lies before the onset, 12"),
        ({"onset": 12, "offset": 11}, "offset = 11: lies before the onset"),
    ],
)
def test_impossible_times_are_refused(tmp_path, frames, times, said):
    with pytest.raises(UsageError, match=said):
        load_model(saved(tmp_path / "m.safetensors", FLOW))(frames, **times)


def test_sources_that_cannot_be_read(tmp_path, frames):
    model = load_model(saved(tmp_path / "m.safetensors"))
    with pytest.raises(MissingDataError, match="is not there"):
        model(tmp_path / "nowhere")
    with pytest.raises(MicroexprError, match="6 frames; step 'load-image' takes a clip of one image"):
        model(frames)


def test_files_without_a_chain_or_with_a_wrong_one_are_refused(tmp_path, frames):
    samples, labels = synthetic_samples(6)
    bare = tmp_path / "bare.safetensors"
    RECOGNIZERS.build({"name": "majority"}, classes=CLASSES).fit(samples, labels).save(bare)
    with pytest.raises(DataError, match=r"give load_model\(path, chain="):
        load_model(bare)
    assert max(load_model(bare, IMAGE_CHAIN)(frames / "img10.png").values()) > 0
    for chain, said in (
        (["x"], "not a list of steps"),
        ("not JSON", "not a list of steps"),
        ([{"name": "flwo"}], "'flow'"),
    ):
        with pytest.raises((DataError, UnknownNameError), match=said):
            load_model(saved(tmp_path / "m.safetensors", chain))
    with pytest.raises(MissingDataError, match="is not a file"):
        load_model(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("name", STEPS.names())
def test_every_step_of_a_chain_survives_json(name):
    chain = Chain.build([{"name": name}])
    assert Chain.build(json.loads(json.dumps(chain.settings))) == chain


def test_metadata_are_saved_and_reserved_keys_are_refused(tmp_path):
    path = saved(tmp_path / "m.safetensors", license="research only")
    assert read_metadata(path)["license"] == "research only" and read_metadata(path)["recognizer"] == "network"
    for about in ({"settings": "x"}, {"n": 3}):
        with pytest.raises(UsageError, match="use a string under another key than recognizer, settings"):
            saved(path, **about)
    (tmp_path / "text.safetensors").write_text("no")
    with pytest.raises(DataError, match="not a safetensors file"):
        read_metadata(tmp_path / "text.safetensors")


def test_a_model_trained_on_a_gpu_predicts_on_a_cpu(tmp_path, frames):
    samples, labels = synthetic_samples(6)
    recognizer = RECOGNIZERS.build({"name": "network", "epochs": 1}, classes=CLASSES).fit(samples, labels)
    recognizer.device = "cuda"  # type: ignore[attr-defined]
    recognizer.save(tmp_path / "m.safetensors")
    assert sum(load_model(tmp_path / "m.safetensors", IMAGE_CHAIN)(frames / "img10.png").values()) == pytest.approx(1)


class WithUnits:
    """A recognizer that tells action units and what is unlike its training."""

    classes = ("a", "b")

    def predict_proba(self, samples):
        return np.array([[0.2, 0.8]] * len(samples))

    def predict(self, samples):
        return ["a"] * len(samples)

    def predict_action_units(self, samples):
        return np.arange(34).reshape(1, 17, 2) / 34

    def unknown_reasons(self, samples):
        return ["" if samples[0].array("image").mean() > 0 else "too dark"]


def test_an_answer_has_action_units_and_a_reason_where_the_recognizer_gives_them(tmp_path, frames):
    chain = Chain.build(IMAGE_CHAIN[:2])
    answer = Model(chain, WithUnits()).answer(frames / "img10.png")
    assert answer.probabilities == {"b": 0.8, "a": 0.2} and answer.unknown == ""
    assert answer.label == "a"  # what the recognizer says, not the most probable class
    assert answer.action_units[3].code == "L2" and answer.action_units[3].probability == pytest.approx(3 / 34)
    write_image(tmp_path / "dark.png", np.zeros((40, 40, 3), np.uint8))
    assert Model(chain, WithUnits()).answer(tmp_path / "dark.png").unknown == "too dark"
    plain = load_model(saved(tmp_path / "m.safetensors"))
    assert plain.answer(frames / "img10.png").action_units == () and plain.answer(frames / "img10.png").unknown == ""


def test_joined_answers_have_the_surest_class_and_every_unit_that_one_of_them_tells():
    known = Answer({"a": 0.6, "b": 0.4}, "a", (ActionUnit(1, "R", 0.9), ActionUnit(1, "L", 0.1)))
    surer = Answer({"b": 0.7, "a": 0.3}, "b", (ActionUnit(1, "R", 0.2), ActionUnit(1, "L", 0.5)))
    strange = Answer({"a": 0.9, "b": 0.1}, "a", (ActionUnit(1, "R", 0.0), ActionUnit(1, "L", 0.0)), "talk")
    joined = joined_answer([known, strange, surer])
    assert (joined.label, joined.unknown) == ("b", "")
    assert [unit.probability for unit in joined.action_units] == [0.9, 0.5]
    assert joined_answer([strange]) == strange
