"""A saved model is loaded and classifies a clip."""

import json

import numpy as np
import pytest

from microexpr.core.errors import DataError, MicroexprError, MissingDataError, UnknownNameError, UsageError
from microexpr.core.tensor_files import read_metadata
from microexpr.imaging.images import write_image
from microexpr.preprocessing import Chain
from microexpr.preprocessing.base import STEPS
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.model import Model, load_model
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
    assert load_model(path)(frames) == load_model(path)(frames, 10, 13, 15)  # first frame, middle, last


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

    def predict_action_units(self, samples):
        return np.arange(34).reshape(1, 17, 2) / 34

    def unknown_reasons(self, samples):
        return ["" if samples[0].array("image").mean() > 0 else "too dark"]


def test_an_answer_has_action_units_and_a_reason_where_the_recognizer_gives_them(tmp_path, frames):
    chain = Chain.build(IMAGE_CHAIN[:2])
    answer = Model(chain, WithUnits()).answer(frames / "img10.png")
    assert answer.probabilities == {"b": 0.8, "a": 0.2} and answer.unknown == ""
    assert answer.action_units[3].code == "L2" and answer.action_units[3].probability == pytest.approx(3 / 34)
    write_image(tmp_path / "dark.png", np.zeros((40, 40, 3), np.uint8))
    assert Model(chain, WithUnits()).answer(tmp_path / "dark.png").unknown == "too dark"
    plain = load_model(saved(tmp_path / "m.safetensors"))
    assert plain.answer(frames / "img10.png").action_units == () and plain.answer(frames / "img10.png").unknown == ""
