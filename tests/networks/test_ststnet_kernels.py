"""Compiled steps of STSTNet have the gradients of torch's; folds that are trained with them predict the same."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from microexpr.networks import NETWORKS
from microexpr.networks.base import use_generator
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


@pytest.mark.parametrize(("size", "dropout"), [((28, 28), 0.5), ((13, 20), 0.5), ((28, 28), 0.0)])
def test_gradients_and_running_means_are_those_of_torch(size, dropout):
    images = np.random.default_rng(0).integers(0, 256, (14, *size, 3)).astype(np.uint8)
    images[:, :8] = 30  # flat parts have many equal largest values
    one = double_network((3, *size), dropout)
    two = copy.deepcopy(one)
    use_generator(one, torch.Generator().manual_seed(3))
    use_generator(two, torch.Generator().manual_seed(3))
    positions, targets = torch.tensor([3, 0, 13, 5, 6, 11]), torch.tensor([0, 2, 1, 1, 0, 2])
    weights = torch.tensor([1.0, 2.0, 0.5]).double()
    outputs = one(torch.from_numpy(images[positions]).permute(0, 3, 1, 2).double())
    loss = F.cross_entropy(outputs, targets, weights)
    loss.backward()
    step = kernels.STSTNetStep(two, kernels.image_patches(images, np.float64), size, weights)
    found, correct = step(positions, targets)
    assert found == pytest.approx(loss.item(), rel=1e-10)
    assert correct == int((outputs.argmax(1) == targets).sum())
    for (name, a), b in zip(one.named_parameters(), two.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-8, atol=1e-8 * float(a.grad.abs().max())), name
    for a, b in zip(one.buffers(), two.buffers(), strict=True):
        assert torch.allclose(a, b, rtol=1e-9)


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
def test_other_trainings_go_on_without_compiled_steps(more, monkeypatch):
    monkeypatch.setattr(FusedTrainer, "train_step", None)
    samples, labels = synthetic_samples(12, (32, 32, 3))
    recognizer = RECOGNIZERS.build({**SETTINGS, "epochs": 1, **more}, classes=CLASSES)
    (fitted,) = Network.fit_many([Fit(recognizer, samples, labels)])
    assert isinstance(fitted, Network), fitted


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
