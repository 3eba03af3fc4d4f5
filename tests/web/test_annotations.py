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


@pytest.mark.parametrize(("offset", "kind"), [(30, "micro"), (60, "macro")])
def test_an_added_event_has_the_kind_of_its_length(offset, kind):
    after = add_event(Annotations({}), AnnotationEdit("Ada", onset=10, offset=offset), "v", TIMES)
    assert after.event(1).kind == kind
