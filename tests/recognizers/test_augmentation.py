"""Augmentations change each image on its own, with random numbers of the given generator."""

import numpy as np
import pytest
import torch

from microexpr.core.errors import RecipeError
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.augmentation import AUGMENTATIONS, BoxBlur, ColorShift, Crop, Rotate
from microexpr.recognizers.checks import CLASSES, synthetic_samples


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 40, side: int = 20) -> torch.Tensor:
    return torch.rand((n, 3, side, side), generator=draws(9)) * 255


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_augmentations_depend_on_the_generator_alone(name):
    augmentation, given = AUGMENTATIONS.build({"name": name}), images()
    before = given.clone()
    first, again, other = (augmentation(given, draws(seed)) for seed in (1, 1, 2))
    assert torch.equal(given, before)  # in place would spoil the next epoch
    assert first.shape == given.shape and first.dtype == torch.float32
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.min() >= 0 and first.max() <= 255


@pytest.mark.parametrize("name", ["horizontal-flip", "vertical-flip", "color-shift", "rotate", "box-blur"])
def test_half_of_the_images_change(name):
    given = images(600, 8)
    changed = (AUGMENTATIONS.build({"name": name})(given, draws()) != given).flatten(1).any(1).float().mean()
    assert 0.42 < changed < 0.58
    never = AUGMENTATIONS.build({"name": name, "p": 0.0})(given, draws())
    assert torch.allclose(never, given, atol=1e-3)


def test_color_shift_adds_a_constant_to_each_channel():
    given = torch.full((200, 3, 4, 4), 100.0)
    shift = (ColorShift(max_shift=20, p=1.0)(given, draws()) - given).flatten(2)
    assert torch.equal(shift.amin(2), shift.amax(2))
    assert shift.abs().max() <= 20 and shift.abs().max() > 18
    assert shift.mean().abs() < 2 and not torch.equal(shift[:, 0], shift[:, 1])


def test_rotation_turns_about_the_middle():
    given = torch.zeros((300, 1, 41, 61))
    given[:, :, 20, 55] = 255.0  # 25 pixels right of the middle, of an image that is not square
    turned = Rotate(max_degrees=10, p=1.0)(given, draws())
    rows = torch.arange(41.0).view(1, 1, 41, 1)
    height = (turned * rows).sum((1, 2, 3)) / turned.sum((1, 2, 3)) - 20
    angle = torch.rad2deg(torch.atan2(height, torch.full_like(height, 25.0)))
    assert angle.abs().max() < 10.5 and angle.max() > 9 and angle.min() < -9


def test_box_blur_is_the_mean_of_a_window():
    given = torch.zeros((400, 1, 15, 15))
    given[:, :, 7, 7] = 36.0
    smooth = BoxBlur(max_kernel=6, p=1.0)(given, draws())
    assert torch.allclose(smooth.sum((1, 2, 3)), torch.tensor(36.0), atol=1e-3)
    peaks = {round(36 / float(p.max())) for p in smooth}
    assert peaks == {4, 9, 16, 25, 36}
    flat = torch.full((10, 1, 9, 9), 7.0)
    assert torch.allclose(BoxBlur(p=1.0)(flat, draws()), flat)  # no dark border
    with pytest.raises(RecipeError, match="max_kernel = 1"):
        AUGMENTATIONS.build({"name": "box-blur", "max_kernel": 1})


def test_crops_at_the_corners():
    given = images(200, 24)
    cut = Crop(20).training(given, draws())
    corners = [given[:, :, y : y + 20, x : x + 20] for y in (0, 4) for x in (0, 4)]
    which = torch.stack([(cut == corner).flatten(1).all(1) for corner in corners])
    assert which.sum(0).eq(1).all() and (which.float().mean(1) > 0.15).all()
    assert torch.equal(Crop(20).testing(given)[0], given[:, :, 2:22, 2:22])
    assert [view.shape[-1] for view in Crop(20, test="corners").testing(given)] == [20] * 4
    assert Crop(20, train="anywhere").training(given, draws()).shape == (200, 3, 20, 20)
    assert Crop().training(given, draws()) is given and Crop().shape((3, 24, 24)) == (3, 24, 24)
    with pytest.raises(RecipeError, match="size = 30, but images have 24 pixels"):
        Crop(30).training(given, draws())


@pytest.mark.parametrize("test", ["middle", "corners"])
def test_a_network_trains_on_crops_and_predicts_on_whole_images(test):
    samples, labels = synthetic_samples()
    side = samples[0].array("image").shape[0]
    settings = {"name": "network", "epochs": 2, "batch_size": 8, "crop": {"size": side - 4, "test": test}}
    model = RECOGNIZERS.build(settings, classes=CLASSES).fit(samples, labels)
    assert model.module_.fc.in_features < 400  # type: ignore[attr-defined]
    probabilities = model.predict_proba(samples)
    assert probabilities.shape == (len(samples), len(CLASSES)) and np.allclose(probabilities.sum(1), 1)


def test_byte_images_stay_bytes_in_memory():
    samples, labels = synthetic_samples()
    whole = [s.with_array("image", np.round(100 + 20 * s.array("image")).clip(0, 255)) for s in samples]
    packed = [s.with_array("image", s.array("image").astype(np.uint8)) for s in whole]
    build = {"name": "network", "epochs": 2, "batch_size": 8}
    models = [RECOGNIZERS.build(build, classes=CLASSES).fit(samples, labels) for samples in (whole, packed)]
    assert np.array_equal(models[0].predict_proba(whole), models[1].predict_proba(packed))
    assert {values.dtype for values in models[1]._clips(packed)._in_memory.values()} == {np.dtype(np.uint8)}  # type: ignore[attr-defined]
