"""Cubes of the face: where they lie, and their histograms."""

import numpy as np
import pytest

from microexpr.features import FEATURES, check_feature
from microexpr.features.checks import example_landmarks
from microexpr.features.face_cubes import REGIONS

CLIP = np.random.default_rng(0).integers(0, 256, (9, 64, 72), np.uint8)


def cubes(**settings):
    return FEATURES.build({"name": "face-cubes", **settings})


def test_cubes_lie_at_the_parts_of_the_face():
    points = example_landmarks()[0]
    corners = dict(zip(REGIONS, cubes().corners(points), strict=True))
    assert corners["left corner"].mean(axis=0) == pytest.approx(points[54])
    assert np.ptp(corners["chin"], axis=0) == pytest.approx([0.4 * 0.4 * 64] * 2)  # the eyes are 0.4 of the image apart
    centers = {name: corner.mean(axis=0) for name, corner in corners.items()}
    assert centers["forehead"][1] < centers["right brow"][1] < centers["right eye"][1] < centers["right cheek"][1]
    assert centers["right cheek"][0] == pytest.approx(centers["right eye"][0])
    assert centers["right eye"][0] < centers["between the brows"][0] < centers["left eye"][0]  # right of the person


def test_a_cube_is_the_descriptor_of_its_part_of_the_image():
    """HOG-TOP of the cut-out, with the bins of each plane."""
    feature, points = cubes(parts=2), example_landmarks()
    found = feature(CLIP, points).reshape(12, 2 * 32)
    (x0, y0), (x1, y1) = np.rint(feature.corners(points[0])[list(REGIONS).index("nose")]).astype(int)
    cut = CLIP[:, y0 - 1 : y1 + 1, x0 - 1 : x1 + 1]
    planes = [
        FEATURES.build({"name": "hog-top", "planes": [plane], "bins": bins, "grid": [1, 1, 2]})
        for plane, bins in [("XT", 12), ("YT", 12)]
    ]
    expected = np.concatenate([plane(cut) for plane in planes])
    assert found[list(REGIONS).index("nose"), 16:] == pytest.approx(expected)


def test_landmarks_of_all_frames_are_averaged_and_a_cube_outside_is_zero():
    points = example_landmarks()
    moving = points + np.array([-3, 0, 3])[:, None, None]
    assert np.array_equal(cubes()(CLIP, points), cubes()(CLIP, moving))
    outside = cubes()(CLIP, points - (0, 40)).reshape(12, -1)
    assert not outside[:8].any()  # all above the nose
    assert outside[-1].any()


@pytest.mark.parametrize("settings", [{"bins": [4, 6, 8], "parts": 1}, {"weighted": False, "signed": True}], ids=str)
def test_it_passes_the_check(settings):
    check_feature({"name": "face-cubes", **settings})


def test_number_of_values():
    assert cubes().length == 12 * 3 * (8 + 12 + 12) and cubes(parts=1).length == 12 * 32
