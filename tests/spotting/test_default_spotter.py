"""The default spotter on faces whose every motion is known: sizes, durations, states, trains, sides, speech."""

import itertools
from functools import cache

import cv2
import numpy as np
import pytest

from microexpr.core.track import FaceTrack
from microexpr.faces.landmarks import TO_68
from microexpr.metrics.intervals import overlap
from microexpr.spotting import SPOTTERS, check_spotter, time_grid
from microexpr.spotting.base import Span
from microexpr.spotting.default.curves import CURVES, NAMES, UNITS, measure
from microexpr.spotting.default.features import FEATURE_NAMES
from microexpr.spotting.default.flickers import find_flickers
from microexpr.spotting.default.head import with_depth_of_turns, without_head
from microexpr.spotting.default.peaks import find_movements, prepare
from microexpr.spotting.default.points import FAST_LEVELS, FAST_RATE, LEVELS, MESH_LAYOUT, _measure_flow
from microexpr.spotting.default.scoring import WEIGHTS, score_movements
from microexpr.spotting.default.small import never_falling
from microexpr.spotting.default.spotter import Default
from microexpr.synthetic.long_video import ground_truth_track, random_video
from microexpr.synthetic.script import Movement

SIZES = (0.3, 0.6, 1.2, 2.5, 5.0, 10.0, 20.0, 30.0)
DURATIONS = (0.04, 0.1, 0.3, 1.0, 5.0)
BROWS = tuple(f"{side} {part} brow" for side in ("right", "left") for part in ("inner", "middle", "outer"))
LIPS = ("lower lip", "inner lower lip", "chin")


def course(times: np.ndarray, start: float, end: float) -> np.ndarray:
    quarter = (end - start) / 4
    return Movement("macro", start, start + quarter, end - quarter, end, 1.0).level(times)


@cache
def neutral_mesh() -> np.ndarray:
    """(468, 3) a face 224 wide: the 68 landmarks of a synthetic person, the other points among them."""
    rng = np.random.default_rng(0)
    landmarks = np.asarray(ground_truth_track(random_video(3, seconds=0.1, fps=30), size=128).points[0], float)
    mesh = np.full((468, 2), landmarks[27:31].mean(axis=0)) + rng.normal(0, 6, (468, 2))
    for name, points in MESH_LAYOUT.regions.items():
        own = [i for i in MESH_LAYOUT.indices[points] if i in TO_68]
        near = landmarks[[int(np.flatnonzero(i == TO_68)[0]) for i in own]] if own else landmarks[[33]]
        mesh[MESH_LAYOUT.indices[points]] = near.mean(axis=0) + rng.normal(0, 2, (len(points), 2))
        assert len(points), name
    mesh[TO_68] = landmarks
    mesh *= 145 / np.linalg.norm(landmarks[45] - landmarks[36])
    away = (mesh - mesh[MESH_LAYOUT.indices].mean(axis=0)) / 130
    return np.column_stack([mesh, -90 * np.sqrt(np.clip(1 - (away**2).sum(axis=1), 0, None))])


def mesh_track(moves: dict[str, np.ndarray], fps: float = 50.0, noise: float = 0.05, axis: int = 1) -> FaceTrack:
    """A track of the mesh in which regions move by (T,) px down (axis 1), and nothing can be seen in the crops."""
    steps = len(next(iter(moves.values())))
    mesh = np.repeat(neutral_mesh()[None], steps, axis=0)
    mesh += np.random.default_rng(1).normal(0, noise, mesh.shape)
    for name, values in moves.items():
        mesh[:, MESH_LAYOUT.indices[MESH_LAYOUT.regions[name]], axis] += values[:, None]
    return FaceTrack(
        face=1,
        numbers=np.arange(steps),
        times=np.arange(steps) / fps,
        crops=np.full((steps, 128, 128), 120, np.uint8),
        points=(mesh[:, TO_68, :2] / 2).astype(np.float32),
        quality=np.ones(steps, np.float32),
        pose=np.zeros((steps, 3), np.float32),
        eye_openness=np.ones((steps, 2), np.float32),
        blink=np.zeros(steps, bool),
        boxes=np.tile(np.array([0, 0, 224, 224], np.float32), (steps, 1)),
        crop_matrices=np.tile(np.array([[0.5, 0, 0], [0, 0.5, 0]]), (steps, 1, 1)),
        mesh=mesh.astype(np.float32),
    )


