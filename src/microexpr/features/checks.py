"""The check of a descriptor: its length, determinism, finite values, errors, and the invariances that it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from ..core.errors import RecipeError
from .base import FEATURES, Change, FaceFeature, Feature

HEIGHT, WIDTH = 64, 72
"""Size of the images that a descriptor is checked on, in pixels."""

EXTRA = 9
"""Number of frames beyond the smallest number that the longer clips have."""


def check_feature(settings: Mapping[str, Any]) -> None:
    """Check that a descriptor does what `Feature` requires.

    Its length is `length`, equal input gives equal values, and the values are finite for noise, for black frames and
    for the smallest number of frames; with fewer frames it raises a `RecipeError` that names that number. The changes
    that it says it is invariant to leave its values as they are.

    Args:
        settings: table of the descriptor as in a recipe, `{"name": ..., ...}`.

    Raises:
        AssertionError: one of these does not hold; the message says which.
    """
    feature = FEATURES.build(settings)
    rng = np.random.default_rng(0)
    for kind, array in _inputs(feature, rng):
        found = _values(feature, array)
        assert found.shape == (feature.length,), f"{feature.name} on {kind}: {found.shape}, length = {feature.length}"
        assert found.dtype == np.float32, f"{feature.name} on {kind}: {found.dtype}, not float32"
        assert np.isfinite(found).all(), f"{feature.name} on {kind}: a value is not finite"
        assert np.array_equal(found, _values(feature, array.copy())), f"{feature.name} on {kind}: a second call differs"
    if feature.frames > 1:
        _check_fewer_frames(feature)
    for change in feature.invariant_to:
        array = _structured(feature)
        difference = np.abs(_values(feature, array) - _values(feature, changed(array, change))).max()
        largest = np.abs(_values(feature, array)).max()
        assert largest > 0, f"{feature.name}: all values of moving patterns are 0"
        assert difference <= 1e-3 * largest, (
            f"{feature.name} is not invariant to a change of {change}: {difference:.3g}"
        )


def changed(array: np.ndarray, change: Change) -> np.ndarray:
    """An array with one change: gray levels + 40, gray levels x 2, a flow x 3, a flow + (2, -1), a flow of a turn more.

    Args:
        array: frames (T, H, W) uint8 with gray levels below 100, or a flow ([T,] H, W, 2) float32.
        change: as a descriptor names it in `invariant_to`.
    """
    if change == "brightness":
        return (array + 40).astype(np.uint8)
    if change == "contrast":
        return (array * 2).astype(np.uint8)
    if change == "length of motion":
        return array * np.float32(3)
    if change == "shift of motion":
        return array + np.array([2, -1], np.float32)
    y, x = np.mgrid[: array.shape[-3], : array.shape[-2]].astype(np.float32)
    return array + np.float32(0.05) * np.stack([-y, x], axis=-1)


def _values(feature: Feature, array: np.ndarray) -> np.ndarray:
    if not isinstance(feature, FaceFeature):
        return feature(array)
    several = feature.reads == "frames" or array.ndim == 4
    return feature(array, example_landmarks(len(array) if several else 1))


def _check_fewer_frames(feature: Feature) -> None:
    shape = (HEIGHT, WIDTH) if feature.reads == "frames" else (HEIGHT, WIDTH, 2)
    kind = np.uint8 if feature.reads == "frames" else np.float32
    try:
        _values(feature, np.zeros((feature.frames - 1, *shape), kind))
    except RecipeError as error:
        assert str(feature.frames) in str(error), f"{feature.name}: the error does not name the number of frames"
    else:
        raise AssertionError(f"{feature.name} accepts fewer frames than frames = {feature.frames}")


def _inputs(feature: Feature, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    size = (HEIGHT, WIDTH)
    if feature.reads == "frames":
        frames = feature.frames + _extra(feature)
        yield "noise", rng.integers(0, 256, (frames, *size), np.uint8)
        yield "color", rng.integers(0, 256, (frames, *size, 3), np.uint8)
        yield "black", np.zeros((frames, *size), np.uint8)
        yield "the fewest frames", rng.integers(0, 256, (feature.frames, *size), np.uint8)
    else:
        several = (feature.frames + _extra(feature),) if feature.flows else ()
        yield "noise", rng.normal(size=(*several, *size, 3)).astype(np.float32)
        if feature.flows:
            yield "the fewest flows", rng.normal(size=(feature.frames, *size, 3)).astype(np.float32)
        if feature.flows and feature.frames == 1:
            yield "one flow", rng.normal(size=(*size, 3)).astype(np.float32)
        yield "no motion", np.zeros((*several, *size, 2), np.float32)


def _extra(feature: Feature) -> int:
    return 0 if feature.exactly else EXTRA


def _structured(feature: Feature) -> np.ndarray:
    """Smooth patterns that move: gray levels 0 to 99, or flows of some pixels."""
    rng = np.random.default_rng(1)
    smooth = cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH, 2)), (0, 0), 5)
    smooth /= np.abs(smooth).max()
    length = feature.frames + _extra(feature)
    if feature.reads == "frames":
        pattern = np.round(49.5 * (1 + smooth[..., 0])).astype(np.uint8)
        return np.stack([np.roll(pattern, (t // 2, t), axis=(0, 1)) for t in range(length)])
    flow = (3 * smooth).astype(np.float32)
    if not feature.flows:
        return flow
    return np.stack([flow * np.float32(np.sin(np.pi * (t + 1) / length)) for t in range(length)])


def example_landmarks(frames: int = 1) -> np.ndarray:
    """(frames, 68, 2) landmarks of a schematic upright face in an image of the size that descriptors are checked on."""
    half_turn, turn = np.linspace(0, np.pi, 17), np.linspace(0, 2 * np.pi, 13)[:-1]
    jaw = _points(-0.42 * np.cos(half_turn), -0.02 + 0.46 * np.sin(half_turn))
    brow = _points(np.linspace(-0.35, -0.08, 5), -0.24 - 0.05 * np.sin(np.linspace(0, np.pi, 5)))
    nose = _points([0, 0, 0, 0, -0.08, -0.04, 0, 0.04, 0.08], [-0.14, -0.08, -0.02, 0.04, 0.08, 0.1, 0.1, 0.1, 0.08])
    angle = np.radians([180, 235, 305, 0, 55, 125])
    eye = _points(-0.2 + 0.08 * np.cos(angle), -0.14 + 0.03 * np.sin(angle))
    lips = _points(-0.15 * np.cos(turn), 0.24 - 0.07 * np.sin(turn))
    inner = _points(
        -0.11 * np.cos(turn[[0, 2, 3, 4, 6, 8, 9, 10]]), 0.24 - 0.03 * np.sin(turn[[0, 2, 3, 4, 6, 8, 9, 10]])
    )
    mirrored_eye = (eye * (-1, 1))[[3, 2, 1, 0, 5, 4]]
    points = np.concatenate([jaw, brow, (brow * (-1, 1))[::-1], nose, eye, mirrored_eye, lips, inner])
    return np.repeat((points * min(HEIGHT, WIDTH) + (WIDTH / 2, HEIGHT / 2))[None], frames, axis=0)


def _points(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> np.ndarray:
    """(n, 2) points; the face is 1 wide and high, with (0, 0) at its center."""
    return np.stack([x, y], axis=1).astype(float)
