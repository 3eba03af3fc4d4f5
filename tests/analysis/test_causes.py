"""Movements that are no expression: covered faces, turns of the head, looks aside."""

from dataclasses import replace

import numpy as np
import pytest

from microexpr.analysis.causes import (
    COVERED,
    HEAD_TURN,
    OUT_OF_SIGHT,
    cause,
    event_remarks,
    face_notes,
    is_look_aside,
    left_out_notes,
    mark_nested,
    sift,
)
from microexpr.core.clip import Interval
from microexpr.core.track import FaceTrack
from tests.analysis.test_export_events import WHOLE

FRAMES, FPS = 60, 30.0
EVENT = Interval(20, 32, 26)


def mesh() -> np.ndarray:
    """(468, 3): half an ellipsoid, 200 pixels wide, whose points 234 and 454 are at its sides."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(468, 3))
    points[:, 2] = -np.abs(points[:, 2])
    points[[234, 454]] = [(-1, 0, 0), (1, 0, 0)]
    return points / np.linalg.norm(points, axis=1)[:, None] * (100, 130, 80)


def turned(degrees: float, points: np.ndarray) -> np.ndarray:
    """The points turned about the vertical axis and moved."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + (5, -3, 0)


def track(yaw: np.ndarray | None = None, moved: np.ndarray | None = None, **columns: np.ndarray) -> FaceTrack:
    """A face of 60 frames that turns by `yaw` and whose last 30 mesh points are `moved` down by pixels."""
    yaw = np.zeros(FRAMES) if yaw is None else yaw
    points = np.stack([turned(degrees, mesh()) for degrees in yaw])
    if moved is not None:
        points[:, -30:, 1] += moved[:, None]
    zeros = np.zeros(FRAMES)
    made = FaceTrack(
        face=1,
        numbers=np.arange(FRAMES),
        times=np.arange(FRAMES) / FPS,
        crops=np.zeros((FRAMES, 8, 8), np.uint8),
        points=np.zeros((FRAMES, 68, 2), np.float32),
        quality=np.ones(FRAMES, np.float32),
        pose=np.stack([yaw, zeros, zeros], axis=1),
        eye_openness=np.ones((FRAMES, 2), np.float32),
        blink=np.zeros(FRAMES, bool),
        boxes=np.zeros((FRAMES, 4), np.float32),
        mesh=points.astype(np.float32),
        covered=zeros,
        noise=zeros,
    )
    return replace(made, **columns)


def bump(height: float, at: int = 26, half: int = 6) -> np.ndarray:
    """(60,) rises to a height at a frame and falls again."""
    return height * np.clip(1 - np.abs(np.arange(FRAMES) - at) / half, 0, 1)


def test_what_covers_the_face_is_left_out_and_counted():
    hand, bare = track(covered=bump(0.4)), track(covered=bump(0.4, at=50))
    found, left_out = sift([(hand, EVENT), (bare, EVENT), (hand, EVENT)])
    assert found == [(bare, EVENT)] and left_out == [(hand, EVENT, COVERED)] * 2
    assert left_out_notes({COVERED: 2}) == (f"2 movements were left out: {COVERED}",)
    assert cause(track(covered=bump(0.4, at=15)), EVENT) == COVERED  # the hand just left


def test_a_fast_turn_is_left_out_unless_the_face_moves_with_it():
    turn = bump(20)
    assert cause(track(turn), EVENT) == HEAD_TURN
    assert cause(track(turn, moved=bump(12)), EVENT) == ""
    assert cause(track(bump(5)), EVENT) == "" and cause(replace(track(turn), mesh=None), EVENT) == ""


def test_a_movement_across_a_gap_is_marked():
    shown = np.ones(FRAMES, bool)
    shown[23:29] = False
    assert event_remarks(track().select(shown), slice(20, 26))[OUT_OF_SIGHT]
    assert not event_remarks(track().select(shown), slice(0, 20))[OUT_OF_SIGHT]


@pytest.mark.parametrize(
    ("spans", "within"),
    [
        ([(0, 100), (20, 30)], {1: 0}),
        ([(20, 30), (0, 100), (25, 60)], {0: 1, 2: 1}),
        ([(0, 50), (0, 20)], {1: 0}),
        ([(0, 20), (0, 20)], {}),
        ([(0, 20), (20, 40), (40, 50)], {}),
        ([(0, 100), (10, 90), (20, 30)], {1: 0, 2: 0}),
        ([(0, 50), (40, 90)], {1: 0}),
    ],
)
def test_an_event_that_begins_within_another_says_so(spans, within):
    events = [
        replace(WHOLE.events[0], face=1, onset=a, offset=b, start=a / 100, end=b / 100, warnings=()) for a, b in spans
    ]
    assert [event.warnings for event in mark_nested(events)] == [
        (f"begins within the event at {events[within[i]].start:.2f} s",) if i in within else ()
        for i in range(len(spans))
    ]
    others = [replace(event, face=i) for i, event in enumerate(events)]
    assert mark_nested(others) == others


@pytest.mark.parametrize(
    ("shift", "lids", "brow", "aside"),
    [(0.15, 3.0, 0.4, True), (0.15, 3.0, 2.5, False), (0.02, 3.0, 0.4, False), (-0.15, 0.1, 0.1, True)],
)
def test_only_the_eyes_move_in_a_look_aside(shift, lids, brow, aside):
    straight = np.zeros((2, 2))
    regions = {"right upper lid": (0.0, lids), "left inner brow": (0.0, -brow)}
    assert is_look_aside([straight, straight + np.array([shift, 0]), straight], regions) == aside
    assert not is_look_aside([straight, straight + np.array([shift, 0]), straight], {})


def test_remarks_of_an_event_and_notes_of_a_face_name_what_is_hard():
    hard = track(np.full(FRAMES, 30.0), covered=np.full(FRAMES, 0.14), noise=np.full(FRAMES, 0.3))
    hard.pose[:, 2] = -25
    assert {name for name, holds in event_remarks(hard, slice(3, 9)).items() if holds} == {
        *("head turned", "head tilted", "something before the face, e.g. a hand", "dark or noisy")
    }
    assert [note.split(": ")[1].split(" for ")[0] for note in face_notes([hard, hard])] == [
        "the head is turned by more than 25 degrees",
        "the head is tilted by more than 20 degrees",
        "something covers it",
        "it is dark or noisy (noise above 20% of its contrast)",
    ]
    assert face_notes([track()]) == () and not any(event_remarks(track(), slice(3, 9)).values())
