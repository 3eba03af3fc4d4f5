"""Optical flow and strain against warps whose motion is known exactly."""

import cv2
import numpy as np
import pytest

from microexpr.core.clip import Clip, Sample
from microexpr.imaging.optical_flow import optical_flow, strain
from microexpr.preprocessing import Chain

SIDE, BORDER = 160, 24
ESTIMATORS = ["farneback", "dis", "tvl1"]
Y, X = np.mgrid[:SIDE, :SIDE].astype(np.float64) - (SIDE - 1) / 2
ZERO = np.zeros_like(X)
MOTIONS = {
    "right": (ZERO + 1.3, ZERO),
    "left": (ZERO - 0.45, ZERO),
    "down": (ZERO, ZERO + 1.7),
    "up": (ZERO, ZERO - 0.35),
    "both": (ZERO + 0.6, ZERO - 0.8),
    "rotation": (-0.02 * Y, 0.02 * X),
    "stretch": (0.05 * X, ZERO),
    "shear": (0.05 * Y, ZERO),
    "local": (1.5 * np.exp(-(X**2 + Y**2) / 800), -np.exp(-(X**2 + (Y - 20) ** 2) / 600)),
}


def texture() -> np.ndarray:
    """Smooth noise of two sizes, 0 to 255."""
    noise = np.random.default_rng(0).normal(size=(2, SIDE, SIDE))
    fine, coarse = (cv2.GaussianBlur(layer, (0, 0), sigma) for layer, sigma in zip(noise, (2, 6), strict=True))
    return cv2.normalize(fine / fine.std() + coarse / coarse.std(), None, 0, 255, cv2.NORM_MINMAX)


def pair(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(2, H, W, 3) uint8: what is at x in the first is at x + flow(x) in the second.

    The second is drawn by looking back, at y - flow(x), where x + flow(x) = y is found by repeating.
    """
    flow = np.dstack([u, v]).astype(np.float32)
    grid = np.dstack(np.meshgrid(np.arange(SIDE), np.arange(SIDE))).astype(np.float32)
    back = grid.copy()
    for _ in range(20):
        back = grid - cv2.remap(flow, back[..., 0], back[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    first = texture().astype(np.float32)
    second = cv2.remap(first, back[..., 0], back[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.stack(
        [np.repeat(np.clip(np.round(p), 0, 255).astype(np.uint8)[..., None], 3, 2) for p in (first, second)]
    )


def inner(values: np.ndarray) -> np.ndarray:
    return values[BORDER:-BORDER, BORDER:-BORDER]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("motion", MOTIONS)
def test_a_known_warp_is_recovered_to_a_tenth_of_a_pixel(estimator, motion):
    flow = np.dstack(MOTIONS[motion])
    found = optical_flow(*pair(*MOTIONS[motion]), estimator)  # type: ignore[call-arg]
    assert np.median(inner(np.linalg.norm(found - flow, axis=-1))) < 0.1


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_u_is_to_the_right_and_v_is_down(estimator):
    first, second = (np.full((64, 64), 20, np.float32) for _ in range(2))
    cv2.circle(first, (30, 30), 9, 230, -1)
    cv2.circle(second, (32, 29), 9, 230, -1)  # 2 to the right, 1 up
    frames = [np.repeat(cv2.GaussianBlur(p, (0, 0), 3).astype(np.uint8)[..., None], 3, 2) for p in (first, second)]
    u, v = optical_flow(*frames, estimator)[24:37, 24:37].reshape(-1, 2).mean(axis=0)  # type: ignore[call-arg]
    assert u == pytest.approx(2, abs=0.3) and v == pytest.approx(-1, abs=0.3)


@pytest.mark.parametrize(
    ("u", "v", "expected"),
    [
        (ZERO + 3.2, ZERO - 1.1, 0.0),  # a shift
        (-0.03 * Y, 0.03 * X, 0.0),  # a small rotation
        (0.04 * X, ZERO, 0.04),
        (-0.04 * X, ZERO, 0.04),
        (ZERO, 0.04 * Y, 0.04),
        (0.06 * Y, ZERO, 0.06 / np.sqrt(2)),  # shear: e_xy = g / 2, counted twice
        (0.03 * X, 0.04 * Y, 0.05),
    ],
)
def test_strain_of_exact_fields(u, v, expected):
    assert strain(np.dstack([u, v])) == pytest.approx(np.full_like(X, expected), abs=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("motion", "expected"), [("both", 0.0), ("rotation", 0.0), ("stretch", 0.05), ("shear", 0.05 / np.sqrt(2))]
)
def test_strain_of_estimated_flow(estimator, motion, expected):
    """To 0.012 in the median: the ripple of a sum of squares is never below zero."""
    found = inner(strain(optical_flow(*pair(*MOTIONS[motion]), estimator)))  # type: ignore[call-arg]
    assert np.median(found) == pytest.approx(expected, abs=0.012)


def test_flow_with_magnitude_channel_on_a_fixed_scale():
    steps = [{"name": "flow", "estimator": "dis", "extra_channel": "magnitude"}, {"name": "scale", "divide": 2.0}]
    clip = Clip("a/p/c", "a", "a/p", __file__, 200.0)
    sample = Sample(clip, {"frames": pair(*MOTIONS["local"])})
    for step in Chain.build(steps).steps:
        sample = step(sample)
    image, flow = sample.array("image"), optical_flow(*pair(*MOTIONS["local"]), "dis")  # type: ignore[call-arg]
    assert image[..., :2] == pytest.approx(flow / 2) and image.dtype == np.float32
    assert image[..., 2] == pytest.approx(np.hypot(flow[..., 0], flow[..., 1]) / 2, abs=1e-6)
