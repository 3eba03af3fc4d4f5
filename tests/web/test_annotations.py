"""What a coder's edits do to an event."""

import dataclasses

import numpy as np
import pytest

from microexpr.web.annotations import AnnotationEdit, Annotations, add_event, edit_event
from tests.web import serve_stub

TIMES = np.arange(serve_stub.FRAMES) / serve_stub.FPS


@pytest.mark.parametrize(
    ("edit", "kind"),
    [({"verdict": "confirm"}, "micro"), ({"label": "negative"}, "micro"), ({"offset": 71}, "macro")],
)
def test_the_kind_of_an_event_follows_from_its_length_only_where_a_coder_sets_its_frames(edit, kind):
    slow = dataclasses.replace(serve_stub.event(40, 55, 70), kind="micro")  # 0.6 s, as its spotter or its file says
    after = edit_event(Annotations.from_events([slow]), 1, AnnotationEdit("Ada", **edit), TIMES)
    assert after.event(1).kind == kind


def test_undo_goes_back_over_events_and_excluded_time_alike():
    start = Annotations.from_events([serve_stub.event(10, 14, 20), serve_stub.event(40, 55, 70)])
    first = edit_event(start, 1, AnnotationEdit("Ada", verdict="confirm"), TIMES)
    second = first.with_excluded([(1.0, 1.2)])
    third = edit_event(second, 1, AnnotationEdit("Ada", verdict="reject"), TIMES)
    assert [number for number, _ in third.ordered()] == [1]
    assert third.with_excluded([(1.0, 1.2)]) is third
    back = third.undo()
    assert back == second and back.undo() == first and back.undo().undo() == start


@pytest.mark.parametrize(("offset", "kind"), [(30, "micro"), (60, "macro")])
def test_an_added_event_has_the_kind_of_its_length(offset, kind):
    after = add_event(Annotations({}), AnnotationEdit("Ada", onset=10, offset=offset), "v", TIMES)
    assert after.event(1).kind == kind
