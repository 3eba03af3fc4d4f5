"""Action units of events: by a recognizer that tells them, sized by the motion of their regions."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from microexpr.analysis import AnalysisOptions, analyze_video
from microexpr.analysis.measurement import farthest_frame, measure_regions
from microexpr.core.action_units import ACTION_UNITS, ActionUnit
from microexpr.core.facial_regions import MEASURABLE, REGIONS
from microexpr.imaging.video import write_video
from microexpr.preprocessing import Chain
from microexpr.recognizers.model import Model
from microexpr.synthetic.long_video import SyntheticVideo, ground_truth_track
from microexpr.synthetic.person import Person
from microexpr.synthetic.script import Distractors, Movement
from tests.analysis.test_analyze_hostile import STUB
from tests.hostile import film

APEX = 20


class Fake:
    """A recognizer that tells the same of every clip."""

    classes = ("negative", "positive")

    def __init__(self, units=None, reason="", classes=(0.1, 0.9)):
        self.units, self.reason, self.probabilities = units or {}, reason, classes

    def predict_proba(self, samples):
        return np.array([self.probabilities] * len(samples))

    def predict(self, samples):
        return [self.classes[int(np.argmax(self.probabilities))]] * len(samples)

    def predict_action_units(self, samples):
        found = np.zeros((len(samples), 17, 2))
        for number, sides in self.units.items():
            found[:, list(ACTION_UNITS).index(number)] = sides
        return found

    def unknown_reasons(self, samples):
        return [self.reason] * len(samples)


@pytest.fixture
def analyze(tmp_path, monkeypatch):
    """A function that analyzes a recording with a recognizer."""
    write_video(tmp_path / "talk.mp4", film(20), 100)

    def run(recognizer, components=STUB, **options):
        model = Model(Chain.build([{"name": "onset-apex"}]), recognizer)
        monkeypatch.setattr("microexpr.analysis.options.load_classifier", lambda path: model)
        return analyze_video(tmp_path / "talk.mp4", tmp_path / "out", AnalysisOptions(**options), components=components)

    return run


def video(units, amplitude, drift=0.0):
    """A face that makes these action units in 0.2 s, 100 frames per second."""
    movement = Movement("micro", 0.0, APEX / 100, 0.3, 0.4, amplitude, units, "I")
    return SyntheticVideo(Person.draw(3), (movement,), 0.5, 100.0, Distractors(drift=drift), 0)


def test_the_recognizer_names_the_action_units_of_an_event(analyze):
    (event,) = analyze(Fake({1: (0.8, 0.9), 12: (0.2, 0.75), 4: (0.35, 0.1)})).events
    assert event.action_units == (ActionUnit(1, "", 0.9), ActionUnit(12, "L", 0.75))
    assert event.label == "positive" and event.reason == ""
    assert len(event.unit_probabilities) == 34 and event.unit_probabilities["R4"] == 0.35


def test_the_threshold_of_action_units_is_a_setting_of_the_analysis(analyze):
    first, second = (analyze(Fake({4: (0.45, 0.1)}), unit_threshold=t) for t in (0.5, 0.4))
    assert first.events[0].action_units == () and second.events[0].action_units == (ActionUnit(4, "R", 0.45),)
    assert first.fingerprint != second.fingerprint and second.settings["unit_threshold"] == 0.4


@pytest.mark.parametrize(
    ("recognizer", "options", "reason", "units"),
    [
        (Fake({1: (1, 1)}, "unlike all of the training"), {}, "unlike all of the training", ["1"]),
        (Fake({1: (1, 1)}), {"min_quality": 1.0}, "the face is hardly in sight (quality 0.90, below 1.00)", []),
    ],
)
def test_an_event_that_cannot_be_judged_has_no_class_and_a_hidden_face_no_action_units(
    analyze, recognizer, options, reason, units
):
    def dim(*arguments):
        (track,) = STUB.track(*arguments)
        track.quality[:] = 0.9
        return [track]

    (event,) = analyze(recognizer, dataclasses.replace(STUB, track=dim), **options).events
    assert (event.label, event.reason) == ("unknown", reason)
    assert [unit.code for unit in event.action_units] == units
    assert event.probabilities["positive"] == 0.9 and event.unit_probabilities["R1"] == 1


def test_a_class_below_the_threshold_leaves_the_action_units(analyze):
    (event,) = analyze(Fake({1: (1, 1)}, classes=(0.45, 0.55)), threshold=0.6).events
    assert event.reason == "the probability of positive, 0.55, is below the threshold, 0.60"
    assert event.label == "unknown" and [unit.code for unit in event.action_units] == ["1"]


def test_regions_have_the_names_of_the_measurement():
    motion = measure_regions(ground_truth_track(video((), 0.0), 96), 0, 5)
    assert tuple(motion.regions) == REGIONS


def test_motion_is_measured_without_the_head_in_pixels_of_a_face_224_wide():
    shown = video(((12, "L"),), 6.0, drift=4.0)
    motion = measure_regions(ground_truth_track(shown, 160), 0, APEX)
    x, y = motion.regions["left corner"]
    assert 2 < x < 6 and -6 < y < -1
    assert np.hypot(*motion.regions["right outer brow"]) < 1 and 60 < motion.interocular < 130
    (unit,) = motion.sized([ActionUnit(12, "L", 0.9)])
    assert unit.pixels == pytest.approx(np.hypot(x, y)) and unit.share == pytest.approx(
        unit.pixels / motion.interocular, abs=1e-5
    )


def test_the_face_is_farthest_from_its_onset_at_the_apex():
    track = ground_truth_track(video(((12, ""),), 6.0, drift=4.0), 160)
    assert abs(farthest_frame(track, 0, len(track) - 1) - APEX) <= 3
    assert farthest_frame(track, 5, 5) == 5


def test_faces_at_rest_seem_to_move_by_less_than_can_be_measured():
    """In 0.2 s with a drifting head: 95 of 100 regions. The chin, whose landmarks are on its outline, moves more."""
    lengths = []
    for seed in range(3):
        still = SyntheticVideo(Person.draw(seed), (), 0.7, 100.0, Distractors(), seed)
        track = ground_truth_track(still, 160)
        for onset in (0, 20, 40):
            found = measure_regions(track, onset, onset + 20).regions
            lengths += [np.hypot(*motion) for region, motion in found.items() if region != "chin"]
    assert np.percentile(lengths, 95) < MEASURABLE


def test_a_face_without_landmarks_is_not_measured(analyze):
    (event,) = analyze(Fake({1: (1, 1)})).events
    assert event.regions == {} and event.action_units[0].pixels is None
    track = ground_truth_track(video(((12, ""),), 6.0), 96)
    assert measure_regions(track, 5, 5).regions == {}
    json.dumps(dataclasses.asdict(event))
