"""The active appearance model on synthetic people that it was not trained on, with true landmarks."""

import numpy as np
import pytest

from microexpr.core import config
from microexpr.core.clip import Sample
from microexpr.core.errors import MediaError, MissingDataError, UsageError
from microexpr.faces.aam import AppearanceModel, fit, named_model, synthetic_faces, train_model
from microexpr.faces.aam_model import procrustes, rigid_modes
from microexpr.faces.alignment import eye_centers
from microexpr.imaging.geometry import similarity, transform_points
from microexpr.preprocessing import STEPS
from tests.conftest import make_clips
from tests.photographs import HOPPER, error, photograph, turned


@pytest.fixture(scope="module")
def model():
    return train_model(*synthetic_faces(subjects=16, expressions=2))


@pytest.fixture(scope="module")
def unseen_subjects():
    return list(zip(*synthetic_faces(subjects=6, expressions=2, first=300), strict=True))


def start(model, points, degrees=0.0, zoom=1.0, shift=(0.0, 0.0)):
    """The mean shape near given points."""
    mean = transform_points(model.mean, similarity(model.mean, points))
    return turned(np.zeros((9, 9, 3), np.uint8), mean, degrees, zoom, shift)[1]


@pytest.mark.parametrize(
    ("degrees", "zoom", "shift"), [(0, 1, (6, -5)), (10, 1, (0, 0)), (-8, 0.9, (4, 4)), (5, 1.1, (-5, 3))]
)
def test_the_fit_converges_on_subjects_outside_the_training_set(model, unseen_subjects, degrees, zoom, shift):
    starts = [start(model, points, degrees, zoom, shift) for _, points in unseen_subjects]
    fits = [fit(model, image, s) for (image, _), s in zip(unseen_subjects, starts, strict=True)]
    before = [error(s, points) for s, (_, points) in zip(starts, unseen_subjects, strict=True)]
    after = [error(f.points, points) for f, (_, points) in zip(fits, unseen_subjects, strict=True)]
    assert np.mean(after) < 0.02 and max(after) < 0.04
    assert np.mean(after) < np.mean(before) / 3
    assert all(0.6 < f.quality <= 1 and 3 <= f.iterations <= 90 for f in fits)


@pytest.mark.parametrize("degrees", [0, 25])
def test_the_fit_of_a_real_face_starts_from_its_eyes(model, degrees):  # of a texture that the synthetic people share
    image, points = turned(*photograph(HOPPER), degrees)  # type: ignore[call-arg]
    begin = model.initial_points(eye_centers(points))
    found = fit(model, image, begin)
    assert error(found.points, points) < 0.018 < 0.028 < error(begin, points)


def test_faces_larger_and_smaller_than_the_model_are_fitted(model, unseen_subjects):
    image, points = unseen_subjects[0]
    for zoom in (0.3, 2.5):
        scaled, scaled_points = turned(np.pad(image, ((300, 300), (300, 300), (0, 0))), points + 300, 0, zoom)
        assert error(fit(model, scaled, start(model, scaled_points, 4, 1.05)).points, scaled_points) < 0.04


def test_quality_is_low_for_noise_and_for_a_bad_start(model, unseen_subjects):
    image, points = unseen_subjects[0]
    hit = fit(model, image, start(model, points)).quality
    noise = np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8)
    assert fit(model, noise, start(model, points)).quality < 0.3 < 0.8 < hit
    assert fit(model, image, start(model, points, 60)).quality < 0.5


def test_flat_images_and_points_outside_the_image_give_finite_points(model, unseen_subjects):
    image, points = unseen_subjects[0]
    flat = fit(model, np.full_like(image, 77), points)
    assert flat.error == 1 and np.isfinite(flat.points).all()
    for shift in (-150, 500, 5000):
        assert np.isfinite(fit(model, image, points + shift).points).all()
    assert np.isfinite(fit(model, np.full((1, 1, 3), 5, np.uint8), points).points).all()


