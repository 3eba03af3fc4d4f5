"""Step `network-features`: values of a layer of a trained network.

Donahue et al.: DeCAF: A Deep Convolutional Activation Feature for Generic Visual Recognition, ICML 2014.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..core.clip import Sample
from ..core.errors import RecipeError
from .base import STEPS, Step

if TYPE_CHECKING:
    from ..networks.layer_features import TrainedNetwork


@STEPS.register("network-features")
@dataclass(frozen=True)
class NetworkFeatures(Step):
    """`features` float32: values of a layer of a trained network, (length,) of an image or (T, length) of `frames`.

    Gray levels are brought into the form that published weights, or weights of `microexpr pretrain`, take. A saved
    recognizer takes the array as it is: the steps before must be those of its own chain. It is computed on the CPU, so
    that every machine stores the same.

    Args:
        weights: name of weights (see `microexpr weights list`), or the file of weights or of a saved recognizer whose
            network is used. "" draws random weights: a stand-in to try a recipe on a machine without its weights, of
            which the note `weights` and every report tell.
        network: table of the network; empty for the one that the weights name.
        layer: name of the module of the network whose output is taken, e.g. `block512`; `pooled` for what enters the
            last layer.
        average: average maps over the place; flattened if not.
        array: name of the array that it reads, `frames` (T, height, width, 3) or `image` (height, width, C).
        channels: order of the color channels of that array.
        keep: whether the array that it reads is kept, for other steps or a recognizer.
        seed: of random weights.
    """

    weights: str = "resnet10-imagenet"
    network: dict[str, Any] = field(default_factory=dict)
    layer: str = "pooled"
    average: bool = True
    array: str = "frames"
    channels: Literal["rgb", "bgr"] = "rgb"
    keep: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        from ..networks import NETWORKS

        if self.network:
            NETWORKS.build(self.network)  # a misspelled setting is found before any work is done
        elif not self.weights:
            raise RecipeError("step 'network-features': weights = '' needs network = {name = '...'}")

    def inputs(self) -> str:
        """Fingerprint of the file of the weights.

        Raises:
            MissingDataError: the weights are not on this machine; the message says how to get them.
        """
        from ..networks.layer_features import weights_digest

        return weights_digest(self.weights)

    @property
    def warning(self) -> str:
        """That the weights are random, where they are."""
        if self.weights:
            return ""
        return (
            f"RANDOM WEIGHTS: the step network-features computes features by a '{self.network['name']}' that was never "
            "trained; the scores say nothing about features of a trained network."
        )

    def __call__(self, sample: Sample) -> Sample:
        """Adds `features`.

        Raises:
            RecipeError: the array is neither images nor an image, or the network does not take it.
            DataError: the weights do not fit the network.
        """
        from ..networks.layer_features import layer_features

        values = sample.array(self.array)
        if values.ndim not in (3, 4):
            raise RecipeError(f"step 'network-features': '{self.array}' is {values.shape}, neither an image nor frames")
        images = values if values.ndim == 4 else values[None]
        digest = self.inputs()
        images = _opened(self, digest).input.apply(images, self.channels)
        module = _built(self, (images.shape[3], *images.shape[1:3]), digest)
        found = layer_features(module, self.layer, images, average=self.average)
        features = found if values.ndim == 4 else found[0]
        rest = {name: array for name, array in sample.arrays.items() if self.keep or name != self.array}
        return dataclasses.replace(sample, arrays={**rest, "features": np.ascontiguousarray(features)}).with_note(
            "weights", self.weights or "random"
        )

    def __hash__(self) -> int:
        return hash(repr(self))


@functools.lru_cache(maxsize=2)
def _opened(step: NetworkFeatures, digest: str) -> TrainedNetwork:
    """The network of a step and its weights; `digest` is theirs."""
    from ..networks.layer_features import TrainedNetwork

    return TrainedNetwork.open(step.weights, step.network)


@functools.lru_cache(maxsize=2)
def _built(step: NetworkFeatures, shape: tuple[int, ...], digest: str) -> Any:
    """The module of a step for images of a shape (C, H, W)."""
    return _opened(step, digest).build(shape, step.seed)
