"""Fixed landmarks: where the release and the step `align` put the eyes."""

import numpy as np
import pytest

from microexpr.core.clip import Clip, Sample
from microexpr.core.errors import RecipeError
from microexpr.faces.alignment import eye_centers, eye_positions
from microexpr.preprocessing import STEPS, Chain


def sample(tmp_path, **arrays: np.ndarray) -> Sample:
    return Sample(Clip("megc2019/s1/a", "megc2019", "megc2019/s1", tmp_path, 100.0), arrays)


def test_the_eyes_lie_where_the_release_has_them(tmp_path):
    made = STEPS.build({"name": "fixed-landmarks"})(sample(tmp_path, image=np.zeros((28, 28, 2), np.float32)))
    points = made.array("landmarks")
    assert points.shape == (1, 68, 2)
    assert eye_centers(points[0]) == pytest.approx(np.array([[5.8, 7.2], [20.6, 7.2]]), abs=0.05)


def test_the_eyes_lie_where_align_puts_them(tmp_path):
    frames = np.zeros((2, 128, 128, 3), np.uint8)
    step = STEPS.build({"name": "fixed-landmarks", "frame": "aligned", "array": "frames", "margin": 0.1})
    assert eye_centers(step(sample(tmp_path, frames=frames)).array("landmarks")[0]) == pytest.approx(
        eye_positions(128, margin=0.1), abs=0.01
    )


def test_images_are_square(tmp_path):
    with pytest.raises(RecipeError, match="takes square images; 'image' has 28 x 30 pixels"):
        STEPS.build({"name": "fixed-landmarks"})(sample(tmp_path, image=np.zeros((28, 30, 3), np.uint8)))


def test_mdmo_of_precomputed_flow(synthetic_datasets):
    steps = [
        {"name": "load-image"},
        {"name": "restore-zero"},
        {"name": "fixed-landmarks"},
        {"name": "descriptor", "feature": {"name": "mdmo"}},
    ]
    made = Chain.build(steps)(synthetic_datasets["megc2019"].clips()[0].blind(()))
    assert set(made.arrays) == {"features"} and made.array("features").shape == (72,)
