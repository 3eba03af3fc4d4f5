"""Random changes of training images, drawn for each image from a given generator.

Images are (n, C, H, W) float32 on any device; random numbers are drawn on the CPU, so that they are the same for every
device. All frames of a sequence are changed alike (`batches.Batch`). Recordings show no face upside down:
`vertical-flip` exists only because papers use it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ..core.errors import RecipeError
from ..core.registry import Registry

Probability = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Augmentation(ABC):
    """A random change of images that does not change their label."""

    name: ClassVar[str]

    @abstractmethod
    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return the changed images, of the same shape."""


AUGMENTATIONS: Registry[Augmentation] = Registry("augmentation", "microexpr.recognizers")


@dataclass(frozen=True)
class BinaryTransform(Augmentation):
    """A change that is applied to an image or not, so that there are two versions of each image."""

    p: Probability = 0.5
    negate: tuple[int, ...] = ()

    axis: ClassVar[int]

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Apply the change to a random part of the images."""
        chosen = self.chosen(len(images), generator)
        return torch.where(chosen.view(-1, 1, 1, 1).to(images.device), self.transformed(images), images)

    def chosen(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw which images are transformed: (n,) bool."""
        return _chosen(n, self.p, generator)

    def transformed(self, images: Tensor) -> Tensor:
        """Transform every image."""
        sign = torch.ones(images.shape[1], device=images.device)
        sign[list(self.negate)] = -1
        return images.flip(self.axis) * sign.view(1, -1, 1, 1)


@AUGMENTATIONS.register("horizontal-flip")
@dataclass(frozen=True)
class HorizontalFlip(BinaryTransform):
    """Mirror images from left to right; in a flow, u also changes its sign.

    Args:
        p: probability that an image is changed, 0 to 1.
        negate: channels to negate; (0,) for a flow whose first channel is u around zero, () for photographs.
    """

    axis = -1


@AUGMENTATIONS.register("vertical-flip")
@dataclass(frozen=True)
class VerticalFlip(BinaryTransform):
    """Turn images upside down (Devanaboyina 2021). On faces this may change the label: a smile looks like a frown.

    Args:
        p: probability that an image is changed, 0 to 1.
        negate: channels to negate; (1,) for a flow whose second channel is v around zero.
    """

    axis = -2


@AUGMENTATIONS.register("shift")
@dataclass(frozen=True)
class Shift(Augmentation):
    """Move images by a random number of whole pixels in both directions; the border is repeated.

    Args:
        max_pixels: the largest shift in either direction, in pixels, 0 or more.
    """

    max_pixels: Annotated[int, Field(ge=0)] = 2

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Move each image by a shift of its own."""
        n, _, height, width = images.shape
        padded = F.pad(images, [self.max_pixels] * 4, mode="replicate")
        corners = torch.randint(2 * self.max_pixels + 1, (n, 2), generator=generator).tolist()
        moved = [image[:, y : y + height, x : x + width] for image, (y, x) in zip(padded, corners, strict=True)]
        return torch.stack(moved)


@AUGMENTATIONS.register("color-shift")
@dataclass(frozen=True)
class ColorShift(Augmentation):
    """Add a constant to each channel (Peng et al. 2018: "color shift, maximum value of 20").

    The paper does not say whether all channels get the same constant; here each gets its own, and values stay between
    `low` and `high`.

    Args:
        max_shift: the largest shift, in gray levels, 0 or more.
        p: probability that an image is changed, 0 to 1.
        low: smallest value after the shift, in gray levels.
        high: largest value after the shift, in gray levels.
    """

    max_shift: Annotated[float, Field(ge=0)] = 20.0
    p: Probability = 0.5
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
    """Rotate images about their center (Peng et al. 2018: "maximum degree of 10"); the border is repeated.

    Args:
        max_degrees: the largest angle in either direction, in degrees, 0 or more.
        p: probability that an image is changed, 0 to 1.
    """

    max_degrees: Annotated[float, Field(ge=0)] = 10.0
    p: Probability = 0.5

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
    """Take the mean of a square window (Peng et al. 2018: "smoothing, maximum window size of 6").

    The border is repeated.

    Args:
        max_kernel: the largest side of the window, in pixels, 2 or more; the side is drawn from 2 to this.
        p: probability that an image is changed, 0 to 1.
    """

    max_kernel: Annotated[int, Field(ge=2)] = 6
    p: Probability = 0.5

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Blur a random part of the images."""
        chosen = _chosen(len(images), self.p, generator)
        sizes = torch.randint(2, self.max_kernel + 1, (len(images),), generator=generator) * chosen
        blurred = images.clone()
        for size in range(2, self.max_kernel + 1):
            positions = torch.nonzero(sizes == size).flatten().to(images.device)
            if len(positions):
                before, after = (size - 1) // 2, size // 2
                padded = F.pad(images[positions], [before, after, before, after], mode="replicate")
                blurred[positions] = F.avg_pool2d(padded, size, stride=1)
        return blurred


@dataclass(frozen=True)
class Crop:
    """Crop images to a smaller square: at random in training, at fixed positions in testing.

    Peng et al. 2018 (CDE) crop 224x224 out of 240x240 at a random corner, and do not say how test images are cropped.
    Here they are cropped in the middle, or the mean probability of the four corners is taken.

    Args:
        size: side of the square, in pixels; 0 does not crop.
        train: `corners` draws one of the four corners; `anywhere` any position.
        test: `middle`, or `corners` for the mean probability of all four corners.
    """

    size: Annotated[int, Field(ge=0)] = 0
    train: Literal["corners", "anywhere"] = "corners"
    test: Literal["middle", "corners"] = "middle"

    def training(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Crop each image at a random position of its own: (n, C, size, size)."""
        if not self.size:
            return images
        space = torch.tensor([self._margin(side) for side in images.shape[2:]])
        if self.train == "corners":
            positions = torch.randint(2, (len(images), 2), generator=generator) * space
        else:
            positions = (torch.rand((len(images), 2), generator=generator) * (space + 1)).long()
        return torch.stack([self._crop(image, y, x) for image, (y, x) in zip(images, positions.tolist(), strict=True)])

    def testing(self, images: Tensor) -> list[Tensor]:
        """The views whose probabilities are averaged, each (n, C, size, size)."""
        if not self.size:
            return [images]
        down, right = (self._margin(side) for side in images.shape[2:])
        positions = [(0, 0), (0, right), (down, 0), (down, right)]
        if self.test == "middle":
            positions = [(down // 2, right // 2)]
        return [self._crop(images, y, x) for y, x in positions]

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an image (C, H, W), or of a sequence (T, C, H, W), after the crop."""
        return (*shape[:-2], self.size, self.size) if self.size else shape

    def _crop(self, images: Tensor, y: int, x: int) -> Tensor:
        return images[..., y : y + self.size, x : x + self.size]

    def _margin(self, side: int) -> int:
        """Pixels by which a side is longer than the crop."""
        if side < self.size:
            raise RecipeError(f"crop: size = {self.size}, but images have {side} pixels; make them larger")
        return side - self.size


def _chosen(n: int, p: float, generator: torch.Generator) -> Tensor:
    """(n,) bool: which images are changed."""
    return torch.rand(n, generator=generator) < p
