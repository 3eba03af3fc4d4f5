"""A network that learns single frames of the training clips before their sequences."""

from typing import Any

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.recognizers import RECOGNIZERS, check_recognizer
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.frames_first import NetworkFramesFirst
from microexpr.recognizers.network import Network

WIDTH = 1 / 64
FRAMES = {"network": {"name": "alexnet", "width": WIDTH}, "epochs": 1, "batch_size": 8}
SETTINGS = {
    "name": "network-frames-first",
    "network": {"name": "alexnet-lstm", "width": WIDTH},
    "frames": FRAMES,
    "epochs": 1,
    "batch_size": 8,
}


def build(**settings) -> NetworkFramesFirst:
    recognizer = RECOGNIZERS.build({**SETTINGS, **settings}, classes=CLASSES)
    assert isinstance(recognizer, NetworkFramesFirst)
    return recognizer


def test_it_does_what_every_recognizer_does():
    samples, labels = synthetic_samples(12, (2, 64, 64, 1))
    check_recognizer(SETTINGS, samples, labels)


def test_sequences_begin_with_what_frames_taught(monkeypatch):
    samples, labels = synthetic_samples(6, (3, 64, 64, 1))
    given: list[Any] = []
    fit = Network._fit

    def watched(self, samples, targets, groups, init):
        given.append((type(self), [s.id for s in samples], targets.tolist(), sorted(set(groups)), init))
        fit(self, samples, targets, groups, init)
        given.append({name: array.copy() for name, array in self.state().items()})

    monkeypatch.setattr(Network, "_fit", watched)
    steps = []
    build(frame_every=2, validation_fraction=0.2, freeze={"epochs": "all"}).fit(
        samples, labels, on_progress=lambda done, total: steps.append(done / total)
    )
    (kind, ids, targets, people, _), learned, (_, clips, _, everybody, start), end = given
    assert kind is Network and len(ids) == 10 and len(clips) == 6  # frames 0 and 2 of the clips of five people
    assert len(people) == 5 and len(everybody) == 6
    assert ids[:2] == [f"{clips[0]}/00000", f"{clips[0]}/00002"] and targets[0] == targets[1]
    assert np.array_equal(start["frame.fc7.weight"], learned["frame.fc7.weight"])
    assert np.array_equal(end["frame.fc7.weight"], learned["frame.fc7.weight"])  # frozen
    assert steps == sorted(steps) and steps[-1] == 1


def test_what_cannot_be_is_an_error():
    samples, labels = synthetic_samples(6, (64, 64, 1))
    with pytest.raises(RecipeError, match=r"takes sequences .*'image' of 'test/p0/c000' is \(64, 64, 1\)"):
        build().fit(samples, labels)
    for frames, said in (({**FRAMES, "array": "image"}, "leave it out"), ({"epoch": 1}, "did you mean 'epochs'")):
        with pytest.raises(RecipeError, match=said):
            build(frames=frames)
