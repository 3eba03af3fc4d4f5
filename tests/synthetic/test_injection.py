"""Movements warped into footage: size, place, course, and what stays untouched."""

import numpy as np
import pytest

from microexpr.core.track import FaceTrack
from microexpr.imaging.optical_flow import optical_flow
from microexpr.synthetic import Person
from microexpr.synthetic.action_units import landmark_moves
from microexpr.synthetic.injection import displacement_at, face_axes, inject_movements, move_points, warp
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
def test_landmarks_arrive_where_their_moves_end(units):
    moves = 4 * landmark_moves(units)
    moved = move_points(POINTS, displacement_at(POINTS, moves, IMAGE.shape))
    assert np.abs(moved - POINTS - moves[:68] @ face_axes(POINTS).T).max() < 0.15


def test_optical_flow_measures_the_movement():
    apex = injected([BROWS])[15]
    flow = optical_flow(IMAGE, apex, "farneback")
    x, y = POINTS[[18, 20, 23, 25]].round().astype(int).T
    assert np.median(flow[y, x, 1]) == pytest.approx(-4 * 0.85, abs=0.8)


def test_pixels_away_from_the_movement_stay():
    apex = injected([BROWS])[15]
    below = int(POINTS[33, 1])
    assert np.array_equal(apex[below:], IMAGE[below:])
    assert not np.array_equal(apex[:below], IMAGE[:below])


def test_a_turned_and_larger_head_carries_the_movement():
    moves, turn = 4 * landmark_moves(((12, ""),)), 1.5 * np.array([[0.8, -0.6], [0.6, 0.8]])
    center = POINTS.mean(axis=0)
    straight = move_points(POINTS, displacement_at(POINTS, moves, (900, 900))) - POINTS
    points = (POINTS - center) @ turn.T + 450
    turned = move_points(points, displacement_at(points, moves, (900, 900))) - points
    assert np.abs(turned - straight @ turn.T).max() < 0.15


def test_one_side_stays_still():
    moves = 4 * landmark_moves(((12, "L"),))
    moved = np.linalg.norm(move_points(POINTS, displacement_at(POINTS, moves, IMAGE.shape)) - POINTS, axis=1)
    assert moved[54] > 3.5
    assert moved[48] < 0.2


def test_a_face_outside_the_image_changes_nothing():
    moves = 4 * landmark_moves(((12, ""),))
    assert displacement_at(POINTS + 5000, moves, IMAGE.shape) is None
    assert np.array_equal(warp(IMAGE, None), IMAGE)
