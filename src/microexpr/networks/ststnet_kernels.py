"""One step of gradient descent of STSTNet, compiled by Numba: the same numbers as torch's, in a fraction of the time.

The three streams are one convolution of 16 maps: as many as a vector has numbers, so that sums stay in the processor's
registers. A clip's maps are computed, pooled and forgotten while they are in its cache. What their gradient needs is
summed up at once, although it depends on the statistics of the whole batch: of the batch normalization, each value `z >
0` of a map gets `constant - slope z`, with two numbers that every pixel of the map shares, so that the sums of patches
and of `z` times patches are enough. What comes through the pooling is added for the pixels that it chose.
"""

# ruff: noqa: ANN001, ANN202, PLR0913 - Numba derives the types of compiled functions, which cannot share an object.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

from ._random import draw_kept
from ._vectors import (
    LANES,
    SUMS,
    add,
    add_products,
    is_positive,
    larger,
    load,
    load_all,
    multiply,
    multiply_add,
    rectified,
    splat,
    store,
    store_all,
    weighted_sums,
)
from .base import Dropout, FusedStep

PADDING = 2
"""Pixels of zeros around an image before the 3x3 convolution."""

STREAMS = (3, 5, 8)
"""Number of maps of each stream of `ststnet.TripleStream`; together they fill a vector."""

MAPS = sum(STREAMS)


def padded_images(images: np.ndarray, dtype: type[np.floating] = np.float32) -> np.ndarray:
    """Put zeros around images.

    Args:
        images: (n, H, W, C).
        dtype: float32 or float64.

    Returns:
        (n, (H + 4) (W + 4) C + r): row by row, column by column and channel by channel; then r zeros, so that a vector
        can be read from every pixel on.
    """
    padded = np.pad(images, ((0, 0), (PADDING,) * 2, (PADDING,) * 2, (0, 0))).astype(dtype)
    return np.pad(padded.reshape(len(images), -1), ((0, 0), (0, _readable(images.shape[3]))))


