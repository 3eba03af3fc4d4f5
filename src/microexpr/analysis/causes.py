"""Movements in the image that are no expression: something that covers the face, a turn of the head, a look aside.

Those that are covered or turns of the head are left out and counted, so that nothing is lost in silence. A look aside
is marked and its score lowered, since an expression of the lids may hide in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..core.clip import Interval
from ..core.events import Event, Spans
from ..core.track import FaceTrack
from ..imaging.geometry import rigid_map

FACE_WIDTH = 224.0

COVERED = "something before the face, e.g. a hand"
HEAD_TURN = "fast turn of the head"
OUT_OF_SIGHT = "face out of sight for a part"
LOOK_ASIDE = "look aside"
CUT_BY_START = "cut by the start of the recording"
CUT_BY_END = "cut by the end of the recording"
CUT_BY_SIGHT = "cut where the face is out of sight"
CUT_BY_EXCLUSION = "cut by excluded time"

TURNED_DEGREES, TILTED_DEGREES = 25.0, 20.0
"""Yaw or pitch, and roll, from which on a head counts as turned away or tilted."""

NOISY = 0.2
"""Noise as a fraction of the contrast of the face from which on an image is dark or noisy."""

SLIGHTLY_COVERED = 0.13
"""Share of a face that is covered from which on there is a warning."""

MAX_COVERED, COVER_MARGIN = 0.15, 0.15
"""Share of the face that may be covered during an event, and that many seconds before and after it."""

MAX_STEP, MAX_STEPS = 0.1, 2.5
"""Seconds without the face from which on there is a warning, and frames if these last longer."""

CUT_FRAMES = 1.5
"""An event is cut if its onset or offset is nearer than so many frames to where there are no frames."""

TURN_DEGREES, TURN_SPEED = 8.0, 40.0
"""A turn of the head during an event is fast from this range on, in degrees, and this speed, in degrees per second."""

PIXELS_PER_DEGREE = 0.35
"""Pixels of a face 224 wide by which the mesh changes its shape per degree of a turn without any expression."""

GAZE_SHIFT = 0.06
"""Move of the irises in widths of the eye from which on the eyes look aside; noise is 0.005."""

STILL_PIXELS, LIDS_SHARE = 0.8, 0.5
"""The face is still apart from the eyes where other regions move by less than this, or by less than this share of the
lids' motion."""

LOWERED = 0.5
"""Factor of the score of a look aside."""

Found = Sequence[tuple[FaceTrack, Interval]]

LeftOut = Sequence[tuple[FaceTrack, Interval, str]]
"""Movements that are no expression, each with the cause."""


def sift(found: Found) -> tuple[list[tuple[FaceTrack, Interval]], list[tuple[FaceTrack, Interval, str]]]:
    """Leave out what is no expression.

    Args:
        found: tracks and intervals.

    Returns:
        The other ones in their order, and those that were left out, each with the cause.
    """
    causes = [cause(track, interval) for track, interval in found]
    remaining = [pair for pair, why in zip(found, causes, strict=True) if not why]
    return remaining, [(*pair, why) for pair, why in zip(found, causes, strict=True) if why]


