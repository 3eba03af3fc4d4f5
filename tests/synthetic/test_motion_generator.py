"""Drawn motion: its truth, its settings, how it is written down."""

import dataclasses

import numpy as np
import pytest

from microexpr.imaging.optical_flow import strain
from microexpr.synthetic.motion import CLASSES, FaceFrame, MotionGenerator
from microexpr.synthetic.motion.encoding import encode
from microexpr.synthetic.motion.expressions import ANY, NOTHING, Expressions
from microexpr.synthetic.motion.faults import Faults
from microexpr.synthetic.motion.fields import NUMBERS
from microexpr.synthetic.motion.generator import People
from microexpr.synthetic.motion.smooth import smooth_noise, strain_of

FRAME = FaceFrame.megc2019()
ALIKE = People(**{field.name: 0.0 for field in dataclasses.fields(People)})
CLEAN = Faults(**{field.name: 0.0 for field in dataclasses.fields(Faults)})
ALONE = Expressions(companions=0, blinks=0, speech=0, free=0)


def clean(**settings) -> MotionGenerator:
    return MotionGenerator(**{"expressions": ALONE, "people": ALIKE, "faults": CLEAN, "gaze": 0.0, **settings})


def test_shapes_types_and_classes():
    drawn = MotionGenerator().draw(300, FRAME, 1)
    assert drawn.flow.shape == (300, 28, 28, 2) and drawn.flow.dtype == np.float32
    assert drawn.strain.shape == (300, 28, 28) and drawn.strain.min() >= 0
    assert drawn.strengths.shape == drawn.pixels.shape == (300, len(NUMBERS), 2)
    assert np.bincount(drawn.labels)[: len(CLASSES)].min() > 50 and len(CLASSES) == 3


def test_equal_seeds_draw_equal_fields():
    first, again, other = (MotionGenerator().draw(40, FRAME, seed).flow for seed in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("frame", [FaceFrame.megc2019(20), FaceFrame.aligned(33), FaceFrame.megc2019(56)])
def test_any_size_and_frame(frame):
    drawn = clean().draw(20, frame, 0)
    assert drawn.flow.shape == (20, *frame.size, 2)
    sizes = np.linalg.norm(drawn.flow, axis=-1).max(axis=(1, 2))
    assert 0.5 < np.median(sizes) < 2.5  # 1.2 pixels of a face 224 pixels wide, whatever the size of the image


def test_smiles_pull_the_corners_of_the_mouth_out_and_up():
    drawn = clean().draw(200, FRAME, 0)
    smiles = drawn.flow[
        (drawn.labels == CLASSES.index("positive")) & (drawn.strengths[:, NUMBERS.index(12)].min(1) > 0.3)
    ]
    x, y = np.round(FRAME.landmarks[48]).astype(int)
    u, v = smiles[:, y, x].mean(axis=0)
    assert u < -0.3 and v < -0.3


def test_truth_is_the_size_of_the_movement():
    drawn = clean(expressions=dataclasses.replace(ALONE, sides=0, one_sided=0)).draw(200, FRAME, 0)
    alone = (drawn.strengths.max(axis=2) > 0).sum(axis=1) == 1
    largest = np.linalg.norm(drawn.flow, axis=-1).max(axis=(1, 2))
    assert alone.sum() > 20
    assert np.median(drawn.pixels.max(axis=(1, 2))[alone] / largest[alone]) == pytest.approx(1, abs=0.25)


def test_faces_without_an_expression():
    labels, strengths = dataclasses.replace(ALONE, nothing=0.5).draw(400, np.random.default_rng(0))
    nothing = labels == NOTHING
    assert 0.4 < nothing.mean() < 0.6
    assert not strengths[nothing].any() and strengths[~nothing].max(axis=(1, 2)).min() > 0


def test_one_sided_expressions_name_their_side():
    strengths = dataclasses.replace(ALONE, sides=0).draw(2000, np.random.default_rng(0))[1]
    smiles = strengths[:, NUMBERS.index(12)]
    smiles = smiles[smiles.max(axis=1) > 0]
    one_sided = smiles.min(axis=1) < 0.31 * smiles.max(axis=1)
    assert 0.08 < one_sided.mean() < 0.35
    assert 0.3 < (smiles[one_sided].argmax(axis=1)).mean() < 0.7


def test_a_lower_face_on_one_side_leaves_the_brows_on_both():
    strengths = dataclasses.replace(ALONE, sides=0).draw(6000, np.random.default_rng(0))[1]
    brow, lip = (strengths[:, NUMBERS.index(number)] for number in (4, 10))
    both = (brow.max(axis=1) > 0) & (lip.max(axis=1) > 0)
    one_sided = both & (lip.min(axis=1) < 0.31 * lip.max(axis=1))
    assert 0.15 < one_sided.sum() / both.sum() < 0.9
    assert np.array_equal(brow[one_sided, 0], brow[one_sided, 1])


def test_freely_drawn_action_units_have_no_class():
    labels, strengths = dataclasses.replace(ALONE, free=0.5).draw(4000, np.random.default_rng(0))
    free = labels == ANY
    shown = strengths[free].max(axis=2) > 0
    assert 0.45 < free.mean() < 0.55 and set(shown.sum(axis=1)) == {1, 2, 3}
    assert shown.mean(axis=0) == pytest.approx(2 / len(NUMBERS), abs=0.03)


@pytest.mark.parametrize("name", ["noise", "head", "rim", "spots", "outside", "texture", "threshold", "power"])
def test_every_fault_changes_the_fields(name):
    plain = clean().draw(30, FRAME, 5)
    faulty = clean(faults=dataclasses.replace(CLEAN, **{name: 1.0 if name in ("rim", "spots", "outside") else 0.4}))
    assert not np.allclose(plain.flow, faulty.draw(30, FRAME, 5).flow, atol=1e-4)


def test_stretched_images_use_the_whole_range_and_pixels_keep_their_size():
    drawn = MotionGenerator().draw(10, FRAME, 1)
    stretched = encode(drawn, "stretched")
    assert stretched.dtype == np.uint8
    assert (stretched.min(axis=(1, 2)) == 0).all() and (stretched.max(axis=(1, 2)) == 255).all()
    assert encode(drawn, "pixels", crop=112)[..., :2] == pytest.approx(drawn.flow / 2)


def test_noise_has_variance_one():
    noise = smooth_noise(np.random.default_rng(0), (200, 2), (20, 30), (2.0, 1.5))
    assert noise.shape == (200, 2, 20, 30)
    assert noise.std() == pytest.approx(1, abs=0.05)


def test_strain_is_that_of_one_field():
    flow = np.random.default_rng(0).normal(size=(3, 2, 9, 12)).astype(np.float32)
    expected = np.stack([strain(np.moveaxis(field, 0, -1)) for field in flow])
    assert strain_of(flow, (1.0, 1.0)) == pytest.approx(expected, abs=1e-5)
