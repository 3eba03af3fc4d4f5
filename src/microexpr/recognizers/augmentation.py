"""What is done to training images at random: each draws from the given generator, once an image.

Images come as (n, C, H, W) float32 on any device; random numbers are drawn on the CPU, so that every device gets the
same ones. All frames of a sequence are changed alike (`batches.Batch`). Faces are not seen upside down (rule R18):
`vertical-flip` is there only because papers have it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.errors import RecipeError
from ..core.registry import Registry


@dataclass(frozen=True)
class Augmentation(ABC):
    """A random change that keeps the label."""

    name: ClassVar[str]

    @abstractmethod
    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Changed images of the same shape."""


AUGMENTATIONS: Registry[Augmentation] = Registry("augmentation", "microexpr.recognizers")


@dataclass(frozen=True)
class BinaryTransform(Augmentation):
    """A change that is applied or not: all versions of an image are known beforehand."""

    p: float = 0.5
    negate: tuple[int, ...] = ()

    axis: ClassVar[int]

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Apply the change to a random part of the images."""
        chosen = self.chosen(len(images), generator)
        return torch.where(chosen.view(-1, 1, 1, 1).to(images.device), self.transformed(images), images)

    def chosen(self, n: int, generator: torch.Generator) -> Tensor:
        """(n,) bool: which images are transformed."""
        return _chosen(n, self.p, generator)

    def transformed(self, images: Tensor) -> Tensor:
        """Every image transformed."""
        sign = torch.ones(images.shape[1], device=images.device)
        sign[list(self.negate)] = -1
        return images.flip(self.axis) * sign.view(1, -1, 1, 1)


@AUGMENTATIONS.register("horizontal-flip")
@dataclass(frozen=True)
class HorizontalFlip(BinaryTransform):
    """Left and right change places; of a flow, u changes its sign too.

    Args:
        p: probability that an image is changed, 0 to 1.
        negate: channels to negate; (0,) for a flow whose first channel is u around zero, () for photographs.
    """

    axis = -1


@AUGMENTATIONS.register("vertical-flip")
@dataclass(frozen=True)
class VerticalFlip(BinaryTransform):
    """Upside down (Devanaboyina 2021). It does not keep the label of a face: a smile's corners go down.

    Args:
        p: probability that an image is changed, 0 to 1.
        negate: channels to negate; (1,) for a flow whose second channel is v around zero.
    """

    axis = -2


@AUGMENTATIONS.register("shift")
@dataclass(frozen=True)
class Shift(Augmentation):
    """Moved by a random number of whole pixels in both directions; the border is repeated.

    Args:
        max_pixels: the largest shift in either direction, in pixels.
    """

    max_pixels: int = 2

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Moves each image by its own draw."""
        n, _, height, width = images.shape
        padded = F.pad(images, [self.max_pixels] * 4, mode="replicate")
        corner = torch.randint(2 * self.max_pixels + 1, (n, 2), generator=generator).tolist()
        cut = [p[:, y : y + height, x : x + width] for p, (y, x) in zip(padded, corner, strict=True)]
        return torch.stack(cut)


@AUGMENTATIONS.register("color-shift")
@dataclass(frozen=True)
class ColorShift(Augmentation):
    """A constant added to each channel (Peng et al. 2018: "color shift, maximum value of 20").

    The paper does not say whether the channels move together; here each draws its own, and values stay between `low`
    and `high`.

    Args:
        max_shift: the largest shift, in gray levels.
        p: probability that an image is changed, 0 to 1.
        low: smallest value after the shift, in gray levels.
        high: largest value after the shift, in gray levels.
    """

    max_shift: float = 20.0
    p: float = 0.5
    low: float = 0.0
    high: float = 255.0

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Shift a random part of the images."""
        n, channels = images.shape[:2]
        chosen = _chosen(n, self.p, generator)
        shift = (2 * torch.rand((n, channels), generator=generator) - 1) * self.max_shift * chosen[:, None]
        return (images + shift.view(n, channels, 1, 1).to(images.device)).clamp(self.low, self.high)


@AUGMENTATIONS.register("rotate")
@dataclass(frozen=True)
class Rotate(Augmentation):
    """Turned about the middle (Peng et al. 2018: "maximum degree of 10"); the border is repeated.

    Args:
        max_degrees: the largest angle in either direction, in degrees.
        p: probability that an image is changed, 0 to 1.
    """

    max_degrees: float = 10.0
    p: float = 0.5

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Rotate a random part of the images, with bilinear interpolation."""
        n, _, height, width = images.shape
        chosen = _chosen(n, self.p, generator)
        angle = torch.deg2rad((2 * torch.rand(n, generator=generator) - 1) * self.max_degrees * chosen)
        cos, sin, zero = angle.cos(), angle.sin(), torch.zeros(n)
        # The grid runs from -1 to 1 along both sides: the ratio of the sides keeps angles true.
        rows = [torch.stack([cos, -sin * height / width, zero], 1), torch.stack([sin * width / height, cos, zero], 1)]
        matrix = torch.stack(rows, 1).to(images.device, images.dtype)
        grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
        transformed = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
        return torch.where(chosen.view(-1, 1, 1, 1).to(images.device), transformed, images)