def brows(size: float, *spans: tuple[float, float], seconds: float = 6.0, names=BROWS) -> FaceTrack:
    times = np.arange(0, seconds, 1 / 50)
    level = np.max([course(times, *span) for span in spans], axis=0)
    return mesh_track(dict.fromkeys(names, -size * level))


def finds(track: FaceTrack) -> list[tuple[float, float]]:
    return [(i.onset / 50, i.offset / 50) for i in Default().spot(track)]


def best(track: FaceTrack, span: tuple[float, float]) -> float:
    """The highest score of a find that is this movement, its ends up to two frames off; 0 for none."""
    first, last = round(span[0] * 50), round(span[1] * 50)
    found = Default(min_score=0.0).spot(track)
    longest = 2 * (last - first) + 4
    near = (i for i in found if i.onset <= last and i.offset >= first and i.offset - i.onset <= longest)
    return max((i.score or 0.0 for i in near if 2 * (i.offset - i.onset) >= last - first), default=0.0)


@pytest.mark.parametrize("seconds", DURATIONS)
def test_the_score_of_a_curve_never_falls_as_the_movement_grows(seconds):
    times = np.arange(0, 20, 1 / 200)
    noise = np.random.default_rng(2).normal(0, 0.05, (len(times), len(NAMES)))
    shape, still = course(times, 8.0, 8.0 + seconds), np.zeros(len(times), bool)
    scores = []
    for size in SIZES:
        curves = prepare(noise + size * shape[:, None] * [name.startswith("brow") for name in NAMES], 200.0, still)
        peaks = find_movements(curves)
        score = score_movements(peaks, curves, np.zeros(len(times)), still, np.zeros((len(times), 3)))
        scores.append(max(score[np.abs(peaks.apex / 200 - 8 - seconds / 2) <= seconds / 2], default=-9.0))
    assert np.diff(scores).min() >= -0.1 and scores[-1] > scores[0] + 2


@pytest.mark.parametrize("seconds", (0.04, 0.3, 5.0))
def test_a_movement_that_is_found_is_found_when_it_is_larger(seconds):
    span = (1.5, 1.5 + seconds)
    scores = [best(brows(size, span, seconds=4.0 + seconds), span) for size in SIZES[::2] + SIZES[-1:]]
    found = int(np.argmax(np.array(scores) >= Default().min_score))
    assert scores[-1] > 0.8 and min(scores[found:]) >= Default().min_score
    assert np.diff(scores).min() >= -0.15  # two searches see it; each by itself never falls, see below


def test_the_score_of_small_movements_never_falls_as_they_grow():
    rng = np.random.default_rng(3)
    features = rng.uniform(-1, 1, (50, len(FEATURE_NAMES)))
    scores = []
    for share in (0.25, 0.5, 1.0, 2.0, 4.0):
        grown = features.copy()
        for name in ("log height", "log contrast"):
            grown[:, FEATURE_NAMES.index(name)] += 4 + np.log(share)
        scores.append(never_falling(grown, lambda x: 1 / (1 + (x[:, FEATURE_NAMES.index("log height")] - 3) ** 2)))
    assert (np.diff(scores, axis=0) >= -1e-9).all()


def test_weights_of_size_are_positive():
    assert all(weight > 0 for term, weight in WEIGHTS.items() if term.startswith("log"))
    assert len(WEIGHTS) == 15 and len(CURVES) == len(UNITS) == 18


def test_motion_is_measured_in_pixels_and_without_the_head():
    track = brows(4.0, (2.0, 4.0))
    motion = measure(track, time_grid(track, 200.0))
    up = motion.curves[:, NAMES.index("brows up")]
    assert up[150] - up[50] == pytest.approx(4.0, rel=0.25)
    others = [NAMES.index(name) for name in ("mouth corners up", "mouth opening", "chin up", "mouth width")]
    assert np.abs(motion.curves[150] - motion.curves[50])[others].max() < 0.6
    assert motion.known_depth and motion.regions["chin"].shape == (300, 2)


