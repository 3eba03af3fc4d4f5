"""Recognizers pass their check; networks continue after a stop; published weights load without pickle."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from microexpr.core.errors import DataError, NotFittedError, RecipeError, RunError
from microexpr.networks import NETWORKS
from microexpr.networks.training import Sampler, Schedule, Trainer, split_batches
from microexpr.networks.weights import read_weights
from microexpr.recognizers import RECOGNIZERS, check_recognizer
from microexpr.recognizers.augmentation import HorizontalFlip, Shift
from microexpr.recognizers.batches import ClipBatches
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.network import Network

SMALL = {"epochs": 3, "batch_size": 8}
CASES = [
    {"name": "majority"},
    {"name": "always-present"},
    {"name": "synthetic-motion", "fields": 300, "epochs": 1, "members": 2},
    {"name": "default", "fields": 300, "epochs": 1},
    {"name": "svm", "C": 10.0},
    {"name": "svm", "kernel": "linear", "class_weights": False},
    {"name": "svm", "kernel": "linear", "standardize": True},
    {"name": "sklearn", "estimator": "sklearn.naive_bayes.GaussianNB"},
    {"name": "kernel-ridge"},
    {"name": "one-vs-rest", "recognizer": {"name": "svm"}},
    {"name": "nested", "candidates": [{"name": "svm"}, {"name": "majority"}], "inner_folds": 2},
    {
        "name": "pipeline",
        "transforms": [{"name": "genetic-selection", "array": "image", "population": 4, "generations": 1}],
        "recognizer": {"name": "svm"},
    },
    {"name": "network", **SMALL},
    {"name": "network-svm", **SMALL},
    {
        "name": "network",
        **SMALL,
        "sampler": {"name": "oversample"},
        "class_weights": True,
        "schedule": {"name": "cosine"},
    },
    {"name": "network", **SMALL, "precision": "bf16", "optimizer": {"name": "sgd", "lr": 0.01}},
    {"name": "network", **SMALL, "augment": [{"name": "horizontal-flip", "negate": [0]}, {"name": "shift"}]},
]


@pytest.mark.parametrize("settings", CASES, ids=lambda s: "-".join(map(str, s.values()))[:40])
def test_recognizers_pass_the_check(settings):
    check_recognizer(settings)


def test_every_recognizer_is_checked():
    others = {"per-subject-weights", "saved-model"}  # they need files
    others |= {"action-unit-network"}  # it tells action units, and has tests of its own
    others |= {"network-frames-first"}  # it learns from sequences: test_frames_first.py
    assert set(RECOGNIZERS.names()) - others <= {case["name"] for case in CASES}


def build(**settings) -> Network:
    return RECOGNIZERS.build({"name": "network", **SMALL, **settings.pop("set", {})}, classes=CLASSES, **settings)


def test_ststnet_has_1683_weights():
    module = NETWORKS.build({"name": "ststnet"}).build((3, 28, 28), 3)
    assert sum(p.numel() for p in module.parameters()) == 1683


class Stop(Exception):
    """A stop in the middle of training."""


def test_an_interrupted_training_continues_to_the_same_weights(tmp_path, monkeypatch):
    samples, labels = synthetic_samples()
    steady = {"epochs": 8, "checkpoint_seconds": 0.0, "augment": [{"name": "shift"}]}
    whole = build(seed=5, folder=tmp_path / "a", set=steady).fit(samples, labels)
    real, calls = Trainer.train_step, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == 12:
            raise Stop
        return real(self, *args)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    with pytest.raises(Stop):
        build(seed=5, folder=tmp_path / "b", set=steady).fit(samples, labels)
    rest = build(seed=5, folder=tmp_path / "b", set=steady).fit(samples, labels)
    steps = 8 * len(split_batches(torch.arange(len(samples)), SMALL["batch_size"]))
    assert len(calls) == 12 + steps - 11  # the 11 steps before the stop were not repeated
    assert np.array_equal(whole.predict_proba(samples), rest.predict_proba(samples))
    assert whole.history_ == rest.history_


def test_global_randomness_is_neither_used_nor_touched():
    samples, labels = synthetic_samples()
    torch.manual_seed(1)
    first = build(seed=2).fit(samples, labels).predict_proba(samples)
    before = torch.get_rng_state()
    torch.manual_seed(99)
    assert np.array_equal(first, build(seed=2).fit(samples, labels).predict_proba(samples))
    torch.manual_seed(1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_stage_starts_from_the_weights_of_the_previous_stage():
    samples, labels = synthetic_samples()
    first = build(seed=1, set={"epochs": 40, "optimizer": {"lr": 0.01}}).fit(samples, labels)
    second = build(seed=2, set={"epochs": 1, "optimizer": {"lr": 1e-9}}).fit(samples, labels, init=first.state())
    assert np.allclose(first.state()["fc.weight"], second.state()["fc.weight"], atol=1e-5)
    two = RECOGNIZERS.build({"name": "network", **SMALL}, classes=CLASSES[:2])
    pairs = [(s, w) for s, w in zip(samples, labels, strict=True) if w in CLASSES[:2]]
    two.fit([s for s, _ in pairs], [w for _, w in pairs], init=first.state())  # another head keeps fresh weights
    assert two.predict_proba(samples).shape == (len(samples), 2)


def published(folder: Path, name: str, **change) -> Path:
    module = NETWORKS.build({"name": "ststnet"}).build((3, 28, 28), 3)
    folder.mkdir(exist_ok=True)
    torch.save({**module.state_dict(), **change}, folder / name)
    return folder


def with_weights(folder: Path, fold: str = "casme2/sub01"):
    samples, labels = synthetic_samples(6)
    settings = {"name": "per-subject-weights", "weights": str(folder)}
    return RECOGNIZERS.build(settings, classes=CLASSES, fold=fold).fit(samples, labels), samples


def test_published_weights_are_chosen_by_subject(tmp_path):
    recognizer, samples = with_weights(published(tmp_path / "w", "sub01.pth"))
    assert recognizer.predict_proba(samples).shape == (6, 3)
    with pytest.raises(DataError, match=r"no weights for 's03'.*s03.pth"):
        with_weights(tmp_path / "w", "smic/s03")
    with pytest.raises(DataError, match=r"'fc.bias' is \(5,\)"):
        with_weights(published(tmp_path / "v", "sub01.pth", **{"fc.bias": torch.zeros(5)}))


class Trap:
    """What a pickle could run."""

    def __reduce__(self):
        return (open, ("/tmp/never-written-by-microexpr", "w"))


@pytest.mark.parametrize("content", [b"", b"junk", pickle.dumps(Trap())])
def test_pickled_code_is_never_run(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged or hold more than tensors"):
        read_weights(path)
    assert not Path("/tmp/never-written-by-microexpr").exists()


def test_horizontal_flip_of_a_flow_negates_u():
    flow = torch.randn(2, 3, 4, 4)
    flipped = HorizontalFlip(p=1.0, negate=(0,))(flow, torch.Generator())
    assert torch.equal(flipped[:, 0], -flow[:, 0].flip(-1)) and torch.equal(flipped[:, 1], flow[:, 1].flip(-1))


def test_shift_moves_whole_pixels():
    ramp = torch.arange(8.0).expand(1, 1, 8, 8).clone()
    moved = Shift(max_pixels=2)(ramp, torch.Generator().manual_seed(3))
    steps = (moved - ramp)[0, 0, :, 3:5]
    assert steps.unique().numel() == 1 and abs(float(steps[0, 0])) <= 2


def test_oversampling_gives_all_classes_the_same_number_of_clips():
    targets = torch.tensor([0] * 10 + [1] * 3 + [2])
    order = Sampler("oversample").order(targets, torch.Generator().manual_seed(0))
    assert torch.bincount(targets[order]).tolist() == [10, 10, 10]
    assert set(range(14)) <= set(order.tolist())
    fixed = Sampler("oversample", per_class=5).order(targets, torch.Generator())
    assert torch.bincount(targets[fixed]).tolist() == [5, 5, 5]


def test_learning_rate_schedules():
    assert [Schedule("step", every=2, factor=0.1).lr_factor(e, 6) for e in range(5)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01]
    )
    assert Schedule("cosine").lr_factor(0, 10) == 1 and Schedule("cosine").lr_factor(10, 10) == pytest.approx(0)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"network": {"name": "ststnett"}}, "did you mean 'ststnet'"),
        ({"optimizer": {"learning": 1}}, "no setting 'learning'"),
        ({"optimizer": {"name": "adamm"}}, "optimizer: name"),
        ({"epochs": 0}, "epochs = 0: Input should be greater than or equal to 1"),
        ({"augment": [{"name": "tilt"}]}, "unknown augmentation 'tilt'"),
        ({"optimizer": {"lr": 0}}, "lr = 0"),
        ({"optimizer": {"momentum": float("nan")}}, "momentum = nan"),
        ({"sampler": {"per_class": -1}}, "per_class = -1"),
        ({"network": {"name": "ststnet", "dropout": 1.0}}, "dropout = 1.0"),
    ],
)
def test_wrong_settings_are_refused(settings, text):
    with pytest.raises((RecipeError, ValueError), match=text):
        build(set=settings)


def test_predicting_before_fit_is_an_error():
    with pytest.raises(NotFittedError, match="is not fitted"):
        build().predict_proba(synthetic_samples()[0])


@pytest.mark.parametrize(
    ("samples", "labels", "text"),
    [([], [], "0 samples"), (1, ["fear"], "none of the classes"), (2, ["positive"], "as many")],
)
def test_wrong_training_sets_are_refused(samples, labels, text):
    some = synthetic_samples()[0][:samples] if samples else []
    with pytest.raises(RecipeError, match=text):
        build().fit(some, labels)


def test_clips_cached_on_a_device_give_the_same_batches():
    samples, _ = synthetic_samples()
    device, order = torch.device("cpu"), [3, 0, 3, 5]
    sent, full, there = (ClipBatches(samples, "image", 1e9) for _ in range(3))
    size = sum(sample.array("image").nbytes for sample in samples)
    full.cache_on_device(device, size - 1)
    there.cache_on_device(device, size)
    assert full._on_device is None and there._on_device is not None
    for clips in (full, there):
        assert torch.equal(clips.batch(order, device).x, sent.batch(order, device).x)


def test_a_network_that_diverges_fails_with_its_epoch_and_the_cause():
    samples, labels = synthetic_samples()
    broken = RECOGNIZERS.build(
        {"name": "network", **SMALL, "optimizer": {"name": "sgd", "lr": 1e30}}, classes=CLASSES, seed=0, fold="f"
    )
    with pytest.raises(RunError, match=r"loss is not a finite number in epoch \d; use a learning rate below 1e\+30"):
        broken.fit(samples, labels)


def test_probabilities_that_are_no_numbers_are_an_error(monkeypatch):
    samples, labels = synthetic_samples()
    fitted = RECOGNIZERS.build({"name": "majority"}, classes=CLASSES, seed=0, fold="f").fit(samples, labels)
    monkeypatch.setattr(type(fitted), "_predict_proba", lambda self, s: np.full((len(s), len(CLASSES)), np.nan))
    with pytest.raises(RunError, match="no finite probability for"):
        fitted.predict_proba(samples)
