"""The channels of the step `flow-strain-gray`."""

from pathlib import Path

import numpy as np
import pytest

from microexpr.core.clip import Clip, Sample
from microexpr.core.errors import RecipeError
from microexpr.imaging.optical_flow import optical_flow, strain
from microexpr.preprocessing import STEPS


def sample(frames: int = 3) -> Sample:
    rng = np.random.default_rng(0)
    clip = Clip("a/b/c", "a", "a/b", Path("nowhere"), 200.0)
    return Sample(clip, {"frames": rng.integers(0, 255, (frames, 40, 48, 3)).astype(np.uint8)})


@pytest.mark.parametrize("mode", ["sequence", "steps"])
def test_the_channels_are_flow_magnitude_strain_and_gray(mode):
    given = sample()
    frames = given.array("frames")
    image = STEPS.build({"name": "flow-strain-gray", "estimator": "dis", "mode": mode})(given).array("image")
    assert image.shape == (2, 40, 48, 5) and image.dtype == np.float32
    flow = optical_flow(frames[0 if mode == "sequence" else 1], frames[2], "dis")
    assert np.allclose(image[1, ..., :2], flow)
    assert np.allclose(image[1, ..., 2], np.sqrt((flow**2).sum(-1)))
    assert np.allclose(image[1, ..., 3], strain(flow))
    assert np.abs(image[1, ..., 4] - frames[2] @ [0.299, 0.587, 0.114]).max() <= 1


def test_without_gray_there_are_four_channels_and_one_frame_is_an_error():
    step = STEPS.build({"name": "flow-strain-gray", "estimator": "dis", "gray": False})
    result = step(sample())
    assert result.array("image").shape[-1] == 4 and "frames" not in result.arrays
    with pytest.raises(RecipeError, match="needs two frames"):
        step(sample(1))
