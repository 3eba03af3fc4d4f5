"""One step of gradient descent of STSTNet, compiled by Numba: the same numbers as torch's, in a fraction of the time.

The three streams are one convolution of 16 maps, as a matrix product with patches that are cut out once for all epochs
and folds. What lies between two products is done while a clip's maps are in the processor's cache; torch goes through
the memory for every operation.
"""

# ruff: noqa: ANN001, ANN202, PLR0913 - Numba derives the types of compiled functions, which cannot share an object.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

from .base import Dropout, FusedStep

PADDING = 2
"""Pixels of zeros around an image before the 3x3 convolution."""

STREAMS = (3, 5, 8)
"""Number of maps of each stream of `ststnet.TripleStream`."""


def image_patches(images: np.ndarray, dtype: type[np.floating] = np.float32) -> np.ndarray:
    """Cut out the 3x3 neighborhood of every output pixel of the convolution.

    Args:
        images: (n, H, W, C).
        dtype: float32 or float64.

    Returns:
        (n, (H + 2) (W + 2), 9 C + 1): channel by channel, row by row and column by column; then ones for the bias.
    """
    count, height, width, channels = images.shape
    padded = np.pad(np.moveaxis(images, -1, 1), ((0, 0), (0, 0), (PADDING,) * 2, (PADDING,) * 2)).astype(dtype)
    shape = (height + 2, width + 2)
    patches = np.ones((count, shape[0] * shape[1], 9 * channels + 1), dtype)
    for c, row, column in np.ndindex(channels, 3, 3):
        cut = padded[:, c, row : row + shape[0], column : column + shape[1]]
        patches[..., 9 * c + 3 * row + column] = cut.reshape(count, -1)
    return patches


@dataclass
class Weights:
    """The weights of a `TripleStream`, or their gradients, as arrays.

    Attributes:
        convolution: (16, 9 C + 1) weights and biases of the three streams.
        scale: (16,) weight of the batch normalization.
        shift: (16,) its bias.
        dense: (classes, features + 1) weights and biases of the last layer.
    """

    convolution: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    dense: np.ndarray

    @classmethod
    def of(cls, module: nn.Module) -> Weights:
        """Copy the weights of a module."""
        values: dict[str, Tensor] = dict(module.named_parameters())
        names = [str(number + 1) for number in range(len(STREAMS))]
        convolution = [
            torch.cat([values[f"conv{n}.weight"].flatten(1), values[f"conv{n}.bias"][:, None]], dim=1) for n in names
        ]
        scale, shift = ([values[f"bn{n}.{name}"] for n in names] for name in ("weight", "bias"))
        dense = torch.cat([values["fc.weight"], values["fc.bias"][:, None]], dim=1)
        joined = (torch.cat(convolution), torch.cat(scale), torch.cat(shift), dense)
        return cls(*(tensor.detach().numpy() for tensor in joined))

    def set_gradients(self, module: nn.Module) -> None:
        """Set the gradients of a module's parameters to these arrays, which are gradients."""
        parameters, first = dict(module.named_parameters()), 0
        found = {"fc.weight": self.dense[:, :-1], "fc.bias": self.dense[:, -1]}
        for n, maps in enumerate(STREAMS, 1):
            part = slice(first, first + maps)
            found |= {f"conv{n}.weight": self.convolution[part, :-1], f"conv{n}.bias": self.convolution[part, -1]}
            found |= {f"bn{n}.weight": self.scale[part], f"bn{n}.bias": self.shift[part]}
            first += maps
        for name, gradient in found.items():
            parameter = parameters[name]
            parameter.grad = torch.from_numpy(np.ascontiguousarray(gradient)).reshape(parameter.shape)


