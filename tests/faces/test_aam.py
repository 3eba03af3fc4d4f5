"""The active appearance model on synthetic people that it was not trained on, with true landmarks."""

import numpy as np
import pytest

from microexpr.core import config
from microexpr.core.clip import Sample
from microexpr.core.errors import MediaError, MissingDataError, UsageError
from microexpr.faces.aam import AppearanceModel, fit, named_model, synthetic_faces, train_model, train_with_mesh
from microexpr.faces.aam_model import procrustes, rigid_modes
from microexpr.faces.alignment import eye_centers
from microexpr.imaging.geometry import similarity, transform_points
from microexpr.preprocessing import STEPS
from tests.conftest import make_clips
from tests.marks import needs_mesh
from tests.photographs import HOPPER, error, photograph, turned


@pytest.fixture(scope="module")
def model():
    return train_model(*synthetic_faces(subjects=16, expressions=2))


@pytest.fixture(scope="module")
def strangers():
    return list(zip(*synthetic_faces(subjects=6, expressions=2, first=300), strict=True))


def start(model, points, degrees=0.0, zoom=1.0, shift=(0.0, 0.0)):
    """The mean shape near given points."""
    mean = transform_points(model.mean, similarity(model.mean, points))
    return turned(np.zeros((9, 9, 3), np.uint8), mean, degrees, zoom, shift)[1]


@pytest.mark.parametrize(
    ("degrees", "zoom", "shift"), [(0, 1, (6, -5)), (10, 1, (0, 0)), (-8, 0.9, (4, 4)), (5, 1.1, (-5, 3))]
)
def test_it_converges_on_people_it_has_not_seen(model, strangers, degrees, zoom, shift):
    starts = [start(model, points, degrees, zoom, shift) for _, points in strangers]
    fits = [fit(model, picture, s) for (picture, _), s in zip(strangers, starts, strict=True)]
    before = [error(s, points) for s, (_, points) in zip(starts, strangers, strict=True)]
    after = [error(f.points, points) for f, (_, points) in zip(fits, strangers, strict=True)]
    assert np.mean(after) < 0.02 and max(after) < 0.04
    assert np.mean(after) < np.mean(before) / 3
    assert all(0.6 < f.quality <= 1 and 3 <= f.iterations <= 90 for f in fits)


@pytest.mark.parametrize("degrees", [0, 25])
def test_a_real_face_from_its_eyes(model, degrees):  # of a texture that the synthetic people share
    picture, points = turned(*photograph(HOPPER), degrees)  # type: ignore[call-arg]
    begin = model.initial_points(eye_centers(points))
    found = fit(model, picture, begin)
    assert error(found.points, points) < 0.018 < 0.028 < error(begin, points)


def test_a_face_larger_and_smaller_than_the_model(model, strangers):
    picture, points = strangers[0]
    for zoom in (0.3, 2.5):
        there, own = turned(np.pad(picture, ((300, 300), (300, 300), (0, 0))), points + 300, 0, zoom)
        assert error(fit(model, there, start(model, own, 4, 1.05)).points, own) < 0.04


def test_quality_tells_a_miss_from_a_hit(model, strangers):
    picture, points = strangers[0]
    hit = fit(model, picture, start(model, points)).quality
    noise = np.random.default_rng(0).integers(0, 256, picture.shape, dtype=np.uint8)
    assert fit(model, noise, start(model, points)).quality < 0.3 < 0.8 < hit
    assert fit(model, picture, start(model, points, 60)).quality < 0.5


def test_nothing_to_see_and_the_edge_of_the_picture(model, strangers):
    picture, points = strangers[0]
    flat = fit(model, np.full_like(picture, 77), points)
    assert flat.error == 1 and np.isfinite(flat.points).all()
    for shift in (-150, 500, 5000):
        assert np.isfinite(fit(model, picture, points + shift).points).all()
    assert np.isfinite(fit(model, np.full((1, 1, 3), 5, np.uint8), points).points).all()


