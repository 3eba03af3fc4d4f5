"""AlexNet on single images, and on the frames of a sequence with an LSTM over them (TLCNN).

Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012.
Wang, Li, Liu, Yan, Ou, Huang, Xu, Fu: Micro-expression recognition with small sample size by transferring long-term
convolutional neural network, Neurocomputing 312, 2018: a CNN like AlexNet learns macro-expressions, then single
frames of micro-expressions, then an LSTM on its features learns their sequences. The text at hand does not give its
layers.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from .base import NETWORKS, Architecture, Dropout, DropoutRate, Size, require_divisor, require_images, require_sequences
from .frame_features import LstmHead, features_of_frames
from .vgg16 import Width, scaled

UNITS = 4096
"""Units of the dense layers fc6 and fc7."""

SMALLEST = 63
"""Side in pixels of the smallest images: three poolings leave one pixel."""


@NETWORKS.register("alexnet")
@dataclass(frozen=True)
class AlexNet(Architecture):
    """62 378 344 weights for 3 channels, 224x224 pixels and 1000 classes: one tower, without local response
    normalization.

    Args:
        width: factor of all numbers of maps and units; 1 as published, smaller ones are for quick runs.
        dropout: probability of dropout after fc6 and fc7, 0 to below 1.
        divide: divides the pixels before the first layer, not 0; 255 for bytes.
    """

    width: Width = 1.0
    dropout: DropoutRate = 0.5
    divide: float = 1.0

    def __post_init__(self) -> None:
        require_divisor(self.name, self.divide)

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (C, H, W); 224x224 in the paper.

        Raises:
            RecipeError: these are no images, or too small ones.
        """
        require_images(self.name, shape, SMALLEST)
        return Images(self, shape, classes)


@NETWORKS.register("alexnet-lstm")
@dataclass(frozen=True)
class AlexNetLstm(AlexNet):
    """The same layers up to fc7 on each frame, an LSTM, and one dense layer; weights of `alexnet` fit all but the head.

    Args:
        units: units of the LSTM; the text at hand does not give them.
    """

    frame_by_frame = True

    units: Size = 256

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (T, C, H, W); T does not matter.

        Raises:
            RecipeError: these are no sequences, or their images are too small.
        """
        require_sequences(self.name, shape, SMALLEST)
        return Sequences(self, shape[1:], classes)


class Images(nn.Module):
    """The layers up to fc7, and a dense layer."""

    def __init__(self, settings: AlexNet, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.frame = _layers(settings, shape)
        self.fc = nn.Linear(scaled(UNITS, settings.width), classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute logits (n, classes) of images (n, C, H, W)."""
        logits: Tensor = self.fc(self.frame(x))
        return logits


class Sequences(nn.Module):
    """The layers up to fc7 on each frame, and an LSTM over the frames."""

    def __init__(self, settings: AlexNetLstm, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.frame = _layers(settings, shape)
        units = scaled(settings.units, settings.width)
        self.head = LstmHead(scaled(UNITS, settings.width), units, (), classes, 0.0)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Compute logits (n, classes) of sequences (n, T, C, H, W) with the given lengths (n,)."""
        return self.head(features_of_frames(self.frame, x, lengths), lengths)


class Divide(nn.Module):
    """Divides its input by a number."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def extra_repr(self) -> str:
        """The number: what was computed with another one is another cached feature."""
        return str(self.by)

    def forward(self, x: Tensor) -> Tensor:
        """Divide a tensor."""
        return x / self.by


def _layers(settings: AlexNet, shape: tuple[int, ...]) -> nn.Sequential:
    maps = [scaled(number, settings.width) for number in (96, 256, 384, 384, 256)]
    units = scaled(UNITS, settings.width)
    pixels = _pooled(shape[1]) * _pooled(shape[2])
    return nn.Sequential(
        OrderedDict(
            divide=Divide(settings.divide),
            conv1=nn.Conv2d(shape[0], maps[0], 11, stride=4, padding=2),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(3, stride=2),
            conv2=nn.Conv2d(maps[0], maps[1], 5, padding=2),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(3, stride=2),
            conv3=nn.Conv2d(maps[1], maps[2], 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(maps[2], maps[3], 3, padding=1),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(maps[3], maps[4], 3, padding=1),
            relu5=nn.ReLU(),
            pool5=nn.MaxPool2d(3, stride=2),
            flat=nn.Flatten(),
            fc6=nn.Linear(maps[4] * pixels, units),
            relu6=nn.ReLU(),
            dropout6=Dropout(settings.dropout),
            fc7=nn.Linear(units, units),
            relu7=nn.ReLU(),
            dropout7=Dropout(settings.dropout),
        )
    )


def _pooled(side: int) -> int:
    """Height or width after the first convolution and three poolings."""
    side = (side - 7) // 4 + 1
    for _ in range(3):
        side = (side - 1) // 2
    return side
