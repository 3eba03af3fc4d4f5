"""frames.csv: a row per frame and face, as people who use OpenFace have it."""

import io

import numpy as np
import pandas as pd
import pytest

from microexpr.analysis import AnalysisOptions, analyze_video
from microexpr.analysis.frame_table import CURVES, frame_table
from microexpr.core.track import FaceTrack
from microexpr.imaging.video import write_video
from tests.analysis.test_analyze_hostile import STUB
from tests.hostile import film


def track(face, numbers):
    n = len(numbers)
    columns = {
        "crops": np.zeros((n, 4, 4), np.uint8),
        "points": np.zeros((n, 68, 2), np.float32),
        "quality": np.full(n, 0.75, np.float32),
        "pose": np.tile(np.array([1.5, -2, 3], np.float32), (n, 1)),
        "eye_openness": np.tile(np.array([1, 0.5], np.float32), (n, 1)),
        "blink": np.arange(n) == 1,
        "boxes": np.tile(np.array([10, 20, 30, 40], np.float32), (n, 1)),
    }
    return FaceTrack(face, np.array(numbers), np.array(numbers) / 25, **columns)


def test_a_row_per_frame_and_face():
    first, later, other = track(1, [0, 1]), track(1, [3]), track(2, [2, 3])
    curves = {first: np.array([0.25, 1.0]), later: np.array([2.0]), other: np.array([0.0, np.nan])}
    table = pd.read_csv(io.BytesIO(frame_table(list(curves), curves, np.arange(4), np.arange(4) / 25)))
    assert list(table.columns) == ["frame", "face_id", "timestamp", "confidence", "success", *CURVES]
    assert list(table["frame"]) == [0, 1, 2, 3] * 2 and list(table["face_id"]) == [1] * 4 + [2] * 4
    assert list(table["success"]) == [1, 1, 0, 1, 0, 0, 1, 1]
    assert list(table["confidence"]) == [0.75, 0.75, 0, 0.75, 0, 0, 0.75, 0.75]
    assert list(table["movement"].fillna(-1)) == [0.25, 1, -1, 2, -1, -1, 0, -1]
    row = table.iloc[1]
    assert (row.yaw, row.pitch, row.roll, row.blink, row.left_eye_openness) == (1.5, -2, 3, 1, 0.5)
    assert (row.face_x, row.face_height, row.timestamp) == (10, 40, pytest.approx(0.04)) and np.isnan(row.noise)


def test_it_lies_beside_the_events(tmp_path):
    write_video(tmp_path / "talk.mp4", film(20), 25)
    analyze_video(tmp_path / "talk.mp4", tmp_path / "out", AnalysisOptions(model="none"), components=STUB)
    table = pd.read_csv(tmp_path / "out" / "talk.mp4" / "frames.csv")
    assert len(table) == 20 and list(table["timestamp"]) == pytest.approx(list(np.arange(20) / 25))
