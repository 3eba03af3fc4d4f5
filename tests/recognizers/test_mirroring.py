"""Mirrored twins: of training clips alone, as mirror images are, with left and right action units swapped."""

import dataclasses

import numpy as np
import pytest
import torch

from microexpr.core.action_units import mirrored_action_units
from microexpr.core.errors import RecipeError, UnknownNameError
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers._objective import ClipClassification
from microexpr.recognizers.augmentation import HorizontalFlip
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.mirroring import Mirroring, mirrored_clip


def fit(samples, labels, **settings):
    table = {"name": "network", "network": {"name": "custom-cnn", "maps": [4], "dense": [6]}, "epochs": 2}
    return RECOGNIZERS.build({**table, "batch_size": 8, **settings}, classes=CLASSES, seed=1).fit(samples, labels)


@pytest.mark.parametrize("shape", [(6, 8, 3), (4, 6, 8, 3)])
def test_a_twin_is_what_a_flip_makes(shape):
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    sample = dataclasses.replace(synthetic_samples(1)[0][0], arrays={"image": array})
    twin = Mirroring(("positive",), (0,)).twin(sample).array("image")
    images = torch.from_numpy(array).reshape(-1, *shape[-3:]).permute(0, 3, 1, 2)
    flipped = HorizontalFlip(p=1.0, negate=(0,)).transformed(images).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(twin.reshape(flipped.shape), flipped)


def test_a_twin_is_of_the_same_person_with_sides_swapped():
    sample = synthetic_samples(1)[0][0]
    labeled = dataclasses.replace(sample.clip, labels={"emotion": "disgust", "action_units": "4+L10"})
    twin = mirrored_clip(labeled)
    assert Mirroring(("disgust",)).twin(sample).clip == mirrored_clip(sample.clip)
    assert (twin.subject, twin.dataset, twin.id) == (labeled.subject, labeled.dataset, f"{labeled.id}/mirrored")
    assert twin.labels == {"emotion": "disgust", "action_units": "4+R10"}
    assert mirrored_action_units("R1+R2+17") == "L1+L2+17"


def test_only_the_named_classes_of_training_clips_get_twins(monkeypatch):
    seen, real = [], ClipClassification.begin_epoch
    monkeypatch.setattr(ClipClassification, "begin_epoch", lambda s, e: (seen.append(s), real(s, e))[1])
    samples, labels = synthetic_samples(24)
    fit(samples, labels, mirror={"classes": ["negative"], "negate": [0]}, validation_fraction=0.3)
    objective = seen[0]
    assert objective.validation is not None and not any("mirrored" in name for name in objective.validation[0].ids)
    held_out, ids = set(objective.validation[0].ids), objective.clips.ids
    twins = [name.removesuffix("/mirrored") for name in ids if name.endswith("/mirrored")]
    negative = {s.id for s, label in zip(samples, labels, strict=True) if label == "negative"} - held_out
    assert sorted(twins) == sorted(negative) and not held_out & set(ids)
    counts = torch.bincount(objective.targets).tolist()
    assert counts[0] == 2 * len(negative) and sum(counts) == len(ids)


def test_mirroring_nothing_changes_nothing():
    samples, labels = synthetic_samples(12)
    plain, empty = fit(samples, labels), fit(samples, labels, mirror={"classes": []})
    assert np.array_equal(plain.predict_proba(samples), empty.predict_proba(samples))


def test_wrong_settings_are_errors():
    samples, labels = synthetic_samples(6)
    with pytest.raises(UnknownNameError, match=r"class to mirror 'surprize'.*did you mean 'surprise'"):
        fit(samples, labels, mirror={"classes": ["surprize"]})
    with pytest.raises(RecipeError, match="'image' has 3 channels"):
        fit(samples, labels, mirror={"classes": ["positive"], "negate": [3]})
    with pytest.raises(RecipeError, match="no setting 'class'"):
        fit(samples, labels, mirror={"class": ["positive"]})
    gray = [dataclasses.replace(s, arrays={"image": np.zeros((8, 8, 3), np.uint8)}) for s in samples]
    with pytest.raises(RecipeError, match="gray levels, which have no sign"):
        fit(gray, labels, mirror={"classes": ["positive"], "negate": [0]})
