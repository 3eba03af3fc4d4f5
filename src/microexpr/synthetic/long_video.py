"""Synthetic long videos: a person before a camera for a minute, with true landmarks, intervals and pose.

As in `rendering`, frame i shows at pixel y what the neutral image shows at `y - D_i(y)`. Here the displacement D_i is a
sum of fields, each on a coarse grid of the canvas: one for each set of action units, and one each for blinks, gaze, and
the turns and shifts of the head. What a person wears moves with the head alone, and hands move by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..core.clip import Interval
from ..core.errors import UsageError
from ..core.track import FaceTrack
from .accessories import hand_layer, over
from .action_units import landmark_moves
from .displacement import spread_moves
from .person import CANVAS, Person, head_mask
from .script import Distractors, Movement, random_movements

STEP = 8
"""Pixels of the canvas between two points of the coarse grid."""

HEAD_FIELDS = 5
"""Number of fields that move the head; they come first."""

EYES = (slice(36, 42), slice(42, 48))


def random_video(
    seed: int,
    *,
    seconds: float = 60.0,
    fps: float = 60.0,
    micro: float = 6,
    macro: float = 4,
    distractors: Distractors | None = None,
    min_micro_seconds: float = 0.16,
) -> SyntheticVideo:
    """A synthetic long video; equal arguments give the same one.

    Args:
        seed: of the person and of all movements.
        seconds: length.
        fps: frames per second.
        micro, macro: expressions per minute.
        distractors: other movements; the default number of each unless given.
        min_micro_seconds: shortest duration of a micro-expression; the longest is 0.45 s.

    Raises:
        UsageError: the video has fewer than two frames, fps is not above 0, or min_micro_seconds is not above 0 and at
            most 0.45.
    """
    if not fps > 0 or seconds * fps < 2:
        raise UsageError(f"a video of {seconds} s at {fps} frames/s: take two frames or more")
    if not 0 < min_micro_seconds <= 0.45:
        raise UsageError(f"min_micro_seconds = {min_micro_seconds}: must be more than 0 and at most 0.45")
    distractors = distractors or Distractors()
    movements = random_movements(seed, seconds, micro, macro, distractors, min_micro_seconds)
    person = Person.draw(seed)
    return SyntheticVideo(
        person, movements, seconds, fps, distractors, seed, hands=draw_hands(seed, seconds, person, distractors)
    )


@dataclass(frozen=True, eq=False)
class Hand:
    """A hand that comes before the face and goes.

    Attributes:
        layer: (448, 448, 4) float32 RGB and opacity, where the hand rests before the face.
        movement: when it comes, rests and goes.
        away: (2,) pixels of the canvas from there to where it is out of sight.
    """

    layer: np.ndarray
    movement: Movement
    away: tuple[float, float]


def draw_hands(
    seed: int, seconds: float, person: Person, distractors: Distractors, skin: float = 1.0
) -> tuple[Hand, ...]:
    """Draw the hands of a video, one after the other; each rests for 0.4 to 2 s.

    Args:
        seed: of everything.
        seconds: length of the video.
        person: before whose face they come.
        distractors: number of hands per minute.
        skin: brightness of the skin, as in `Look`.
    """
    rng = np.random.default_rng([12, seed])
    hands: list[Hand] = []
    for start in np.sort(rng.uniform(0.5, max(0.6, seconds - 3), round(distractors.hands * seconds / 60))):
        rise, fall, rest = rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.6), rng.uniform(0.4, 2)
        begin = max(float(start), hands[-1].movement.end + 0.5 if hands else 0.0)
        come = Movement("hand", begin, begin + rise, begin + rise + rest, begin + rise + rest + fall, 1.0)
        away = (float(rng.choice([-0.6, 0, 0.6]) * CANVAS), float(rng.uniform(0.75, 0.9) * CANVAS))
        hands.append(Hand(hand_layer(person.points, skin, rng), come, away))
    return tuple(hands)


@dataclass(frozen=True, eq=False)
class SyntheticVideo:
    """One synthetic long video; frames are rendered when they are asked for. Made by `random_video`.

    Attributes:
        person: the person.
        movements: every movement of the face.
        seconds: length.
        fps: frames per second.
        distractors: how much the head and the light move.
        seed: of head, light and noise.
        noise: standard deviation of the sensor's noise in gray levels.
        hands: that come before the face.
    """

    person: Person
    movements: tuple[Movement, ...]
    seconds: float
    fps: float
    distractors: Distractors
    seed: int
    noise: float = 1.5
    hands: tuple[Hand, ...] = ()

    def __len__(self) -> int:
        return int(self.seconds * self.fps)

    @cached_property
    def times(self) -> np.ndarray:
        """(T,) float64 seconds of the frames."""
        return np.arange(len(self)) / self.fps

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """The true expressions in frame numbers from 0, with kind and objective class."""
        return tuple(
            Interval(
                round(movement.start * self.fps),
                min(len(self) - 1, round(movement.end * self.fps)),
                round((movement.peak + movement.fall) / 2 * self.fps),
                movement.kind,
                {"objective": movement.label},
            )
            for movement in self.movements
            if movement.kind in ("micro", "macro")
        )

    @cached_property
    def closure(self) -> np.ndarray:
        """(T,) closure of the eyes, 0 (open) to 1 (shut)."""
        return self._highest_level([movement for movement in self.movements if movement.kind == "blink"])

    @cached_property
    def pose(self) -> np.ndarray:
        """(T, 3) degrees: yaw, pitch, roll."""
        return np.rad2deg(self._head[:, :3])

    @cached_property
    def points(self) -> np.ndarray:
        """(T, 73, 2) float32 true landmarks in pixels of the canvas: the solution y of y = point + D(y)."""
        neutral = self.person.points.astype(np.float32)
        points = np.repeat(neutral[None], len(self), axis=0)
        for _ in range(3):
            position = points / STEP
            displacement = np.zeros_like(points)
            for start in range(0, len(self), 30000):  # cv2.remap takes fewer than 32768 rows
                part = slice(start, start + 30000)
                for k, field in enumerate(self._fields):
                    if (level := self._levels[part, k]).any():
                        displacement[part] += _sampled(field, position[part]) * level[:, None, None]
            points = neutral + displacement
        return points

    def frame(self, i: int, size: tuple[int, int] = (480, 640)) -> np.ndarray:
        """One frame, (height, width, 3) uint8 RGB: head and shoulders, the face about as wide as half the height.

        Raises:
            IndexError: there is no such frame.
        """
        if not 0 <= i < len(self):
            raise IndexError(f"frame {i}: there are {len(self)}, counted from 0")
        return self._rendered(i, _inverse(self._view(size)), size, self.person.image)

    def landmarks(self, i: int, size: tuple[int, int] = (480, 640)) -> np.ndarray:
        """(68, 2) x and y in pixels of frame i of that size."""
        view = self._view(size)
        return self.points[i, :68] @ view[:, :2].T + view[:, 2]

    def _view(self, size: tuple[int, int]) -> np.ndarray:
        """(2, 3) matrix from the canvas to an image of `size` (height, width)."""
        scale = size[0] / CANVAS
        return np.array([[scale, 0, (size[1] - CANVAS * scale) / 2], [0, scale, 0.0]])

    def _rendered(self, i: int, to_canvas: np.ndarray, size: tuple[int, int], neutral: np.ndarray) -> np.ndarray:
        """A view of frame i; the matrix `to_canvas` (2, 3) maps its pixels to the canvas."""
        y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
        linear, shift = to_canvas[:, :2].T.astype(np.float32), to_canvas[:, 2].astype(np.float32)
        canvas = np.stack([x, y], axis=-1) @ linear + shift
        displacement = np.tensordot(self._levels[i], self._fields, axes=1)
        source = canvas - _sampled(displacement, canvas / STEP)
        image = cv2.remap(neutral, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for layer in self._layers(i, canvas):
            image = over(image, layer)
        rng = np.random.default_rng([self.seed, i])
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(self.noise)
        return np.clip(image * np.float32(self._light[i]) + noise + 0.5, 0, 255).astype(np.uint8)

    def _layers(self, i: int, canvas: np.ndarray) -> Iterator[np.ndarray]:
        """What lies over the face in frame i, in a view whose pixels have these positions on the canvas."""
        if self.person.worn is not None:
            head = np.tensordot(self._levels[i, :HEAD_FIELDS], self._fields[:HEAD_FIELDS], axes=1)
            yield cv2.remap(self.person.worn, canvas - _sampled(head, canvas / STEP), None, cv2.INTER_LINEAR)
        for hand in self.hands:
            level = float(hand.movement.level(self.times[i : i + 1])[0])
            if level > 0:
                shift = np.array(hand.away, np.float32) * (1 - level)
                yield cv2.remap(hand.layer, canvas - shift.astype(np.float32), None, cv2.INTER_LINEAR)

    @cached_property
    def covered(self) -> np.ndarray:
        """(T,) level of the hands, 0 (out of sight) to 1 (at rest before the face)."""
        return self._highest_level([hand.movement for hand in self.hands])

    @cached_property
    def _light(self) -> np.ndarray:
        """(T,) gain: mains flicker and slow change."""
        rng = np.random.default_rng([self.seed, 2**20])
        size = self.distractors.flicker
        slow = np.sin(2 * np.pi * rng.uniform(0.05, 0.4) * self.times + rng.uniform(0, 6))
        flicker = np.sin(2 * np.pi * rng.uniform(2, 10) * self.times)
        return 1 + size * (slow + 0.5 * flicker + 0.2 * rng.normal(size=len(self)))

    @cached_property
    def _head(self) -> np.ndarray:
        """(T, 5) yaw, pitch and roll in radians, shift in pixels of the canvas."""
        rng, t = np.random.default_rng([self.seed, 2**21]), self.times
        path = np.zeros((len(t), 5))
        sizes = np.array([0.02, 0.02, 0.01, 2.0, 2.0]) * self.distractors.drift / 4
        for k, size in enumerate(sizes):
            for speed in rng.uniform(0.05, 0.6, 3):
                path[:, k] += size * np.sin(2 * np.pi * speed * t + rng.uniform(0, 2 * np.pi))
        for _ in range(round(self.distractors.turns * self.seconds / 60)):
            start, rise, hold = rng.uniform(0, self.seconds), rng.uniform(0.3, 0.8), rng.uniform(0, 2)
            turn = Movement("gaze", start, start + rise, start + rise + hold, start + 2 * rise + hold, 1).level(t)
            path[:, :3] += turn[:, None] * rng.uniform(-1, 1, 3) * np.deg2rad([15, 10, 8])
        for _ in range(round(self.distractors.nods * self.seconds / 60)):
            start, period, nods = rng.uniform(0, self.seconds), rng.uniform(0.35, 0.8), int(rng.integers(2, 6))
            phase = np.clip((t - start) / period, 0, nods)
            path[:, 1] += np.deg2rad(rng.uniform(4, 10)) * (np.cos(2 * np.pi * phase) - 1) / 2
        return path

    @cached_property
    def _unit_sets(self) -> list[tuple[tuple[int, str], ...]]:
        return sorted({movement.units for movement in self.movements if movement.units})

    @cached_property
    def _levels(self) -> np.ndarray:
        """(T, K) float32 level of each field at each frame."""
        gaze = [m.level(self.times) * m.amplitude for m in self.movements if m.kind == "gaze"]
        units = np.zeros((len(self), len(self._unit_sets)))
        for movement in self.movements:
            if movement.units:
                level = movement.level(self.times) * movement.amplitude
                units[:, self._unit_sets.index(movement.units)] += level
        columns = [
            self._head,
            self.closure[:, None],
            np.sum([np.zeros(len(self)), *gaze], axis=0)[:, None],
            units * self.person.gain,
        ]
        return np.concatenate(columns, axis=1).astype(np.float32)

    @cached_property
    def _fields(self) -> np.ndarray:
        """(K, rows, columns, 2) float32 displacement of the canvas for one unit of each level."""
        points = self.person.points
        line = np.arange(CANVAS // STEP + 1, dtype=np.float64) * STEP
        x, y = np.meshgrid(line, line)
        center, width, height = points[27:36].mean(axis=0), np.ptp(points[:17, 0]) / 2, np.ptp(points[:, 1]) / 1.6
        dx, dy = x - center[0], y - center[1]
        depth = width * np.sqrt(np.clip(1 - (dx / width / 1.3) ** 2 - (dy / height / 1.3) ** 2, 0, 1))
        depth += 0.25 * width * np.exp(-((dx / width / 0.2) ** 2) - (dy / width / 0.35) ** 2)  # the nose
        zeros, ones = np.zeros_like(x), np.ones_like(x)
        head = [(depth, zeros), (zeros, -depth), (-dy, dx), (ones, zeros), (zeros, ones)]
        fields = [np.stack(pair, axis=-1) for pair in head]
        fields += [spread_moves(points, _blink_moves(points), line, line), _gaze(points, x, y)]
        fields += [spread_moves(points, landmark_moves(units), line, line) for units in self._unit_sets]
        mask = cv2.resize(head_mask(points), (len(line), len(line)))
        return (np.stack(fields) * mask[..., None]).astype(np.float32)

    def _highest_level(self, movements: Sequence[Movement]) -> np.ndarray:
        """(T,) highest level of these movements at each frame; 0 where there is none."""
        return np.max([np.zeros(len(self)), *(movement.level(self.times) for movement in movements)], axis=0)


def ground_truth_track(
    video: SyntheticVideo, size: int = 96, jitter: float = 0.25, missed_blinks: float = 0.1
) -> FaceTrack:
    """The track of a good tracker: crops of a synthetic long video, aligned by its true landmarks with some jitter.

    Args:
        video: the video.
        size: side of the crops in pixels, 32 or more; the eyes lie at 30 and 70 % across, 36 % down.
        jitter: standard deviation of the landmarks in pixels of the crops.
        missed_blinks: fraction of the blinks that the tracker does not mark, 0 to 1.

    Raises:
        UsageError: size is below 32.
    """
    if size < 32:
        raise UsageError(f"size = {size}; use 32 pixels or more")
    rng = np.random.default_rng([video.seed, 2**22])
    eyes_in_crop = np.array([[0.3, 0.36], [0.7, 0.36]]) * size
    zoom = 0.4 * size / np.linalg.norm(np.diff([video.person.points[eye].mean(axis=0) for eye in EYES], axis=0))
    noise = gaussian_filter1d(rng.normal(size=(len(video), 68, 2)), max(0.5, 0.02 * video.fps), axis=0)
    landmarks = video.points[:, :68] + noise / noise.std() * jitter / zoom
    neutral = cv2.GaussianBlur(cv2.cvtColor(video.person.image, cv2.COLOR_RGB2GRAY), (0, 0), max(0.3, 0.5 / zoom))
    crops = np.empty((len(video), size, size), np.uint8)
    points = np.empty((len(video), 68, 2), np.float32)
    for i in range(len(video)):
        matrix = _eye_alignment(np.stack([landmarks[i, eye].mean(axis=0) for eye in EYES]), eyes_in_crop)
        points[i] = landmarks[i] @ matrix[:, :2].T + matrix[:, 2]
        crops[i] = video._rendered(i, _inverse(matrix), (size, size), neutral)
    blinks = [movement for movement in video.movements if movement.kind == "blink"]
    closure = video._highest_level([blink for blink in blinks if rng.random() >= missed_blinks])
    openness = 1 - closure[:, None] + rng.normal(0, 0.03, (len(video), 2))
    return FaceTrack(
        face=1,
        numbers=np.arange(len(video)),
        times=video.times,
        crops=crops,
        points=points,
        quality=np.full(len(video), 0.95, np.float32),
        pose=(video.pose + rng.normal(0, 0.3, (len(video), 3))).astype(np.float32),
        eye_openness=openness.astype(np.float32),
        blink=closure > 0.15,
        boxes=np.tile(np.array([100, 50, 200, 200], np.float32), (len(video), 1)),
    )


def _blink_moves(points: np.ndarray) -> np.ndarray:
    """(73, 2) moves of landmarks that shut both eyes."""
    moves = np.zeros_like(points)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        moves[upper, 1] = 0.9 * (points[lower, 1] - points[upper, 1])
    return moves


def _gaze(points: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Displacement (rows, columns, 2) of the irises to the right of the image by one eye width; the lids stay."""
    moves = np.zeros_like(x)
    for eye in EYES:
        (cx, cy), width = points[eye].mean(axis=0), np.ptp(points[eye, 0])
        moves += width * np.exp(-(((x - cx) / width / 0.45) ** 2) - ((y - cy) / width / 0.22) ** 2)
    return np.stack([moves, np.zeros_like(x)], axis=-1)


def _sampled(grid: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Values (rows, columns, 2) of a coarse grid at `position` (rows, columns, 2), in steps of the grid."""
    return cv2.remap(grid, position.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _eye_alignment(eyes: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, 3) similarity that maps the centers of two eyes (2, 2) to their target (2, 2)."""
    source_line, target_line = eyes[1] - eyes[0], target[1] - target[0]
    turn = complex(*target_line) / complex(*source_line)
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([matrix, target.mean(axis=0) - matrix @ eyes.mean(axis=0)])


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of an affine matrix (2, 3)."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.column_stack([inverse, -inverse @ matrix[:, 2]])
