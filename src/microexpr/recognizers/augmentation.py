"""What is done to training pictures at random: each draws from the given generator, once a picture.

Pictures come as (n, C, H, W) float32. There is no vertical flip: faces are not seen upside down (rule R18).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..registry import Registry


@dataclass(frozen=True)
class Augmentation(ABC):
    """A random change that keeps the label."""

    name: ClassVar[str]

    @abstractmethod
    def __call__(self, pictures: Tensor, draws: torch.Generator) -> Tensor:
        """Changed pictures of the same shape."""


AUGMENTATIONS: Registry[Augmentation] = Registry("augmentation", "microexpr.recognizers")


@AUGMENTATIONS.register("mirror")
@dataclass(frozen=True)
class Mirror(Augmentation):
    """Left and right change places; of a flow, u changes its sign too.

    Args:
        p: share of the pictures.
        negate: channels to negate; (0,) for a flow whose first channel is u around zero, () for photographs.
    """

    p: float = 0.5
    negate: tuple[int, ...] = ()

    def __call__(self, pictures: Tensor, draws: torch.Generator) -> Tensor:
        """Mirrors a random share."""
        chosen = torch.rand(len(pictures), generator=draws) < self.p
        sign = torch.ones(pictures.shape[1])
        sign[list(self.negate)] = -1
        turned = pictures.flip(-1) * sign.view(1, -1, 1, 1)
        return torch.where(chosen.view(-1, 1, 1, 1), turned, pictures)


@AUGMENTATIONS.register("shift")
@dataclass(frozen=True)
class Shift(Augmentation):
    """Moved by a random number of whole pixels in both directions; the border is repeated.

    Args:
        most: the largest number of pixels.
    """

    most: int = 2

    def __call__(self, pictures: Tensor, draws: torch.Generator) -> Tensor:
        """Moves each picture by its own draw."""
        n, _, height, width = pictures.shape
        padded = F.pad(pictures, [self.most] * 4, mode="replicate")
        corner = torch.randint(2 * self.most + 1, (n, 2), generator=draws).tolist()
        cut = [p[:, y : y + height, x : x + width] for p, (y, x) in zip(padded, corner, strict=True)]
        return torch.stack(cut)
