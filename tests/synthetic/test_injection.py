"""Movements warped into footage: size, place, course, and what stays untouched."""

import numpy as np
import pytest

from microexpr.core.track import FaceTrack
from microexpr.imaging.optical_flow import optical_flow
from microexpr.synthetic import Person
from microexpr.synthetic.injection import displacement_at, inject_movements, sized_units, warp
from microexpr.synthetic.motion import action_unit_displacement
from microexpr.synthetic.motion.geometry import EYE_DISTANCE, MEAN_FACE
from microexpr.synthetic.script import Movement

FACE = Person.draw(5)
IMAGE, POINTS = FACE.image.astype(np.uint8), FACE.points[:68]
BROWS = Movement("micro", 0.2, 0.3, 0.3, 0.4, 4.0, ((1, ""), (2, "")))


def face_track(points: np.ndarray) -> FaceTrack:
    """A track of the given (T, 68, 2) landmarks at 50 frames per second; pixels of crops are pixels of the image."""
    n = len(points)
    flat, matrices = np.ones(n, np.float32), np.tile(np.eye(2, 3), (n, 1, 1))
    crops, boxes = np.zeros((n, 8, 8), np.uint8), np.zeros((n, 4), np.float32)
    pose, eyes = np.zeros((n, 3), np.float32), np.ones((n, 2), np.float32)
    return FaceTrack(
        1, np.arange(n), np.arange(n) / 50, crops, points, flat, pose, eyes, flat < 0, boxes, crop_matrices=matrices
    )


def injected(movements, n=30) -> list[np.ndarray]:
    frames = ((i, i / 50, IMAGE) for i in range(n))
    return [image for _, _, image in inject_movements(frames, face_track(np.stack([POINTS] * n)), movements)]


@pytest.mark.parametrize("movements", [[], [Movement("micro", 0.2, 0.3, 0.3, 0.4, 0.0, BROWS.units)]])
def test_a_movement_of_no_size_changes_nothing(movements):
    assert all(np.array_equal(image, IMAGE) for image in injected(movements))


def test_only_frames_within_the_movement_change():
    changed = [not np.array_equal(image, IMAGE) for image in injected([BROWS])]
    assert np.flatnonzero(changed).tolist() == list(range(11, 20))


@pytest.mark.parametrize("units", [((1, ""), (2, "")), ((12, "L"),), ((4, ""),), ((26, ""), (25, ""))])
def test_skin_comes_from_where_its_move_began(units):
    sized = sized_units(units, 6)
    found = displacement_at(POINTS, sized, IMAGE.shape)
    y, x = np.mgrid[found.region][:, ::7, ::7].reshape(2, -1)
    moves = found.values[::7, ::7].reshape(-1, 2)
    expected = action_unit_displacement(POINTS, sized, np.stack([x, y], axis=-1) - moves)
    assert np.abs(moves - expected).max() < 0.15


@pytest.mark.parametrize("units", [((1, ""), (2, "")), ((12, ""),), ((9, "R"),)])
def test_the_skin_that_moves_most_moves_by_the_size(units):
    face = MEAN_FACE * EYE_DISTANCE + 200
    moves = displacement_at(face, sized_units(units, 4), (400, 400)).values
    assert np.linalg.norm(moves, axis=-1).max() == pytest.approx(4, rel=0.15)


def test_optical_flow_measures_the_movement():
    apex = injected([BROWS])[15]
    flow = optical_flow(IMAGE, apex, "farneback")
    x, y = POINTS[[18, 20, 23, 25]].round().astype(int).T
    true = action_unit_displacement(POINTS, sized_units(BROWS.units, 4), POINTS[[18, 20, 23, 25]])
    assert np.median(flow[y, x, 1]) == pytest.approx(np.median(true[:, 1]), abs=0.8)


def test_pixels_away_from_the_movement_stay():
    apex = injected([BROWS])[15]
    below = int(POINTS[33, 1])
    assert np.array_equal(apex[below:], IMAGE[below:])
    assert not np.array_equal(apex[:below], IMAGE[:below])


def test_a_turned_and_larger_head_carries_the_movement():
    turn, units = 1.5 * np.array([[0.8, -0.6], [0.6, 0.8]]), sized_units(((12, ""),), 4)
    points = (POINTS - POINTS.mean(axis=0)) @ turn.T + 450
    straight, turned = (displacement_at(p, units, (900, 900)) for p in (POINTS, points))

    def near(displacement, corner):
        x, y = corner.round().astype(int)
        return displacement.values[y - displacement.top, x - displacement.left]

    for corner in (48, 54):
        assert np.abs(near(turned, points[corner]) - turn @ near(straight, POINTS[corner])).max() < 0.2


def test_one_side_stays_still():
    values = displacement_at(POINTS, sized_units(((12, "L"),), 4), IMAGE.shape)
    assert POINTS[48, 0] < values.left < POINTS[54, 0] - 40


@pytest.mark.parametrize(("points", "units"), [(POINTS + 5000, ((12, ""),)), (POINTS, ())])
def test_nothing_moves_without_face_or_action_unit(points, units):
    assert displacement_at(points, sized_units(units, 4), IMAGE.shape) is None
    assert np.array_equal(warp(IMAGE, None), IMAGE)


def test_an_action_unit_that_cannot_be_shown_is_an_error():
    with pytest.raises(ValueError, match="30"):
        sized_units(((30, ""),), 1)
