"""Bi-WOOF: against a plain transcription of its formula."""

import math

import numpy as np
import pytest

from microexpr.features import FEATURES, check_feature
from microexpr.features.base import blocks
from microexpr.imaging.optical_flow import strain


def plain_bi_woof(flow: np.ndarray) -> np.ndarray:
    """The formula, pixel by pixel."""
    values, tension = [], strain(flow)
    for block in blocks(flow.shape[0], flow.shape[1], (5, 5)):
        histogram = np.zeros(8)
        for u, v in flow[block].reshape(-1, 2).astype(float):
            degrees = math.degrees(math.atan2(v, u))
            histogram[int((degrees + 180) // 45) % 8] += math.hypot(u, v)
        values.append(histogram / histogram.sum() * tension[block].sum())
    return np.concatenate(values) / np.linalg.norm(values)


def test_bi_woof_equals_its_formula():
    flow = np.random.default_rng(0).normal(size=(23, 31, 2)).astype(np.float32)
    feature = FEATURES.build({"name": "bi-woof"})
    assert feature.length == 200
    assert feature(flow) == pytest.approx(plain_bi_woof(flow), abs=1e-6)


def test_blocks_without_strain_are_zero_and_both_borders_of_the_turn_are_one_bin():
    flow = np.zeros((8, 8, 2), np.float32)
    flow[:, :4, 0] = -1  # the left half moves to the left as one; only its border is stretched
    flow[:4, :, 1], flow[4:, :, 1] = 0.0, -0.0
    values = FEATURES.build({"name": "bi-woof", "grid": [1, 2]})(flow)
    assert values[0] == pytest.approx(1) and values[1:] == pytest.approx(0)
    flow[:, 4:, 1] = 1
    values = FEATURES.build({"name": "bi-woof", "grid": [1, 4]})(flow)
    assert values[:8] == pytest.approx(0) and values[24:] == pytest.approx(0)


def test_settings():
    check_feature({"name": "bi-woof", "bins": 12, "grid": [3, 4], "strain_norm": "shear-once"})
