"""Synthetic long videos: a person who sits before a camera for a minute, with everything about it known.

As in `render`, frame i shows at pixel y what the neutral picture shows at `y - D_i(y)`. Here D_i is a sum of fields,
each on a coarse grid of the canvas: one for each set of action units, blinks, gaze, and the head's turns and shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import gaussian_filter1d

from ..core.clip import Interval
from ..core.errors import UsageError
from ..core.track import FaceTrack
from .action_units import landmark_moves
from .person import CANVAS, Person, face_mask
from .script import Distractors, Movement, random_movements

STEP = 8
"""Pixels of the canvas between two points of the coarse grid."""

EYES = (slice(36, 42), slice(42, 48))
HEAD = ("yaw", "pitch", "roll", "x", "y")


def random_video(
    seed: int,
    *,
    seconds: float = 60.0,
    fps: float = 60.0,
    micro: float = 6,
    macro: float = 4,
    distractors: Distractors | None = None,
    shortest: float = 0.16,
) -> SyntheticVideo:
    """A synthetic long video; the same seed gives the same one.

    Args:
        seed: of the person and of all that happens.
        seconds: how long it is.
        fps: frames per second.
        micro, macro: expressions a minute.
        distractors: what else happens; the usual amount unless given.
        shortest: micro-expressions last so many seconds or more, and at most .45 s.

    Raises:
        UsageError: shorter than two frames, fps not above 0, or shortest not above 0 and at most .45.
    """
    if not fps > 0 or seconds * fps < 2:
        raise UsageError(f"a video of {seconds} s at {fps} frames/s: take two frames or more")
    if not 0 < shortest <= 0.45:
        raise UsageError(f"shortest = {shortest}: micro-expressions last more than 0 and at most .45 s")
    others = distractors or Distractors()
    return SyntheticVideo(
        Person.draw(seed), random_movements(seed, seconds, micro, macro, others, shortest), seconds, fps, others, seed
    )


@dataclass(frozen=True, eq=False)
class SyntheticVideo:
    """One synthetic long video. Made by `draw_take`.

    Attributes:
        person: who.
        beats: every movement of the face.
        seconds, fps: how long, and frames per second.
        distractors: how much the head and the light move.
        seed: of head, light and noise.
        noise: standard deviation of the sensor's noise in gray levels.
    """

    person: Person
    beats: tuple[Movement, ...]
    seconds: float
    fps: float
    distractors: Distractors
    seed: int
    noise: float = field(default=1.5)

    def __len__(self) -> int:
        return int(self.seconds * self.fps)

    @cached_property
    def times(self) -> np.ndarray:
        """(T,) float64 seconds of the frames."""
        return np.arange(len(self)) / self.fps

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """The true expressions in frame numbers from 0, with kind, action units and objective class."""
        return tuple(
            Interval(
                round(beat.start * self.fps),
                min(len(self) - 1, round(beat.end * self.fps)),
                round((beat.peak + beat.fall) / 2 * self.fps),
                beat.kind,
                {"objective": beat.label},
            )
            for beat in self.beats
            if beat.kind in ("micro", "macro")
        )

    @cached_property
    def closure(self) -> np.ndarray:
        """(T,) 0 (open) to 1 (shut)."""
        shut = [beat.level(self.times) for beat in self.beats if beat.kind == "blink"]
        return np.max([np.zeros(len(self)), *shut], axis=0)

    @cached_property
    def pose(self) -> np.ndarray:
        """(T, 3) degrees: yaw, pitch, roll."""
        return np.rad2deg(self._head[:, :3])

    @cached_property
    def points(self) -> np.ndarray:
        """(T, 73, 2) float32 true landmarks in pixels of the canvas: solves y = point + D(y)."""
        rest = self.person.points.astype(np.float32)
        there = np.repeat(rest[None], len(self), axis=0)
        for _ in range(3):
            place = there / STEP
            moved = np.zeros_like(there)
            for start in range(0, len(self), 30000):  # cv2.remap takes fewer than 32768 rows
                part = slice(start, start + 30000)
                for k, one in enumerate(self._fields):
                    if (share := self._levels[part, k]).any():
                        moved[part] += _sampled(one, place[part]) * share[:, None, None]
            there = rest + moved
        return there

    def frame(self, i: int, size: tuple[int, int] = (480, 640)) -> np.ndarray:
        """One frame, (height, width, 3) uint8 RGB: head and shoulders, the face about as wide as half the height.

        Raises:
            IndexError: there is no such frame.
        """
        if not 0 <= i < len(self):
            raise IndexError(f"frame {i}: there are {len(self)}, counted from 0")
        return self._rendered(i, _inverse(self._view(size)), size, self.person.picture)

    def landmarks(self, i: int, size: tuple[int, int] = (480, 640)) -> np.ndarray:
        """(68, 2) x and y in pixels of frame i of that size."""
        view = self._view(size)
        return self.points[i, :68] @ view[:, :2].T + view[:, 2]

    def _view(self, size: tuple[int, int]) -> np.ndarray:
        """(2, 3) from the canvas to a picture (height, width)."""
        scale = size[0] / CANVAS
        return np.array([[scale, 0, (size[1] - CANVAS * scale) / 2], [0, scale, 0.0]])

    def _rendered(self, i: int, place: np.ndarray, size: tuple[int, int], neutral: np.ndarray) -> np.ndarray:
        """A view of frame i; `place` (2, 3) takes its pixels to the canvas."""
        y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
        spots = np.stack([x, y], axis=-1) @ place[:, :2].T.astype(np.float32) + place[:, 2].astype(np.float32)
        grid = np.tensordot(self._levels[i], self._fields, axes=1)
        source = spots - _sampled(grid, spots / STEP)
        picture = cv2.remap(neutral, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        draws = np.random.default_rng([self.seed, i])
        noise = draws.standard_normal(picture.shape, np.float32) * np.float32(self.noise)
        return np.clip(picture * np.float32(self._light[i]) + noise + 0.5, 0, 255).astype(np.uint8)

    @cached_property
    def _light(self) -> np.ndarray:
        """(T,) gain: mains flicker and slow change."""
        draws = np.random.default_rng([self.seed, 2**20])
        size = self.distractors.flicker
        slow = np.sin(2 * np.pi * draws.uniform(0.05, 0.4) * self.times + draws.uniform(0, 6))
        beat = np.sin(2 * np.pi * draws.uniform(2, 10) * self.times)
        return 1 + size * (slow + 0.5 * beat + 0.2 * draws.normal(size=len(self)))

    @cached_property
    def _head(self) -> np.ndarray:
        """(T, 5) yaw, pitch and roll in radians, shift in pixels of the canvas."""
        draws, t = np.random.default_rng([self.seed, 2**21]), self.times
        path = np.zeros((len(t), 5))
        sizes = np.array([0.02, 0.02, 0.01, 2.0, 2.0]) * self.distractors.drift / 4
        for k, size in enumerate(sizes):
            for speed in draws.uniform(0.05, 0.6, 3):
                path[:, k] += size * np.sin(2 * np.pi * speed * t + draws.uniform(0, 2 * np.pi))
        for _ in range(round(self.distractors.turns * self.seconds / 60)):
            start, rise, hold = draws.uniform(0, self.seconds), draws.uniform(0.3, 0.8), draws.uniform(0, 2)
            turn = Movement("gaze", start, start + rise, start + rise + hold, start + 2 * rise + hold, 1).level(t)
            path[:, :3] += turn[:, None] * draws.uniform(-1, 1, 3) * np.deg2rad([15, 10, 8])
        return path

    @cached_property
    def _sets(self) -> list[tuple[tuple[int, str], ...]]:
        return sorted({beat.units for beat in self.beats if beat.units})

    @cached_property
    def _levels(self) -> np.ndarray:
        """(T, K) float32: how far each field is in at each frame."""
        columns = [self._head, self.closure[:, None]]
        looks = [b.level(self.times) * b.amplitude for b in self.beats if b.kind == "gaze"]
        columns.append(np.sum([np.zeros(len(self)), *looks], axis=0)[:, None])
        own = np.zeros((len(self), len(self._sets)))
        for beat in self.beats:
            if beat.units:
                own[:, self._sets.index(beat.units)] += beat.level(self.times) * beat.amplitude
        return np.concatenate([*columns, own * self.person.gain], axis=1).astype(np.float32)

    @cached_property
    def _fields(self) -> np.ndarray:
        """(K, rows, columns, 2) float32 displacement of the canvas for one unit of each level."""
        points = self.person.points
        n = CANVAS // STEP + 1
        y, x = np.mgrid[:n, :n].astype(np.float64) * STEP
        center, wide, high = points[27:36].mean(axis=0), np.ptp(points[:17, 0]) / 2, np.ptp(points[:, 1]) / 1.6
        dx, dy = x - center[0], y - center[1]
        depth = wide * np.sqrt(np.clip(1 - (dx / wide / 1.3) ** 2 - (dy / high / 1.3) ** 2, 0, 1))
        depth += 0.25 * wide * np.exp(-((dx / wide / 0.2) ** 2) - (dy / wide / 0.35) ** 2)  # the nose
        none, one = np.zeros_like(x), np.ones_like(x)
        head = [(depth, none), (none, -depth), (-dy, dx), (one, none), (none, one)]
        fields = [np.stack(pair, axis=-1) for pair in head]
        fields += [_spread(points, self._shutting(points)), _gaze(points, x, y)]
        fields += [_spread(points, landmark_moves(units)) for units in self._sets]
        mask = cv2.GaussianBlur(face_mask((points - CANVAS / 2) * (1.25, 1.2) + CANVAS / 2, CANVAS), (0, 0), 12)
        return (np.stack(fields) * cv2.resize(mask, (n, n))[..., None]).astype(np.float32)

    @staticmethod
    def _shutting(points: np.ndarray) -> np.ndarray:
        """(73, 2) moves that shut both eyes."""
        moves = np.zeros_like(points)
        for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
            moves[upper, 1] = 0.9 * (points[lower, 1] - points[upper, 1])
        return moves


def ground_truth_track(take: SyntheticVideo, size: int = 96, tremble: float = 0.25, missed: float = 0.1) -> FaceTrack:
    """What a good tracker would say of a synthetic long video: crops aligned by landmarks that tremble a little.

    Args:
        take: the video.
        size: side of the crops in pixels; the eyes lie at 30 and 70 % across, 36 % down.
        tremble: standard deviation of the landmarks in pixels of the crops.
        missed: share of the blinks that the tracker does not mark, 0 to 1.

    Raises:
        UsageError: size below 32.
    """
    if size < 32:
        raise UsageError(f"size = {size}; use 32 pixels or more")
    draws = np.random.default_rng([take.seed, 2**22])
    goal = np.array([[0.3, 0.36], [0.7, 0.36]]) * size
    zoom = 0.4 * size / np.linalg.norm(np.diff([take.person.points[eye].mean(axis=0) for eye in EYES], axis=0))
    noise = gaussian_filter1d(draws.normal(size=(len(take), 68, 2)), max(0.5, 0.02 * take.fps), axis=0)
    seen = take.points[:, :68] + noise / noise.std() * tremble / zoom
    neutral = cv2.GaussianBlur(cv2.cvtColor(take.person.picture, cv2.COLOR_RGB2GRAY), (0, 0), max(0.3, 0.5 / zoom))
    crops = np.empty((len(take), size, size), np.uint8)
    points = np.empty((len(take), 68, 2), np.float32)
    for i in range(len(take)):
        place = _onto(np.stack([seen[i, eye].mean(axis=0) for eye in EYES]), goal)
        points[i] = seen[i] @ place[:, :2].T + place[:, 2]
        crops[i] = take._rendered(i, _inverse(place), (size, size), neutral)
    shut = _marked(take, draws, missed)
    openness = 1 - shut[:, None] + draws.normal(0, 0.03, (len(take), 2))
    return FaceTrack(
        face=1,
        numbers=np.arange(len(take)),
        times=take.times,
        crops=crops,
        points=points,
        quality=np.full(len(take), 0.95, np.float32),
        pose=(take.pose + draws.normal(0, 0.3, (len(take), 3))).astype(np.float32),
        eye_openness=openness.astype(np.float32),
        blink=shut > 0.15,
        boxes=np.tile(np.array([100, 50, 200, 200], np.float32), (len(take), 1)),
    )


def _marked(take: SyntheticVideo, draws: np.random.Generator, missed: float) -> np.ndarray:
    """(T,) closure of the blinks that the tracker sees."""
    seen: Sequence[np.ndarray] = [
        beat.level(take.times) for beat in take.beats if beat.kind == "blink" and draws.random() >= missed
    ]
    return np.max([np.zeros(len(take)), *seen], axis=0)


def _gaze(points: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Irises to the right of the picture by one width of the eye; the lids stay."""
    moved = np.zeros_like(x)
    for eye in EYES:
        (cx, cy), wide = points[eye].mean(axis=0), np.ptp(points[eye, 0])
        moved += wide * np.exp(-(((x - cx) / wide / 0.45) ** 2) - ((y - cy) / wide / 0.22) ** 2)
    return np.stack([moved, np.zeros_like(x)], axis=-1)


