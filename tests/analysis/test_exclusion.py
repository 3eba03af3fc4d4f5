"""Time that is excluded: how it is written, that nothing is found in it, and what is said of events at its edges."""

import dataclasses

import numpy as np
import pytest

from microexpr.analysis import AnalysisOptions, Components, analyze_video
from microexpr.analysis.exclusion import outside
from microexpr.analysis.page import render_page
from microexpr.cli.main import main
from microexpr.core.clip import Interval
from microexpr.core.errors import UsageError
from microexpr.core.time_ranges import format_range, parse_ranges
from microexpr.core.track import FaceTrack
from microexpr.imaging.video import write_video
from tests.analysis.test_analyze_hostile import STUB, everywhere, whole
from tests.analysis.test_causes import track
from tests.hostile import film


@pytest.mark.parametrize(
    ("texts", "ranges"),
    [
        (["0:12-0:30"], [(12, 30)]),
        (["90 - 95.5"], [(90, 95.5)]),
        (["1:02:00-1:02:30"], [(3720, 3750)]),
        (["0:10–0:20", "5-12", "20-25", "40-41"], [(5, 25), (40, 41)]),
        ([], []),
    ],
)
def test_ranges_as_people_write_them(texts, ranges):
    assert parse_ranges(texts) == tuple(ranges)
    assert parse_ranges(format_range(*span) for span in ranges) == tuple(ranges)


@pytest.mark.parametrize("text", ["12", "a-b", "0:30-0:12", "5-5", "-3-4", "1:2:3:4-5", ""])
def test_what_is_no_range_is_refused(text, tmp_path, capsys):
    with pytest.raises(UsageError, match=f"'{text}'"):
        parse_ranges([text])
    with pytest.raises(SystemExit) as end:
        main(["analyze", str(tmp_path / "x.mp4"), f"--exclude={text}", "--model", "none"])
    assert end.value.code == 2 and f"'{text}'" in capsys.readouterr().err


def two_parts(seen: FaceTrack, options) -> list[Interval]:
    """A movement over each part without a gap."""
    gaps = np.flatnonzero(np.diff(seen.times) > 0.1) + 1
    parts = np.split(seen.numbers, gaps)
    return [Interval(int(part[0]), int(part[-1]), int(part[len(part) // 2]), "micro", score=1.0) for part in parts]


@pytest.fixture
def video(tmp_path):
    write_video(tmp_path / "v.mp4", film(60), 25)
    return tmp_path / "v.mp4"


def test_nothing_is_found_in_excluded_time(video):
    parts = Components(everywhere, two_parts, STUB.curve)
    options = AnalysisOptions(model="none", exclude=("0.6-1.2", "9-10"))
    found = analyze_video(video, options=options, components=parts)
    assert [(event.onset, event.offset) for event in found.events] == [(0, 14), (30, 59)]
    assert found.excluded == ((0.6, 1.2), (9, 10))
    assert [set(event.warnings) & CUTS for event in found.events] == [
        {"cut by the start of the recording", "cut by excluded time"},
        {"cut by excluded time", "cut by the end of the recording"},
    ]
    assert "not searched, because excluded: 0:00.6-0:01.2" in found.warnings
    assert "excluded time 0:09-0:10 lies after the end of the recording, at 2.36 s" in found.warnings
    assert found.faces[0].gaps == () and found.faces[0].frames == 60  # it was in sight
    assert not any(0.6 <= seconds < 1.2 for seconds, _ in found.faces[0].curve)
    assert '"excluded":[[0.6,1.2],[9.0,10.0]]' in render_page(found, {})


CUTS = {
    *("cut by the start of the recording", "cut by the end of the recording", "cut by excluded time"),
    "cut where the face is out of sight",
}


def test_a_recording_of_excluded_time_alone(video):
    options = AnalysisOptions(model="none", exclude=("0-60",))
    found = analyze_video(video, options=options, components=STUB)
    assert found.events == () and found.faces[0].curve == () and found.detection_limit is not None


def test_a_range_shorter_than_a_frame_keeps_events_out_too():
    seen = track()
    assert outside(seen, [Interval(0, 20), Interval(30, 40)], ((0.34, 0.35),)) == [(seen, Interval(30, 40))]


def test_other_excluded_time_is_another_analysis(video, tmp_path):
    runs = [
        analyze_video(video, tmp_path / "out", AnalysisOptions(model="none", exclude=ranges), components=STUB)
        for ranges in ((), ("0-1",))
    ]
    assert runs[0].fingerprint != runs[1].fingerprint and runs[1].events[0].onset == 25


def test_an_event_cut_where_the_face_is_lost(video):
    def late(frames, options, progress, folder):
        (seen,) = everywhere(frames, options, progress, folder)
        return [seen.select(slice(10, 40))]

    options = AnalysisOptions(model="none", detection_limit=False)
    found = analyze_video(video, options=options, components=Components(late, whole, STUB.curve))
    assert set(found.events[0].warnings) & CUTS == {"cut where the face is out of sight"}
    inside = dataclasses.replace(STUB, spot=lambda seen, options: [Interval(5, 30, 12, "macro", score=1.0)])
    assert not set(analyze_video(video, options=options, components=inside).events[0].warnings) & CUTS
