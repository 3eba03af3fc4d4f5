"""Sensitivity of an analysis: quiet places, what counts as found."""

import numpy as np
import pytest

from microexpr.analysis.sensitivity import activity, is_found, quiet_places
from microexpr.core.clip import Interval
from microexpr.synthetic.long_video import ground_truth_track, random_video
from microexpr.synthetic.script import Distractors

STILL = Distractors(blinks=0, speech=0, gaze=0, turns=0, drift=0, flicker=0)


@pytest.fixture(scope="module")
def track():
    return ground_truth_track(random_video(7, seconds=20, fps=30, micro=0, macro=9, distractors=STILL))


def test_a_quiet_place_moves_less_than_the_rest(track):
    places = quiet_places(track)
    quiet, all_of_it = activity(track, places[0] - 0.4, places[0] + 0.4), activity(track, 0.5, 19)
    assert quiet < 0.5 * all_of_it


def test_quiet_places_are_apart_and_outside_of_what_is_taken(track):
    places = quiet_places(track, [(5.0, 8.0)], apart=3.0)
    assert np.diff(sorted(places)).min() >= 3.0 - 1e-6
    assert not any(4.6 < place < 8.4 for place in places)


def test_a_blink_is_not_quiet(track):
    blinking = track.select(slice(None))
    blinking.blink[:] = True
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
