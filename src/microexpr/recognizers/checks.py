"""What every recognizer promises, as a check that anyone may call on their own class."""

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
    """Samples whose `image` is noise with a brighter part for each class, and their labels; six people."""
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
    """Raise `AssertionError` with a helpful text unless a recognizer keeps its promises.

    Same seed, same predictions; the order of training clips does not matter; the times of test clips change nothing;
    probabilities are probabilities; it survives save and load; classes without a training clip are handled.

    Args:
        settings: its table as in a recipe, `{"name": ..., ...}`.
        samples, labels: what to try it on, with labels of `negative`, `positive`, `surprise`; made up when not given.
    """
    if not samples:
        samples, labels = synthetic_samples()
    cut = len(samples) * 3 // 4
    train, truth, test = samples[:cut], labels[:cut], samples[cut:]
    recognizer = _fresh(settings).fit(train, truth)
    first = recognizer.predict_proba(test)
    _check_shares(first, len(test))
    _same(first, _fresh(settings).fit(train, truth).predict_proba(test), "a second training with the same seed")
    order = random.Random(0).sample(range(cut), cut)
    shuffled = _fresh(settings).fit([train[i] for i in order], [truth[i] for i in order])
    _same(first, shuffled.predict_proba(test), "another order of the training clips")
    _same(first, recognizer.predict_proba(_poisoned(test)), "other times (onset, apex, offset) of the test clips")
    _same(first[::-1], recognizer.predict_proba(list(test)[::-1]), "another order of the test clips")
    _check_saved(recognizer, test, first)
    for kept in (CLASSES[:2], CLASSES[:1]):
        some = [i for i in range(cut) if truth[i] in kept]
        fewer = _fresh(settings).fit([train[i] for i in some], [truth[i] for i in some])
        _check_shares(fewer.predict_proba(test), len(test))


def _fresh(settings: Mapping[str, Any]) -> Recognizer:
    return RECOGNIZERS.build(settings, classes=CLASSES, seed=3)


def _poisoned(samples: Sequence[Sample]) -> list[Sample]:
    rng = random.Random(1)
    times = {"onset": 5, "apex": rng.randrange(6, 90), "offset": 99}
    return [dataclasses.replace(s, clip=dataclasses.replace(s.clip, **times)) for s in samples]  # type: ignore[arg-type]


def _check_saved(recognizer: Recognizer, test: Sequence[Sample], first: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recognizer.safetensors"
        recognizer.save(path)
        _same(first, Recognizer.load(path).predict_proba(test), "saving and loading")


def _check_shares(probabilities: np.ndarray, n: int) -> None:
    expected = (n, len(CLASSES))
    assert probabilities.shape == expected, f"predict_proba gave {probabilities.shape}, not {expected}"
    assert np.isfinite(probabilities).all(), "predict_proba gave a value that is not finite"
    assert (probabilities >= 0).all(), f"predict_proba gave a share below 0: {probabilities.min()}"
    assert np.allclose(probabilities.sum(axis=1), 1), "the probabilities of a clip do not sum to 1"


def _same(first: np.ndarray, second: np.ndarray, what: str) -> None:
    gap = float(np.abs(first - second).max())
    assert gap < 1e-6, f"{what} changed a share by {gap:.2g}; draw only from `seed`, and read only `sample.arrays`"
