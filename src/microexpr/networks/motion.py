"""A small network for flow fields, which keeps where in the face the motion is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..synthetic.motion.encoding import Encoding
from .base import NETWORKS, Architecture, Dropout, DropoutRate, require_images


@NETWORKS.register("motion")
@dataclass(frozen=True)
class Motion(Architecture):
    """About 93 000 weights for 3 channels of 28x28; for onset-to-apex flow and its strain.

    Args:
        dropout: probability of dropout before the last layer, 0 to below 1.
    """

    dropout: DropoutRate = 0.0

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W)."""
        require_images(self.name, shape, 8, "28x28 usually")
        return MotionNetwork(shape, classes, self.dropout)


class MotionNetwork(nn.Module):
    """Three convolutions of 24, 40 and 64 maps, a layer of 96 units over all places, and the head."""

    def __init__(self, shape: tuple[int, ...], classes: int, dropout: float) -> None:
        super().__init__()
        channels, height, width = shape
        self.conv1, self.bn1 = nn.Conv2d(channels, 24, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(24)
        self.conv2, self.bn2 = nn.Conv2d(24, 40, 3, padding=1, bias=False), nn.BatchNorm2d(40)
        self.conv3, self.bn3 = nn.Conv2d(40, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)
        places = ((height + 1) // 2 // 4) * ((width + 1) // 2 // 4)
        self.places = nn.Linear(64 * places, 96)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(96, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        logits: Tensor = self.head(self.dropout(F.relu(self.places(self.maps(x).flatten(1)))))
        return logits

    def maps(self, x: Tensor) -> Tensor:
        """Compute the last maps (n, 64, H / 8, W / 8) of images (n, C, H, W)."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        maps: Tensor = F.max_pool2d(F.relu(self.bn3(self.conv3(x))), 2)
        return maps


def motion_inputs(images: np.ndarray, encoding: Encoding) -> Tensor:
    """Turn images of flow and strain into inputs whose zero and size do not depend on how they were written down.

    The motion of most of a face is that of the head: the median is taken for zero. Then each image is divided by its
    root mean square, u and v each by their own where they were stretched, as their proportion is lost there.

    Args:
        images: (n, H, W, 3) u, v and strain, uint8 or float32.
        encoding: how they are written down.

    Returns:
        (n, 3, H, W) float32.
    """
    x = torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 1))).float()
    flow, strain = x[:, :2], x[:, 2:]
    flow = flow - flow.flatten(2).median(dim=2).values[..., None, None]
    axes = (2, 3) if encoding == "stretched" else (1, 2, 3)
    flow = flow / (flow.square().mean(dim=axes, keepdim=True).sqrt() + 1e-6)
    strain = strain.clamp(min=0)  # there is no negative strain; a damaged file may have it
    strain = (strain / (strain.mean(dim=(2, 3), keepdim=True) + 1e-6)).sqrt() - 1
    return torch.cat([flow, strain], dim=1).clamp(-5, 5)
