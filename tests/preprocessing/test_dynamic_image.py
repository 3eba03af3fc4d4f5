"""The step `dynamic-image`: weights against their definition, parts, and what does not move."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.preprocessing import STEPS
from microexpr.preprocessing.dynamic_image import harmonic_weights, linear_weights
from tests.preprocessing.samples import sample_of

FRAMES = np.random.default_rng(0).integers(0, 256, (9, 6, 5, 3), np.uint8)
GRAY = FRAMES.astype(float) @ (0.299, 0.587, 0.114)


def pooled(frames=FRAMES, apex=None, numbers=tuple(range(10, 19)), **settings):
    sample = sample_of(frames, numbers[: len(frames)])
    sample = dataclasses.replace(sample, clip=dataclasses.replace(sample.clip, apex=apex))
    return STEPS.build({"name": "dynamic-image", **settings})(sample)


def test_weights_are_sums_of_differences_of_later_and_earlier_frames_or_means():
    means = np.cumsum(GRAY, axis=0) / np.arange(1, 10)[:, None, None]
    for weights, images in ((linear_weights, GRAY), (harmonic_weights, means)):
        differences = sum(images[q] - images[t] for t, q in combinations(range(9), 2))
        assert np.tensordot(weights(9), GRAY, 1) == pytest.approx(differences)
        assert weights(9).sum() == pytest.approx(0, abs=1e-12) and weights(1) == 0
    assert linear_weights(4).tolist() == [-3, -1, 1, 3]


@pytest.mark.parametrize("weights", ["linear", "harmonic"])
def test_parts_are_pooled_up_to_the_apex_and_from_it(weights):
    both = pooled(apex=13, parts=["before-apex", "after-apex"], weights=weights)
    image = both.array("image")
    assert image.shape == (6, 5, 2) and image.dtype == np.float32 and "frames" not in both.arrays
    before = pooled(FRAMES[:4], weights=weights).array("image")
    after = pooled(FRAMES[3:], weights=weights).array("image")
    assert np.allclose(image, np.concatenate([before, after], axis=-1), atol=1e-4)
    assert "apex" not in both.notes and pooled(parts=["after-apex"]).notes["apex"] == "middle"
    assert "apex" not in pooled().notes  # the whole clip needs none


def test_values_are_differences_of_gray_levels():
    step = np.zeros((4, 2, 2, 3), np.uint8)
    step[2:] = 100
    assert pooled(step).array("image") == pytest.approx(np.full((2, 2, 1), 100), abs=1e-3)
    assert pooled(FRAMES[::-1]).array("image") == pytest.approx(-pooled().array("image"), abs=1e-3)
    assert np.abs(pooled(np.repeat(FRAMES[:1], 5, axis=0)).array("image")).max() < 1e-3
    assert (pooled(apex=10, parts=["before-apex"]).array("image") == 0).all()  # the apex is the onset


def test_colors_and_a_stretch_to_all_gray_levels():
    image = pooled(gray=False, stretch=True, parts=["whole", "before-apex"], apex=14).array("image")
    assert image.shape == (6, 5, 6)
    assert image.min(axis=(0, 1)) == pytest.approx(np.zeros(6)) and image.max(axis=(0, 1)) == pytest.approx(255)
    still = np.repeat(FRAMES[:1], 5, axis=0)
    assert np.isfinite(pooled(still, stretch=True).array("image")).all()


def test_the_nearest_frame_is_the_apex_where_frames_were_left_out():
    thin = pooled(FRAMES[::3], numbers=(10, 13, 16), apex=14, parts=["before-apex"]).array("image")
    assert np.allclose(thin, pooled(FRAMES[[0, 3]]).array("image"))


def test_one_frame_and_an_apex_outside_are_errors():
    with pytest.raises(RecipeError, match="needs two frames"):
        pooled(FRAMES[:1])
    with pytest.raises(RecipeError, match=r"the apex of clip 'd/p/c', 40, is not among the frames"):
        pooled(apex=40, parts=["after-apex"])
