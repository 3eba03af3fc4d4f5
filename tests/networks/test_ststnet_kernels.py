"""Compiled steps of STSTNet have the gradients of torch's; folds that are trained with them predict the same."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from microexpr.core.errors import RecipeError
from microexpr.networks import NETWORKS
from microexpr.networks.base import Dropout, use_generator
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers._fused import FusedImages, FusedTrainer
from microexpr.recognizers.base import Fit
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.network import Network

kernels = pytest.importorskip("microexpr.networks.ststnet_kernels")
SETTINGS = {"name": "network", "epochs": 5, "batch_size": 9, "optimizer": {"name": "adam", "lr": 1e-3}, "device": "cpu"}


def double_network(shape, dropout):
    torch.manual_seed(0)
    module = NETWORKS.build({"name": "ststnet", "dropout": dropout}).build(shape, 3).double()
    with torch.no_grad():
        module.bn2.weight[1] = -0.7  # the largest value after the normalization is then the smallest before
    return module


@pytest.mark.parametrize(
    ("size", "channels", "dropout"), [((28, 28), 3, 0.5), ((13, 20), 3, 0.5), ((28, 28), 3, 0.0), ((12, 11), 6, 0.3)]
)
def test_gradients_and_running_means_are_those_of_torch(size, channels, dropout):
    images = np.random.default_rng(0).integers(0, 256, (14, *size, channels)).astype(np.uint8)
    images[:, :8] = 30  # flat parts have many equal largest values
    one = double_network((channels, *size), dropout)
    two = copy.deepcopy(one)
    use_generator(one, torch.Generator().manual_seed(3))
    use_generator(two, torch.Generator().manual_seed(3))
    positions, targets = torch.tensor([3, 0, 13, 5, 6, 11]), torch.tensor([0, 2, 1, 1, 0, 2])
    weights = torch.tensor([1.0, 2.0, 0.5]).double()
    outputs = one(torch.from_numpy(images[positions]).permute(0, 3, 1, 2).double())
    loss = F.cross_entropy(outputs, targets, weights)
    loss.backward()
    step = kernels.STSTNetStep(two, kernels.padded_images(images, np.float64), size, weights)
    found, correct = step(positions, targets)
    assert found == pytest.approx(loss.item(), rel=1e-10)
    assert correct == int((outputs.argmax(1) == targets).sum())
    for (name, a), b in zip(one.named_parameters(), two.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-8, atol=1e-8 * float(a.grad.abs().max())), name
    for a, b in zip(one.buffers(), two.buffers(), strict=True):
        assert torch.allclose(a, b, rtol=1e-9)


def test_dropout_draws_the_numbers_of_torch(monkeypatch):
    draws = pytest.importorskip("microexpr.networks._random")
    assert draws.draws_as_torch()
    dropout = Dropout(0.4)
    for as_torch in (True, False):  # a version of torch that draws in another way is asked itself
        monkeypatch.setattr(draws, "draws_as_torch", lambda as_torch=as_torch: as_torch)
        one, dropout.generator = torch.Generator().manual_seed(5), torch.Generator().manual_seed(5)
        for count in (2, 7, 1):  # 624 numbers are made at a time: the second draw goes on in the middle of them
            kept = draws.draw_kept(dropout, count, (3, 5), 20, np.dtype(np.float32))
            expected = torch.cat([torch.rand((count, maps, 20), generator=one) >= 0.4 for maps in (3, 5)], dim=1)
            assert np.array_equal(kept.reshape(count, 20, 8), expected.numpy().transpose(0, 2, 1))
            assert torch.equal(one.get_state(), dropout.generator.get_state())
        assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=dropout.generator))


def folds(settings):
    samples, labels = synthetic_samples()
    for person in sorted({sample.clip.subject for sample in samples}):
        kept = [i for i, sample in enumerate(samples) if sample.clip.subject != person]
        recognizer = RECOGNIZERS.build(settings, classes=CLASSES, seed=len(person))
        yield Fit(recognizer, [samples[i] for i in kept], [labels[i] for i in kept])


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"class_weights": True, "sampler": {"name": "oversample"}, "schedule": {"name": "cosine"}},
        {"validation_fraction": 0.2},
        {"optimizer": {"name": "sgd", "lr": 0.01}},
    ],
    ids=str,
)
def test_folds_at_once_predict_as_one_after_the_other(more):
    samples, _ = synthetic_samples()
    settings = {**SETTINGS, **more}
    alone = [fit.run() for fit in folds(settings)]
    for one, many in zip(alone, Network.fit_many(list(folds(settings))), strict=True):
        assert isinstance(many, Network) and many._fused is not None
        assert many.predict_proba(samples) == pytest.approx(one.predict_proba(samples), abs=2e-4)
        for a, b in zip(one.history_, many.history_, strict=True):
            assert a == pytest.approx(b, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    "more",
    [
        {"augment": [{"name": "horizontal-flip", "negate": [0]}]},
        {"normalize": True},
        {"network": {"name": "resnet10"}},
    ],
    ids=str,
)
def test_other_trainings_run_beside_each_other_without_compiled_steps(more, monkeypatch):
    monkeypatch.setattr(FusedTrainer, "train_step", None)
    samples, labels = synthetic_samples(12, (32, 32, 3))
    settings = {**SETTINGS, "epochs": 1, **more}

    def fits():
        return [Fit(RECOGNIZERS.build(settings, classes=CLASSES, seed=seed), samples, labels) for seed in range(3)]

    for one, many in zip([fit.run() for fit in fits()], Network.fit_many(fits()), strict=True):
        assert isinstance(many, Network), many
        assert np.array_equal(many.predict_proba(samples), one.predict_proba(samples))


def test_one_failed_training_does_not_stop_the_others():
    samples, labels = synthetic_samples(12, (32, 32, 3))
    settings = {**SETTINGS, "epochs": 1, "network": {"name": "resnet10"}}
    wrong = [*labels[:-1], "none of the classes"]
    fits = [Fit(RECOGNIZERS.build(settings, classes=CLASSES), samples, given) for given in (wrong, labels)]
    failed, fitted = Network.fit_many(fits)
    assert isinstance(failed, RecipeError) and isinstance(fitted, Network)


def test_a_training_that_is_stopped_continues_with_compiled_steps(tmp_path):
    whole = next(Network.fit_many(list(folds(SETTINGS))[:1]))

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise InterruptedError("stopped")

    start, again = (next(folds({**SETTINGS, "checkpoint_seconds": 0.0})) for _ in range(2))
    start.recognizer.folder = again.recognizer.folder = tmp_path
    start.recognizer._fused = FusedImages.of(kernels.STSTNetStep, start.samples, "image")
    assert isinstance(start.run_safely(stop), InterruptedError)
    (continued,) = Network.fit_many([again])
    samples, _ = synthetic_samples()
    assert np.array_equal(continued.predict_proba(samples), whole.predict_proba(samples))
