"""Hands before faces, noise and darkness: what the measures of a track say about them. No network is needed."""

import dataclasses
import itertools

import numpy as np
import pytest

from microexpr.faces.tracking.covering import covered_share
from microexpr.faces.tracking.measures import contrast, noise, quality, relative_noise
from microexpr.synthetic.films import Film
from microexpr.synthetic.long_video import ground_truth_track, random_video
from microexpr.synthetic.script import Distractors

HANDS = Distractors(blinks=6, speech=4, gaze=6, turns=2, drift=4, hands=12)


@pytest.fixture(scope="module")
def video():
    """A person who speaks, blinks, shows expressions and has a hand before the face twice."""
    return random_video(5, seconds=14, fps=15, micro=8, macro=8, distractors=HANDS)


def test_hands_are_measured_and_nothing_else(video):
    track = ground_truth_track(video, size=128)
    share = covered_share(track.times, track.crops, track.points, track.pose)
    assert len(video.hands) == 3 and share.dtype == np.float32
    assert (share[video.covered > 0.8] > 0.15).mean() > 0.9
    assert share[video.covered == 0].max() < 0.1


def test_a_grimace_covers_nothing():
    track = ground_truth_track(Film("grimaces", 3, seconds=10, fps=12).make(), size=128)
    assert covered_share(track.times, track.crops, track.points, track.pose).max() < 0.15


@pytest.mark.parametrize("sigma", [1.0, 4.0, 10.0])
def test_noise_is_measured_while_a_part_of_the_face_moves(video, sigma):
    still = dataclasses.replace(video, hands=(), noise=0.0, distractors=dataclasses.replace(HANDS, flicker=0))
    crop = ground_truth_track(dataclasses.replace(still, seconds=0.2), size=128).crops[0].astype(float)
    first, second = (crop + np.random.default_rng(i).normal(0, sigma, crop.shape) for i in (1, 2))
    second[20:60] += 40
    images = [np.clip(image, 0, 255).round().astype(np.uint8) for image in (first, second)]
    assert noise(images[1], images[0]) == pytest.approx(sigma, rel=0.3) and noise(images[0], images[0]) == 0


def test_darkness_raises_the_relative_noise_and_lowers_the_quality(video):
    shown = {}
    for brightness in (1.0, 0.1):
        dark = dataclasses.replace(video.person, image=video.person.image * np.float32(brightness))
        crops = ground_truth_track(dataclasses.replace(video, person=dark, hands=(), noise=3, seconds=1), size=64).crops
        noises = np.array([noise(b, a) for a, b in itertools.pairwise(crops)])
        contrasts = np.array([contrast(crop) for crop in crops[1:]])
        relative = relative_noise(np.arange(len(noises)) / 15, noises, contrasts)
        full = np.ones(len(noises))
        shown[brightness] = quality(full, full * 200, np.zeros((len(noises), 3)), full, relative).mean()
    assert shown[1.0] > 0.9 and shown[0.1] < 0.6


def test_a_face_half_covered_has_no_quality():
    full = np.ones(3)
    values = quality(full, full * 200, np.zeros((3, 3)), full, 0.0, np.array([0, 0.25, 0.5]))
    assert values == pytest.approx([1, 0.5, 0])
