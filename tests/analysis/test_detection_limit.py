"""The detection limit of an analysis: quiet places, what counts as found, sizes, budget, and what is said."""

import dataclasses

import numpy as np
import pytest

from microexpr.analysis import AnalysisOptions, analyze_video
from microexpr.analysis.detection_limit import (
    activity,
    inject_into_track,
    is_found,
    measure_detection_limit,
    quiet_places,
)
from microexpr.analysis.detection_limit.measure import FIXED, SHARE
from microexpr.analysis.detection_limit.model import DetectionModel, Trial
from microexpr.analysis.formats.json_file import from_json, to_json
from microexpr.analysis.page import render_page
from microexpr.core.clip import Interval
from microexpr.core.detection_limit import DetectionCurve, DetectionLimit
from microexpr.core.track import FaceTrack
from microexpr.imaging.video import write_video
from microexpr.synthetic.long_video import ground_truth_track, random_video
from microexpr.synthetic.script import Distractors, Movement
from tests.analysis.test_analyze_hostile import STUB
from tests.analysis.test_export_events import NOBODY, WHOLE
from tests.hostile import film

STILL = Distractors(blinks=0, speech=0, gaze=0, turns=0, drift=0, flicker=0)
CURVE = DetectionCurve("brow raise", "1+2", 100, 0.9, 1.6, 0.7, 1.2, 8, 5, ((0.25, 0.1), (8.0, 0.99)))


@pytest.fixture(scope="module")
def track():
    return ground_truth_track(random_video(7, seconds=20, fps=30, micro=0, macro=9, distractors=STILL))


@pytest.fixture(scope="module")
def calm():
    """A face that does not move at all, not even by the noise of landmarks."""
    still = ground_truth_track(random_video(3, seconds=40, fps=60, micro=0, macro=0, distractors=STILL))
    return dataclasses.replace(still, points=np.repeat(still.points[:1], len(still), axis=0))


