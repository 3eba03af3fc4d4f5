"""One network for all action units: what it learns, its sides, its file."""

import numpy as np
import pytest

from microexpr.core.action_units import ACTION_UNITS, format_action_units
from microexpr.core.clip import Clip, Sample
from microexpr.core.errors import RecipeError
from microexpr.recognizers import RECOGNIZERS, Recognizer
from microexpr.recognizers.action_unit_network import ActionUnitNetwork
from microexpr.synthetic.motion import FaceFrame, MotionGenerator
from microexpr.synthetic.motion.encoding import encode

UNITS = tuple(map(str, ACTION_UNITS))
TABLE = {"name": "action-unit-network", "epochs": 6}
BROW = UNITS.index("4")


def drawn_clips(n, seed):
    """Drawn motion as clips, and (n, 17, 2) bool, which action units they show."""
    drawn = MotionGenerator().draw(n, FaceFrame.megc2019(), seed)
    shown = drawn.strengths > 0.5
    clips = [Clip(f"test/p/c{i:04d}", "test", "test/p", "nowhere", 200.0) for i in range(n)]
    samples = [Sample(clip, {"image": image}) for clip, image in zip(clips, encode(drawn, "stretched"), strict=True)]
    return samples, shown


def text(shown):
    return format_action_units(
        (number, "RL"[side]) for number, row in zip(ACTION_UNITS, shown, strict=True) for side in (0, 1) if row[side]
    )


@pytest.fixture(scope="module")
def fitted():
    samples, shown = drawn_clips(700, 1)
    return RECOGNIZERS.build(TABLE, classes=UNITS).fit(samples, [text(row) for row in shown])


def test_it_learns_action_units_of_clips(fitted):
    samples, shown = drawn_clips(200, 2)
    found = fitted.predict_action_units(samples)[:, BROW].max(axis=1)
    lowered = shown[:, BROW].any(axis=1)
    above = (found[lowered][:, None] > found[~lowered]).mean()  # the area under the ROC curve
    assert found.shape == (200,) and above > 0.85


def test_the_mirrored_face_has_its_sides_swapped(fitted):
    samples, _ = drawn_clips(5, 3)
    images = [s.array("image")[:, ::-1] * np.array([-1, 1, 1]) + np.array([255, 0, 0]) for s in samples]
    others = [Sample(s.clip, {"image": image.astype(np.uint8)}) for s, image in zip(samples, images, strict=True)]
    found = fitted.predict_action_units(samples)
    assert np.allclose(found[..., ::-1], fitted.predict_action_units(others), atol=0.02)


def test_saving_and_loading_changes_nothing(fitted, tmp_path):
    samples, _ = drawn_clips(5, 3)
    fitted.save(tmp_path / "model.safetensors")
    loaded = Recognizer.load(tmp_path / "model.safetensors")
    assert isinstance(loaded, ActionUnitNetwork)
    assert np.array_equal(loaded.predict_action_units(samples), fitted.predict_action_units(samples))
    assert loaded.predict_action_units([]).shape == (0, 17, 2)


def test_classes_and_other_images_are_refused(fitted):
    with pytest.raises(RecipeError, match="use 'network'"):
        RECOGNIZERS.build(TABLE, classes=("negative", "positive"))
    small = Sample(Clip("t/p/c", "t", "t/p", "nowhere", 1.0), {"image": np.zeros((20, 20, 3))})
    with pytest.raises(RecipeError, match="those of the training were"):
        fitted.predict_action_units([small])


def test_equal_seeds_learn_alike_and_epochs_are_kept():
    samples, shown = drawn_clips(60, 4)
    labels = [text(row) for row in shown]
    first, second = (ActionUnitNetwork(epochs=2, classes=UNITS, seed=3) for _ in range(2))
    second.keep_every, second.after_epoch = 1, lambda _: second.predict_action_units(samples)
    found = [machine.fit(samples, labels).predict_action_units(samples) for machine in (first, second)]
    assert np.array_equal(*found)
    by_epoch = second.outputs_by_epoch_
    assert list(by_epoch) == [1, 2] and np.array_equal(by_epoch[2], found[1])
    assert np.abs(by_epoch[1] - by_epoch[2]).max() > 0.01
