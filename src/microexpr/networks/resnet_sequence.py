"""A pretrained image network on every frame of a sequence, and pooling over time.

Devanaboyina 2021 announces it as next: "the transfer learning method could be used on the original sequences by taking
a time series input in the transfer learning model". It does not say how time enters: here, the features of the frames
are pooled before the head of its Figure 12, by their mean, their maximum, or an LSTM as in its methods 1 to 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

from ..core.errors import RecipeError
from .base import NETWORKS, Architecture, DropoutRate, Size, head_of
from .devanaboyina import dense_head, figure_12_pooling
from .pretrained import PretrainedWeights, published_for

Backbone = Literal["resnet10", "resnet10t", "resnet18", "resnet50", "resnet50-keras"]


@NETWORKS.register("resnet-sequence")
@dataclass(frozen=True)
class ResNetSequence(Architecture):
    """A ResNet on each frame, pooling over time, and the head of Figure 12; clips may have any length.

    With one frame, `mean` and `max` compute what `resnet50-dense` computes of a picture. The names of the weights are
    the same, so that published weights of the ResNet fit, and those of a picture network that was trained before.
    Batch normalization always uses its running means, so that the features of a frame depend on no other frame.

    Args:
        backbone: name of the image network.
        pooling: how features are pooled over the frames of a clip: `mean`, `max`, or `lstm`, the maximum over time of
            the outputs of an LSTM (at the last frame, which is their usual choice, a face is neutral again).
        units: number of units of the LSTM, 1 or more.
        dense: number of units of each dense layer before the last.
        dropout: probability of dropout after each of these layers, 0 to below 1; the paper does not give it.
        gray_levels: frames are photographs, RGB from 0 to 255, which become what the published weights of the backbone
            take (order of the channels, mean and standard deviation); otherwise frames are taken as they are.
        frame_chunk: number of frames that go through the backbone at a time, 1 or more; where it is trained, its
            activations are computed again in the backward pass instead of being stored.
    """

    backbone: Backbone = "resnet50"
    pooling: Literal["mean", "max", "lstm"] = "lstm"
    units: Size = 64
    dense: tuple[Size, ...] = (128, 64)
    dropout: DropoutRate = 0.5
    gray_levels: bool = False
    frame_chunk: Annotated[int, Field(ge=1)] = 16

    frame_by_frame = True

    @property
    def pretrained(self) -> dict[str, Any]:
        """Table of the backbone."""
        return {"name": self.backbone}

    def build(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """Build the module for (T, C, H, W); T does not matter.

        Raises:
            RecipeError: the inputs are not sequences, their images are below 32x32 pixels, or `gray_levels` is set and
                they have not three channels.
        """
        if len(shape) != 4:
            raise RecipeError(f"{self.name} takes sequences (frames, height, width, channels); got images {shape}")
        if self.gray_levels and shape[1] != 3:
            raise RecipeError(f"{self.name} with gray_levels = true takes RGB frames; got {shape[1]} channels")
        picture = NETWORKS.build(self.pretrained).build(shape[1:], classes)
        return FramesThenPooling(picture, self, classes)


class FramesThenPooling(nn.Module):
    """The layers of an image network under their own names, and a head that pools over time.

    Args:
        picture: the image network, which has `maps`; its head is removed.
        settings: settings of the layers.
        classes: number of logits.
    """

    def __init__(self, picture: nn.Module, settings: ResNetSequence, classes: int) -> None:
        super().__init__()
        self.settings = settings
        old, layer = head_of(picture)
        assert isinstance(layer, nn.Linear)
        setattr(picture, old, nn.Identity())
        fix_norms(picture)
        self.input = InputFormat(published_for(settings.backbone)) if settings.gray_levels else nn.Identity()
        for name, part in picture.named_children():
            if name != old:
                self.add_module(name, part)
        self._maps: Callable[[Tensor], Tensor] = picture.maps  # type: ignore[assignment]
        self.head = PooledHead(layer.in_features, settings, classes)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Compute logits (n, classes) of sequences (n, T, C, H, W) with the given lengths (n,)."""
        is_frame = (torch.arange(x.shape[1]).expand(len(x), -1) < lengths[:, None].cpu()).to(x.device)
        clips, times = is_frame.nonzero(as_tuple=True)
        size = self.settings.frame_chunk
        parts = [self._part(x, *part) for part in zip(clips.split(size), times.split(size), strict=True)]
        found = torch.cat(parts).float()
        features = found.new_zeros((*is_frame.shape, found.shape[1]))
        features[is_frame] = found
        logits: Tensor = self.head(features, lengths)
        return logits

    def _part(self, x: Tensor, clips: Tensor, times: Tensor) -> Tensor:
        """Features (N, values) of some frames; nothing of the backbone is random: computing it twice is the same."""
        if torch.is_grad_enabled() and any(p.requires_grad for part in self._backbone() for p in part.parameters()):
            features: Tensor = checkpoint(self._features, x, clips, times, use_reentrant=False)
            return features
        return self._features(x, clips, times)

    def _backbone(self) -> list[nn.Module]:
        return [part for part in self.children() if part is not self.head]

    def _features(self, x: Tensor, clips: Tensor, times: Tensor) -> Tensor:
        return figure_12_pooling(self._maps(self.input(x[clips, times])))


