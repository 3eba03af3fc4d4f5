"""Networks in TFLite files: both programs that run them answer the same, and neither says a word."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from microexpr.faces import tflite
from tests.photographs import ASTRONAUT, photograph

WHEEL = find_spec("mediapipe")
if WHEEL is None or not tflite.has_litert():
    pytest.skip("the wheels mediapipe and ai-edge-litert are not both installed", allow_module_level=True)

MODULES = Path(WHEEL.submodule_search_locations[0]) / "modules"
MODELS = {
    "face_detection/face_detection_short_range": (128, ("regressors", "classificators")),
    "face_landmark/face_landmark": (192, ("conv2d_21", "conv2d_31")),
}


def face(side):
    picture, _ = photograph(ASTRONAUT)
    return np.ascontiguousarray(picture[:side, -side:]).astype(np.float32) / 255


@pytest.mark.parametrize("model", MODELS)
def test_both_answer_the_same(model, monkeypatch):
    side, outputs = MODELS[model]
    file = MODULES / f"{model}.tflite"
    fast = tflite.load_network(file, outputs)(face(side))
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    assert not tflite.has_litert()
    slow = tflite.load_network(file, outputs)(face(side))
    for one, other in zip(fast, slow, strict=True):
        assert one.size == other.size > 0 and np.ptp(np.append(one, 0)) > 1
        assert one.ravel() == pytest.approx(other.ravel(), rel=1e-3, abs=2e-3)


def test_the_outputs_come_in_the_order_asked_for():
    side, outputs = MODELS["face_landmark/face_landmark"]
    file = MODULES / "face_landmark/face_landmark.tflite"
    points, logit = tflite.load_network(file, outputs)(face(side))
    assert (points.size, logit.size) == (1404, 1)
    assert [one.size for one in tflite.load_network(file, outputs[::-1])(face(side))] == [1, 1404]


def test_an_answer_is_not_overwritten_by_the_next():
    side, outputs = MODELS["face_landmark/face_landmark"]
    run = tflite.load_network(MODULES / "face_landmark/face_landmark.tflite", outputs)
    first = run(face(side))[0]
    kept = first.copy()
    assert not np.array_equal(run(face(side)[::-1].copy())[0], kept)
    assert np.array_equal(first, kept)


def test_nothing_is_said_on_the_terminal(capfd):
    side, outputs = MODELS["face_landmark/face_landmark"]
    tflite.load_network(MODULES / "face_landmark/face_landmark.tflite", outputs)(face(side))
    print("still there", file=sys.stderr)
    assert capfd.readouterr().err == "still there\n"