def turning(degrees: float, seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds, the shape of a face (P, 3), and where its points are (N, P, 2) as the head turns and nods."""
    times = np.arange(0, seconds, 1 / 30)
    shape = neutral_mesh()[MESH_LAYOUT.indices]
    shape = shape - shape.mean(axis=0)
    yaw, pitch = np.radians(degrees) * np.array([np.sin(3 * times), np.sin(5 * times)])
    x, y, depth = shape.T
    turned = np.cos(yaw)[:, None] * x + np.sin(yaw)[:, None] * depth
    behind = np.cos(yaw)[:, None] * depth - np.sin(yaw)[:, None] * x
    nodded = np.cos(pitch)[:, None] * y + np.sin(pitch)[:, None] * behind
    return times, shape, np.stack([turned, nodded], axis=2)


def test_a_wrong_depth_is_corrected_by_the_turns_of_the_head():
    times, shape, points = turning(6, 8)
    wrong = shape + np.random.default_rng(0).normal(0, 8, len(shape))[:, None] * (0, 0, 1)
    rigid = MESH_LAYOUT.rigid
    corrected = with_depth_of_turns(points, times, wrong, rigid, 1.0)
    before, after = (without_head(points, each, rigid, 1.0, True).std() for each in (wrong, corrected))
    assert after < 0.6 * before
    assert with_depth_of_turns(points[:30], times[:30], wrong, rigid, 1.0) is wrong  # one second shows too little


def test_a_head_that_hardly_turns_keeps_its_depth():
    times, shape, points = turning(0.2, 8)
    points = points + np.random.default_rng(0).normal(0, 0.1, points.shape)
    kept = with_depth_of_turns(points, times, shape, MESH_LAYOUT.rigid, 1.0)
    assert np.abs(kept - shape).max() < 0.5


@pytest.mark.parametrize("fps", (30.0, 200.0))
def test_points_are_followed_far_finer_than_a_pixel_at_any_rate(fps):
    rng, times = np.random.default_rng(3), np.arange(round(0.6 * fps)) / fps
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (160, 160)).astype(np.float32), (0, 0), 1.5)
    texture = np.clip(128 + 4 * (texture - texture.mean()), 0, 255)
    moved = 6 * np.sin(2 * np.pi * times)  # up to 38 pixels a second
    maps = [np.array([[1, 0, x - 16], [0, 1, -16]], np.float32) for x in moved]
    crops = np.stack([cv2.warpAffine(texture, m, (128, 128), flags=cv2.INTER_CUBIC) for m in maps])
    start = rng.uniform(30, 98, (1, 20, 2))
    landmarks = np.repeat(start, len(times), axis=0)
    landmarks[..., 0] += moved[:, None]
    step = max(1, round(fps / 30))
    keys = np.maximum(np.arange(len(times)) - 1, 0) // step * step
    levels = FAST_LEVELS if fps >= FAST_RATE else LEVELS
    crops = np.clip(crops, 0, 255).astype(np.uint8)
    moves, wrong = _measure_flow(crops, np.arange(len(times)), landmarks, keys, levels)
    true = (moved - moved[keys])[1:, None]
    assert np.abs(moves[1:, :, 0] - true).mean() < 0.05 and np.median(wrong[1:]) < 0.05


def test_movements_that_come_back_are_found_one_by_one():
    spans = [(1.0, 1.4), (2.5, 3.0), (4.2, 4.6)]
    found = finds(brows(5.0, *spans))
    assert all(any(overlap(span, other) >= 0.5 for other in found) for span in spans) and len(found) <= 4


def test_a_state_that_stays_is_found_up_to_the_last_frame():
    found = finds(brows(6.0, (4.5, 20.0), seconds=6.0))
    assert any(abs(start - 4.9) < 0.6 and end == pytest.approx(5.98) for start, end in found)


@pytest.mark.parametrize("names", [BROWS[:3], BROWS[3:]])
def test_one_side_alone_is_found(names):
    assert any(overlap((2.0, 2.6), span) >= 0.5 for span in finds(brows(5.0, (2.0, 2.6), names=names)))


def test_a_train_of_pulses_is_found():
    pulses = [(2.0 + 0.2 * i, 2.2 + 0.2 * i) for i in range(5)]
    found = finds(brows(8.0, *pulses))
    assert found and min(start for start, _ in found) >= 1.8 and max(end for _, end in found) <= 3.3


def test_stillness_and_speech_give_nothing():
    times = np.arange(0, 8, 1 / 50)
    talk = 5 * np.abs(np.sin(2 * np.pi * 2.5 * times)) * (times > 1) * (times < 7)
    assert finds(mesh_track({"chin": np.zeros(300)})) == []
    assert finds(mesh_track(dict.fromkeys(LIPS, talk))) == []


def flickers(size: float, seconds: float = 0.1, blinks: bool = False, restless: float = 0.0) -> list[Span]:
    """Flickers of the brows at 2 s among noise, in a face whose mouth and brows move by so many units all the time."""
    times = np.arange(0, 4, 1 / 100)
    pixels = np.random.default_rng(4).normal(0, 0.03, (len(times), len(NAMES)))
    pixels += restless * np.sin(2 * np.pi * 2.3 * times)[:, None] * UNITS
    pixels += (
        size * course(times, 2 - seconds / 2, 2 + seconds / 2)[:, None] * [name.startswith("brow") for name in NAMES]
    )
    blink = blinks & (np.abs(times - 2) < 0.1)
    curves = prepare(pixels, 100.0, blink)
    found = find_flickers(curves, pixels[:, NAMES.index("mouth opening")], blink, np.zeros((len(times), 3)))
    return [flicker for flicker in found if flicker.score >= Default().min_score]


@pytest.mark.parametrize("seconds", (0.1, 0.3))
def test_a_flicker_in_a_calm_moment_is_found_where_it_is(seconds):
    found = flickers(0.6, seconds)
    assert found and all(abs(flicker.apex - 200) <= 5 for flicker in found)
    best = max(found, key=lambda flicker: flicker.score)
    assert overlap((best.onset / 100, best.offset / 100), (2 - seconds / 2, 2 + seconds / 2)) >= 0.5


def test_no_flicker_in_a_restless_moment_or_in_a_blink():
    assert flickers(0.6, restless=1.0) == [] and flickers(0.6, blinks=True) == [] and flickers(0.0) == []


def test_the_score_of_a_flicker_never_falls_as_it_grows():
    scores = [max((flicker.score for flicker in flickers(size)), default=0.0) for size in SIZES]
    assert scores[0] == 0 and min(np.diff(scores)) >= -0.01 and scores[-1] == pytest.approx(0.6, abs=0.01)


def test_a_flicker_after_a_large_movement_is_found():
    times = np.arange(0, 8, 1 / 50)
    both = 8 * course(times, 1.0, 2.5) + course(times, 5.0, 5.3)
    found = finds(mesh_track(dict.fromkeys(BROWS, -both)))
    assert any(overlap((5.0, 5.3), span) >= 0.5 for span in found)


def test_a_neutral_face_before_a_long_grin_is_rest():
    times = np.arange(0, 3, 1 / 50)
    grin = -8 * course(times, 0.6, 4.5)
    moving = ("right corner", "left corner", "right cheek", "left cheek", "upper lip", *BROWS)
    found = finds(mesh_track(dict.fromkeys(moving, grin) | dict.fromkeys(LIPS, -2 * grin)))
    assert found and min(start for start, _ in found) > 0.4


def test_weaker_candidates_are_there_below_the_threshold():
    track = brows(1.0, (2.0, 2.4))
    every = SPOTTERS.build({"name": "default", "min_score": 0.0}).spot(track)
    assert every and all(0 <= (i.score or 0.0) <= 1 for i in every)
    assert len(every) >= len(Default().spot(track))


def test_the_contract_holds_for_tracks_with_a_mesh():
    spans = list(itertools.pairwise(np.arange(0.5, 5.0, 0.5)))[::2]
    check_spotter(Default(), brows(5.0, *spans))