class PooledHead(nn.Module):
    """Pools the features of the frames of each clip, and computes its logits by dense layers.

    Args:
        width: number of features of a frame.
        settings: settings of the layers.
        classes: number of logits.
    """

    def __init__(self, width: int, settings: ResNetSequence, classes: int) -> None:
        super().__init__()
        self.pooling = settings.pooling
        if self.pooling == "lstm":
            self.time = nn.LSTM(width, settings.units, batch_first=True)
            width = settings.units
        dense = dense_head(width, settings.dense, classes, settings.dropout)
        self._dense = [name for name, _ in dense.named_children()]
        for name, layer in dense.named_children():
            self.add_module(name, layer)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Compute logits (n, classes) of features (n, T, values); those after the end of a clip are not read."""
        with torch.autocast(features.device.type, enabled=False):
            x = self._pooled(features, lengths)
            for name in self._dense:
                x = self.get_submodule(name)(x)
            return x

    def _pooled(self, features: Tensor, lengths: Tensor) -> Tensor:
        if self.pooling == "lstm":
            steps, _ = self.time(pack_padded_sequence(features, lengths.cpu(), batch_first=True, enforce_sorted=False))
            return pad_packed_sequence(steps, batch_first=True, padding_value=float("-inf"))[0].amax(1)
        is_frame = torch.arange(features.shape[1]).expand(len(features), -1) < lengths[:, None].cpu()
        padding = ~is_frame.to(features.device)[..., None]
        if self.pooling == "max":
            return features.masked_fill(padding, float("-inf")).amax(1)
        return features.masked_fill(padding, 0.0).sum(1) / lengths[:, None].to(features.device)


class InputFormat(nn.Module):
    """Turns RGB frames (n, 3, H, W) from 0 to 255 into what published weights take.

    Args:
        weights: their description; None for a network without any, which takes the frames as they are.
    """

    subtract: Tensor
    divide: Tensor

    def __init__(self, weights: PretrainedWeights | None) -> None:
        super().__init__()
        self.bgr = weights is not None and weights.channels == "bgr"
        mean, std, divide = (
            ((0.0,) * 3, (1.0,) * 3, 1.0) if weights is None else (weights.mean, weights.std, weights.divide)
        )
        self.register_buffer("subtract", torch.tensor(mean).view(-1, 1, 1) * divide, persistent=False)
        self.register_buffer("divide", torch.tensor(std).view(-1, 1, 1) * divide, persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Reorder and scale the channels."""
        return ((frames.flip(1) if self.bgr else frames) - self.subtract) / self.divide

    def extra_repr(self) -> str:
        """The format, which a fingerprint of the network includes."""
        return f"bgr={self.bgr}, subtract={self.subtract.flatten().tolist()}, divide={self.divide.flatten().tolist()}"


class FixedBatchNorm(nn.BatchNorm2d):
    """Batch normalization that always uses its running mean and variance, as in a network that is not trained."""

    def __init__(self, maps: int, eps: float) -> None:
        super().__init__(maps, eps)
        self.training = False

    def train(self, mode: bool = True) -> FixedBatchNorm:
        """Stay in evaluation mode."""
        super().train(False)
        return self


def fix_norms(module: nn.Module) -> None:
    """Replace every batch normalization of a module, in place, by one that uses its running means."""
    for name, layer in list(module.named_modules()):
        if isinstance(layer, nn.BatchNorm2d):
            module.set_submodule(name, FixedBatchNorm(layer.num_features, layer.eps))
