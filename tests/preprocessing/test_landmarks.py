"""Landmarks in samples, and the descriptors of regions of the face that take them."""

from dataclasses import dataclass

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.features import FEATURES, FaceFeature
from microexpr.features.checks import example_landmarks
from microexpr.preprocessing import Chain
from tests.marks import needs_mesh


@pytest.fixture
def mouth_width(monkeypatch):
    """A descriptor that reads landmarks, as a plug-in would add it."""
    monkeypatch.setattr(FEATURES, "_entries", dict(FEATURES))  # what is registered here is gone after the test

    @FEATURES.register("mouth-width")
    @dataclass(frozen=True)
    class MouthWidth(FaceFeature):
        """Width of the mouth in pixels."""

        length = 1

        def compute_at(self, array, landmarks):
            return np.ptp(landmarks[0, [48, 54], 0], keepdims=True)


def test_a_descriptor_of_the_face_takes_landmarks(mouth_width):
    feature = FEATURES.build({"name": "mouth-width"})
    assert feature(np.zeros((2, 64, 72), np.uint8), example_landmarks()) == pytest.approx(0.3 * 64)
    with pytest.raises(RecipeError, match="needs landmarks"):
        feature(np.zeros((2, 64, 72), np.uint8))
    with pytest.raises(RecipeError, match=r"not \(2, 3\)"):
        feature(np.zeros((2, 64, 72), np.uint8), np.zeros((2, 3)))


def chain(*, frames="first", method="mesh"):
    return Chain.build(
        [
            {"name": "onset-apex", "which": ["onset", "apex", "offset"]},
            {"name": "crop-face", "size": 160},
            {"name": "landmarks", "frames": frames, "method": method},
            {"name": "flow", "estimator": "dis", "mode": "steps"},
        ]
    )


@needs_mesh
@pytest.mark.parametrize(("frames", "count"), [("first", 1), ("all", 3)])
def test_landmarks_stay_beside_the_flow(synthetic_datasets, frames, count):
    clip = synthetic_datasets["casme2"].clips()[0].blind(("onset", "apex", "offset"))
    sample = chain(frames=frames)(clip)
    assert sample.array("landmarks").shape == (count, 68, 2)
    assert sample.array("image").shape == (2, 160, 160, 3)  # from onset to apex, and from there to the offset
    eyes = sample.array("landmarks")[0, [36, 45]]
    assert 40 < np.ptp(eyes[:, 0]) < 120 and np.ptp(eyes[:, 1]) < 15


def test_without_a_face_a_descriptor_of_the_face_is_zero(synthetic_datasets, mouth_width, monkeypatch):
    monkeypatch.setattr("microexpr.preprocessing.landmarks.find_landmarks", lambda image: None)
    clip = synthetic_datasets["casme2"].clips()[0].blind(("onset", "apex", "offset"))
    steps = [*chain().settings[:3], {"name": "descriptor", "feature": {"name": "mouth-width"}}]
    sample = Chain.build(steps)(clip)
    assert not sample.face_found and sample.array("features") == 0
