"""Displacement fields of action units: where they are, which way they point, how large, on which side."""

import numpy as np
import pytest

from microexpr.core.action_units import ACTION_UNITS
from microexpr.faces.alignment import eye_centers, eye_positions
from microexpr.imaging.geometry import transform_points
from microexpr.synthetic.motion import FaceFrame, action_unit_displacement
from microexpr.synthetic.motion.geometry import MEAN_FACE
from microexpr.synthetic.motion.tables import ANCHORS, CLASS_SETS, FIELDS

CROP = FaceFrame.aligned(224).landmarks
RIGHT_CORNER, LEFT_CORNER, RIGHT_BROW = CROP[[48]], CROP[[54]], CROP[[20]]


def move(units, points, landmarks=CROP):
    return action_unit_displacement(landmarks, units, points)[0]


@pytest.mark.parametrize("number", ACTION_UNITS)
def test_the_largest_movement_has_the_size_that_was_asked_for(number):
    grid = np.stack(np.meshgrid(np.arange(224.0), np.arange(260.0)), -1).reshape(-1, 2)
    largest = np.linalg.norm(action_unit_displacement(CROP, [(number, "", 5.0)], grid), axis=1).max()
    assert largest == pytest.approx(5, rel=0.15)


def test_directions_are_those_of_facs():
    x, y = move([(12, "", 2.0)], RIGHT_CORNER)
    assert x < -0.5 and y < -0.5  # outward is left in the image on the person's right side
    assert move([(12, "", 2.0)], LEFT_CORNER)[0] == pytest.approx(-x)
    assert move([(1, "", 2.0)], RIGHT_BROW)[1] < -1
    assert move([(4, "", 2.0)], RIGHT_BROW)[1] > 1


@pytest.mark.parametrize(
    ("number", "outward", "down"),
    [(14, True, False), (15, True, True), (12, True, False)],
    ids=["buccinator: to the side", "depressor: down and to the side", "zygomatic: up and to the side"],
)
def test_muscles_pull_the_corner_of_the_mouth_to_the_side(number, outward, down):
    x, y = move([(number, "", 2.0)], RIGHT_CORNER)
    assert (x < -0.4) == outward and (y > 0.4) == down


def test_the_upper_lip_raiser_lifts_the_skin_beside_the_nose_more_than_the_lip():
    beside_the_nose = (CROP[[31]] + CROP[[41]] + CROP[[48]]) / 3
    skin, lip, brow = (move([(10, "", 2.0)], point) for point in (beside_the_nose, CROP[[51]], RIGHT_BROW))
    assert skin[1] < 1.3 * lip[1] < 0 and abs(brow[1]) < 0.1


def test_the_cheek_raiser_lifts_the_cheek_more_than_the_lower_lid():
    cheek = (CROP[[41]] + CROP[[48]]) / 2
    assert move([(6, "", 2.0)], cheek)[1] < 1.3 * move([(6, "", 2.0)], CROP[[41]])[1] < 0


def test_one_side_leaves_the_other_alone():
    assert np.linalg.norm(move([(12, "R", 2.0)], LEFT_CORNER)) < 0.05
    assert np.linalg.norm(move([(12, "L", 2.0)], LEFT_CORNER)) > 1


def test_fields_turn_and_grow_with_the_face():
    turn = 3 * np.array([[0.8, 0.6], [-0.6, 0.8]])
    upright = move([(6, "L", 1.0), (12, "", 2.0)], CROP[[47]])
    turned = move([(6, "L", 1.0), (12, "", 2.0)], CROP[[47]] @ turn + 40, CROP @ turn + 40)
    assert turned == pytest.approx(upright @ turn)


def test_the_aligned_frame_is_that_of_the_step_align():
    for margin in (0.0, 0.2):
        eyes = eye_centers(FaceFrame.aligned(128, margin).landmarks)
        assert eyes == pytest.approx(eye_positions(128, margin), abs=1e-9)


def test_the_frame_of_the_release():
    eyes = eye_centers(FaceFrame.megc2019().landmarks)
    assert eyes == pytest.approx(np.array([[5.8, 7.2], [20.6, 7.2]]))
    assert FaceFrame.megc2019().landmarks[19] == pytest.approx([4.4, 3.2], abs=0.5)


def test_an_image_is_mapped_into_a_frame():
    turn = 2 * np.array([[0.8, 0.6], [-0.6, 0.8]])
    landmarks = CROP @ turn + (30, 20)
    mapped = transform_points(landmarks, FaceFrame.megc2019().map_from(landmarks))
    assert eye_centers(mapped) == pytest.approx(np.array([[5.8, 7.2], [20.6, 7.2]]))
    assert mapped == pytest.approx(FaceFrame.megc2019().landmarks)


def test_a_frame_of_landmarks_has_their_face():
    frame = FaceFrame.of_landmarks(MEAN_FACE * 50 + (70, 60), (200, 140))
    assert frame.face == pytest.approx(MEAN_FACE)
    assert frame.pixel == pytest.approx([94.08 / 50] * 2)


def test_tables_know_the_same_action_units_and_anchors():
    assert list(FIELDS) == list(ACTION_UNITS)
    assert {term.anchor for terms in FIELDS.values() for term in terms} <= set(ANCHORS)
    assert {unit for sets in CLASS_SETS.values() for s in sets for unit in s.units} <= set(FIELDS)


@pytest.mark.parametrize(("units", "message"), [([(3, "", 1.0)], "action unit 3"), ([(12, "B", 1.0)], "side 'B'")])
def test_unknown_units_and_sides_are_named(units, message):
    with pytest.raises(ValueError, match=message):
        action_unit_displacement(CROP, units, RIGHT_CORNER)
