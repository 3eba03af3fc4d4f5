"""The recognizer that ships: what it reads, its calibration, and when it says that it knows nothing."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from microexpr.core.clip import Clip, Sample
from microexpr.core.errors import RecipeError
from microexpr.recognizers import RECOGNIZERS, Recognizer, _face_motion
from microexpr.recognizers._drawn_faces import DrawnFaces, held_out
from microexpr.recognizers.default import STILL, STRANGE, Default
from microexpr.recognizers.model import default_model
from microexpr.synthetic.motion import CLASSES
from microexpr.synthetic.motion.encoding import stretch
from microexpr.synthetic.motion.expressions import NOTHING
from microexpr.synthetic.motion.geometry import FaceFrame


def sample(image: np.ndarray, number: int = 0) -> Sample:
    clip = Clip(f"test/p/c{number}", "test", "test/p", Path("nowhere"), 200.0)
    return Sample(clip, {"image": image})


def as_analyze_has_them(faces: DrawnFaces) -> list[Sample]:
    images = np.moveaxis(faces.motion.numpy(), 1, -1) * np.array([128 / 224, 128 / 224, 1], np.float32)
    return [sample(image, number) for number, image in enumerate(images)]


@pytest.fixture(scope="module")
def shipped() -> Recognizer:
    model = default_model()
    assert model is not None and isinstance(model.predictor, Recognizer)
    return model.predictor


@pytest.fixture(scope="module")
def faces() -> DrawnFaces:
    return DrawnFaces.draw(held_out(), 400, seed=[99])


def test_it_is_right_about_drawn_faces_it_did_not_learn(shipped, faces):
    expression = faces.labels < NOTHING
    probabilities = shipped.predict_proba(as_analyze_has_them(faces))
    right = probabilities.argmax(axis=1) == faces.labels
    assert right[expression].mean() > 0.65
    confidence = probabilities.max(axis=1)[expression]
    assert abs(confidence.mean() - right[expression].mean()) < 0.1  # calibrated


def test_it_tells_action_units_by_side(shipped, faces):
    units = shipped.predict_action_units(as_analyze_has_them(faces))
    strong, none = faces.strengths > 0.5, faces.strengths == 0
    assert units.shape == (len(faces), 17, 2) and units.min() >= 0 and units.max() <= 1
    assert units[strong].mean() > 0.35 > 0.15 > units[none].mean()


def test_without_motion_the_answer_is_unknown_with_the_reason(shipped):
    still = sample(np.zeros((28, 28, 3), np.float32))
    assert shipped.unknown_reasons([still]) == [STILL]
    assert shipped.unknown_reasons([]) == [] and shipped.predict_action_units([]).shape == (0, 17, 2)


def test_motion_unlike_all_that_was_learned_is_unknown(shipped):
    rng = np.random.default_rng(0)
    noise = [sample(rng.normal(0, 4, (28, 28, 3)).astype(np.float32), number) for number in range(8)]
    assert shipped.unknown_reasons(noise) == [STRANGE] * 8


def test_talk_is_unknown_more_often_than_expressions(shipped, faces):
    unknown = np.array([bool(reason) for reason in shipped.unknown_reasons(as_analyze_has_them(faces))])
    assert unknown[faces.labels == NOTHING].mean() > unknown[faces.labels < NOTHING].mean() + 0.25


def test_it_reads_the_images_of_the_release_with_the_same_weights(faces):
    reader = Default(weights="shipped", source="release", classes=CLASSES).fit([], [])
    large = faces.labels < NOTHING
    flow = faces.motion[large]
    columns = np.arange(28)
    aligned, release = FaceFrame.aligned(28), FaceFrame.megc2019(28)
    places = [(columns - release.origin[i]) / release.unit[i] * aligned.unit[i] + aligned.origin[i] for i in (0, 1)]
    images = _face_motion._sampled(flow, *places)
    stretched = stretch(np.moveaxis(images.numpy(), 1, -1))
    predicted = reader.predict([sample(image, number) for number, image in enumerate(stretched)])
    assert np.mean([name == CLASSES[label] for name, label in zip(predicted, faces.labels[large], strict=True)]) > 0.65


def test_the_motion_of_the_head_is_taken_away(faces):
    flow = faces.motion[:50, :2]
    y, x = torch.meshgrid(torch.linspace(-1, 1, 28), torch.linspace(-1, 1, 28), indexing="ij")
    turned = flow + torch.stack([3 - 2 * y + x, 5 + 2 * x])
    rest, head = _face_motion.without_head(turned)
    assert torch.allclose(rest + head, turned, atol=1e-3)
    assert torch.allclose(rest, _face_motion.without_head(flow)[0], atol=0.05 * float(flow.abs().max()))


def test_a_small_training_can_be_saved_and_repeated(tmp_path, faces):
    settings = {"name": "default", "fields": 300, "epochs": 1}
    first, second = (RECOGNIZERS.build(settings, classes=CLASSES, seed=3).fit([], []) for _ in range(2))
    first.save(tmp_path / "a.safetensors")
    loaded, samples = Recognizer.load(tmp_path / "a.safetensors"), as_analyze_has_them(faces)[:5]
    for other in (second, loaded):
        assert np.array_equal(first.predict_proba(samples), other.predict_proba(samples))
    assert (tmp_path / "a.safetensors").stat().st_size < 1_300_000


def test_other_classes_and_other_images_are_refused(shipped):
    with pytest.raises(RecipeError, match="in this order"):
        RECOGNIZERS.build({"name": "default"}, classes=("a", "b"))
    with pytest.raises(RecipeError, match="takes \\(28, 28, 3\\)"):
        shipped.predict_proba([sample(np.zeros((20, 20, 3), np.float32))])
    assert dataclasses.is_dataclass(shipped)
