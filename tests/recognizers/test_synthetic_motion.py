"""The recognizer that is trained on drawn motion: it needs no clips, tells classes and action units, and is saved."""

import numpy as np
import pytest

from microexpr.core.clip import Clip, Sample
from microexpr.core.errors import MicroexprError, RecipeError
from microexpr.networks.motion import motion_inputs
from microexpr.preprocessing import STEPS
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers._motion_training import mirrored, shown, soft_targets
from microexpr.recognizers.synthetic_motion import SyntheticMotion
from microexpr.synthetic.motion import CLASSES, FaceFrame, MotionGenerator
from microexpr.synthetic.motion.encoding import encode
from microexpr.synthetic.motion.expressions import ANY

SMALL = {"name": "synthetic-motion", "fields": 1000, "epochs": 3, "members": 1}


def drawn_samples(n, encoding, frame, seed=7):
    drawn = MotionGenerator().draw(n, frame, seed)
    clips = [Clip(f"test/p/c{i:04d}", "test", "test/p", "nowhere", 200.0) for i in range(n)]
    images = encode(drawn, encoding)
    return [Sample(clip, {"image": image}) for clip, image in zip(clips, images, strict=True)], drawn


@pytest.fixture(scope="module")
def fitted():
    return RECOGNIZERS.build(SMALL, classes=CLASSES, seed=1).fit([], [])


def test_it_learns_without_a_clip(fitted):
    samples, drawn = drawn_samples(300, "stretched", FaceFrame.megc2019())
    known = drawn.labels < len(CLASSES)
    assert np.mean(fitted.predict_proba(samples).argmax(1)[known] == drawn.labels[known]) > 0.6
    units = fitted.predict_action_units(samples)
    brows = drawn.strengths[:, 2].max(1) > 0.35
    assert units.shape == (300, 17, 2) and units.min() >= 0 and units.max() <= 1
    assert units[brows, 2].mean() > units[~brows, 2].mean()


def test_pixels_of_the_aligned_frame_are_learned_too():
    settings = {**SMALL, "epochs": 2, "frame": "aligned", "encoding": "pixels"}
    recognizer = RECOGNIZERS.build(settings, classes=CLASSES, seed=1).fit([], [])
    samples, drawn = drawn_samples(300, "pixels", FaceFrame.aligned())
    known = drawn.labels < len(CLASSES)
    assert np.mean(recognizer.predict_proba(samples).argmax(1)[known] == drawn.labels[known]) > 0.5


def test_a_mirrored_face_has_the_same_class_and_its_sides_change(fitted):
    samples, _ = drawn_samples(8, "stretched", FaceFrame.megc2019())
    x = motion_inputs(np.stack([s.array("image") for s in samples]), "stretched")
    assert np.allclose(mirrored(mirrored(x)), x) and not np.allclose(mirrored(x), x)
    images = [s.array("image")[:, ::-1] * np.array([-1, 1, 1]) + np.array([255, 0, 0]) for s in samples]
    others = [Sample(s.clip, {"image": image.astype(np.uint8)}) for s, image in zip(samples, images, strict=True)]
    assert np.allclose(fitted.predict_proba(samples), fitted.predict_proba(others), atol=0.02)
    sides = fitted.predict_action_units(samples)
    assert np.allclose(sides[..., ::-1], fitted.predict_action_units(others), atol=0.02)


def test_a_side_that_moves_much_less_than_the_other_is_not_shown():
    strengths = np.zeros((1, 17, 2))
    strengths[0, :5] = [(1, 1), (1, 0.2), (0.7, 1), (1, 0.5), (0.175, 0)]
    expected = [(1, 1), (1, 0), (1, 1), (1, 0.5), (0.5, 0)]
    assert shown(strengths)[0, :5] == pytest.approx(np.array(expected)) and not shown(strengths)[0, 5:].any()


def test_action_units_without_a_class_do_not_count_in_its_loss():
    drawn = MotionGenerator().draw(200, FaceFrame.megc2019(), 3)
    classes = soft_targets(drawn, 0.1)[:, :3].numpy()
    free = drawn.labels == ANY
    assert free.any() and not classes[free].any()
    assert classes[~free].sum(axis=1) == pytest.approx(1) and classes[~free].max() == pytest.approx(0.9 + 0.1 / 3)


def test_what_was_learned_is_saved(fitted, tmp_path):
    samples, _ = drawn_samples(8, "stretched", FaceFrame.megc2019())
    fitted.save(tmp_path / "model.safetensors")
    loaded = SyntheticMotion.load(tmp_path / "model.safetensors")
    assert isinstance(loaded, SyntheticMotion)
    assert np.array_equal(fitted.predict_action_units(samples), loaded.predict_action_units(samples))


def test_a_network_goes_on_from_the_weights_and_the_classes_that_were_learned(fitted):
    samples, _ = drawn_samples(24, "stretched", FaceFrame.megc2019())
    inputs = [STEPS.build({"name": "motion-inputs"})(sample) for sample in samples]
    labels = fitted.predict(samples)
    still = {"name": "network", "network": {"name": "motion"}, "epochs": 1, "optimizer": {"name": "sgd", "lr": 1e-12}}
    network = RECOGNIZERS.build(still, classes=CLASSES).fit(inputs, labels, init=fitted.passed_on())
    learned, started = fitted.state(), network.state()
    assert started["head.weight"] == pytest.approx(learned["0.head.weight"][:3], abs=1e-6)
    assert started["places.weight"] == pytest.approx(learned["0.places.weight"], abs=1e-6)
    assert np.mean([a == b for a, b in zip(network.predict(inputs), labels, strict=True)]) > 0.8


def test_the_step_makes_the_inputs_of_the_networks(fitted):
    samples, _ = drawn_samples(3, "stretched", FaceFrame.megc2019())
    step = STEPS.build({"name": "motion-inputs"})
    expected = fitted._inputs(samples, "image").numpy()
    for sample, values in zip(samples, expected, strict=True):
        assert np.array_equal(step(sample).array("image").transpose(2, 0, 1), values)
    flow = Sample(samples[0].clip, {"image": np.zeros((28, 28, 2))})
    with pytest.raises(RecipeError, match=r"takes flow and strain .* got \(28, 28, 2\)"):
        step(flow)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"motion": {"gazes": 1.0}}, "gazes"),
        ({"motion": {"faults": {"noise": "much"}}}, "noise"),
        ({"network": {"name": "motoin"}}, "did you mean 'motion'"),
    ],
)
def test_misspelled_settings_are_found_at_once(settings, text):
    with pytest.raises(MicroexprError, match=text):
        RECOGNIZERS.build({**SMALL, **settings})


def test_other_classes_and_sizes_are_refused(fitted):
    with pytest.raises(RecipeError, match="tells negative, positive, surprise apart"):
        RECOGNIZERS.build(SMALL, classes=("happiness", "surprise"))
    small = Sample(Clip("t/p/c", "t", "t/p", "nowhere", 1.0), {"image": np.zeros((20, 20, 3))})
    with pytest.raises(RecipeError, match="takes \\(28, 28, 3\\)"):
        fitted.predict_proba([small])


def test_recognizers_that_need_clips_still_say_so():
    with pytest.raises(RecipeError, match="0 samples"):
        RECOGNIZERS.build({"name": "majority"}, classes=CLASSES).fit([], [])
