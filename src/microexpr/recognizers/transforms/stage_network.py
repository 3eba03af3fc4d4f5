"""Features of the network that the stage before trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ...core.errors import RecipeError
from ...networks import NETWORKS
from ...networks.layer_features import POOLED, InputFormat, TrainedNetwork, layer_features
from ..base import Settings, State
from .base import TRANSFORMS, Training, Transform


@TRANSFORMS.register("stage-network")
@dataclass
class StageNetwork(Transform):
    """Values of a layer of the network that the stage before trained, (length,) of an image or (T, length) of frames.

    Nothing is learned from the clips of the fold; it is no step of the chain because a chain is computed before any
    stage is trained. The array must be made by the steps of that stage.

    Args:
        network: table of the network, as in the stage before.
        layer: name of the module of the network whose output is taken, e.g. `block512`; `pooled` for what enters the
            last layer.
        average: average maps over the place; flattened if not.
    """

    network: Settings = field(default_factory=lambda: {"name": "resnet10"})
    layer: str = POOLED
    average: bool = True

    def __post_init__(self) -> None:
        NETWORKS.build(self.network)  # a misspelled setting is found before any work is done

    def _fit(self, training: Training) -> None:
        if training.init is None:
            raise RecipeError(
                f"transform '{self.name}': no stage before this one has trained a network; add one, or take the step "
                "'network-features' for weights in a file"
            )
        self._restore(training.init)

    def _transform(self, array: np.ndarray) -> np.ndarray:
        images = array if array.ndim == 4 else array[None]
        shape = (images.shape[-1], *images.shape[1:-1])
        if shape != self.shape_:
            raise RecipeError(
                f"transform '{self.name}': '{self.array}' is {shape}, the stage before was trained on {self.shape_}"
            )
        found = layer_features(self.module_, self.layer, images.astype(np.float32), average=self.average)
        return found if array.ndim == 4 else found[0]

    def state(self) -> State:
        """Return the weights of the network."""
        return self.weights_

    def _restore(self, state: State) -> None:
        own = {name for name in state if name.startswith("_")}
        if own != {"_shape"}:
            what = "its images are divided by scales (normalize = true)" if "_shape" in own else "it was no network"
            raise RecipeError(f"transform '{self.name}' cannot use the stage before: {what}")
        self.weights_: dict[str, Any] = dict(state)
        self.shape_ = tuple(int(n) for n in state["_shape"])
        weights = {name: torch.from_numpy(np.array(array)) for name, array in state.items() if name not in own}
        network = TrainedNetwork(NETWORKS.build(self.network), weights, InputFormat(), "the stage before")
        self.module_ = network.build(self.shape_)