def test_saved_and_loaded_it_is_the_same(model, strangers, tmp_path):
    model.save(tmp_path / "m.npz")
    again = AppearanceModel.load(tmp_path / "m.npz")
    picture, points = strangers[1]
    one, two = (fit(m, picture, start(m, points, 5)) for m in (model, again))
    assert np.array_equal(one.points, two.points) and (one.error, one.iterations) == (two.error, two.iterations)
    with np.load(tmp_path / "m.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype.kind in "fi" for name in stored.files)


def test_what_is_no_model_is_named(tmp_path, model):
    with pytest.raises(MissingDataError, match="train_model"):
        AppearanceModel.load(tmp_path / "none.npz")
    (tmp_path / "x.npz").write_bytes(b"PK nothing")
    np.savez(tmp_path / "y.npz", mean=np.zeros((68, 2)))
    for name in ("x.npz", "y.npz"):
        with pytest.raises(MediaError, match="not an appearance model"):
            AppearanceModel.load(tmp_path / name)


def test_training_is_always_the_same():
    one, two = (train_model(*synthetic_faces(4, 1), widths=(24,)) for _ in range(2))
    assert np.array_equal(one.modes, two.modes) and np.array_equal(one.levels[0].basis, two.levels[0].basis)


def test_modes_are_orthonormal_and_free_of_turn_scale_and_shift(model):
    rows = np.concatenate([rigid_modes(model), model.modes]).reshape(-1, 136)
    assert rows @ rows.T == pytest.approx(np.eye(len(rows)), abs=1e-9)
    for level in model.levels:
        assert level.basis @ level.basis.T == pytest.approx(np.eye(len(level.basis)), abs=1e-9)
        assert level.weights.sum(axis=1) == pytest.approx(1)
    assert list(model.spread) == sorted(model.spread, reverse=True)


def test_procrustes_takes_place_turn_and_size_away():
    face = photograph(HOPPER)[1]
    copies = np.stack([turned(np.zeros((9, 9, 3), np.uint8), face, 20 * i, 1 + i / 3, (9 * i, 4))[1] for i in range(4)])
    mean, aligned = procrustes(copies)
    assert np.abs(aligned - mean).max() < 1e-9
    assert np.ptp(mean[:, 0]) == pytest.approx(1) and eye_centers(mean)[0, 1] == pytest.approx(eye_centers(mean)[1, 1])


def test_the_slope_of_a_ramp(model):
    level = model.levels[1]
    row = (level.weights[..., None] * model.mean[level.corners]).sum(axis=1) @ (3.0, -2.0) * level.width
    from microexpr.faces import aam_model

    slopes = aam_model._level(model.mean, model.triangles, level.width, row[None]).slopes[0]
    assert np.median(slopes, axis=0) == pytest.approx([3, -2])


@pytest.mark.parametrize("start", [np.zeros((68, 2)), np.zeros((5, 2)), np.full((68, 2), np.nan)])
def test_a_start_that_is_none(model, start):
    with pytest.raises(UsageError, match="span a face"):
        fit(model, np.zeros((50, 50, 3), np.uint8), start)


@pytest.mark.parametrize(("count", "shape"), [(1, (68, 2)), (2, (5, 2))])
def test_bad_training_data(count, shape):
    with pytest.raises(UsageError, match=r"two faces or more|68, 2"):
        train_model([np.zeros((9, 9, 3), np.uint8)] * count, [np.zeros(shape)] * count)


def test_the_step_with_a_model_of_ones_own(model, strangers):
    model.save(config.cache_folder() / "aam" / "mine.npz")
    named_model.cache_clear()
    picture, _ = strangers[0]
    step = STEPS.build({"name": "align", "method": "aam", "model": "mine", "mask": True, "margin": 0.1})
    sample = step(Sample(make_clips()[0].blind(()), {"frames": picture[None]}))
    cut = sample.array("frames")
    assert cut.shape == (1, 224, 224, 3) and (cut[0, 0] == 0).all() and cut[0, 112, 112].any()
    assert 0.5 < float(sample.notes["quality"]) <= 1
    blank = step(Sample(make_clips()[0].blind(()), {"frames": np.full((2, 90, 90, 3), 128, np.uint8)}))
    assert not blank.face_found and blank.notes == {}


@needs_mesh
def test_a_model_from_pictures_alone(strangers):
    blank = np.zeros((60, 60, 3), np.uint8)
    learned = train_with_mesh([blank, *(picture for picture, _ in strangers[:-2])])
    picture, points = strangers[-1]
    assert error(fit(learned, picture, start(learned, points, 5)).points, points) < 0.05
    with pytest.raises(UsageError, match="1 images and 1 sets"):
        train_with_mesh([blank, strangers[0][0]])


@pytest.mark.parametrize(("name", "fault"), [("none", MissingDataError), ("../x", UsageError)])
def test_a_model_that_is_not_there(name, fault):
    with pytest.raises(fault, match=name):
        named_model(name)


def test_the_model_of_made_up_faces_is_trained_once(monkeypatch, tmp_path):
    from microexpr.faces import aam

    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path))
    faces = synthetic_faces(3, 1)
    monkeypatch.setattr(aam, "synthetic_faces", lambda: faces)
    aam.named_model.cache_clear()
    first = named_model()
    monkeypatch.setattr(aam, "synthetic_faces", None)
    aam.named_model.cache_clear()
    assert np.array_equal(named_model().mean, first.mean)
    aam.named_model.cache_clear()
