"""MDMO: regions of the face, and the motion of the head, which is removed."""

import math

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.features import FEATURES, check_feature
from microexpr.features._face_regions import REGIONS, region_pixels
from microexpr.features.checks import example_landmarks
from microexpr.features.mdmo import RIGID
from microexpr.synthetic.motion import FaceFrame

SIDE = 96
FACE = FaceFrame.aligned(SIDE)
LANDMARKS = FACE.landmarks[None]
CHEEK = 13
"""Number of the region of the cheek beside the mouth on the person's right side; no rigid point lies in it."""


def mdmo(**settings):
    return FEATURES.build({"name": "mdmo", **settings})


def movement(*, region: int = CHEEK, vector: tuple[float, float] = (0.5, -1.0), frames: int = 5) -> np.ndarray:
    """A movement of one region that grows from the first frame on; nothing else moves."""
    rows, columns, numbers = region_pixels(FACE.landmarks, SIDE, SIDE)
    flow = np.zeros((frames, SIDE, SIDE, 2), np.float32)
    inside = numbers == region
    flow[:, rows[inside], columns[inside]] = np.linspace(0, 1, frames)[:, None, None] * np.array(vector)
    return flow


def test_there_are_thirty_six_regions_that_mirror_each_other():
    rows, columns, numbers = region_pixels(FACE.landmarks, SIDE, SIDE)
    sizes = np.bincount(numbers, minlength=36)
    assert len(REGIONS) == 36 and sizes.min() > 20
    assert sizes[:18] == pytest.approx(sizes[18:], rel=0.2)  # pixels are rounded on both sides alike
    centers = np.array([[columns[numbers == n].mean(), rows[numbers == n].mean()] for n in range(36)])
    assert centers[18:] == pytest.approx(centers[:18] * (-1, 1) + (SIDE - 1, 0), abs=1)
    covered = np.zeros((SIDE, SIDE), int)
    covered[rows, columns] += 1
    assert sizes.sum() < 1.25 * covered.sum()  # neighbors share their border only


def test_a_region_that_moves_alone_has_the_length_one_and_its_angle():
    values = mdmo(weight=0.25)(movement(), LANDMARKS)
    assert values.shape == (72,)
    assert values[CHEEK] == pytest.approx(0.25)
    assert values[36 + CHEEK] == pytest.approx(0.75 * math.atan2(-1, 0.5))
    assert values[[0, 8, 18, 30]] == pytest.approx(0)  # regions without a common border


@pytest.mark.parametrize("alignment", ["flow", "landmarks"])
def test_the_motion_of_the_head_is_removed(alignment):
    """An affine motion of the whole image, which landmarks and flow show alike."""
    face = np.random.default_rng(0).normal(size=(3, SIDE, SIDE, 2)).astype(np.float32)
    still = np.repeat(LANDMARKS, 3, axis=0)
    flow, landmarks = face.copy(), still.copy()
    y, x = np.mgrid[:SIDE, :SIDE]
    pixels = np.stack([x, y], axis=-1)
    for t in range(3):
        growth_and_turn = t * np.array([[0.02, -0.01], [0.01, 0.02]])
        flow[t] += pixels @ growth_and_turn.T + (t, -2 * t)
        landmarks[t] += still[t] @ growth_and_turn.T + (t, -2 * t)
    settings = {"components": "cartesian", "alignment": alignment}
    expected = mdmo(**settings)(face, still)
    assert mdmo(**settings)(flow, landmarks) == pytest.approx(expected, abs=1e-3)
    assert not np.allclose(mdmo(**settings | {"alignment": "none"})(flow, landmarks), expected, atol=0.1)


def test_the_rigid_points_are_thirteen():
    assert len(RIGID) == len(set(RIGID)) == 13


def test_landmarks_of_every_frame_are_needed_to_align_by_them():
    with pytest.raises(RecipeError, match="needs the landmarks of every frame, not of 1"):
        mdmo(alignment="landmarks")(movement(), LANDMARKS)
    with pytest.raises(RecipeError, match="needs landmarks"):
        mdmo()(movement())


def test_a_single_flow_is_a_short_series():
    flow = movement()[-1]
    assert np.array_equal(mdmo()(flow, LANDMARKS), mdmo()(flow[None], LANDMARKS))


def test_a_region_outside_of_the_image_is_zero():
    landmarks = example_landmarks() + np.array([0, 50])
    values = mdmo(components="cartesian")(np.random.default_rng(0).normal(size=(1, 64, 72, 2)), landmarks)
    assert values[[17, 35, 53, 71]] == pytest.approx(0)  # the chin


@pytest.mark.parametrize("settings", [{"bins": 4, "components": "cartesian"}, {"alignment": "landmarks"}], ids=str)
def test_settings(settings):
    feature = {"name": "mdmo", **settings}
    if "alignment" not in settings:
        check_feature(feature)
    else:  # landmarks that do not move show no motion of the head
        flow = movement()
        landmarks = np.repeat(LANDMARKS, len(flow), axis=0)
        assert np.array_equal(mdmo(**settings)(flow, landmarks), mdmo(alignment="none")(flow, landmarks))
