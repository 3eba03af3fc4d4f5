"""CapsuleNet: a part of ResNet18, and capsules with routing by agreement.

Van Quang, Chun, Tokuyama: CapsuleNet for Micro-Expression Recognition, FG 2019. The capsules are those of Sabour,
Frosst, Hinton: Dynamic Routing Between Capsules, NIPS 2017: the length of a class's capsule says how much of the class
is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from .alexnet import Divide
from .base import NETWORKS, Architecture, Size, require_divisor, require_images
from .resnet import BasicBlock
from .vgg16 import Width, scaled

MAPS = (64, 128, 256)
"""Numbers of maps of the three stages of ResNet18."""

VALUES, CLASS_VALUES = 8, 16
"""Values of a primary capsule, and of the capsule of a class."""

SMALLEST = 16
"""Side in pixels of the smallest images: three halvings leave maps of two."""

Length = Annotated[float, Field(ge=0, le=1)]
"""Length of a capsule, 0 to 1."""


@NETWORKS.register("capsulenet")
@dataclass(frozen=True)
class CapsuleNet(Architecture):
    """13 842 496 weights for 3 channels of 224x224 and 3 classes: counted from the layers of the authors' release.

    ResNet18 without its first pooling and its last stage, two convolutions, a capsule for each class. Its loss is the
    margin loss: a length should exceed `present` if the clip has the class, and fall below `absent` otherwise. The
    probability of a class is the share of its length in the sum of all lengths, which the paper does not need.

    Both convolutions are 9x9 as in the paper where its images of 224x224 leave maps of 28x28. Smaller images have
    smaller kernels, in the same proportion to the maps.

    Args:
        capsules: primary capsules at each place.
        routings: rounds of routing, 1 or more; gradients flow through the last one only.
        present: the margin m+ of the loss.
        absent: the margin m- of the loss.
        absent_weight: weight of the classes that a clip does not have, 0 or more.
        width: factor of the numbers of maps; published weights fit 1 only.
        divide: divides the pixels before the first layer, not 0; 255 for bytes.
    """

    capsules: Size = 32
    routings: Size = 3
    present: Length = 0.99
    absent: Length = 0.01
    absent_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5
    width: Width = 1.0
    divide: float = 1.0

    def __post_init__(self) -> None:
        require_divisor(self.name, self.divide)

    @property
    def pretrained(self) -> dict[str, Any]:
        """Table of ResNet18, whose weights on ImageNet the paper begins with."""
        return {"name": "resnet18"}

    def adapted(self, weights: Mapping[str, Tensor], module: nn.Module) -> Mapping[str, Tensor]:
        """Weights of a ResNet18 as those of its part; the other layers keep what they have."""
        own = module.state_dict()
        if "fc.weight" not in weights:
            return weights
        return own | {f"front.{name}": tensor for name, tensor in weights.items() if f"front.{name}" in own}

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); 224x224 in the paper.

        Raises:
            RecipeError: these are no images, or too small ones.
        """
        require_images(self.name, shape, SMALLEST)
        return Capsules(self, shape, classes)

    def loss(self, logits: Tensor, targets: Tensor, class_weights: Tensor | None = None) -> Tensor:
        """Compute the margin loss of logarithms of lengths."""
        lengths, has = logits.exp(), F.one_hot(targets, logits.shape[1])
        short, long = (self.present - lengths).clamp(min=0), (lengths - self.absent).clamp(min=0)
        losses = (has * short.square() + self.absent_weight * (1 - has) * long.square()).sum(1)
        if class_weights is None:
            return losses.mean()
        weights = class_weights[targets]
        return (weights * losses).sum() / weights.sum()


class Capsules(nn.Module):
    """A part of ResNet18, a convolution, primary capsules, and the capsules of the classes."""

    def __init__(self, settings: CapsuleNet, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        maps = [scaled(number, settings.width) for number in MAPS]
        kernel, (height, width) = _kernel(shape), (_halved(side) for side in shape[1:])
        self.divide = Divide(settings.divide)
        self.front = Front(shape[0], maps)
        self.conv = nn.Conv2d(maps[-1], maps[-1], kernel)
        self.primary = nn.Conv2d(maps[-1], settings.capsules * VALUES, kernel, stride=2)
        places = [(side - 2 * kernel + 1) // 2 + 1 for side in (height, width)]
        self.head = ClassCapsules(settings.capsules * places[0] * places[1], classes, settings.routings)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logarithm of the length of each class's capsule (n, classes) of images (n, C, H, W)."""
        x = self.primary(F.relu(self.conv(self.front(self.divide(x)))))
        logits: Tensor = self.head(_squash(x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, VALUES)))
        return logits


class Front(nn.Module):
    """First convolution and three stages of ResNet18, with its parameter names; nothing is pooled."""

    def __init__(self, channels: int, maps: list[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, maps[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(maps[0])
        stages = zip((maps[0], *maps), maps, (1, 2, 2), strict=False)
        for number, (before, after, stride) in enumerate(stages, 1):
            first, second = BasicBlock(before, after, stride, False), BasicBlock(after, after, 1, False)
            self.add_module(f"layer{number}", nn.Sequential(first, second))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Compute maps (n, M, H / 8, W / 8) of images (n, C, H, W)."""
        x = F.relu(self.bn1(self.conv1(x)))
        for number in range(1, len(MAPS) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return x


class ClassCapsules(nn.Module):
    """A capsule for each class: what all primary capsules predict of it, weighted by how well they agree with it."""

    def __init__(self, capsules: int, classes: int, routings: int) -> None:
        super().__init__()
        self.routings = routings
        self.weight = nn.Parameter(0.01 * torch.randn(classes, capsules, CLASS_VALUES, VALUES))

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logarithms of the lengths (n, classes) of primary capsules (n, P, 8)."""
        predicted = torch.einsum("kpij,npj->nkpi", self.weight, x)
        fixed = predicted.detach()
        agreement = torch.zeros_like(fixed[..., 0])
        for _ in range(self.routings - 1):
            capsules = _squash((agreement.softmax(1)[..., None] * fixed).sum(2))
            agreement = agreement + torch.einsum("nkpi,nki->nkp", fixed, capsules)
        squared = (agreement.softmax(1)[..., None] * predicted).sum(2).square().sum(2).clamp(min=1e-12)
        return squared.log() - squared.log1p()  # of |s|^2 / (1 + |s|^2), the length of what `_squash` makes of s


def _squash(x: Tensor) -> Tensor:
    """Vectors (..., V) in the same direction whose lengths are below 1."""
    squared = x.square().sum(-1, keepdim=True)
    return x * squared / (1 + squared) * (squared + 1e-12).rsqrt()


def _halved(side: int) -> int:
    """Height or width after the three strides of 2."""
    return -(-side // 8)


def _kernel(shape: tuple[int, ...]) -> int:
    """Side of the kernels: 9 where the maps have 28 pixels or more, less in proportion where they have fewer."""
    return max(1, min(9, round(min(_halved(side) for side in shape[1:]) * 9 / 28)))
