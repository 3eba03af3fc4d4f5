"""A convolution that is trained as a product of matrices where its maps have few pixels."""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

PLACES = 4
"""Pixels of a map up to which the product is faster."""

CHANNELS = 64
"""Maps of the input from which on the product is faster."""


class PatchConv2d(nn.Conv2d):
    """A convolution; training multiplies all patches at once by the weights where maps are tiny and many, on a CPU.

    There the kernels of oneDNN, which go along the rows of an image, take longer: with 512 maps of 2x2 pixels and 32
    images 56 ms instead of 34 ms for a step, with 768 maps, 10 images and 1x1 weights 28 ms instead of 4 ms. Only
    rounding differs. It takes numbers as padding, and has no dilation or groups.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Compute (n, M, H, W) of (n, C, ...)."""
        if not self.training or x.device.type != "cpu" or self.in_channels < CHANNELS:
            return super().forward(x)
        padding = cast(tuple[int, int], self.padding)
        height, width = (
            (side + 2 * pad - size) // step + 1
            for side, pad, size, step in zip(x.shape[2:], padding, self.kernel_size, self.stride, strict=True)
        )
        if height * width > PLACES:
            return super().forward(x)
        patches = F.unfold(x, self.kernel_size, padding=padding, stride=self.stride)
        rows = patches.unflatten(1, (self.in_channels, -1)).permute(0, 3, 2, 1).flatten(2).flatten(0, 1)
        weights = self.weight.permute(0, 2, 3, 1).flatten(1)  # the same memory where channels are last
        return F.linear(rows, weights, self.bias).view(len(x), height, width, -1).permute(0, 3, 1, 2)
