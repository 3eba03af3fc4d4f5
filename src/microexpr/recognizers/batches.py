"""The inputs of a network: images, or sequences of any length, as batches of tensors.

Arrays stay in their own type (bytes stay bytes) and become float32 a batch at a time; clips beyond the memory budget
are read again for each batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..core.clip import Sample
from ..core.errors import RecipeError
from .normalization import DatasetScaler

ANY_LENGTH = 0
"""Stands for the number of frames in the shape of sequences."""


@dataclass(frozen=True)
class Batch:
    """The arrays of some clips.

    Attributes:
        x: (n, C, H, W) images, or (n, T, C, H, W) sequences with zeros after the end of the shorter ones; float32.
        lengths: (n,) int64 on the CPU, the number of frames of each sequence; None for images.
    """

    x: Tensor
    lengths: Tensor | None = None

    def transformed(self, transform: Callable[[Tensor], Tensor], generator: torch.Generator) -> Batch:
        """Apply a random change of images, which draws once per clip: all frames of a sequence are changed alike."""
        if self.lengths is None:
            return Batch(transform(self.x))
        state, frames = generator.get_state(), []
        for frame in self.x.unbind(1):
            generator.set_state(state)
            frames.append(transform(frame))
        return Batch(torch.stack(frames, 1), self.lengths)

    def views(self, crop: Callable[[Tensor], list[Tensor]]) -> list[Batch]:
        """Return the views that a crop makes of the clips for testing."""
        if self.lengths is None:
            return [Batch(view) for view in crop(self.x)]
        return [Batch(view.unflatten(0, self.x.shape[:2]), self.lengths) for view in crop(self.x.flatten(0, 1))]


class ClipBatches:
    """One array of many samples: (H, W, C) images, or (T, H, W, C) sequences whose T may differ.

    Args:
        samples: one or more.
        array: name of the array.
        budget: memory for the arrays, in bytes.
        scales: divides the values of each data set by its scale; None divides nothing.

    Attributes:
        sequences: whether the arrays are sequences.
        shape: (C, H, W) of an image, or (0, C, H, W) of a sequence of any length.

    Raises:
        RecipeError: arrays are neither images nor sequences, or differ in more than their length.
    """

    def __init__(
        self, samples: Sequence[Sample], array: str, budget: float, scales: DatasetScaler | None = None
    ) -> None:
        self._samples = samples
        self._array = array
        self._scales = scales
        self._in_memory: dict[int, np.ndarray] = {}
        self._on_device: Tensor | None = None
        first = samples[0].array(array)
        if first.ndim not in (3, 4):
            kinds = "(height, width, channels) or (frames, height, width, channels)"
            raise RecipeError(f"array '{array}' is {first.shape}; a network takes {kinds}")
        self.sequences = first.ndim == 4
        height, width, channels = first.shape[-3:]
        image = (channels, height, width)
        self.shape: tuple[int, ...] = (ANY_LENGTH, *image) if self.sequences else image
        total = 0
        for number, sample in enumerate(samples):
            values = sample.array(array)
            if values.ndim != first.ndim or values.shape[-3:] != first.shape[-3:] or len(values) == 0:
                raise RecipeError(
                    f"'{array}' of clip '{sample.id}' is {values.shape}, that of '{samples[0].id}' is {first.shape}; "
                    "the chain needs a step that makes them alike, e.g. {name = 'resize'}"
                )
            values = self._scaled(sample, values)
            total += values.nbytes
            if total <= budget:
                self._in_memory[number] = values

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def ids(self) -> list[str]:
        """The ids of the clips."""
        return [sample.id for sample in self._samples]

    def batch(self, positions: Sequence[int], device: torch.device) -> Batch:
        """Return the clips at these positions, on a device.

        The channels come first by a transpose: a reshape would scramble the pixels.
        """
        if self._on_device is not None:
            return _channels_first(self._on_device[torch.as_tensor(positions, device=device)])
        arrays = [self._values(position) for position in positions]
        if not self.sequences:
            return _channels_first(torch.from_numpy(np.stack(arrays)).to(device))
        lengths = torch.tensor([len(values) for values in arrays])
        x = torch.zeros((len(arrays), int(lengths.max()), *self.shape[1:]), device=device)
        for row, values in zip(x, arrays, strict=True):
            row[: len(values)] = torch.from_numpy(np.array(values, order="C")).to(device).permute(0, 3, 1, 2)
        return Batch(x, lengths)

    def cache_on_device(self, device: torch.device, budget: float) -> None:
        """Copy all images to a GPU once, if they fit: copying each batch takes longer than a step of training.

        Args:
            device: the device of all batches from now on.
            budget: memory for the images on the device, in bytes.
        """
        arrays = [self._in_memory[number] for number in sorted(self._in_memory)]
        size = sum(values.nbytes for values in arrays)
        if not self.sequences and len(arrays) == len(self) and size <= budget:
            self._on_device = torch.from_numpy(np.stack(arrays)).to(device)

    def _values(self, position: int) -> np.ndarray:
        if position in self._in_memory:
            return self._in_memory[position]
        sample = self._samples[position]
        return self._scaled(sample, sample.array(self._array))

    def _scaled(self, sample: Sample, values: np.ndarray) -> np.ndarray:
        return values if self._scales is None else self._scales.apply(sample.clip.dataset, values)


def _channels_first(images: Tensor) -> Batch:
    """Make a batch of images (n, H, W, C)."""
    return Batch(images.permute(0, 3, 1, 2).float().contiguous())
