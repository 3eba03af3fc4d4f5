"""HTNet, a hierarchical transformer on four regions of the flow.

Wang, Zhang, Luo, Sankaranarayana: HTNet for micro-expression recognition, 2023 (arXiv 2307.14637).
A square image of flow is made of four regions, around the eyes and the corners of the mouth. A transformer attends
within each block of an image of patches; an aggregation joins four blocks into one for the next level.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, Size
from .vgg16 import Width, scaled

DIMENSIONS = 256
"""Values of a token on the first level; each level doubles them, and the heads."""

MLP = 4
"""Factor from the values of a token to the units between the two dense layers after an attention."""

Place = Annotated[float, Field(ge=0.25, le=0.75)]
"""A coordinate of the center of a region, as a fraction of the side of the image."""


@NETWORKS.register("htnet")
@dataclass(frozen=True)
class HTNet(Architecture):
    """139 582 982 weights for 3 channels of 28x28 and 3 classes: counted from the layers of the authors' release.

    At the sizes of that release every block is a single patch of 7x7 pixels on each of the three levels. Attention
    to one token changes nothing, so that its queries and keys never learn, and patches meet in the aggregations only.
    With two levels, `repeats = [2, 10]`, a block has four patches.

    Args:
        centers: x and y of the middle of the left eye's, the right eye's, the left and the right corner of the mouth's
            region, as fractions of the sides of the image; a region is half as wide and half as high as the image. The
            default, its four quarters, crops nothing: the release of MEGC 2019 has no landmarks. The authors crop
            around the points of a face detector, and around (0.32, 0.39), (0.75, 0.36), (0.36, 0.75), (0.71, 0.75)
            where it finds none.
        patches: patches along each side of the image; a multiple of the blocks of the first level.
        repeats: transformers of each level, one after the other. The first level has 2 ** (levels - 1) blocks along
            each side, the last one has one.
        heads: heads of an attention on the first level.
        width: factor of the values of a token; 1 as in the paper, smaller ones are for quick runs.
    """

    centers: Annotated[tuple[tuple[Place, Place], ...], Field(min_length=4, max_length=4)] = (
        (0.25, 0.25),
        (0.75, 0.25),
        (0.25, 0.75),
        (0.75, 0.75),
    )
    patches: Size = 4
    repeats: Annotated[tuple[Size, ...], Field(min_length=1)] = (2, 2, 10)
    heads: Size = 3
    width: Width = 1.0

    def __post_init__(self) -> None:
        blocks = 2 ** (len(self.repeats) - 1)
        if self.patches % blocks:
            raise RecipeError(
                f"network '{self.name}': patches = {self.patches} are not a multiple of the {blocks} blocks of the "
                f"first of {len(self.repeats)} levels"
            )
        if scaled(DIMENSIONS, self.width) < self.heads:
            raise RecipeError(
                f"network '{self.name}': width = {self.width} leaves {scaled(DIMENSIONS, self.width)} values for "
                f"{self.heads} heads; use one for each head or more"
            )

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); 28x28 in the paper.

        Raises:
            RecipeError: these are no images, or their sides cannot be divided into patches and halves.
        """
        if len(shape) != 3 or any(side % self.patches or side % 2 for side in shape[1:]):
            raise RecipeError(
                f"htnet takes images whose sides are even and multiples of {self.patches} patches (28x28 in the "
                f"paper); got {shape}"
            )
        return RegionTransformer(self, shape, classes)


class RegionTransformer(nn.Module):
    """Patches of four regions, levels of transformers with aggregations between them, the mean token, and the head."""

    def __init__(self, settings: HTNet, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.centers, self.patches = settings.centers, settings.patches
        levels = len(settings.repeats)
        dims = [scaled(DIMENSIONS, settings.width) * 2**level for level in range(levels)]
        pixels = (shape[1] // self.patches) * (shape[2] // self.patches)
        self.embedding = nn.Linear(shape[0] * pixels, dims[0])
        tokens = (self.patches // 2 ** (levels - 1)) ** 2  # of a block, on every level
        self.levels = nn.ModuleList(
            Level(2 ** (levels - 1 - level), tokens, dim, settings.heads * 2**level, settings.repeats[level])
            for level, dim in enumerate(dims)
        )
        self.aggregations = nn.ModuleList(Aggregation(before, after) for before, after in pairwise(dims))
        self.norm = nn.LayerNorm(dims[-1])
        self.head = nn.Linear(dims[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        x = self.embedding(_patches(_regions(x, self.centers), self.patches))
        for level, aggregation in zip(self.levels, [*self.aggregations, nn.Identity()], strict=True):
            x = aggregation(level(x))
        logits: Tensor = self.head(self.norm(x).mean(dim=(1, 2)))
        return logits


class Level(nn.Module):
    """Transformers that attend within each block of an image of tokens, whose places have a learned number each."""

    def __init__(self, blocks: int, tokens: int, dim: int, heads: int, repeats: int) -> None:
        super().__init__()
        self.blocks = blocks
        self.places = nn.Parameter(torch.randn(tokens, 1))
        self.transformers = nn.Sequential(*(Transformer(dim, heads) for _ in range(repeats)))

    def forward(self, x: Tensor) -> Tensor:
        """Compute tokens (n, P, P, D) of tokens (n, P, P, D)."""
        n, side, _, dim = x.shape
        blocks, inner = self.blocks, side // self.blocks
        x = x.reshape(n, blocks, inner, blocks, inner, dim).transpose(2, 3)
        x = self.transformers(x.reshape(n * blocks**2, inner**2, dim) + self.places)
        return x.reshape(n, blocks, blocks, inner, inner, dim).transpose(2, 3).reshape(n, side, side, dim)


class Transformer(nn.Module):
    """Attention and two dense layers, each after a normalization and beside a shortcut."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, inner = heads, dim // heads * heads
        self.norm1 = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * inner, bias=False)
        self.project = nn.Linear(inner, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, MLP * dim), nn.GELU(), nn.Linear(MLP * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Compute tokens (n, T, D) of tokens (n, T, D)."""
        n, tokens, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, -1)
        x = x + self.project(attended)
        return x + self.mlp(self.norm2(x))


class Aggregation(nn.Module):
    """A convolution over the borders of blocks, a normalization, and a pooling that joins four blocks into one."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)
        self.norm = nn.LayerNorm(after)

    def forward(self, x: Tensor) -> Tensor:
        """Compute tokens (n, P / 2, P / 2, after) of tokens (n, P, P, before)."""
        x = self.norm(self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        return F.max_pool2d(x.permute(0, 3, 1, 2), 3, stride=2, padding=1).permute(0, 2, 3, 1)


def _regions(x: Tensor, centers: tuple[tuple[float, float], ...]) -> Tensor:
    """Images (n, C, H, W) of the regions (H / 2, W / 2) around four centers: eyes above, corners of the mouth below."""
    height, width = x.shape[2] // 2, x.shape[3] // 2
    corners = [(round(x.shape[2] * (v - 0.25)), round(x.shape[3] * (u - 0.25))) for u, v in centers]
    parts = [x[:, :, top : top + height, left : left + width] for top, left in corners]
    return torch.cat([torch.cat(parts[:2], dim=3), torch.cat(parts[2:], dim=3)], dim=2)


def _patches(x: Tensor, patches: int) -> Tensor:
    """The pixels of each patch: (n, P, P, h w C) of images (n, C, P h, P w)."""
    n, channels, height, width = x.shape
    x = x.reshape(n, channels, patches, height // patches, patches, width // patches)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(n, patches, patches, -1)