@AUGMENTATIONS.register("box-blur")
@dataclass(frozen=True)
class BoxBlur(Augmentation):
    """The mean of a square window (Peng et al. 2018: "smoothing, maximum window size of 6"); the border is repeated.

    Args:
        max_kernel: the largest window, in pixels; its size is drawn from 2 to this.
        p: probability that an image is changed, 0 to 1.
    """

    max_kernel: int = 6
    p: float = 0.5

    def __post_init__(self) -> None:
        if self.max_kernel < 2:
            raise RecipeError(f"augmentation 'box-blur': max_kernel = {self.max_kernel}; use 2 pixels or more")

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Blur a random part of the images."""
        chosen = _chosen(len(images), self.p, generator)
        sizes = torch.randint(2, self.max_kernel + 1, (len(images),), generator=generator) * chosen
        smoothed = images.clone()
        for size in range(2, self.max_kernel + 1):
            own = torch.nonzero(sizes == size).flatten().to(images.device)
            if len(own):
                before, after = (size - 1) // 2, size // 2
                padded = F.pad(images[own], [before, after, before, after], mode="replicate")
                smoothed[own] = F.avg_pool2d(padded, size, stride=1)
        return smoothed


@dataclass(frozen=True)
class Crop:
    """Images cut to a smaller square: at random in training, always alike in testing.

    Peng et al. 2018 (CDE) cut 224x224 out of 240x240 at a corner drawn at random; what they do to test images is not
    said. Here it is the middle, or the mean answer of the four corners.

    Args:
        size: of the square, in pixels; 0 cuts nothing.
        train: `corners` draws one of the four corners; `anywhere` any position.
        test: `middle`, or `corners` for the mean probability of all four corners.
    """

    size: int = 0
    train: Literal["corners", "anywhere"] = "corners"
    test: Literal["middle", "corners"] = "middle"

    def training(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """(n, C, size, size), each image cut at its own position."""
        if not self.size:
            return images
        space = torch.tensor([side - self._fitting(side) for side in images.shape[2:]])
        if self.train == "corners":
            places = torch.randint(2, (len(images), 2), generator=generator) * space
        else:
            places = (torch.rand((len(images), 2), generator=generator) * (space + 1)).long()
        return torch.stack([self._cut(p, y, x) for p, (y, x) in zip(images, places.tolist(), strict=True)])

    def testing(self, images: Tensor) -> list[Tensor]:
        """The views whose answers are averaged, each (n, C, size, size)."""
        if not self.size:
            return [images]
        down, right = (side - self._fitting(side) for side in images.shape[2:])
        places = [(down // 2, right // 2)] if self.test == "middle" else [(0, 0), (0, right), (down, 0), (down, right)]
        return [self._cut(images, y, x) for y, x in places]

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one image (C, H, W), or of a sequence's (T, C, H, W), after it."""
        return (*shape[:-2], self.size, self.size) if self.size else shape

    def _cut(self, images: Tensor, y: int, x: int) -> Tensor:
        return images[..., y : y + self.size, x : x + self.size]

    def _fitting(self, side: int) -> int:
        if side < self.size:
            raise RecipeError(f"crop: size = {self.size}, but images have {side} pixels; make them larger")
        return self.size


def _chosen(n: int, p: float, generator: torch.Generator) -> Tensor:
    """(n,) bool: which images are changed."""
    return torch.rand(n, generator=generator) < p
