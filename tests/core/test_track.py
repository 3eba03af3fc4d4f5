"""The track of a face: results that are computed once for the same frames."""

from __future__ import annotations

import dataclasses

import numpy as np

from microexpr.core.track import FaceTrack


def track(n: int = 5) -> FaceTrack:
    zero = np.zeros(n, np.float32)
    crops, points, boxes = np.zeros((n, 8, 8), np.uint8), np.zeros((n, 68, 2), np.float32), np.zeros((n, 4), np.float32)
    pose, eyes = np.zeros((n, 3), np.float32), np.ones((n, 2), np.float32)
    return FaceTrack(1, np.arange(n), np.arange(n) / 25, crops, points, zero, pose, eyes, zero > 0, boxes)


def test_a_result_is_computed_once_for_its_name_and_frames():
    cached, frames = dataclasses.replace(track(), flow_cache={}), np.arange(3)
    assert cached.cached("a", frames, lambda: 1) == 1
    assert cached.cached("a", frames, lambda: 2) == 1
    assert cached.cached("b", frames, lambda: 2) == 2
    assert cached.cached("a", frames + 1, lambda: 3) == 3


def test_without_a_cache_a_result_is_computed_each_time():
    values = iter((1, 2))
    assert [track().cached("a", np.arange(3), lambda: next(values)) for _ in range(2)] == [1, 2]
