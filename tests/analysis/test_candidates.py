"""More or fewer events, what lies below the threshold, and why there is no event."""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest

from microexpr.analysis import AnalysisOptions, Components, analyze_video
from microexpr.analysis.candidates import beside_events, to_candidates
from microexpr.analysis.causes import COVERED
from microexpr.analysis.formats.json_file import from_json, to_json
from microexpr.analysis.page import render_page
from microexpr.cli.main import main
from microexpr.core.errors import UsageError
from microexpr.core.events import BELOW_THRESHOLD, Analysis, Candidate
from microexpr.imaging.video import write_video
from microexpr.spotting import SPOTTERS, Detection, Span, Spotter
from tests.analysis.test_analyze_hostile import STUB, everywhere
from tests.analysis.test_causes import EVENT, bump, track
from tests.analysis.test_export_events import NOBODY, WHOLE
from tests.hostile import film

SCORES = (0.31, 0.2, 0.7)


@dataclasses.dataclass(frozen=True)
class ThreeBumps(Spotter):
    """Movements of 4 frames with the scores of `SCORES`, of which the threshold lets one through."""

    name: ClassVar[str] = "three-bumps"
    threshold_setting: ClassVar[str] = "min_score"
    curve_is_score: ClassVar[bool] = True
    learned_from: ClassVar[str] = "was chosen on no film"
    min_score: float = 0.5

    def detect(self, track, grid):
        spans = tuple(Span(6 * i, 6 * i + 2, 6 * i + 4, score) for i, score in enumerate(SCORES))
        curve = np.zeros(len(grid))
        for span in spans:
            curve[span.onset : span.offset + 1] = span.score
        return Detection(curve, spans)


@pytest.fixture
def bumps(monkeypatch, tmp_path):
    """Analyzes a film of 20 frames, 25 a second, with the three movements; keywords are settings."""
    monkeypatch.setattr(SPOTTERS, "_entries", {**dict(SPOTTERS), "three-bumps": ThreeBumps})
    write_video(tmp_path / "v.mp4", film(20), 25)

    def analyze(**settings) -> Analysis:
        options = AnalysisOptions(model="none", detection_limit=False, spotter={"name": "three-bumps"}, **settings)
        return analyze_video(tmp_path / "v.mp4", options=options, components=Components(everywhere))

    return analyze


def test_weaker_movements_are_candidates(bumps):
    found = bumps()
    assert [event.score for event in found.events] == [0.7] and found.spotter_threshold == 0.5
    assert found.why_no_event == ""
    first = Candidate(1, 0, 2, 4, 0.0, 0.08, 0.16, 0.31, BELOW_THRESHOLD)
    assert found.candidates == (first, Candidate(1, 6, 8, 10, 0.24, 0.32, 0.4, 0.2, BELOW_THRESHOLD))
    assert from_json(to_json(found)) == found


@pytest.mark.parametrize(
    ("sensitivity", "threshold", "events"), [(0.0, 1, 0), (0.25, 0.75, 0), (0.5, 0.5, 1), (0.8, 0.2, 3), (1.0, 0, 3)]
)
def test_the_sensitivity_moves_the_threshold(bumps, sensitivity, threshold, events):
    found = bumps(sensitivity=sensitivity)
    assert len(found.events) == events and len(found.candidates) == 3 - events
    assert found.spotter_threshold == pytest.approx(threshold)
    assert found.settings["spotter"]["min_score"] == pytest.approx(threshold)
    assert found.settings["sensitivity"] == sensitivity


def test_a_recording_without_events_says_why(bumps):
    found = bumps(sensitivity=0.1)
    why = "No event: 3 movements below the threshold, 0.9, the best 0.7."
    assert found.why_no_event == why
    assert why in render_page(found, {}) and why in found._repr_html_()
    covered = dataclasses.replace(found.candidates[2], reason=COVERED)
    some = dataclasses.replace(found, candidates=(found.candidates[0], covered))
    assert some.why_no_event == (
        f"No event: 1 movement below the threshold, 0.9, the best 0.31; 1 movement left out: {COVERED}."
    )
    assert dataclasses.replace(found, candidates=()).why_no_event == "The spotter found no facial movement."
    assert NOBODY.why_no_event == "No face was found in this recording."


def test_the_spotter_says_what_it_learned_from(bumps):
    assert "the spotter was chosen on no film" in bumps().warnings
    assert not any("the spotter" in line for line in NOBODY.warnings)
    default = SPOTTERS.get("default")
    assert "films of real people" in default.learned_from


def test_a_threshold_of_another_scale_is_not_drawn(tmp_path):
    write_video(tmp_path / "v.mp4", film(20), 25)
    options = AnalysisOptions(model="none", spotter={"name": "mdmd"}, sensitivity=1.0)
    found = analyze_video(tmp_path / "v.mp4", options=options, components=STUB)
    assert found.spotter_threshold is None and found.settings["spotter"]["p"] == 0


def test_a_spotter_without_a_threshold_refuses_a_sensitivity():
    class Rigid(ThreeBumps):
        threshold_setting: ClassVar[str] = ""

    assert Rigid().with_sensitivity(0.5) == Rigid()
    with pytest.raises(UsageError, match="no threshold that a sensitivity moves"):
        Rigid().with_sensitivity(0.6)
    trained = ThreeBumps().with_sensitivity(0.75)
    assert trained.min_score == 0.25 and ThreeBumps(min_score=0.4).with_sensitivity(0.25).min_score == 0.7


@pytest.mark.parametrize("value", ["2", "high"])
def test_a_wrong_sensitivity_is_refused(value, capsys):
    with pytest.raises(SystemExit) as end:
        main(["analyze", "x.mp4", "--sensitivity", value])
    assert end.value.code == 2 and "--sensitivity" in capsys.readouterr().err


def test_a_weak_movement_behind_a_hand_and_one_in_an_event():
    hand = track(covered=bump(0.4))
    (weak,) = to_candidates([(hand, dataclasses.replace(EVENT, score=0.3))], [])
    assert (weak.reason, weak.score, weak.start) == (COVERED, 0.3, pytest.approx(20 / 30))
    event = dataclasses.replace(WHOLE.events[0], face=1, onset=18, offset=30)
    assert beside_events([weak], [event]) == () and beside_events([weak], []) == (weak,)
    assert beside_events([weak], [dataclasses.replace(event, face=2)]) == (weak,)
