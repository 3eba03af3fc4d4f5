"""Batches of images: their random order, their crops, and threads that read them ahead.

The random numbers of an epoch depend on the seed and the epoch alone: a training that continues after a stop draws the
same ones, and several processes agree without communication.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from .image_datasets import ImageDataset

CropPosition = tuple[float, float, bool]
"""Position of a crop, as fractions (0 to 1) of the margin downwards and to the right, and whether it is mirrored."""

MIDDLE: CropPosition = (0.5, 0.5, False)

BatchPlan = tuple[list[int], list[CropPosition]]
"""The images of one batch by number, and the position of each crop."""


@dataclass(frozen=True)
class ResizeCrop:
    """Resizes an image and crops a square.

    Args:
        resize: length of the shorter side before the crop, in pixels.
        size: side of the crop, in pixels.
        bgr: whether the channels are in the order blue, green, red.
    """

    resize: int
    size: int
    bgr: bool

    def __call__(self, image: np.ndarray, position: CropPosition) -> np.ndarray:
        """Turn an image (height, width, 3) uint8 RGB into (size, size, 3) uint8."""
        height, width = image.shape[:2]
        ratio = self.resize / min(height, width)
        if ratio != 1:
            resized = max(self.size, round(width * ratio)), max(self.size, round(height * ratio))
            interpolation = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
            image = cv2.resize(image, resized, interpolation=interpolation)
        down, right, mirrored = position
        top = int(down * (image.shape[0] - self.size + 1))
        left = int(right * (image.shape[1] - self.size + 1))
        square = image[top : top + self.size, left : left + self.size]
        square = square[:, ::-1] if mirrored else square
        return square[..., ::-1] if self.bgr else square


def seeded(*numbers: int) -> torch.Generator:
    """Make a generator seeded by a hash of these numbers, so that similar numbers give independent generators."""
    digest = hashlib.sha256(repr(numbers).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def training_plans(count: int, batch: int, seed: int, epoch: int, ranks: tuple[int, int] = (0, 1)) -> list[BatchPlan]:
    """Plan the batches of one epoch, shuffled; images that do not fill a batch are left out.

    Args:
        count: number of images.
        batch: number of images of a batch, over all processes.
        seed: seed of the training.
        epoch: number of the epoch, from 0.
        ranks: (rank, world size); a process takes every world-size-th image of each batch.
    """
    generator = seeded(seed, epoch)
    order = torch.randperm(count, generator=generator)
    down, right, side = torch.rand((3, count), generator=generator)
    plans = []
    for begin in range(0, count - batch + 1, batch):
        mine = slice(begin + ranks[0], begin + batch, ranks[1])
        positions = zip(down[mine].tolist(), right[mine].tolist(), (side[mine] < 0.5).tolist(), strict=True)
        plans.append((order[mine].tolist(), list(positions)))
    return plans


def eval_batches(count: int, batch: int, ranks: tuple[int, int] = (0, 1)) -> list[BatchPlan]:
    """Plan batches that hold every image once, cropped in the middle."""
    mine = range(ranks[0], count, ranks[1])
    parts = [list(mine[begin : begin + batch]) for begin in range(0, len(mine), batch)]
    return [(part, [MIDDLE] * len(part)) for part in parts]


def read_batches(
    images: ImageDataset, plans: Iterable[BatchPlan], crop: ResizeCrop, workers: int, pinned: bool = False
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (images (n, 3, size, size) uint8 in channels-last memory, labels (n,)) in the order of the plans.

    Args:
        images: the images.
        plans: which images each batch holds, and how they are cropped.
        crop: resizes and crops.
        workers: number of threads, each of which reads a whole batch ahead (decoding releases Python's lock).
        pinned: whether the images are put into pinned memory, from which a GPU copies them asynchronously.
    """

    def load(plan: BatchPlan) -> tuple[Tensor, Tensor]:
        numbers, positions = plan
        stack = np.empty((len(numbers), crop.size, crop.size, 3), np.uint8)
        for row, number, position in zip(stack, numbers, positions, strict=True):
            row[:] = crop(images.read(number), position)
        x, y = torch.from_numpy(stack), torch.from_numpy(images.labels[numbers])
        return (x.pin_memory() if pinned else x).permute(0, 3, 1, 2), y

    pool = ThreadPoolExecutor(workers, "images")
    waiting: deque[Future[tuple[Tensor, Tensor]]] = deque()
    try:
        for plan in plans:
            waiting.append(pool.submit(load, plan))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