def test_a_loaded_model_fits_like_the_saved_one(model, unseen_subjects, tmp_path):
    model.save(tmp_path / "m.npz")
    again = AppearanceModel.load(tmp_path / "m.npz")
    image, points = unseen_subjects[1]
    first, second = (fit(m, image, start(m, points, 5)) for m in (model, again))
    assert np.array_equal(first.points, second.points) and (first.error, first.iterations) == (
        second.error,
        second.iterations,
    )
    with np.load(tmp_path / "m.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype.kind in "fi" for name in stored.files)


def test_missing_and_damaged_model_files_are_errors(tmp_path, model):
    with pytest.raises(MissingDataError, match="train_model"):
        AppearanceModel.load(tmp_path / "none.npz")
    (tmp_path / "x.npz").write_bytes(b"PK nothing")
    np.savez(tmp_path / "y.npz", mean=np.zeros((68, 2)))
    for name in ("x.npz", "y.npz"):
        with pytest.raises(MediaError, match="not an appearance model"):
            AppearanceModel.load(tmp_path / name)


def test_training_is_deterministic():
    first, second = (train_model(*synthetic_faces(4, 1), widths=(24,)) for _ in range(2))
    assert np.array_equal(first.modes, second.modes) and np.array_equal(first.levels[0].basis, second.levels[0].basis)


def test_modes_are_orthonormal_and_free_of_rotation_scale_and_shift(model):
    rows = np.concatenate([rigid_modes(model), model.modes]).reshape(-1, 136)
    assert rows @ rows.T == pytest.approx(np.eye(len(rows)), abs=1e-9)
    for level in model.levels:
        assert level.basis @ level.basis.T == pytest.approx(np.eye(len(level.basis)), abs=1e-9)
        assert level.weights.sum(axis=1) == pytest.approx(1)
    assert list(model.spread) == sorted(model.spread, reverse=True)


def test_procrustes_removes_position_rotation_and_size():
    face = photograph(HOPPER)[1]
    copies = np.stack([turned(np.zeros((9, 9, 3), np.uint8), face, 20 * i, 1 + i / 3, (9 * i, 4))[1] for i in range(4)])
    mean, aligned = procrustes(copies)
    assert np.abs(aligned - mean).max() < 1e-9
    assert np.ptp(mean[:, 0]) == pytest.approx(1) and eye_centers(mean)[0, 1] == pytest.approx(eye_centers(mean)[1, 1])


def test_the_gradient_of_a_ramp_is_its_slope(model):
    level = model.levels[1]
    row = (level.weights[..., None] * model.mean[level.corners]).sum(axis=1) @ (3.0, -2.0) * level.width
    from microexpr.faces import aam_model

    rows = np.tile(row, aam_model.ORIENTATIONS)[None]
    slopes = aam_model._level(model.mean, model.triangles, level.width, rows).slopes[0]
    assert np.median(slopes, axis=0) == pytest.approx([3, -2])


@pytest.mark.parametrize("start", [np.zeros((68, 2)), np.zeros((5, 2)), np.full((68, 2), np.nan)])
def test_a_start_that_does_not_span_a_face_is_an_error(model, start):
    with pytest.raises(UsageError, match="span a face"):
        fit(model, np.zeros((50, 50, 3), np.uint8), start)


@pytest.mark.parametrize(("count", "shape"), [(1, (68, 2)), (2, (5, 2))])
def test_too_few_faces_and_wrong_shapes_are_errors(count, shape):
    with pytest.raises(UsageError, match=r"two faces or more|68, 2"):
        train_model([np.zeros((9, 9, 3), np.uint8)] * count, [np.zeros(shape)] * count)


def test_step_align_uses_a_model_from_the_cache_folder(model, unseen_subjects):
    model.save(config.cache_folder() / "aam" / "mine.npz")
    image, _ = unseen_subjects[0]
    step = STEPS.build({"name": "align", "method": "aam", "model": "mine", "mask": True, "margin": 0.1})
    sample = step(Sample(make_clips()[0].blind(()), {"frames": image[None]}))
    cut = sample.array("frames")
    assert cut.shape == (1, 224, 224, 3) and (cut[0, 0] == 0).all() and cut[0, 112, 112].any()
    assert 0.5 < float(sample.notes["quality"]) <= 1
    blank = step(Sample(make_clips()[0].blind(()), {"frames": np.full((2, 90, 90, 3), 128, np.uint8)}))
    assert not blank.face_found and blank.notes == {}


@pytest.mark.parametrize(("name", "error_class"), [("none", MissingDataError), ("../x", UsageError)])
def test_a_missing_model_and_a_wrong_name_are_errors(name, error_class):
    with pytest.raises(error_class, match=name):
        named_model(name)


def test_the_default_model_is_trained_once(monkeypatch, tmp_path):
    from microexpr.faces import aam

    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path))
    faces = synthetic_faces(3, 1)
    monkeypatch.setattr(aam, "synthetic_faces", lambda: faces)
    aam._model_in.cache_clear()
    first = named_model()
    monkeypatch.setattr(aam, "synthetic_faces", None)
    aam._model_in.cache_clear()
    assert np.array_equal(named_model().mean, first.mean)
    aam._model_in.cache_clear()
