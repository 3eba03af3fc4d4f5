"""A check of what every transform must do, for the transforms of this package and of plug-ins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core.clip import Clip, Sample
from .base import TRANSFORMS, Training, Transform

LENGTH = 40
"""Number of values of the synthetic samples, of which the first three tell the classes."""


def example_vectors(n: int = 24, length: int = LENGTH, seed: int = 0) -> tuple[list[Sample], np.ndarray]:
    """Make samples of six subjects and their classes 0, 1 and 2.

    The `features` of a sample, (length,) float32, are noise; that at the position of its class is larger.
    """
    rng = np.random.default_rng(seed)
    samples, targets = [], np.arange(n) % 3
    for i, target in enumerate(targets):
        values = rng.normal(size=length).astype(np.float32)
        values[target] += 3
        clip = Clip(f"test/p{i // 3 % 6}/c{i:03d}", "test", f"test/p{i // 3 % 6}", Path("nowhere"), 200.0, 1, 10, 20)
        samples.append(Sample(clip, {"features": values}))
    return samples, targets


def check_transform(
    settings: Mapping[str, Any], samples: Sequence[Sample] = (), targets: Sequence[int] | np.ndarray = ()
) -> None:
    """Raise `AssertionError` with a message that names the problem unless a transform does what `Transform` requires.

    Equal seeds give equal values; the values are finite and have one shape; the times of a clip and the other clips
    make no difference to them, and its own array stays as it is; saving and restoring changes nothing; a training with
    a single class is possible.

    Args:
        settings: the transform's table as in a recipe, `{"name": ..., ...}`.
        samples: samples to try it on; vectors named `features` when empty.
        targets: class of each sample: 0, 1 or 2.
    """
    if not samples:
        samples, targets = example_vectors()
    cut = len(samples) * 3 // 4
    train, test, known = samples[:cut], samples[cut:], np.asarray(targets[:cut], np.int64)
    transform = _fitted(settings, train, known)
    name, output = transform.name, transform.append_to or transform.array
    copies = [sample.array(transform.array).copy() for sample in test]
    first = [transform(sample).array(output) for sample in test]
    assert len({values.shape for values in first}) == 1, f"{name}: the values of clips differ in shape"
    assert all(np.isfinite(values).all() for values in first), f"{name}: a value is not finite"
    unchanged = all(np.array_equal(a, s.array(transform.array)) for a, s in zip(copies, test, strict=True))
    assert unchanged, f"{name}: it changed the array that it reads"
    again = _fitted(settings, train, known)
    _check_equal(first, again, test, f"{name}: a second training with the same seed changed a value")
    others = [dataclasses.replace(s, clip=dataclasses.replace(s.clip, onset=3, apex=4, offset=90)) for s in test]
    _check_equal(first[::-1], transform, others[::-1], f"{name}: other times or another order changed a value")
    state = {key: np.array(array) for key, array in transform.state().items()}
    restored = TRANSFORMS.build(settings).restore(state)
    _check_equal(first, restored, test, f"{name}: saving and restoring changed a value")
    one = [i for i in range(cut) if known[i] == known[0]]
    values = _fitted(settings, [train[i] for i in one], known[one])(test[0]).array(output)
    assert np.isfinite(values).all(), f"{name}: a value is not finite after a training with one class"


def _fitted(settings: Mapping[str, Any], samples: Sequence[Sample], targets: np.ndarray) -> Transform:
    groups = [sample.clip.subject for sample in samples]
    return TRANSFORMS.build(settings).fit(Training(samples, "", targets, groups, seed=3))


def _check_equal(first: Sequence[np.ndarray], transform: Transform, samples: Sequence[Sample], problem: str) -> None:
    output = transform.append_to or transform.array
    second = [transform(sample).array(output) for sample in samples]
    equal = all(a.shape == b.shape and np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert equal, problem
