"""Each data set on the scale of its own training clips, and of no other clip."""

import dataclasses

import numpy as np
import pytest

from microexpr.core.clip import Sample
from microexpr.core.errors import UsageError
from microexpr.recognizers import RECOGNIZERS, Recognizer, check_recognizer
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.normalization import DatasetScaler
from microexpr.recognizers.onnx_export import to_onnx
from microexpr.recognizers.onnx_model import OnnxModel

SMALL = {"name": "network", "epochs": 2, "batch_size": 8, "normalize": True}


def of(dataset: str, samples: list[Sample], factor: float) -> list[Sample]:
    """The same images, larger, as if they came from another release."""
    return [
        Sample(
            dataclasses.replace(s.clip, id=f"{dataset}/{s.id}", dataset=dataset, subject=f"{dataset}/{s.clip.subject}"),
            {"image": np.float32(factor) * s.array("image")},
        )
        for s in samples
    ]


def fitted(samples, labels, **settings):
    return RECOGNIZERS.build({**SMALL, **settings}, classes=CLASSES, seed=2).fit(samples, labels)


def test_scales_are_the_root_mean_square_of_each_channel():
    clip = synthetic_samples(1)[0][0].clip
    values = np.array([[[3.0, 0.0]], [[-4.0, 0.0]]], np.float32)
    scales = DatasetScaler.fit([Sample(clip, {"image": values}), Sample(clip, {"image": values})], "image")
    assert scales.scales["test"].tolist() == pytest.approx([np.sqrt(12.5), 1.0])  # nothing there: left as it is
    done = scales.apply("test", values)
    assert done.dtype == np.float32 and np.sign(done).tolist() == np.sign(values).tolist()
    assert scales.apply("elsewhere", values) == pytest.approx(done)


def test_sequences_count_every_frame():
    clip = synthetic_samples(1)[0][0].clip
    parts = [Sample(clip, {"image": np.full((t, 2, 2, 1), t, np.float32)}) for t in (1, 3)]
    assert DatasetScaler.fit(parts, "image").scales["test"] == pytest.approx([np.sqrt((1 + 3 * 9) / 4)])


def test_each_data_set_has_its_own_scale():
    samples, labels = synthetic_samples()
    twice, same = [*of("a", samples, 1), *of("b", samples, 50)], [*of("a", samples, 1), *of("b", samples, 1)]
    probabilities = fitted(twice, 2 * labels).predict_proba(twice)
    assert np.allclose(probabilities, fitted(same, 2 * labels).predict_proba(same), atol=1e-5)


def test_scales_are_not_computed_from_validation_subjects():
    samples, labels = synthetic_samples()
    model = fitted(samples, labels, validation_fraction=0.3)
    apart = model._held_out([s.clip.subject for s in samples])
    rest = [s for s, out in zip(samples, apart, strict=True) if not out]
    assert any(apart) and np.array_equal(model.scales_.scales["test"], DatasetScaler.fit(rest, "image").scales["test"])


def test_scales_are_saved_and_not_passed_to_the_next_stage(tmp_path):
    check_recognizer(SMALL)
    samples, labels = synthetic_samples()
    model = fitted(samples, labels)
    model.save(tmp_path / "a.safetensors")
    again = Recognizer.load(tmp_path / "a.safetensors")
    assert np.array_equal(again.scales_.scales["test"], model.scales_.scales["test"])  # type: ignore[attr-defined]
    follower = RECOGNIZERS.build(SMALL, classes=CLASSES, seed=3).fit(of("b", samples, 9), labels, init=model.state())
    assert list(follower.scales_.scales) == ["b"]  # type: ignore[attr-defined]  # weights are handed on, scales are not


def test_scales_are_part_of_an_onnx_file(tmp_path):
    pytest.importorskip("onnxscript")
    samples, labels = synthetic_samples()
    large = of("a", samples, 7)
    model = fitted(large, labels)
    images = np.stack([s.array("image") for s in large]).transpose(0, 3, 1, 2)
    found = OnnxModel(to_onnx(model, tmp_path / "m.onnx")).predict_arrays(images)
    assert np.allclose(found, model.predict_proba(large), atol=1e-4)
    two = fitted([*large, *of("b", samples, 1)], 2 * labels)
    with pytest.raises(UsageError, match="a scale for each of a, b"):
        to_onnx(two, tmp_path / "two.onnx")
