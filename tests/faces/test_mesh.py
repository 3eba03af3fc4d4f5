"""The face mesh on real photographs whose landmarks are known."""

import numpy as np
import pytest

from microexpr.core.errors import MediaError
from microexpr.faces.landmarks import anchors, detect_face, find_landmarks, mesh_region
from microexpr.imaging.video import VideoFrames, write_video
from tests.marks import needs_mesh
from tests.photographs import ASTRONAUT, HOPPER, error, photograph, turned

both_photographs = pytest.mark.parametrize("which", [ASTRONAUT, HOPPER])
pytestmark = needs_mesh


@both_photographs
@pytest.mark.parametrize("degrees", [-30, -20, 0, 20, 30])
def test_landmarks_of_a_turned_real_face(which, degrees):
    image, points = turned(*photograph(which), degrees)  # type: ignore[call-arg]
    found = find_landmarks(image)
    assert error(found.points, points) < 0.03
    assert found.mesh.shape == (468, 3) and 0.9 < found.quality <= 1


@both_photographs
@pytest.mark.parametrize("zoom", [0.5, 1.5])
def test_landmarks_of_a_scaled_and_shifted_real_face(which, zoom):
    image, points = turned(*photograph(which), zoom=zoom, shift=(45, -20))  # type: ignore[misc]
    assert error(find_landmarks(image).points, points) < 0.03


@both_photographs
def test_a_small_face_in_a_large_image_is_found(which):
    image, points = photograph(which)
    big = np.full((1500, 2000, 3), 90, np.uint8)
    big[800 : 800 + image.shape[0], 1200 : 1200 + image.shape[1]] = image
    assert error(find_landmarks(big).points, points + np.array([1200, 800])) < 0.03


@both_photographs
@pytest.mark.parametrize("around", [0, 6])
def test_a_face_that_fills_the_image_is_found(which, around):
    image, points = photograph(which)
    left, top = np.maximum(points.min(axis=0).astype(int) - (around, around + 15), 0)
    right, bottom = points.max(axis=0).astype(int) + around
    found = find_landmarks(np.ascontiguousarray(image[top:bottom, left:right]))
    assert error(found.points, points - (left, top)) < 0.03


@both_photographs
def test_landmarks_follow_known_motion_in_a_video(which, tmp_path):
    ways = [turned(*photograph(which), 4 * i, 1 + 0.03 * i, (3 * i, -2 * i)) for i in range(5)]  # type: ignore[call-arg]
    write_video(tmp_path / "v.mp4", np.stack([image for image, _ in ways]), 25)
    found = [find_landmarks(frame).points for _, frame in VideoFrames(tmp_path / "v.mp4")]
    assert max(error(f, points) for f, (_, points) in zip(found, ways, strict=True)) < 0.03
    moves = np.mean([f - found[0] for f in found], axis=1)  # the whole face: a constant bias is none of the motion's
    near = 0.01 * np.linalg.norm(ways[0][1][36] - ways[0][1][45])
    assert moves == pytest.approx(np.mean([points - ways[0][1] for _, points in ways], axis=1), abs=near)


def test_the_right_side_of_the_person_is_the_left_side_of_the_image():
    image, _ = photograph(HOPPER)
    points, eyes = find_landmarks(image).points, detect_face(image).eyes
    assert points[36, 0] < points[45, 0] and eyes[0, 0] < eyes[1, 0]
    assert points[27:31, 1].tolist() == sorted(points[27:31, 1]) and points[19, 1] < points[8, 1]


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (60, 80), (300, 200)])
def test_images_without_a_face_give_none(size):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    for image in (noise, np.zeros_like(noise), np.full_like(noise, 128)):
        assert find_landmarks(image) is None and detect_face(image) is None


@pytest.mark.parametrize("image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)])
def test_arrays_of_another_shape_or_type_are_errors(image):
    with pytest.raises(MediaError, match="uint8"):
        find_landmarks(image)


def test_anchors_are_two_grids_of_centers():
    centers = anchors()
    assert centers.shape == (896, 2)
    assert centers[[0, 1, 2, 511, 512, 517, 518, 895]] * 32 == pytest.approx(
        np.array([[1, 1], [1, 1], [3, 1], [31, 31], [2, 2], [2, 2], [6, 2], [30, 30]])
    )


def test_the_mesh_region_is_centered_scaled_and_level():
    eyes = np.array([[40.0, 50.0], [80.0, 70.0]])
    matrix = mesh_region((30, 20, 80, 60), eyes)
    middle = matrix[:, :2] @ np.full(2, 95.5) + matrix[:, 2]
    assert middle == pytest.approx([70, 50])
    assert np.sqrt(np.linalg.det(matrix[:, :2])) * 192 == pytest.approx(1.5 * 80)
    level = (eyes - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    assert level[0, 1] == pytest.approx(level[1, 1]) and level[0, 0] < level[1, 0]
    assert level @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(eyes)
