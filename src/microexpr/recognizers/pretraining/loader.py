"""Batches of images: which, where each is cut, and reading them ahead in threads.

What an epoch draws depends on the seed and the epoch alone, not on what was drawn before: training that goes on after
a stop draws the same, and several processes agree without exchanging anything.
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
"""Where a image is cut, as fractions (0 to 1) of the room downwards and to the right, and whether it is mirrored."""

MIDDLE: CropPosition = (0.5, 0.5, False)

BatchPlan = tuple[list[int], list[CropPosition]]
"""The images of one batch by number, and where each is cut."""


@dataclass(frozen=True)
class ResizeCrop:
    """How an image of any size becomes one of `size` x `size`.

    Args:
        resize: pixels of the shorter side before it is cut.
        size: pixels of the cut square.
        bgr: order of the channels blue, green, red.
    """

    resize: int
    size: int
    bgr: bool

    def __call__(self, image: np.ndarray, position: CropPosition) -> np.ndarray:
        """(height, width, 3) uint8 RGB to (size, size, 3) uint8."""
        height, width = image.shape[:2]
        ratio = self.resize / min(height, width)
        if ratio != 1:
            wanted = max(self.size, round(width * ratio)), max(self.size, round(height * ratio))
            way = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
            image = cv2.resize(image, wanted, interpolation=way)
        down, right, mirrored = position
        top = int(down * (image.shape[0] - self.size + 1))
        left = int(right * (image.shape[1] - self.size + 1))
        square = image[top : top + self.size, left : left + self.size]
        square = square[:, ::-1] if mirrored else square
        return square[..., ::-1] if self.bgr else square


def seeded(*numbers: int) -> torch.Generator:
    """A generator of its own for these numbers; neighbors have nothing in common."""
    digest = hashlib.sha256(repr(numbers).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def training_plans(count: int, batch: int, seed: int, epoch: int, ranks: tuple[int, int] = (0, 1)) -> list[BatchPlan]:
    """The batches of one epoch in a shuffled order; what does not fill a batch waits for another epoch.

    Args:
        count: images there are.
        batch: images of a batch, over all processes.
        seed, epoch: what is drawn depends on these.
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
    """Every image once, cut in the middle."""
    mine = range(ranks[0], count, ranks[1])
    parts = [list(mine[begin : begin + batch]) for begin in range(0, len(mine), batch)]
    return [(part, [MIDDLE] * len(part)) for part in parts]


def read_batches(
    images: ImageDataset, plans: Iterable[BatchPlan], cut: ResizeCrop, workers: int, pinned: bool = False
) -> Iterator[tuple[Tensor, Tensor]]:
    """(images (n, 3, size, size) uint8 in channels-last memory, labels (n,)), in the order of the plans.

    Args:
        images: where they come from.
        plans: which, and where each is cut.
        cut: to which size.
        workers: threads, each reading a whole batch ahead (decoding lets other threads run).
        pinned: into memory that a GPU copies from by itself.
    """

    def load(plan: BatchPlan) -> tuple[Tensor, Tensor]:
        numbers, positions = plan
        stack = np.empty((len(numbers), cut.size, cut.size, 3), np.uint8)
        for row, number, position in zip(stack, numbers, positions, strict=True):
            row[:] = cut(images.read(number), position)
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
