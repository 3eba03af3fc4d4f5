"""A check of what every recognizer must do, for the recognizers of this package and of plug-ins."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.clip import Clip, Sample
from .base import RECOGNIZERS, Recognizer

CLASSES = ("negative", "positive", "surprise")


def synthetic_samples(
    n: int = 24, shape: tuple[int, ...] = (28, 28, 3), seed: int = 0
) -> tuple[list[Sample], list[str]]:
    """Make samples of six subjects, whose `image` is noise with a brighter region for each class, and their labels."""
    rng = np.random.default_rng(seed)
    samples, labels = [], []
    for i in range(n):
        image = rng.normal(size=shape).astype(np.float32)
        image[: shape[0] // 2 + 1, i % 3 * shape[1] // 3 : (i % 3 + 1) * shape[1] // 3] += 2
        clip = Clip(f"test/p{i % 6}/c{i:03d}", "test", f"test/p{i % 6}", Path("nowhere"), 200.0, 1, 10, 20)
        samples.append(Sample(clip, {"image": image}))
        labels.append(CLASSES[i % 3])
    return samples, labels


def check_recognizer(settings: Mapping[str, Any], samples: Sequence[Sample] = (), labels: Sequence[str] = ()) -> None:
    """Raise `AssertionError` with a message that names the problem unless a recognizer does what the package expects.

    Equal seeds give equal predictions; the order of training clips and the times of test clips make no difference;
    probabilities are 0 to 1 and add up to 1; saving and loading changes nothing; classes without a training clip are
    handled.

    Args:
        settings: the recognizer's table as in a recipe, `{"name": ..., ...}`.
        samples: samples to try it on; synthetic ones when empty.
        labels: a label for each sample: `negative`, `positive` or `surprise`.
    """
    if not samples:
        samples, labels = synthetic_samples()
    cut = len(samples) * 3 // 4
    train, targets, test = samples[:cut], labels[:cut], samples[cut:]
    recognizer = _new(settings).fit(train, targets)
    first = recognizer.predict_proba(test)
    _check_probabilities(first, len(test))
    _check_equal(first, _new(settings).fit(train, targets).predict_proba(test), "a second training with the same seed")
    order = random.Random(0).sample(range(cut), cut)
    shuffled = _new(settings).fit([train[i] for i in order], [targets[i] for i in order])
    _check_equal(first, shuffled.predict_proba(test), "another order of the training clips")
    other_times = _with_other_times(test)
    _check_equal(first, recognizer.predict_proba(other_times), "other times (onset, apex, offset) of the test clips")
    _check_equal(first[::-1], recognizer.predict_proba(list(test)[::-1]), "another order of the test clips")
    said = recognizer.predict(test)
    assert len(said) == len(test) and set(said) <= set(CLASSES), f"predict gave {said}, not a class for each sample"
    _check_saved(recognizer, test, first)
    for present in (CLASSES[:2], CLASSES[:1]):
        some = [i for i in range(cut) if targets[i] in present]
        fewer = _new(settings).fit([train[i] for i in some], [targets[i] for i in some])
        _check_probabilities(fewer.predict_proba(test), len(test))


def _new(settings: Mapping[str, Any]) -> Recognizer:
    return RECOGNIZERS.build(settings, classes=CLASSES, seed=3)


def _with_other_times(samples: Sequence[Sample]) -> list[Sample]:
    rng = random.Random(1)
    times = {"onset": 5, "apex": rng.randrange(6, 90), "offset": 99}
    return [dataclasses.replace(s, clip=dataclasses.replace(s.clip, **times)) for s in samples]  # type: ignore[arg-type]


def _check_saved(recognizer: Recognizer, test: Sequence[Sample], first: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recognizer.safetensors"
        recognizer.save(path)
        loaded = Recognizer.load(path)
        _check_equal(first, loaded.predict_proba(test), "saving and loading")
        assert loaded.predict(test) == recognizer.predict(test), "saving and loading changed what predict says"


def _check_probabilities(probabilities: np.ndarray, n: int) -> None:
    expected = (n, len(CLASSES))
    assert probabilities.shape == expected, f"predict_proba gave {probabilities.shape}, not {expected}"
    assert np.isfinite(probabilities).all(), "predict_proba gave a value that is not finite"
    assert (probabilities >= 0).all(), f"predict_proba gave a probability below 0: {probabilities.min()}"
    assert np.allclose(probabilities.sum(axis=1), 1), "the probabilities of a clip do not sum to 1"


def _check_equal(first: np.ndarray, second: np.ndarray, what: str) -> None:
    gap = float(np.abs(first - second).max())
    assert gap < 1e-6, (
        f"{what} changed a probability by {gap:.2g}; draw only from `seed`, and read only `sample.arrays`"
    )
