"""Training an appearance model on some people and measuring it on others."""

import json

import numpy as np
import pytest

from microexpr.core.errors import MissingDataError, UsageError
from microexpr.experiments.aam_training import train_aam
from microexpr.faces.aam import named_model, synthetic_faces
from microexpr.faces.aam_training import LabeledFace, cut_out, landmark_error, split_people, train_and_test
from tests.marks import needs_mesh


@pytest.fixture(scope="module")
def faces():
    images, points = synthetic_faces(subjects=6, expressions=2, first=700)
    return [LabeledFace(f"x/p{i // 2}", *face) for i, face in enumerate(zip(images, points, strict=True))]


def test_people_are_on_one_side_only(faces):
    model, measured = train_and_test(faces, fraction=0.34)
    assert len(measured.subjects) == 2 and measured.faces == 4
    assert len(measured.errors) + measured.undetected + measured.refused == 4
    assert measured.mean_error < measured.mean_start and measured.mean_error <= measured.high_error
    others = [face for face in faces if face.subject not in measured.subjects]
    alone, _ = train_and_test([*others, *(f for f in faces if f.subject in measured.subjects)], fraction=0.34)
    assert np.array_equal(model.mean, alone.mean)  # the people who are tested do not change the model


def test_the_split_is_drawn_and_leaves_two_people_to_train_on():
    people = [f"p{i}" for i in range(10)] * 3
    assert split_people(people, 0.3, 0) == split_people(people[::-1], 0.3, 0) != split_people(people, 0.3, 1)
    assert len(split_people(people, 0.3, 0)) == 3 and len(split_people(people, 0, 0)) == 1
    assert len(split_people(people, 1, 0)) == 8
    with pytest.raises(UsageError, match="2 people"):
        split_people(["a", "b"], 0.5, 0)


def test_a_face_that_is_cut_out_keeps_its_points():
    image = np.zeros((900, 1200, 3), np.uint8)
    points = np.random.default_rng(0).uniform((200, 100), (1100, 850), (68, 2)).round()
    for x, y in points.astype(int):
        image[y, x] = 255
    small = cut_out(LabeledFace("x/p", image[:, 50:], points - (50, 0)))
    assert np.ptp(small.points[:, 0]) == pytest.approx(400, rel=0.01)
    x, y = small.points[0]
    patch = small.image[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2]
    assert patch.max() > 20
    with pytest.raises(UsageError, match="outside of its image"):
        cut_out(LabeledFace("x/p", image, points + 5000))


def test_the_error_is_in_distances_of_the_outer_corners_of_the_eyes():
    points = np.zeros((68, 2))
    points[45] = (50, 0)
    assert landmark_error(points + np.array([3, 4]), points) == pytest.approx(0.1)


def test_a_model_of_a_release_is_saved_with_what_it_was_made_of(synthetic_datasets):
    trained = train_aam("ck", [synthetic_datasets["ckplus"]], frames=1, source="release")
    assert trained.by_release == trained.images + trained.measured.faces == 24
    assert named_model("ck").mean.shape == (68, 2)
    record = json.loads(trained.path.with_suffix(".json").read_text())
    assert record["datasets"] == {"ckplus": {"synthetic": True}}
    assert not set(record["trained_on"]) & set(record["tested_on"]) and len(record["trained_on"]) == 2


def test_a_release_without_landmarks_is_named(synthetic_datasets):
    with pytest.raises(MissingDataError, match="jaffe publishes no landmarks"):
        train_aam("x", [synthetic_datasets["jaffe"]], source="release")
    with pytest.raises(UsageError, match=r"\.\./x"):
        train_aam("../x", [synthetic_datasets["jaffe"]])


@needs_mesh
def test_the_mesh_labels_what_a_release_does_not(synthetic_datasets):
    trained = train_aam("by-mesh", [synthetic_datasets["jaffe"]], frames=1)
    assert trained.by_release == 0 and trained.images > 20 and len(trained.measured.subjects) == 1