class STSTNetStep(FusedStep):
    """Loss and gradients of a `TripleStream`; see `FusedStep`. Its inputs are patches, see `image_patches`."""

    def __init__(
        self, module: nn.Module, inputs: np.ndarray, size: tuple[int, int], class_weights: Tensor | None = None
    ) -> None:
        self.dropout: Dropout = module.dropout  # type: ignore[assignment]
        self.norms: list[nn.BatchNorm2d] = [getattr(module, f"bn{n}") for n in range(1, len(STREAMS) + 1)]
        self.module, self.patches, self.size, self.class_weights = module, inputs, size, class_weights
        self._maps = np.empty((0, inputs.shape[1], sum(STREAMS)), inputs.dtype)

    @staticmethod
    def prepare(images: np.ndarray) -> np.ndarray:
        """(n, (H + 2) (W + 2), 9 C + 1) float32 patches of images (n, H, W, C)."""
        return image_patches(images)

    @staticmethod
    def prepared_bytes(shape: tuple[int, ...]) -> int:
        """Size in bytes of the patches of an image (H, W, C)."""
        return 4 * (shape[0] + 2) * (shape[1] + 2) * (9 * shape[2] + 1)

    def __call__(self, positions: Tensor, targets: Tensor) -> tuple[float, int]:
        """Set the gradients of the mean loss of a batch, and update the running means; see `FusedStep`."""
        count, dtype = len(positions), self.patches.dtype
        if len(self._maps) < count:
            self._maps = np.empty((count, *self._maps.shape[1:]), dtype)
        kept = self._draw_kept(count)
        weights = Weights.of(self.module)
        sample_weights = torch.ones(count) if self.class_weights is None else self.class_weights[targets]
        results = _gradients(
            self.patches,
            positions.numpy(),
            targets.numpy(),
            (sample_weights / sample_weights.sum()).numpy().astype(dtype),
            weights.convolution,
            weights.scale,
            weights.shift,
            self._pixel_by_pixel(weights.dense),
            kept,
            1 / (1 - self.dropout.p),
            self._maps,
            self.size[1] + 2,
            self.norms[0].eps,
        )
        loss, correct, mean, variance, *gradients = results
        gradients[-1] = self._map_by_map(gradients[-1])
        Weights(*gradients).set_gradients(self.module)
        self._update_running_means(mean, variance, count * self.patches.shape[1])
        return float(loss), int(correct)

    def _pixel_by_pixel(self, dense: np.ndarray) -> np.ndarray:
        """Weights of the last layer with the maps of a pixel beside each other, as the maps are stored here."""
        weights = dense[:, :-1].reshape(len(dense), sum(STREAMS), -1).transpose(0, 2, 1).reshape(len(dense), -1)
        return np.concatenate([weights, dense[:, -1:]], axis=1)

    def _map_by_map(self, dense: np.ndarray) -> np.ndarray:
        """The inverse of `_pixel_by_pixel`."""
        weights = dense[:, :-1].reshape(len(dense), -1, sum(STREAMS)).transpose(0, 2, 1).reshape(len(dense), -1)
        return np.concatenate([weights, dense[:, -1:]], axis=1)

    def _draw_kept(self, count: int) -> np.ndarray:
        """(n, 16, pooled pixels) bool: which pooled values the dropout keeps, drawn as the module draws them."""
        rows, columns = ((side + 1) // 3 + 1 for side in self.size)
        draw = self.dropout.draw_kept if self.dropout.p > 0 else torch.ones  # without dropout, the module draws nothing
        kept = [draw((count, maps, rows, columns)) for maps in STREAMS]
        return torch.cat(kept, dim=1).flatten(2).bool().numpy()

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


@compiled
def _gradients(patches, positions, targets, weights, convolution, scale, shift, dense, kept, growth, maps, width, eps):
    count, pixels, channels = len(positions), patches.shape[1], len(scale)
    rows, columns = (pixels // width - 1) // 3 + 1, (width - 1) // 3 + 1
    pooled = np.empty((count, rows * columns, channels), patches.dtype)
    chosen = np.empty(pooled.shape, np.int32)
    mean, variance = _convolve(patches, positions, convolution, maps)
    _pool(maps, count, scale, width, pooled, chosen)
    inverse = 1 / np.sqrt(variance + eps)
    factor, offset = scale * inverse * growth / 4, (shift - scale * inverse * mean) * growth / 4
    keep = np.zeros(pooled.shape, patches.dtype)  # what is drawn for values that enter no average stays 0
    quarters = _quarters(rows, columns)
    for j in range(count):
        for m in range(channels):
            for k in quarters.ravel():
                keep[j, k, m] = kept[j, m, k]

    features = np.ones((count, len(quarters) * channels + 1), patches.dtype)
    total, number = np.empty(channels, patches.dtype), np.empty(channels, patches.dtype)
    for j in range(count):
        for q in range(len(quarters)):
            total[:] = 0
            number[:] = 0
            for k in quarters[q]:
                for m in range(channels):
                    total[m] += keep[j, k, m] * pooled[j, k, m]
                    number[m] += keep[j, k, m]
            for m in range(channels):
                features[j, q * channels + m] = factor[m] * total[m] + offset[m] * number[m]

    logits = np.dot(features, dense.T)
    loss, correct = _softmax_gradient(logits, targets, weights)
    dense_gradient = np.dot(logits.T, features)
    backward = np.dot(logits, dense) * patches.dtype.type(growth / 4)

    # From here on `keep` holds the gradients of the pooled and normalized values.
    direct, weighted = np.zeros(channels, np.float64), np.zeros(channels, np.float64)
    for j in range(count):
        for q in range(len(quarters)):
            g = backward[j, q * channels : (q + 1) * channels]
            for k in quarters[q]:
                for m in range(channels):
                    keep[j, k, m] *= g[m]
                    direct[m] += keep[j, k, m]
                    weighted[m] += keep[j, k, m] * pooled[j, k, m]
    scale_gradient = (weighted - direct * mean) * inverse

    convolution_gradient = _convolution_gradient(
        patches, positions, maps, pooled, chosen, keep, scale, mean, inverse, scale_gradient, direct
    )
    dtype = patches.dtype
    scale_gradient, shift_gradient = scale_gradient.astype(dtype), direct.astype(dtype)
    return loss, correct, mean, variance, convolution_gradient, scale_gradient, shift_gradient, dense_gradient


@compiled
def _quarters(rows, columns):
    """(averages, 4) positions of the pooled values of which averages are taken."""
    found = np.empty(((rows // 2) * (columns // 2), 4), np.int64)
    for r in range(rows // 2):
        for c in range(columns // 2):
            first = 2 * r * columns + 2 * c
            found[r * (columns // 2) + c] = np.array([first, first + 1, first + columns, first + columns + 1])
    return found


@compiled
def _convolve(patches, positions, convolution, maps):
    """Fill `maps` with rectified maps; return their means and variances over clips and pixels, in float64."""
    count, pixels, channels = len(positions), patches.shape[1], len(convolution)
    sums, squares = np.zeros(channels, np.float64), np.zeros(channels, np.float64)
    total, square = np.empty(channels, patches.dtype), np.empty(channels, patches.dtype)
    transposed = np.ascontiguousarray(convolution.T)
    zero = patches.dtype.type(0)
    for j in range(count):
        np.dot(patches[positions[j]], transposed, maps[j])
        total[:] = 0
        square[:] = 0
        for i in range(0, pixels - 3, 4):
            one, two, three, four = maps[j, i], maps[j, i + 1], maps[j, i + 2], maps[j, i + 3]
            for m in range(channels):
                a, b, c, d = max(one[m], zero), max(two[m], zero), max(three[m], zero), max(four[m], zero)
                one[m], two[m], three[m], four[m] = a, b, c, d
                total[m] += (a + b) + (c + d)
                square[m] += (a * a + b * b) + (c * c + d * d)
        for i in range(pixels - pixels % 4, pixels):
            for m in range(channels):
                a = max(maps[j, i, m], zero)
                maps[j, i, m] = a
                total[m] += a
                square[m] += a * a
        for m in range(channels):
            sums[m] += total[m]
            squares[m] += square[m]
    mean = sums / (count * pixels)
    return mean, squares / (count * pixels) - mean**2


@compiled
def _pool(maps, count, scale, width, pooled, chosen):
    """Fill `pooled` with those of 3x3 maps whose normalized value is the largest, and `chosen` with their pixels."""
    height, channels = maps.shape[1] // width, len(scale)
    rows, columns = (height - 1) // 3 + 1, (width - 1) // 3 + 1
    turned = np.flatnonzero(scale < 0)  # of these maps the smallest value is the largest after the normalization
    sign = np.ones(channels, maps.dtype)
    sign[turned] = -1
    for j in range(count):
        if len(turned):
            maps[j] *= sign
        for r in range(rows):
            for c in range(columns):
                best, pixel = pooled[j, r * columns + c], chosen[j, r * columns + c]
                first_row, first_column = max(3 * r - 1, 0), max(3 * c - 1, 0)
                first = first_row * width + first_column
                best[:] = maps[j, first]
                pixel[:] = first
                for y in range(first_row, min(3 * r + 2, height)):
                    for x in range(first_column, min(3 * c + 2, width)):
                        number = y * width + x
                        values = maps[j, number]
                        for m in range(channels):
                            larger = values[m] > best[m]
                            best[m] = values[m] if larger else best[m]
                            pixel[m] = number if larger else pixel[m]
        if len(turned):
            maps[j] *= sign
            pooled[j] *= sign


@compiled
def _softmax_gradient(logits, targets, weights):
    """Replace logits by the gradient of the weighted cross-entropy; return it and the number of correct predictions."""
    loss, correct = 0.0, 0
    for j in range(len(logits)):
        largest = logits[j].max()
        correct += np.argmax(logits[j]) == targets[j]
        powers = np.exp(logits[j] - largest)
        total = powers.sum()
        loss += weights[j] * (np.log(total) - (logits[j, targets[j]] - largest))
        logits[j] = weights[j] * powers / total
        logits[j, targets[j]] -= weights[j]
    return loss, correct


@compiled
def _convolution_gradient(
    patches, positions, maps, pooled, chosen, pooled_gradient, scale, mean, inverse, scale_gradient, shift_gradient
):
    """Gradient of weights and biases of the convolution; `maps` is overwritten."""
    count, pixels, channels = len(positions), patches.shape[1], len(scale)
    factor = (scale * inverse).astype(patches.dtype)
    slope = (factor * inverse * scale_gradient / (count * pixels)).astype(patches.dtype)
    constant = (factor * (mean * inverse * scale_gradient - shift_gradient) / (count * pixels)).astype(patches.dtype)
    gradient = np.zeros((patches.shape[2], channels), patches.dtype)
    part = np.empty_like(gradient)
    zero = patches.dtype.type(0)
    for j in range(count):
        for i in range(pixels):
            row = maps[j, i]
            for m in range(channels):
                row[m] = (constant[m] - slope[m] * row[m]) * (row[m] > zero)
        for k in range(pooled.shape[1]):
            for m in range(channels):
                active = pooled[j, k, m] > zero
                maps[j, chosen[j, k, m], m] += factor[m] * pooled_gradient[j, k, m] * active
        np.dot(patches[positions[j]].T, maps[j], part)
        gradient += part
    return np.ascontiguousarray(gradient.T)
