"""The table of the people in a recording: counts, rates and durations that can be worked out by hand."""

import csv
import dataclasses
import io

import pytest

from microexpr.analysis.formats.people import to_people_csv
from microexpr.analysis.live.detector import FaceHistory
from microexpr.analysis.page import render_page
from microexpr.analysis.person_table import ALL, PersonRow, person_table, usable_seconds
from microexpr.core.events import Analysis, Event, Face, Recording
from tests.analysis.test_causes import bump, track

RECORDING = Recording("=v.mp4", "/v.mp4", 3000, 120.0, 25.0, 640, 480)


def event(face, start, seconds, label, **values) -> Event:
    onset, offset = round(25 * start), round(25 * (start + seconds))
    kind = "micro" if seconds < 0.5 else "macro"
    return Event("v.mp4", face, onset, onset + 1, offset, start, start + 0.04, start + seconds, kind, 1.0, label=label,
                 **values)  # fmt: skip


FACES = (Face(1, 3000, 0.9, gaps=((0.0, 10.0),), unusable=((10.0, 20.0), (50.0, 60.0))), Face(2, 3000, 0.9))
EVENTS = (
    event(1, 30, 0.2, "surprise"),
    event(1, 40, 0.4, "surprise"),
    event(1, 70, 2.0, "positive"),
    event(1, 80, 0.2, "negative", status="rejected"),
    event(1, 101, 0.2, "negative"),
)
WHOLE = Analysis(RECORDING, FACES, EVENTS, excluded=((55.0, 65.0), (100.0, 119.0), (119.5, 300.0)))


def test_usable_time_is_in_sight_good_enough_and_not_excluded():
    """120 s less 0-20, 50-65, 100-119 and 119.5-120."""
    assert usable_seconds(FACES[0], WHOLE) == pytest.approx(120 - 20 - 15 - 19 - 0.5)
    assert usable_seconds(FACES[1], WHOLE) == pytest.approx(120 - 10 - 19 - 0.5)
    assert usable_seconds(FACES[1], dataclasses.replace(WHOLE, excluded=((0.0, 500.0),))) == 0


def test_rows_of_everybody():
    usable = 65.5 / 60
    minutes = round(usable, 6)
    assert person_table(WHOLE)[:5] == [
        PersonRow(1, minutes, ALL, ALL, 3, round(3 / usable, 6), round(2.6 / 3, 6)),
        PersonRow(1, minutes, "micro", ALL, 2, round(2 / usable, 6), 0.3),
        PersonRow(1, minutes, "macro", ALL, 1, round(1 / usable, 6), 2.0),
        PersonRow(1, minutes, "micro", "surprise", 2, round(2 / usable, 6), 0.3),
        PersonRow(1, minutes, "macro", "positive", 1, round(1 / usable, 6), 2.0),
    ]
    other = person_table(WHOLE)[5:]
    assert [(row.face, row.kind, row.label) for row in other] == [
        (2, row.kind, row.label) for row in person_table(WHOLE)[:5]
    ]
    assert all((row.events, row.per_minute, row.mean_seconds) == (0, 0.0, None) for row in other)
    nothing = person_table(dataclasses.replace(WHOLE, excluded=((0.0, 500.0),)))
    assert {(row.events, row.per_minute) for row in nothing} == {(0, None)}
    assert person_table(Analysis(RECORDING)) == []


def test_the_table_as_csv_and_on_the_page():
    rows = list(csv.DictReader(io.StringIO(to_people_csv(WHOLE))))
    assert len(rows) == 10 and rows[0]["video"] == "'=v.mp4"
    assert (rows[3]["label"], rows[3]["events"], rows[3]["mean_seconds"]) == ("surprise", "2", "0.3")
    assert rows[9]["mean_seconds"] == ""
    page = render_page(WHOLE, {})
    assert "<td>micro</td><td>2</td><td>1.83</td><td>300</td>" in page and "surprise 2" in page
    assert "People" not in render_page(Analysis(RECORDING), {})


def test_unusable_time_of_a_camera_is_one_piece():
    """A face that is seen twice, in two searches, while its quality is low."""
    poor = track(quality=1 - 0.8 * (bump(1.0, at=30, half=20) > 0))
    history = FaceHistory(1)
    for until in (0.8, 2.0):
        history.update(poor, until, 1 / 30)
    assert history.to_face(2.0, 1 / 30).unusable == (pytest.approx((11 / 30, 50 / 30)),)
