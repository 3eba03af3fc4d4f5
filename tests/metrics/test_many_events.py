"""A coder's file of many events is compared in a time that grows with its length."""

import random

from microexpr.core.events import Event
from microexpr.metrics.agreement import agreement
from microexpr.metrics.intervals import match_intervals, overlap


def event(onset, offset, face=1):
    times = {"start": onset / 10, "peak": onset / 10, "end": offset / 10}
    return Event("v", face, onset, onset, offset, **times, kind="micro", score=0.0, status="added", coder="a")


def all_pairs(first, second, iou):
    """Best overlap first, by comparing every pair."""
    pairs = [
        (overlap((a.onset, a.offset), (b.onset, b.offset)), i, j)
        for i, a in enumerate(first)
        for j, b in enumerate(second)
    ]
    found, used = [], (set(), set())
    for value, i, j in sorted(pairs, key=lambda pair: -pair[0]):
        if value >= iou and i not in used[0] and j not in used[1]:
            used[0].add(i), used[1].add(j)
            found.append((first[i], second[j]))
    return found


def test_matches_are_those_of_all_pairs():
    draw = random.Random(1)
    sides = [[event(n := draw.randrange(300), n + draw.randrange(40)) for _ in range(60)] for _ in range(2)]
    for iou in (0.2, 0.5):
        assert match_intervals(sides[0], sides[1], iou) == all_pairs(sides[0], sides[1], iou)


def test_kappa_of_overlapping_events_counts_each_frame_once():
    first, second = [event(0, 9), event(5, 14), event(30, 39)], [event(10, 19), event(30, 39), event(12, 13)]
    result = agreement(first, second, range(100))
    inside = [set(range(15)) | set(range(30, 40)), set(range(10, 20)) | set(range(30, 40))]
    both, either = len(inside[0] & inside[1]), len(inside[0] | inside[1])
    observed = (both + 100 - either) / 100
    chance = (len(inside[0]) * len(inside[1]) + (100 - len(inside[0])) * (100 - len(inside[1]))) / 100**2
    assert result.frames == 100 and abs(result.time_kappa - (observed - chance) / (1 - chance)) < 1e-12


def test_a_file_of_twenty_thousand_events_is_compared():
    many = [event(n, n + 1, face=n % 5000 + 1) for n in range(20_000)]
    result = agreement(many[:200], many, range(30_000))
    assert result.matched == 200 and len(result.differences) == 19_800
