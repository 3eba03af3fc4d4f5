"""Clips of synthetic copies show each action unit as often as the releases do, within their objective classes."""

from collections import Counter
from functools import partial

import pytest

from microexpr.core.action_units import parse_action_units
from microexpr.datasets import casme, casme2, samm
from microexpr.datasets.synthetic.action_units import deal_action_units
from microexpr.datasets.synthetic.clips import ClipSpec, clip_spec
from tests.synthetic.objective_classes import objective_class

CASME2_UPDATED = partial(casme2.clip_specs, added=True)
COPIES = [
    (casme.clip_specs, casme.POSITIVES, 189),
    (CASME2_UPDATED, casme2.POSITIVES, 256),
    (samm.clip_specs, samm.POSITIVES, 159),
]


def shown(specs: list[ClipSpec]) -> Counter[int]:
    return Counter(number for spec in specs for number, _ in spec.units)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("clip_specs", "positives", "n_clips"), COPIES)
def test_a_whole_copy_shows_each_action_unit_as_often_as_the_release(clip_specs, positives, n_clips, seed):
    specs = clip_specs(None, seed)
    assert len(specs) == n_clips
    assert {number: shown(specs)[number] for number in positives} == positives
    assert all(spec.units == parse_action_units(spec.action_units) for spec in specs)


@pytest.mark.parametrize("subjects", [1, 3, None])
@pytest.mark.parametrize(("clip_specs", "positives", "n_clips"), COPIES)
def test_action_units_have_the_objective_class_of_their_clip(clip_specs, positives, n_clips, subjects):
    for spec in clip_specs(subjects, 0):
        assert objective_class(spec.action_units) == spec.objective


def test_the_updated_sheet_of_casme2_adds_one_clip():
    assert len(casme2.clip_specs(None, 0)) == 255
    [added] = set(CASME2_UPDATED(None, 0)) - set(casme2.clip_specs(None, 0))
    assert (added.subject, added.name) == ("sub24", "EP02_07")
    assert CASME2_UPDATED(3, 0) == casme2.clip_specs(3, 0)


def test_counts_that_no_clip_can_show_are_an_error():
    spec = clip_spec("casme", "sub01", "EP01_1", ("happiness", "I"), 0)
    with pytest.raises(ValueError, match=r"cannot show the action units \{4: 1\}"):
        deal_action_units([spec], {("happiness", "I"): 1}, {4: 1}, 0)
    with pytest.raises(ValueError, match="2 clips of class I, but the release has 1"):
        deal_action_units([spec, spec], {("happiness", "I"): 1}, {12: 1}, 0)
