"""Networks in TFLite files: LiteRT and OpenCV give the same outputs, and neither prints anything."""

import sys

import numpy as np
import pytest

from microexpr.faces import tflite
from microexpr.faces.mesh_files import DETECTOR, MESH, mesh_file
from tests.marks import HAS_MESH
from tests.photographs import ASTRONAUT, photograph

if not (HAS_MESH and tflite.has_litert()):
    pytest.skip("the face mesh and ai-edge-litert are not both installed", allow_module_level=True)

MODELS = {DETECTOR: (128, ("regressors", "classificators")), MESH: (192, ("conv2d_21", "conv2d_31"))}


def face(side):
    image, _ = photograph(ASTRONAUT)
    return np.ascontiguousarray(image[:side, -side:]).astype(np.float32) / 255


@pytest.mark.parametrize("model", MODELS)
def test_litert_and_opencv_give_the_same_outputs(model, monkeypatch):
    side, outputs = MODELS[model]
    file = mesh_file(model)
    fast = tflite.load_network(file, outputs)(face(side))
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    assert not tflite.has_litert()
    slow = tflite.load_network(file, outputs)(face(side))
    for output, other in zip(fast, slow, strict=True):
        assert output.size == other.size > 0 and np.ptp(np.append(output, 0)) > 1
        assert output.ravel() == pytest.approx(other.ravel(), rel=1e-3, abs=2e-3)


def test_outputs_are_in_the_order_of_their_names():
    side, outputs = MODELS[MESH]
    file = mesh_file(MESH)
    points, logit = tflite.load_network(file, outputs)(face(side))
    assert (points.size, logit.size) == (1404, 1)
    assert [output.size for output in tflite.load_network(file, outputs[::-1])(face(side))] == [1, 1404]


def test_outputs_are_not_overwritten_by_the_next_call():
    side, outputs = MODELS[MESH]
    run = tflite.load_network(mesh_file(MESH), outputs)
    first = run(face(side))[0]
    before = first.copy()
    assert not np.array_equal(run(face(side)[::-1].copy())[0], before)
    assert np.array_equal(first, before)


def test_loading_a_network_prints_nothing(capfd):
    side, outputs = MODELS[MESH]
    tflite.load_network(mesh_file(MESH), outputs)(face(side))
    print("still there", file=sys.stderr)
    assert capfd.readouterr().err == "still there\n"