def _readable(channels: int) -> int:
    """Numbers that are read from a pixel on: whole vectors that hold a row of its neighborhood."""
    return -(-3 * channels // LANES) * LANES


class STSTNetStep(FusedStep):
    """Loss and gradients of a `TripleStream`; see `FusedStep`. Its inputs are those of `padded_images`."""

    def __init__(
        self, module: nn.Module, inputs: np.ndarray, size: tuple[int, int], class_weights: Tensor | None = None
    ) -> None:
        self.dropout: Dropout = module.dropout  # type: ignore[assignment]
        self.norms: list[nn.BatchNorm2d] = [getattr(module, f"bn{n}") for n in range(1, len(STREAMS) + 1)]
        self.images, self.size, self.class_weights = inputs, size, class_weights
        self.parameters = dict(module.named_parameters())
        for parameter in self.parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        self.channels = self.parameters["conv1.weight"].shape[1]

    @staticmethod
    def prepare(images: np.ndarray) -> np.ndarray:
        """Images (n, H, W, C) with zeros around them, float32: see `padded_images`."""
        return padded_images(images)

    @staticmethod
    def prepared_bytes(shape: tuple[int, ...]) -> int:
        """Size in bytes of a prepared image (H, W, C)."""
        height, width, channels = shape
        return 4 * ((height + 2 * PADDING) * (width + 2 * PADDING) * channels + _readable(channels))

    def __call__(self, positions: Tensor, targets: Tensor) -> tuple[float, int]:
        """Set the gradients of the mean loss of a batch, and update the running means; see `FusedStep`."""
        count, dtype = len(positions), self.images.dtype
        rows, columns = (side + 2 for side in self.size)
        values = {name: parameter.detach().numpy() for name, parameter in self.parameters.items()}
        sample_weights = torch.ones(count) if self.class_weights is None else self.class_weights[targets]
        scale, shift = (np.concatenate([values[f"bn{n}.{name}"] for n in (1, 2, 3)]) for name in ("weight", "bias"))
        results = _gradients(
            self.images,
            positions.numpy(),
            targets.numpy(),
            (sample_weights / sample_weights.sum()).numpy().astype(dtype),
            self._convolution(values),
            scale,
            shift,
            self._pixel_by_pixel(values["fc.weight"], values["fc.bias"]),
            draw_kept(self.dropout, count, STREAMS, _pooled(rows) * _pooled(columns), dtype),
            1 / (1 - self.dropout.p),
            (rows, columns, self.channels),
            self.norms[0].eps,
        )
        loss, correct, mean, variance, *gradients = results
        self._set_gradients(*gradients)
        self._update_running_means(mean, variance, count * rows * columns)
        return float(loss), int(correct)

    def _convolution(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """(9 C + 1, 16) weights of all streams, by row, column and channel of the neighborhood; then the biases."""
        weights = np.concatenate([values[f"conv{n}.weight"] for n in (1, 2, 3)]).transpose(2, 3, 1, 0)
        biases = np.concatenate([values[f"conv{n}.bias"] for n in (1, 2, 3)])
        return np.concatenate([weights.reshape(-1, MAPS), biases[None]])

    def _pixel_by_pixel(self, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
        """Weights of the last layer with the maps of a pixel beside each other, as the maps are stored here."""
        by_pixel = weights.reshape(len(weights), MAPS, -1).transpose(0, 2, 1).reshape(len(weights), -1)
        return np.concatenate([by_pixel, biases[:, None]], axis=1)

    def _set_gradients(self, convolution: np.ndarray, scale: np.ndarray, shift: np.ndarray, dense: np.ndarray) -> None:
        """Copy gradients, in the layout of this file, to those of the parameters."""
        by_map = dense[:, :-1].reshape(len(dense), -1, MAPS).transpose(0, 2, 1).reshape(len(dense), -1)
        found = {"fc.weight": by_map, "fc.bias": dense[:, -1]}
        weights = convolution[:-1].reshape(3, 3, self.channels, MAPS).transpose(3, 2, 0, 1)
        first = 0
        for n, maps in enumerate(STREAMS, 1):
            part = slice(first, first + maps)
            found |= {f"conv{n}.weight": weights[part], f"conv{n}.bias": convolution[-1, part]}
            found |= {f"bn{n}.weight": scale[part], f"bn{n}.bias": shift[part]}
            first += maps
        for name, gradient in found.items():
            held = self.parameters[name].grad
            assert held is not None
            held.numpy()[...] = gradient

    def _update_running_means(self, mean: np.ndarray, variance: np.ndarray, values: int) -> None:
        first = 0
        for norm in self.norms:
            part, buffers = slice(first, first + norm.num_features), dict(norm.named_buffers())
            means, variances = buffers["running_mean"], buffers["running_var"]
            assert norm.momentum is not None
            means.lerp_(torch.from_numpy(mean[part]).to(means), norm.momentum)
            variances.lerp_(torch.from_numpy(variance[part] * values / (values - 1)).to(variances), norm.momentum)
            buffers["num_batches_tracked"].add_(1)
            first += norm.num_features


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays at its first call, once for each machine; it runs beside other threads."""
    decorated: Callable[..., Any] = njit(nogil=True, cache=True, fastmath=True)(function)
    return decorated


def _pooled(side: int) -> int:
    """Height or width of maps after the pooling."""
    return (side - 1) // 3 + 1


def _gradients(
    images, positions, targets, weights, convolution, scale, shift, dense, keep, growth, shape, eps
) -> tuple[Any, ...]:
    """Loss, correct predictions, means and variances of the rectified maps, and gradients, of a batch.

    `shape` is (rows, columns, channels) of the maps and of the image. `keep` is overwritten.
    """
    rows, columns, _ = shape
    count, dtype, quarters = len(positions), images.dtype, _quarters(_pooled(rows), _pooled(columns)) * MAPS
    pooled = np.empty(count * _pooled(rows) * _pooled(columns) * MAPS, dtype)
    chosen = np.empty(len(pooled), np.int32)
    taps, at_once = (0,) * len(convolution), (0,) * SUMS
    values, patches, squares = _convolve(
        images, positions, convolution.ravel(), scale, shape, taps, at_once, pooled, chosen
    )
    mean = values[-1] / (count * rows * columns)
    variance = squares / (count * rows * columns) - mean**2
    inverse = 1 / np.sqrt(variance + eps)
    factor, grown = scale * inverse, growth / 4  # an average of four values, which dropout lets grow

    offset = (shift - factor * mean) * grown
    features = _features(pooled, keep, quarters, count, (factor * grown).astype(dtype), offset.astype(dtype))
    loss, correct, errors = _softmax_gradient(features @ dense.T, targets, weights)
    direct, weighted = _pooled_gradient(pooled, keep, quarters, errors @ dense * dtype.type(grown))

    scale_gradient = (weighted - direct * mean) * inverse
    slope = factor * inverse * scale_gradient / (count * rows * columns)
    constant = factor * (mean * inverse * scale_gradient - direct) / (count * rows * columns)
    gradient = _chosen_gradient(images, positions, pooled, chosen, keep, factor.astype(dtype), shape)
    gradient += constant * patches - slope * values
    return loss, correct, mean, variance, gradient, scale_gradient, direct, errors.T @ features


def _quarters(rows: int, columns: int) -> np.ndarray:
    """(averages, 4) positions of the pooled values of which averages are taken."""
    places = np.arange(rows * columns).reshape(rows, columns)[: rows // 2 * 2, : columns // 2 * 2]
    return places.reshape(rows // 2, 2, columns // 2, 2).transpose(0, 2, 1, 3).reshape(-1, 4)


def _softmax_gradient(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> tuple[float, int, np.ndarray]:
    """The weighted cross-entropy, the number of correct predictions, and the gradient of logits (n, classes)."""
    rows, shifted = np.arange(len(logits)), logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    totals = powers.sum(axis=1)
    loss = weights @ (np.log(totals) - shifted[rows, targets])
    gradient = powers / totals[:, None]
    gradient[rows, targets] -= 1
    return float(loss), int((logits.argmax(axis=1) == targets).sum()), gradient * weights[:, None]


@compiled
def _convolve(images, positions, weights, scale, shape, like, at_once, pooled, chosen):
    """Compute and pool the rectified maps of clips.

    `pooled` gets those of 3x3 values whose normalized value is the largest, `chosen` where their patches begin. `like`
    and `at_once` are tuples with the number of weights of a map, and of sums that are computed at once.

    Returns:
        Three sums over clips and pixels in float64: (9 C + 1, 16) of each value times its patch and 1, the same of 1
        for each positive value, and 16 of the squared values.
    """
    rows, columns, channels = shape
    stride, pooled_rows, pooled_columns = (columns + 2) * channels, (rows - 1) // 3 + 1, (columns - 1) // 3 + 1
    # Of maps with a negative scale the smallest value is the largest after the normalization.
    sign = np.ones(MAPS, images.dtype)
    for m in range(MAPS):
        if scale[m] < 0:
            sign[m] = -1
    places = _neighborhood(stride, channels, len(at_once))
    maps, positive = np.empty(rows * columns * MAPS, images.dtype), np.empty(columns * MAPS, images.dtype)
    length, numbers = (len(places) + 2) * MAPS, np.zeros(MAPS, np.int32)
    value_sums, positive_sums = np.zeros(length, images.dtype), np.zeros(length, images.dtype)
    values, patches = np.zeros(length), np.zeros(length)
    ones, squared = len(places) * MAPS, (len(places) + 1) * MAPS  # where the sums of values and of squares stand
    for j in range(len(positions)):
        image = images[positions[j]]
        _rectified_maps(image, weights, shape, like, maps)

        value_sums[:] = 0
        positive_sums[:] = 0
        for y in range(rows):
            first, row = y * stride, y * columns * MAPS
            total, square, number = load(value_sums, ones), load(value_sums, squared), load(positive_sums, ones)
            for x in range(columns):
                value = load(maps, row + x * MAPS)
                one = is_positive(value)
                store(positive, x * MAPS, one)
                total, square, number = add(total, value), multiply_add(value, value, square), add(number, one)
            store(value_sums, ones, total)
            store(value_sums, squared, square)
            store(positive_sums, ones, number)
            for k in range(0, len(places), len(at_once)):
                _add_patches(image, places, k, first, channels, maps, row, columns, at_once, value_sums)
                _add_patches(image, places, k, first, channels, positive, 0, columns, at_once, positive_sums)
        for i in range(length):
            values[i] += value_sums[i]
            patches[i] += positive_sums[i]

        place = j * pooled_rows * pooled_columns * MAPS
        for r in range(pooled_rows):
            for c in range(pooled_columns):
                best, where = splat(images.dtype.type(-np.inf)), load(numbers, 0)
                for y in range(max(3 * r - 1, 0), min(3 * r + 2, rows)):
                    for x in range(max(3 * c - 1, 0), min(3 * c + 2, columns)):
                        value = multiply(load(maps, (y * columns + x) * MAPS), load(sign, 0))
                        best, where = larger(best, where, value, y * stride + x * channels)
                store(pooled, place, multiply(best, load(sign, 0)))
                store(chosen, place, where)
                place += MAPS
    kept = np.append(np.arange(9 * channels), len(places))
    squares = values[squared:].copy()
    return values.reshape(-1, MAPS)[kept], patches.reshape(-1, MAPS)[kept], squares


@compiled
def _neighborhood(stride, channels, at_once):
    """Positions of a pixel's 3x3 neighborhood, by row, column and channel; then the first, up to whole groups."""
    places = np.zeros((9 * channels + at_once - 1) // at_once * at_once, np.int64)
    for i in range(9 * channels):
        places[i] = i // (3 * channels) * stride + i % (3 * channels)
    return places


@compiled
def _add_patches(image, places, k, first, channels, vectors, row, columns, at_once, sums):
    """Add the products of a row's vectors and some places of their patches, from the `k`-th place on, to `sums`."""
    found = load_all(sums, k * MAPS, at_once)
    for x in range(columns):
        found = add_products(found, image, places, k, first + x * channels, load(vectors, row + x * MAPS))
    store_all(sums, k * MAPS, found)


@compiled
def _rectified_maps(image, weights, shape, like, maps):
    """Fill `maps` with the rectified convolution of an image, four pixels at a time; the last four of a row overlap."""
    rows, columns, channels = shape
    stride, taps = (columns + 2) * channels, load_all(weights, 0, like)
    for y in range(rows):
        for block in range((columns + 3) // 4):
            x = min(4 * block, columns - 4)
            first = y * stride + x * channels
            pixels = (first, first + channels, first + 2 * channels, first + 3 * channels)
            one, two, three, four = weighted_sums(taps, image, pixels, stride)
            place = (y * columns + x) * MAPS
            store(maps, place, rectified(one))
            store(maps, place + MAPS, rectified(two))
            store(maps, place + 2 * MAPS, rectified(three))
            store(maps, place + 3 * MAPS, rectified(four))


@compiled
def _features(pooled, keep, quarters, count, factor, offset):
    """(n, features + 1) what the last layer gets: averages of normalized values that dropout keeps; then ones."""
    length, zero = len(pooled) // count, np.zeros(MAPS, pooled.dtype)
    features = np.ones((count, len(quarters) * MAPS + 1), pooled.dtype)
    for j in range(count):
        for q in range(len(quarters)):
            total, number = load(zero, 0), load(zero, 0)
            for k in quarters[q]:
                kept = load(keep, j * length + k)
                total = multiply_add(kept, load(pooled, j * length + k), total)
                number = add(number, kept)
            average = multiply_add(load(factor, 0), total, multiply(load(offset, 0), number))
            store(features[j], q * MAPS, average)
    return features


@compiled
def _pooled_gradient(pooled, keep, quarters, backward):
    """Put the gradients of normalized pooled values into `keep`; return 16 sums of them, and of them times values."""
    count = len(backward)
    length, zero, part = len(pooled) // count, np.zeros(MAPS, pooled.dtype), np.empty(MAPS, pooled.dtype)
    direct, weighted = np.zeros(MAPS), np.zeros(MAPS)
    alone = np.ones(length, np.bool_)
    for k in quarters.ravel():
        alone[k : k + MAPS] = False
    for j in range(count):
        for k in np.flatnonzero(alone):  # they enter no average
            keep[j * length + k] = 0
        total, product = load(zero, 0), load(zero, 0)
        for q in range(len(quarters)):
            average = load(backward[j], q * MAPS)
            for k in quarters[q]:
                gradient = multiply(load(keep, j * length + k), average)
                store(keep, j * length + k, gradient)
                total = add(total, gradient)
                product = multiply_add(gradient, load(pooled, j * length + k), product)
        store(part, 0, total)
        for m in range(MAPS):
            direct[m] += part[m]
        store(part, 0, product)
        for m in range(MAPS):
            weighted[m] += part[m]
    return direct, weighted


@compiled
def _chosen_gradient(images, positions, pooled, chosen, gradients, factor, shape):
    """(9 C + 1, 16) gradient of the convolution that comes through the pooled values alone, in float64."""
    _, columns, channels = shape
    count, stride, read = len(positions), (columns + 2) * channels, _vectors_of_row(channels)
    length = len(pooled) // count
    found, sums = np.zeros((9 * channels + 1, MAPS)), np.empty(MAPS * 3 * read, images.dtype)
    biases, active = np.empty(MAPS, images.dtype), np.empty(length + 1, np.int64)
    zero = images.dtype.type(0)
    for j in range(count):
        image, number = images[positions[j]], 0
        for place in range(j * length, (j + 1) * length):  # without a branch, which nobody could foresee
            active[number] = place
            number += int((pooled[place] > zero) & (gradients[place] != zero))
        sums[:] = 0
        biases[:] = 0
        for place in active[:number]:
            m = place % MAPS
            gradient = factor[m] * gradients[place]
            biases[m] += gradient
            times = splat(gradient)
            for row in range(3):
                for part in range(0, read, LANES):
                    target = (3 * m + row) * read + part
                    value = load(image, chosen[place] + row * stride + part)
                    store(sums, target, multiply_add(times, value, load(sums, target)))
        for m in range(MAPS):
            found[9 * channels, m] += biases[m]
            for row in range(3):
                for i in range(3 * channels):
                    found[3 * channels * row + i, m] += sums[(3 * m + row) * read + i]
    return found


@compiled
def _vectors_of_row(channels):
    """See `_readable`."""
    return (3 * channels + LANES - 1) // LANES * LANES
