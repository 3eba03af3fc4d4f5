"""What a network looks at: images, or sequences of any length, as batches of tensors.

Clips are kept as they come (bytes stay bytes) and become float32 a batch at a time; those beyond a budget of memory
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
    """Some clips.

    Attributes:
        x: (n, C, H, W) images, or (n, T, C, H, W) sequences with zeros after the end of the shorter ones; float32.
        lengths: (n,) int64 on the CPU, how many frames each has; None for images.
    """

    x: Tensor
    lengths: Tensor | None = None

    def transformed(self, change: Callable[[Tensor], Tensor], generator: torch.Generator) -> Batch:
        """With an augmentation or a crop, which draws once per clip: each frame sees the same draws."""
        if self.lengths is None:
            return Batch(change(self.x))
        state, frames = generator.get_state(), []
        for frame in self.x.unbind(1):
            generator.set_state(state)
            frames.append(change(frame))
        return Batch(torch.stack(frames, 1), self.lengths)

    def views(self, cut: Callable[[Tensor], list[Tensor]]) -> list[Batch]:
        """What a crop makes of them in testing."""
        if self.lengths is None:
            return [Batch(view) for view in cut(self.x)]
        return [Batch(view.unflatten(0, self.x.shape[:2]), self.lengths) for view in cut(self.x.flatten(0, 1))]


class ClipBatches:
    """One array of many samples: (H, W, C) images, or (T, H, W, C) sequences whose T may differ.

    Args:
        samples: whose; at least one.
        array: its name.
        budget: bytes that are kept in memory.
        scales: what each data set's values are divided by; nothing when None.

    Raises:
        RecipeError: arrays are neither images nor sequences, or differ in more than their length.
    """

    def __init__(
        self, samples: Sequence[Sample], array: str, budget: float, scales: DatasetScaler | None = None
    ) -> None:
        self._samples, self._array, self._kept = samples, array, dict[int, np.ndarray]()
        self._scales = scales
        self._there: Tensor | None = None
        first = samples[0].array(array)
        if first.ndim not in (3, 4):
            kinds = "(height, width, channels) or (frames, height, width, channels)"
            raise RecipeError(f"array '{array}' is {first.shape}; a network takes {kinds}")
        self.sequences = first.ndim == 4
        height, width, channels = first.shape[-3:]
        image = (channels, height, width)
        self.shape: tuple[int, ...] = (ANY_LENGTH, *image) if self.sequences else image
        held = 0
        for number, sample in enumerate(samples):
            one = sample.array(array)
            if one.ndim != first.ndim or one.shape[-3:] != first.shape[-3:] or len(one) == 0:
                raise RecipeError(
                    f"'{array}' of clip '{sample.id}' is {one.shape}, that of '{samples[0].id}' is {first.shape}; "
                    "the chain needs a step that makes them alike, e.g. {name = 'resize'}"
                )
            one = self._scaled(sample, one)
            held += one.nbytes
            if held <= budget:
                self._kept[number] = one

    def __len__(self) -> int:
        return len(self._samples)

    def batch(self, positions: Sequence[int], device: torch.device) -> Batch:
        """The clips at these positions, on a device.

        The channels come first by a transpose: a reshape would scramble the pixels.
        """
        if self._there is not None:
            return _images(self._there[torch.as_tensor(positions, device=device)])
        arrays = [self._one(position) for position in positions]
        if not self.sequences:
            return _images(torch.from_numpy(np.stack(arrays)).to(device))
        lengths = torch.tensor([len(one) for one in arrays])
        x = torch.zeros((len(arrays), int(lengths.max()), *self.shape[1:]), device=device)
        for row, one in zip(x, arrays, strict=True):
            row[: len(one)] = torch.from_numpy(np.array(one, order="C")).to(device).permute(0, 3, 1, 2)
        return Batch(x, lengths)

    def cache_on_device(self, device: torch.device, room: float) -> None:
        """Send all images to a GPU once, if they fit: sending each batch takes longer than learning from it.

        Args:
            device: on which every batch will be asked for.
            room: bytes that they may take there.
        """
        kept = [self._kept[number] for number in sorted(self._kept)]
        if not self.sequences and len(kept) == len(self) and sum(one.nbytes for one in kept) <= room:
            self._there = torch.from_numpy(np.stack(kept)).to(device)

    def _one(self, position: int) -> np.ndarray:
        kept, sample = self._kept.get(position), self._samples[position]
        return self._scaled(sample, sample.array(self._array)) if kept is None else kept

    def _scaled(self, sample: Sample, values: np.ndarray) -> np.ndarray:
        return values if self._scales is None else self._scales.apply(sample.clip.dataset, values)


def _images(stacked: Tensor) -> Batch:
    """Of (n, H, W, C)."""
    return Batch(stacked.permute(0, 3, 1, 2).float().contiguous())
