"""The step `align`: eyes level at a fixed place, one map for all frames, a mask, faces that are not found."""

import numpy as np
import pytest

from microexpr.core.clip import Sample
from microexpr.core.errors import RecipeError
from microexpr.faces.alignment import eye_centers
from microexpr.faces.landmarks import find_landmarks
from microexpr.preprocessing import STEPS
from microexpr.preprocessing.align import face_mask
from tests.conftest import make_clips
from tests.marks import needs_mesh
from tests.photographs import ASTRONAUT, HOPPER, photograph, turned

pytestmark = needs_mesh


def align(*images, **settings):
    step = STEPS.build({"name": "align", **settings})
    return step, step(Sample(make_clips()[0].blind(()), {"frames": np.stack(images)}))


@pytest.mark.parametrize("which", [ASTRONAUT, HOPPER])
@pytest.mark.parametrize("degrees", [0, 25])
def test_eyes_are_level_and_at_their_targets(which, degrees):
    step, sample = align(turned(*photograph(which), degrees)[0], size=160, margin=0.2)  # type: ignore[call-arg]
    cut = sample.array("frames")
    assert cut.shape == (1, 160, 160, 3) and cut.dtype == np.uint8
    assert eye_centers(find_landmarks(cut[0]).points) == pytest.approx(step.eye_targets, abs=2.5)
    assert 0 < float(sample.notes["quality"]) <= 1 and "face" not in sample.notes


def test_all_frames_get_the_map_of_the_first_one():
    images = [turned(*photograph(HOPPER), 0, 1, (3 * i, 0))[0] for i in range(3)]  # type: ignore[call-arg]
    step, sample = align(*images)
    eyes = [eye_centers(find_landmarks(frame).points).mean(axis=0) for frame in sample.array("frames")]
    zoom = np.ptp(step.eye_targets[:, 0]) / np.linalg.norm(np.subtract(*eye_centers(photograph(HOPPER)[1])))
    assert np.diff(eyes, axis=0)[:, 0] == pytest.approx([3 * zoom] * 2, abs=1.0)  # what moved, still moves
    alone = [align(image)[1].array("frames")[0] for image in images]
    same = [np.array_equal(a, b) for a, b in zip(alone, sample.array("frames"), strict=True)]
    assert same == [True, False, False]


@pytest.mark.parametrize("outside", [0, 128])
def test_the_mask_changes_only_pixels_outside_the_face(outside):
    image = photograph(ASTRONAUT)[0]
    whole = align(image)[1].array("frames")[0]
    masked = align(image, mask=True, fill=outside)[1].array("frames")[0]
    face = face_mask(find_landmarks(whole).points, 224)
    changed = (whole != masked).any(axis=-1)
    assert (masked[:4] == outside).all() and 0.4 < face.mean() < 0.8
    assert changed[face].mean() < 0.02 and (masked[~face] == outside).all(axis=-1).mean() > 0.95


@pytest.mark.parametrize("by", ["mesh", "cascade"])
def test_without_a_face_the_central_square_is_used(by):
    frames = np.full((2, 80, 60, 3), 128, np.uint8)
    frames[:, :10], frames[:, 70:] = 0, 0
    sample = align(*frames, method=by, size=32)[1]
    assert not sample.face_found and sample.notes == {}
    cut = sample.array("frames")
    assert cut.shape == (2, 32, 32, 3) and (cut[:, 2:-2] == 128).all()


def test_method_cascade_aligns_the_eyes_of_an_upright_face():
    step, sample = align(photograph(HOPPER)[0], method="cascade", margin=0.2)
    assert sample.notes == {}
    assert eye_centers(find_landmarks(sample.array("frames")[0]).points) == pytest.approx(step.eye_targets, abs=14)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"size": 4}, "size = 4: .* equal to 8"),
        ({"margin": -0.5}, "margin = -0.5"),
        ({"eye_x": 0.6}, "eye_x = 0.6"),
        ({"eye_y": 1.0}, "eye_y = 1.0"),
        ({"fill": 300}, "fill = 300"),
        ({"method": "cascade", "mask": True}, "needs landmarks"),
        ({"method": "mash"}, "method = 'mash'"),
    ],
)
def test_wrong_settings_are_errors(settings, text):
    with pytest.raises(RecipeError, match=text):
        STEPS.build({"name": "align", **settings})
