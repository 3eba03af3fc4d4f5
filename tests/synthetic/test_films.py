"""Looks of synthetic persons, what lies over their faces, and the films that spotters are measured on."""

import dataclasses

import numpy as np
import pytest

from microexpr.synthetic.films import FILM_KINDS, PIXELS, SECONDS, Film, films
from microexpr.synthetic.long_video import random_video
from microexpr.synthetic.look import Look
from microexpr.synthetic.person import Person
from microexpr.synthetic.script import Distractors

STILL = Distractors(blinks=0, speech=0, gaze=0, turns=0, drift=0, flicker=0)


def test_the_default_look_changes_nothing_and_any_look_leaves_the_landmarks():
    person = Person.draw(3)
    assert np.abs(Look().person(3).image - person.image).max() < 1e-3 and person.worn is None
    other = Look(skin=0.5, beard=1, worn="glasses").person(3)
    assert (other.points == person.points).all() and other.worn is not None
    assert np.abs(other.image - person.image)[200:300, 180:260].mean() > 20


@pytest.mark.parametrize(
    ("worn", "covered", "free"), [("mask", 62, 19), ("sunglasses", 40, 57), ("hair", 71, 33), ("glasses", 16, 30)]
)
def test_what_is_worn_covers_its_part_of_the_face(worn, covered, free):
    points = Person.draw(3).points
    layer = Look(worn=worn).layer(points)
    assert layer is not None and layer[..., 3].max() <= 1
    (x, y), (u, v) = np.round(points[[covered, free]]).astype(int)
    assert layer[y - 4 : y + 5, x - 4 : x + 5, 3].max() > 0.9 and layer[v, u, 3] < 0.1


def test_a_hand_hides_the_mouth_while_it_rests_and_only_then():
    video = random_video(5, seconds=8, fps=10, micro=0, macro=0, distractors=dataclasses.replace(STILL, hands=15))
    bare = dataclasses.replace(video, hands=())
    rests, away = int(np.argmax(video.covered)), int(np.argmin(video.covered))
    assert video.covered[rests] == 1 and len(video.hands) == 2
    (x, y), mouth = video.landmarks(rests)[62].astype(int), slice(-15, 16)
    part = np.s_[y + mouth.start : y + mouth.stop, x + mouth.start : x + mouth.stop]
    assert np.abs(video.frame(rests)[part].astype(int) - bare.frame(rests)[part]).mean() > 15
    assert (video.frame(away) == bare.frame(away)).all()


def test_a_mask_moves_with_the_head_and_not_with_the_mouth():
    video = Film("mask", 7, seconds=2, fps=10).make()
    opened = dataclasses.replace(video, movements=Film("speech", 7, seconds=2, fps=10).make().movements, noise=0.0)
    (x, y), frames = opened.landmarks(0)[62].astype(int), [opened.frame(i) for i in (1, 5)]
    assert np.abs(np.subtract(*(f[y - 9 : y + 10, x - 9 : x + 10].astype(int) for f in frames))).mean() < 6


@pytest.mark.parametrize("kind", FILM_KINDS)
def test_films_show_what_their_kind_says(kind):
    film = Film(kind, 11, seconds=12)
    video, again = film.make(), film.make()
    assert video.movements == again.movements and film.name == f"{kind}-11"
    expressions = [movement for movement in video.movements if movement.kind in ("micro", "macro")]
    without = kind in ("speech", "looks-aside") or kind.endswith("-alone")
    assert bool(expressions) != without and bool(video.hands) == kind.startswith("hands")
    for movement in expressions:
        assert PIXELS[0] <= movement.amplitude <= PIXELS[1]
        assert SECONDS[0] <= movement.end - movement.start <= SECONDS[1]
    assert (video.person.worn is not None) or kind not in ("mask", "glasses", "hair")


def test_sizes_and_lengths_are_spread_on_a_logarithmic_scale():
    kind, generator = FILM_KINDS["varied"], np.random.default_rng(5)
    drawn = [movement for seed in range(60) for movement in kind.draw(Film("varied", seed), kind, generator)]
    movements = [movement for movement in drawn if movement.kind in ("micro", "macro")]
    sizes = np.log([movement.amplitude for movement in movements])
    lengths = np.log([movement.end - movement.start for movement in movements])
    assert np.median(sizes) == pytest.approx(np.log(3), abs=0.5) and np.median(lengths) == pytest.approx(-0.8, abs=0.5)


def test_a_set_of_films_has_a_subject_for_each_film():
    chosen = films(6000, 2)
    assert len(chosen) == 2 * len(FILM_KINDS) == len({film.seed for film in chosen})
