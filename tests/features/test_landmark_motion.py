"""The descriptor `landmark-motion`: a known motion, and what a head's own movement changes."""

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.faces.alignment import RIGID, eye_centers
from microexpr.features import FEATURES, check_feature
from microexpr.features.checks import example_landmarks

FACE = example_landmarks()[0]
EYES_APART = float(np.ptp(eye_centers(FACE)[:, 0]))
FRAMES = np.zeros((3, 64, 72), np.uint8)


def moved(mouth_corner: float = 2.0) -> np.ndarray:
    """Three frames in which a corner of the mouth rises, by half and then by all of so many pixels."""
    landmarks = np.repeat(FACE[None], 3, axis=0)
    landmarks[1, 48, 1] -= mouth_corner / 2
    landmarks[2, 48, 1] -= mouth_corner
    return landmarks


def values(landmarks, **settings):
    return FEATURES.build({"name": "landmark-motion", **settings})(FRAMES[: len(landmarks)], landmarks)


@pytest.mark.parametrize("settings", [{"times": 4, "points": "all"}, {"values": "shape", "factor": 5.0}])
def test_it_passes_its_check(settings):
    check_feature({"name": "landmark-motion", **settings})


def test_a_motion_is_in_distances_between_the_eyes():
    found = values(moved(), points="all").reshape(68, 2)
    expected = np.zeros((68, 2))
    expected[48, 1] = -2 / EYES_APART
    assert found == pytest.approx(expected, abs=1e-6)
    inner = values(moved(), factor=3.0).reshape(51, 2)
    assert inner == pytest.approx(3 * expected[17:], abs=1e-6)


def test_times_are_evenly_spaced_and_interpolated():
    found = values(moved(), times=4).reshape(4, 51, 2)[:, 48 - 17, 1] * EYES_APART
    assert found == pytest.approx([-0.5, -1, -1.5, -2], abs=1e-5)


def test_a_shift_turn_and_zoom_of_each_frame_changes_nothing():
    turned = []
    for angle, zoom, shift, face in zip((0.1, -0.2, 0.3), (1.0, 1.4, 0.7), (0, 5, -9), moved(), strict=True):
        turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned.append(face @ turn.T + shift)
    assert values(np.stack(turned)) == pytest.approx(values(moved()), abs=1e-5)
    assert 48 not in RIGID


def test_the_shape_is_the_first_one_with_the_motion_exaggerated():
    still, large = (values(moved(), values="shape", points="all", factor=f).reshape(68, 2) for f in (0.0, 4.0))
    assert eye_centers(still) == pytest.approx(np.array([[-0.5, 0], [0.5, 0]]), abs=1e-6)
    assert (large - still)[48] == pytest.approx([0, -8 / EYES_APART], abs=1e-5)


def test_landmarks_of_one_frame_are_an_error():
    with pytest.raises(RecipeError, match="landmarks of all 3 frames, not of 1; set frames = 'all'"):
        FEATURES.build({"name": "landmark-motion"})(FRAMES, FACE[None])
