"""The step `interpolate`: against a plain transcription of the temporal interpolation model, and its limits."""

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.preprocessing import STEPS
from microexpr.preprocessing.interpolate import linear_weights, tim_weights, weighted_sums
from tests.preprocessing.samples import sample_of

FRAMES = np.random.default_rng(0).integers(0, 256, (7, 6, 5, 3), np.uint8)


def interpolated(given=FRAMES, **settings):
    return STEPS.build({"name": "interpolate", **settings})(sample_of(given))


def plain_tim(frames: np.ndarray, wanted: int) -> np.ndarray:
    """The formula of the paper, with its singular value decomposition: columns are frames."""
    n = len(frames)
    x = frames.reshape(n, -1).T.astype(float)
    mean = x.mean(axis=1, keepdims=True)
    u, s, vt = np.linalg.svd(x - mean, full_matrices=False)
    u, s, vt = u[:, : n - 1], s[: n - 1], vt[: n - 1]
    k = np.arange(1, n)[:, None]
    curve = lambda t: np.sin(np.pi * k * t + np.pi * (n - k) / (2 * n))  # noqa: E731
    y = curve(np.arange(1, n + 1) / n).T
    y = y / np.linalg.norm(y, axis=0)  # the eigenvectors of the graph's Laplacian
    q = np.diag(s) @ vt
    w = np.linalg.inv(q @ q.T) @ q @ y
    m = (w.T @ q[:, :1]) / curve(1 / n)
    made = u @ np.linalg.pinv(w.T) @ (m * curve(np.linspace(1 / n, 1, wanted))) + mean
    return made.T.reshape(wanted, *frames.shape[1:])


@pytest.mark.parametrize("wanted", [2, 5, 10, 31])
def test_frames_equal_the_formula_with_its_decomposition(wanted):
    found = weighted_sums(FRAMES.astype(np.float32), tim_weights(7, np.linspace(0, 6, wanted)))
    assert found == pytest.approx(plain_tim(FRAMES, wanted), abs=1e-2)


@pytest.mark.parametrize("method", ["tim", "linear"])
def test_times_of_the_frames_return_the_frames(method):
    assert np.array_equal(interpolated(frames=7, method=method).array("frames"), FRAMES)
    twice = interpolated(frames=13, method=method).array("frames")
    assert np.array_equal(twice[::2], FRAMES) and twice.dtype == np.uint8
    weights = {"tim": tim_weights, "linear": linear_weights}[method](9, np.linspace(0, 8, 23))
    assert weights.sum(axis=1) == pytest.approx(np.ones(23))  # brightness stays


def test_linear_frames_are_means_of_the_two_nearest():
    frames = np.array([0, 40, 100], np.uint8).reshape(3, 1, 1)
    assert interpolated(frames, frames=5, method="linear").array("frames").ravel().tolist() == [0, 20, 40, 70, 100]


def test_values_beyond_the_gray_levels_are_limited_and_equal_frames_stay_equal():
    step = np.repeat(np.array([0, 0, 0, 255, 255, 255], np.uint8), 4).reshape(6, 2, 2)
    made = interpolated(step, frames=50).array("frames").astype(int)
    assert (np.diff(made[20:30, 0, 0]) > 0).all() and made.min() == 0 and made.max() == 255
    assert (interpolated(np.full((4, 3, 3), 77, np.uint8), frames=9).array("frames") == 77).all()


def test_numbers_are_those_of_the_nearest_frames_and_landmarks_follow():
    shifted = np.arange(3.0)[:, None, None] * np.ones((3, 68, 2))
    sample = sample_of(FRAMES[:3], (10, 11, 12)).with_array("landmarks", shifted)
    made = STEPS.build({"name": "interpolate", "frames": 5, "method": "linear"})(sample)
    assert made.numbers == (10, 10, 11, 12, 12)
    assert made.array("landmarks")[:, 0, 0] == pytest.approx([0, 0.5, 1, 1.5, 2])
    one = sample.with_array("landmarks", shifted[:1])
    assert np.array_equal(STEPS.build({"name": "interpolate"})(one).array("landmarks"), shifted[:1])


def test_one_frame_is_refused():
    with pytest.raises(RecipeError, match=r"needs two frames; clip '.*' has 1"):
        interpolated(FRAMES[:1])
    with pytest.raises(RecipeError, match=r"frames = 1: .* equal to 2"):
        interpolated(frames=1)