class Threshold:
    """A spotter that finds each time in which a landmark is farther than a limit from its usual position, in px."""

    def __init__(self, limit: float) -> None:
        self.limit, self.steps = limit, 0

    def __call__(self, track: FaceTrack) -> list[Interval]:
        self.steps += len(track)
        px = 224 / np.linalg.norm(track.points[0, 16] - track.points[0, 0])
        moved = np.linalg.norm(track.points - np.median(track.points, axis=0), axis=-1).max(axis=1) * px > self.limit
        edges = np.flatnonzero(np.diff(np.concatenate([[0], moved, [0]]))).reshape(-1, 2)
        numbers = track.numbers.tolist()
        return [Interval(numbers[a], numbers[b - 1], numbers[(a + b) // 2]) for a, b in edges]


def measured(track: FaceTrack, limit: float, frames: int = 3000) -> tuple[DetectionLimit, Threshold]:
    spotter = Threshold(limit)
    return measure_detection_limit([(track, [])], spotter, frames, 60.0), spotter


def test_a_quiet_place_moves_less_than_the_rest(track):
    places = quiet_places(track)
    quiet, all_of_it = activity(track, places[0] - 0.4, places[0] + 0.4), activity(track, 0.5, 19)
    assert quiet < 0.5 * all_of_it


def test_quiet_places_are_apart_and_outside_of_what_is_taken(track):
    places = quiet_places(track, [(5.0, 8.0)], apart=3.0)
    assert np.diff(sorted(places)).min() >= 3.0 - 1e-6
    assert not any(4.6 < place < 8.4 for place in places)


def test_a_blink_is_not_quiet(track):
    blinking = dataclasses.replace(track, blink=np.ones(len(track), bool))
    assert activity(blinking, 5, 6) == np.inf
    assert quiet_places(blinking) == []


@pytest.mark.parametrize(
    ("onset", "apex", "offset", "found"),
    [
        (60, 63, 69, True),  # the same
        (60, 65, 80, True),  # its apex is inside
        (60, 75, 80, False),  # too little overlap, and its apex is outside
        (30, 63, 120, False),  # too long
    ],
)
def test_found_is_what_overlaps_or_peaks_inside(track, onset, apex, offset, found):
    assert is_found(track, (2.0, 2.3), [Interval(onset, offset, apex)]) is found


def test_an_injected_track_moves_within_the_movement_only(calm):
    changed = inject_into_track(calm, [Movement("micro", 5.0, 5.1, 5.1, 5.2, 4.0, ((12, ""),))])
    moved = np.linalg.norm(changed.points - calm.points, axis=-1)
    assert np.flatnonzero(moved.max(axis=1)).tolist() == list(range(301, 312))
    assert moved[306, [48, 54]].min() > 2 * moved[306, [36, 45]].max()
    assert (changed.crops[306] != calm.crops[306]).any() and (changed.crops[320] == calm.crops[320]).all()


def test_the_mesh_moves_as_the_landmarks_do(calm):
    matrices = np.tile([[0.5, 0, 3.0], [0, 0.5, -2]], (len(calm), 1, 1))
    mesh = np.zeros((len(calm), 468, 3), np.float32)
    mesh[:, :68, :2] = (calm.points - matrices[0, :, 2]) / 0.5
    with_mesh = dataclasses.replace(calm, mesh=mesh, crop_matrices=matrices)
    changed = inject_into_track(with_mesh, [Movement("micro", 5.0, 5.1, 5.1, 5.2, 4.0, ((12, ""),))])
    in_crop = changed.mesh[306, :68, :2] * 0.5 + matrices[0, :, 2]
    assert np.abs(in_crop - changed.points[306]).max() < 0.02


def test_a_spotter_that_needs_more_finds_only_larger_movements(calm):
    halves = [[curve.half or 9 for curve in measured(calm, limit)[0].curves] for limit in (1.0, 2.5)]
    assert all(np.array(halves[1]) > 1.5 * np.array(halves[0]))


def test_the_half_point_is_that_of_the_spotter(calm):
    result, _ = measured(calm, 1.2, frames=30_000)
    brow = next(curve for curve in result.curves if (curve.movement, curve.milliseconds) == ("brow raise", 300))
    assert brow.low < 1.2 / 0.75 * 1.3 and brow.high > 1.2 / 0.75 * 0.7


def test_equal_recordings_give_equal_results_within_the_budget(calm):
    (first, spotter), (second, _) = measured(calm, 1.0, 5000), measured(calm, 1.0, 5000)
    assert first == second and first.trials >= 10
    assert spotter.steps <= SHARE * (5000 + FIXED)


@pytest.mark.parametrize(
    ("tracks", "frames", "reason"), [([], 3000, "no face"), ("blinking", 3000, "at rest"), ("calm", 1, "too short")]
)
def test_what_cannot_be_measured_is_said(calm, tracks, frames, reason):
    shut = dataclasses.replace(calm, blink=np.ones(len(calm), bool))
    spotted = [(shut if tracks == "blinking" else calm, [])] if tracks else []
    result = measure_detection_limit(spotted, Threshold(1.0), frames, 60.0)
    assert reason in result.reason and reason in result.sentences()[0]


def test_trials_move_the_half_point_and_narrow_its_limits():
    cell = ("brow raise", 100)
    trials = [Trial(*cell, px, "", px >= 3) for px in (1.0, 1.5, 2, 2.5, 3.5, 4, 5, 6) * 4]
    prior, model = DetectionModel([cell], []), DetectionModel([cell], trials)
    assert prior.half(cell) == pytest.approx(1.2)
    assert model.half(cell) == pytest.approx(3, rel=0.1)
    assert np.divide(*model.limits(cell)) > 3 * np.divide(*prior.limits(cell))
    assert model.probability(cell, np.array([model.nine_in_ten(cell)])) == pytest.approx(0.9)


def test_the_sentence():
    found = DetectionLimit((CURVE, dataclasses.replace(CURVE, milliseconds=40, half=None)), 4, 16, 1.3)
    assert found.sentences()[0] == (
        "In this recording a brow raise of 100 ms is found from 0.9 px on (half) and 1.6 px (nine in ten), one of 40 "
        "ms is not found up to 8 px."
    )
    assert "16 movements" in found.sentences()[1]


def test_json_page_and_notebook_have_the_detection_limit():
    detection_limit = DetectionLimit((CURVE,), 4, 8, 1.3)
    for analysis in (WHOLE, NOBODY):
        whole = dataclasses.replace(analysis, detection_limit=detection_limit)
        assert from_json(to_json(whole)) == whole
        for text in (render_page(whole, {}), whole._repr_html_()):
            assert detection_limit.sentences()[0] in text
    assert "<polyline" in render_page(whole, {})
    assert "<polyline" not in render_page(dataclasses.replace(whole, detection_limit=None), {})


def test_the_switch(tmp_path):
    write_video(tmp_path / "talk.mp4", film(20), 25)
    settings = {"model": "none"}
    on, off = (AnalysisOptions.from_settings({**settings, "detection_limit": wanted}) for wanted in (True, False))
    found = [analyze_video(tmp_path / "talk.mp4", tmp_path / "out", options, components=STUB) for options in (on, off)]
    assert found[0].detection_limit is not None and found[1].detection_limit is None
    assert found[0].fingerprint != found[1].fingerprint