def _spread(points: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """(rows, columns, 2) moves of landmarks spread over the coarse grid, nothing at the border of the head."""
    low, high = points.min(axis=0), points.max(axis=0)
    far = (high - low) * 0.35
    ring = [
        (x, y) for x in (low[0] - far[0], high[0] + far[0]) for y in np.linspace(low[1] - far[1], high[1] + far[1], 5)
    ]
    ring += [((low[0] + high[0]) / 2, y) for y in (low[1] - far[1], high[1] + far[1])]
    values = np.concatenate([moves, np.zeros((len(ring), 2))])
    bend = RBFInterpolator(np.concatenate([points, ring]), values, kernel="thin_plate_spline", smoothing=0.5)
    n = CANVAS // STEP + 1
    line = np.arange(n, dtype=np.float64) * STEP
    return bend(np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)).reshape(n, n, 2)


def _sampled(grid: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Values (..., 2) of a coarse grid at `place` (rows, columns, 2), in steps of the grid."""
    return cv2.remap(grid, place.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _onto(eyes: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """(2, 3) similarity that takes two eyes (2, 2) to their goal (2, 2)."""
    here, there = eyes[1] - eyes[0], goal[1] - goal[0]
    turn = complex(*there) / complex(*here)
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([matrix, goal.mean(axis=0) - matrix @ eyes.mean(axis=0)])


def _inverse(place: np.ndarray) -> np.ndarray:
    back = np.linalg.inv(place[:, :2])
    return np.column_stack([back, -back @ place[:, 2]])
