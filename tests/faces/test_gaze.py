"""Gaze of synthetic people who look to a side, and of photographs."""

import dataclasses

import numpy as np
import pytest

from microexpr.faces import gaze as gaze_module
from microexpr.faces.gaze import gaze
from microexpr.faces.landmarks import find_landmarks
from microexpr.synthetic.long_video import random_video
from microexpr.synthetic.script import Distractors, Movement
from tests.marks import needs_iris
from tests.photographs import ASTRONAUT, HOPPER, photograph

pytestmark = needs_iris
STILL = Distractors(blinks=0, speech=0, gaze=0, turns=0, drift=0, flicker=0)


def looking(aside: float) -> np.ndarray:
    """(2, 2) gaze of a synthetic person who looks aside by this fraction of the eye's width."""
    video = random_video(4, seconds=1, fps=10, micro=0, macro=0, distractors=STILL)
    image = dataclasses.replace(video, movements=(Movement("gaze", 0.1, 0.2, 0.8, 0.9, aside),)).frame(5)
    found = find_landmarks(image)
    assert found is not None
    return gaze(image, found.mesh)


def test_both_eyes_follow_a_look_to_either_side():
    left, middle, right = (looking(aside)[:, 0] for aside in (-0.2, 0.0, 0.2))
    assert (right - middle > 0.03).all() and (middle - left > 0.03).all()


@pytest.mark.parametrize("which", [ASTRONAUT, HOPPER])
def test_the_gaze_of_a_mirrored_photograph_is_mirrored(which):
    image, _ = photograph(which)
    found, mirrored = (find_landmarks(np.ascontiguousarray(each)) for each in (image, image[:, ::-1]))
    assert found is not None and mirrored is not None
    own, other = gaze(image, found.mesh), gaze(np.ascontiguousarray(image[:, ::-1]), mirrored.mesh)
    assert np.abs(own - other[::-1] * (-1, 1)).max() < 0.05 and np.abs(own[:, 0]).max() < 0.1


def test_without_the_file_the_reason_is_given(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROEXPR_FACE_MESH", str(tmp_path))
    assert "MICROEXPR_FACE_MESH names that folder" in gaze_module.why_no_iris()
