"""Clips, blinding, samples."""

import dataclasses
from pathlib import Path

import pytest

from microexpr.core.clip import Clip, Interval, Sample
from microexpr.core.errors import AnnotationError

CLIP = Clip(
    "casme2/sub01/a", "casme2", "casme2/sub01", Path("x"), 200, 10, 20, 30, {"emotion": "fear"}, (Interval(1, 2),)
)


@pytest.mark.parametrize("reveal", [(), ("onset",), ("onset", "apex"), ("onset", "apex", "offset")])
def test_a_blinded_clip_has_the_revealed_times_only(reveal):
    blind = CLIP.blind(reveal)
    assert not blind.labels and not blind.intervals
    for name in ("onset", "apex", "offset"):
        assert getattr(blind, name) == (getattr(CLIP, name) if name in reveal else None)


def test_ids_must_begin_with_the_data_set():
    with pytest.raises(AnnotationError, match="must begin with"):
        Clip("sub01/a", "casme2", "casme2/sub01", Path("x"), 200)
    with pytest.raises(AnnotationError, match="'sub01'"):
        Clip("casme2/sub01/a", "casme2", "sub01", Path("x"), 200)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"apex": 5}, "apex"), ({"apex": 31}, "apex"), ({"offset": 9}, "offset"), ({"fps": 0.0}, "fps")],
)
def test_contradicting_times_are_issues(change, field):
    assert [issue[0] for issue in dataclasses.replace(CLIP, **change).issues()] == [field]


def test_a_sample_refuses_a_clip_with_labels():
    with pytest.raises(AnnotationError, match="blind"):
        Sample(CLIP)
    with pytest.raises(AnnotationError, match="blind"):
        Sample(dataclasses.replace(CLIP, labels={}))  # its intervals are labels too
    assert Sample(CLIP.blind(())).id == CLIP.id
