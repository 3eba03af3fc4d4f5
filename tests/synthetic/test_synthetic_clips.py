"""Synthetic clips: faces, motion, true flow and landmarks, timing, action units."""

import cv2
import numpy as np
import pytest

from microexpr.core.action_units import format_action_units
from microexpr.faces.cascade import find_face
from microexpr.synthetic import (
    Camera,
    SyntheticClip,
    Timing,
    draw_action_units,
    draw_amplitude,
    draw_timing,
    intensity,
    render_clip,
)
from tests.synthetic.objective_classes import objective_class

TIMING = Timing(4, 24, 50, 56, 200)


def rendered(units=((12, ""),), seed=3, **camera) -> SyntheticClip:
    return render_clip(seed, units=units, camera=Camera(**camera), timing=TIMING, amplitude=8)


def test_the_same_seed_gives_the_same_frame():
    assert np.array_equal(rendered().frame(24), rendered().frame(24))
    assert not np.array_equal(rendered(seed=3).frame(0), rendered(seed=4).frame(0))


@pytest.mark.parametrize(("framing", "size"), [("face", (340, 280)), ("wide", (480, 640))])
def test_a_detector_finds_the_face(framing, size):
    found = [find_face(rendered(seed=s, framing=framing, size=size).frame(0)) for s in range(20)]
    assert sum(box is not None for box in found) >= 18
    centers = [(x + side / 2, y + side / 2) for x, y, side in filter(None, found)]
    assert np.abs(np.median(centers, axis=0) - (size[1] / 2, size[0] / 2)).max() < size[0] * 0.12


def test_the_true_flow_agrees_with_estimated_flow():
    clip = rendered(noise=0.0, drift=0.0, flicker=0.0)
    first, apex = (cv2.cvtColor(clip.frame(i), cv2.COLOR_RGB2GRAY) for i in (0, TIMING.apex))
    flow = clip.flow(0, TIMING.apex)
    estimated = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, apex, None)
    moving = np.linalg.norm(flow, axis=-1) > 1
    assert moving.mean() > 0.02
    assert np.median(np.linalg.norm(estimated - flow, axis=-1)[moving]) < 0.3


def test_flow_and_landmarks_agree():
    clip = rendered(drift=1.0)
    before, after = clip.landmarks(2), clip.landmarks(TIMING.apex)
    flow = clip.flow(2, TIMING.apex)
    inside = [i for i in range(17, 68) if 2 < before[i][0] < 277 and 2 < before[i][1] < 337]
    moved = np.array([before[i] + flow[round(before[i][1]), round(before[i][0])] for i in inside])
    assert np.abs(moved - after[inside]).max() < 0.6


def test_side_l_is_the_persons_left():
    flow = np.linalg.norm(rendered(units=((12, "L"),), drift=0.0).flow(0, TIMING.apex), axis=-1)
    assert flow[:, 140:].sum() > 5 * flow[:, :140].sum()


def test_intensity_rises_to_the_apex_and_falls_to_the_offset():
    values = [intensity(TIMING, t) for t in range(TIMING.frames)]
    assert values[TIMING.apex] == 1 == max(values)
    assert values[: TIMING.onset + 1] == [0] * (TIMING.onset + 1)
    assert values[TIMING.offset :] == [0] * (TIMING.frames - TIMING.offset)
    assert np.all(np.diff(values[TIMING.onset : TIMING.apex]) > 0)


def test_drawn_timings_are_those_of_casme2():
    rng = np.random.default_rng(0)
    times = [draw_timing(rng, 200) for _ in range(800)]
    rise = np.array([(t.apex - t.onset) / 200 for t in times])
    whole = np.array([(t.offset - t.onset) / 200 for t in times])
    assert rise.min() >= 0.05 and rise.max() <= 0.44 and rise.mean() == pytest.approx(0.165, abs=0.01)
    assert whole.min() >= 0.115 and whole.max() <= 0.70 and whole.mean() == pytest.approx(0.33, abs=0.05)


@pytest.mark.parametrize("fps", [25, 30, 100, 240])
def test_drawn_timings_are_in_order_at_any_frame_rate(fps):
    rng = np.random.default_rng(1)
    assert all(t.onset < t.apex <= t.offset < t.frames for t in (draw_timing(rng, fps) for _ in range(50)))


def test_drawn_action_units_have_the_class_and_a_quarter_is_one_sided():
    rng = np.random.default_rng(0)
    sided = 0
    for _ in range(300):
        for name in ("I", "II", "III", "IV", "V", "VI", "VII"):
            text = format_action_units(draw_action_units(name, None, rng))
            assert objective_class(text) == name
            sided += "L" in text or "R" in text
    assert 0.15 < sided / 2100 < 0.35


def test_amplitudes_of_micro_and_macro_expressions():
    rng = np.random.default_rng(0)
    micro, macro = ([draw_amplitude(rng, kind) for _ in range(500)] for kind in ("micro", "macro"))
    assert min(micro) >= 0.5 and max(micro) <= 3 and np.median(micro) == pytest.approx(1.2, abs=0.1)
    assert min(macro) >= 4 and max(macro) <= 12


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: rendered(units=((99, ""),))._field, "action unit 99"),
        (lambda: rendered(units=((12, "X"),))._field, "side 'X'"),
        (lambda: Timing(5, 5, 6, 7, 200), "onset < apex"),
        (lambda: draw_action_units(None, "boredom", np.random.default_rng(0)), "'boredom'"),
    ],
)
def test_unknown_units_sides_timings_and_emotions_are_errors(make, text):
    with pytest.raises(ValueError, match=text):
        make()