def left_out_notes(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Notes about movements that were left out, a line for each cause; `counts` has the number of each."""
    return tuple(
        f"{number} movement{'s were' if number > 1 else ' was'} left out: {why}" for why, number in counts.items()
    )


def cause(track: FaceTrack, interval: Interval) -> str:
    """Why a movement is no expression: `COVERED`, `HEAD_TURN`, or ""."""
    first, last = (
        min(int(np.searchsorted(track.numbers, n)), len(track) - 1) for n in (interval.onset, interval.offset)
    )
    if track.covered is not None:
        ends = track.times[first] - COVER_MARGIN, track.times[last] + COVER_MARGIN
        low, high = np.searchsorted(track.times, ends)
        if np.max(track.covered[low:high], initial=0) >= MAX_COVERED:
            return COVERED
    return HEAD_TURN if _is_turn(track, first, last) else ""


def _is_turn(track: FaceTrack, first: int, last: int) -> bool:
    """Whether the head turned fast and the face did not change its shape more than such a turn seems to do."""
    pose, times = np.asarray(track.pose[first : last + 1, :2], np.float64), track.times[first : last + 1]
    if track.mesh is None or len(pose) < 3:
        return False
    turned = np.linalg.norm(pose - pose[0], axis=1)
    speed = np.linalg.norm(pose[2:] - pose[:-2], axis=1) / np.maximum(times[2:] - times[:-2], 1e-3)
    if turned.max() < TURN_DEGREES or speed.max() < TURN_SPEED:
        return False
    far = first + int(turned.argmax())
    return change_of_shape(track.mesh[first], track.mesh[far]) < PIXELS_PER_DEGREE * float(turned.max())


def change_of_shape(before: np.ndarray, after: np.ndarray) -> float:
    """How far the twentieth of the mesh that moves most moves, apart from the motion of the head.

    Args:
        before, after: (468, 3) points of the face mesh in pixels.

    Returns:
        Pixels of a face 224 pixels wide.
    """
    before, after = before.astype(np.float64), after.astype(np.float64)
    weights = np.ones(len(before))
    for _ in range(4):  # points that move by themselves must not decide where the head is
        turn, shift = rigid_map(before, after, weights)
        rest = np.linalg.norm((before @ turn.T + shift - after)[:, :2], axis=1)
        weights = 1 / (1 + (rest / max(float(np.median(rest)), 1e-6)) ** 2)
    width = float(np.linalg.norm(after[234] - after[454]))
    return float(np.sort(rest)[-len(rest) // 20 :].mean() / max(width, 1e-6) * FACE_WIDTH)


def face_notes(tracks: Sequence[FaceTrack]) -> tuple[str, ...]:
    """Why a face is hard to see, a line for each reason that holds for a tenth of the time or more.

    Args:
        tracks: of one person.
    """
    pose = np.concatenate([track.pose for track in tracks])
    reasons = {
        f"the head is turned by more than {TURNED_DEGREES:.0f} degrees": np.abs(pose[:, :2]).max(axis=1)
        > TURNED_DEGREES,
        f"the head is tilted by more than {TILTED_DEGREES:.0f} degrees": np.abs(pose[:, 2]) > TILTED_DEGREES,
        "something covers it": _known(tracks, "covered") >= SLIGHTLY_COVERED,
        f"it is dark or noisy (noise above {NOISY:.0%} of its contrast)": _known(tracks, "noise") > NOISY,
    }
    shares = {reason: float(np.mean(holds)) for reason, holds in reasons.items()}
    return tuple(
        f"face {tracks[0].face}: {reason} for {share:.0%} of the time"
        for reason, share in shares.items()
        if share >= 0.1
    )


def _known(tracks: Sequence[FaceTrack], name: str) -> np.ndarray:
    """A column of all tracks; 0 where a track does not have it."""
    columns = [getattr(track, name) for track in tracks]
    return np.concatenate(
        [np.zeros(len(track)) if column is None else column for track, column in zip(tracks, columns, strict=True)]
    )


def event_remarks(track: FaceTrack, part: slice) -> dict[str, bool]:
    """Warnings of an event in a part of a track -> whether each holds."""
    pose = np.abs(track.pose[part])
    longest = np.max(np.diff(track.times[part]), initial=0)
    return {
        OUT_OF_SIGHT: bool(longest > _longest_step(track)),
        "head turned": bool((pose[:, :2] > TURNED_DEGREES).any()),
        "head tilted": bool((pose[:, 2] > TILTED_DEGREES).any()),
        COVERED: track.covered is not None and bool((track.covered[part] >= SLIGHTLY_COVERED).any()),
        "dark or noisy": track.noise is not None and bool((track.noise[part] > NOISY).any()),
    }


def _longest_step(track: FaceTrack) -> float:
    """Seconds from one frame to the next that are still no gap."""
    return max(MAX_STEP, MAX_STEPS / max(track.fps, 1e-6))


def cut_remarks(track: FaceTrack, part: slice, seconds: float, excluded: Spans) -> dict[str, bool]:
    """Warnings about an event that begins or ends where there are no frames of the face -> whether each holds.

    Args:
        track: of the face, without the excluded frames.
        part: the frames of the event.
        seconds: duration of the recording.
        excluded: start and end in seconds of the time that is not analyzed.
    """
    gaps = np.flatnonzero(np.diff(track.times) > _longest_step(track))
    firsts, lasts = np.concatenate([[0], gaps + 1]), np.concatenate([gaps, [len(track) - 1]])
    piece = int(np.searchsorted(lasts, part.start))
    begin, end = float(track.times[firsts[piece]]), float(track.times[lasts[piece]])
    near = CUT_FRAMES / track.fps if track.fps else 0.0
    causes = set()
    if track.times[part.start] - begin < near:
        causes.add(_cut(begin, begin < near, CUT_BY_START, excluded, near))
    if end - track.times[part.stop - 1] < near:
        causes.add(_cut(end, end > seconds - near, CUT_BY_END, excluded, near))
    return {cause: cause in causes for cause in (CUT_BY_START, CUT_BY_END, CUT_BY_SIGHT, CUT_BY_EXCLUSION)}


def _cut(time: float, at_end: bool, what: str, excluded: Spans, near: float) -> str:
    """Why there are no frames beyond a time in seconds."""
    if any(start - near <= time <= end + near for start, end in excluded):
        return CUT_BY_EXCLUSION
    return what if at_end else CUT_BY_SIGHT


def mark_nested(events: Sequence[Event]) -> list[Event]:
    """The events in their order, with a warning where one begins within another event of the same face.

    Of two that begin together it is the shorter one that begins within the other.
    """
    marked = list(events)
    lasting: dict[int, list[Event]] = {}
    for index in sorted(range(len(events)), key=lambda i: (events[i].onset, -events[i].offset)):
        event = events[index]
        around = [other for other in lasting.get(event.face, ()) if other.offset > event.onset]
        longest = max(around, key=lambda other: other.seconds, default=event)
        if (longest.onset, longest.offset) != (event.onset, event.offset):
            remark = f"begins within the event at {longest.start:.2f} s"
            marked[index] = replace(event, warnings=(*event.warnings, remark))
        lasting[event.face] = [*around, event]
    return marked


def is_look_aside(gazes: Iterable[np.ndarray], regions: Mapping[str, tuple[float, float]]) -> bool:
    """Whether the eyes move and the rest of the face does not.

    Args:
        gazes: (2, 2) as from `faces.gaze.gaze` at onset, apex and offset.
        regions: motion of each region in pixels of a face 224 wide, as in `Event`.
    """
    onset, apex, offset = (each.mean(axis=0) for each in gazes)
    shift = max(float(np.linalg.norm(apex - onset)), float(np.linalg.norm(apex - offset)))
    sizes = {name: float(np.hypot(*motion)) for name, motion in regions.items()}
    lids = max((size for name, size in sizes.items() if "lid" in name), default=0.0)
    others = max((size for name, size in sizes.items() if "lid" not in name), default=0.0)
    return bool(regions) and shift >= GAZE_SHIFT and others < max(STILL_PIXELS, LIDS_SHARE * lids)
