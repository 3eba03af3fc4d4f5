"""LEARNet, a lateral accretive hybrid network for dynamic images.

Verma, Vipparthi, Singh, Murala: LEARNet: Dynamic Imaging Network for Micro Expression Recognition, IEEE TIP 29, 2020.
Pairs of branches convolve side by side; in each pair the second adds the maps of the first to its own. The dynamic
image of a clip comes from the step `dynamic-image`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import NETWORKS, Architecture, Dropout, DropoutRate, Size, require_images
from .patches import PatchConv2d
from .vgg16 import Width, scaled

PAIRS = 2
"""Pairs of branches."""

HALVINGS = 5
"""Convolutions with a stride of 2, one after the other."""


@NETWORKS.register("learnet")
@dataclass(frozen=True)
class LEARNet(Architecture):
    """1 866 824 weights for 3 channels of 112x112 and 8 classes: counted from the layers of the authors' release.

    Every convolution has a stride of 2, rounded up, so that images of any size end in one pixel or more.

    Args:
        units: units of the dense layer before the classes.
        dropout: probability of dropout after that layer, 0 to below 1.
        width: factor of the numbers of maps and units; 1 as in the paper, smaller ones are for quick runs.
    """

    units: Size = 256
    dropout: DropoutRate = 0.5
    width: Width = 1.0

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); 112x112 in the paper.

        Raises:
            RecipeError: these are no images.
        """
        require_images(self.name, shape)
        return LateralBranches(self, shape, classes)


class LateralBranches(nn.Module):
    """A convolution, pairs of branches, a convolution of all of them, and dense layers."""

    def __init__(self, settings: LEARNet, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        first, second, third, last, units = (scaled(n, settings.width) for n in (16, 32, 64, 256, settings.units))
        self.conv = HalvingConv2d(shape[0], first, 3)
        self.pairs = nn.ModuleList(Pair(first, second, third) for _ in range(PAIRS))
        self.norm = nn.BatchNorm2d(2 * PAIRS * third)
        self.last = HalvingConv2d(2 * PAIRS * third, last, 3)
        height, width = (-(-side // 2**HALVINGS) for side in shape[1:])
        self.dense = nn.Linear(last * height * width, units)
        self.dropout = Dropout(settings.dropout)
        self.head = nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        x = F.relu(self.conv(x))
        x = self.norm(torch.cat([pair(x) for pair in self.pairs], dim=1))
        logits: Tensor = self.head(self.dropout(F.relu(self.dense(F.relu(self.last(x)).flatten(1)))))
        return logits


class Pair(nn.Module):
    """Two branches of 1x1, 3x3 and 5x5 convolutions; the second one accretes: it adds the maps of the first."""

    def __init__(self, first: int, second: int, third: int) -> None:
        super().__init__()
        self.plain = _branch(first, second, third)
        self.accretive = _branch(first, second, third)
        self.norms = nn.ModuleList((nn.BatchNorm2d(first), nn.BatchNorm2d(second)))

    def forward(self, x: Tensor) -> Tensor:
        """Compute the last maps of both branches, (n, 2 third, H / 8, W / 8), of maps (n, first, H, W)."""
        plain, accreted = x, x
        for number, norm in enumerate(self.norms):
            plain = F.relu(self.plain[number](plain))
            accreted = norm(plain + F.relu(self.accretive[number](accreted)))
        return torch.cat([F.relu(self.plain[-1](plain)), F.relu(self.accretive[-1](accreted))], dim=1)


class HalvingConv2d(PatchConv2d):
    """A convolution with a stride of 2 and ceil(side / 2) outputs; where the border is odd its end has more, as in
    Keras."""

    def __init__(self, before: int, after: int, kernel: int) -> None:
        super().__init__(before, after, kernel, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Compute (n, after, H / 2, W / 2) of (n, before, H, W)."""
        borders: list[int] = []
        for side in (x.shape[3], x.shape[2]):
            border = max(0, 2 * (-(-side // 2) - 1) + self.kernel_size[0] - side)
            borders += [border // 2, border - border // 2]
        return super().forward(F.pad(x, borders))


def _branch(first: int, second: int, third: int) -> nn.ModuleList:
    return nn.ModuleList(
        (HalvingConv2d(first, first, 1), HalvingConv2d(first, second, 3), HalvingConv2d(second, third, 5))
    )
