"""A network with one sigmoid for each action unit and side, trained on the action units of clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ..core.action_units import ACTION_UNITS, are_action_units, face_probabilities, parse_action_units, side_array
from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.registry import validate_settings
from ..networks import NETWORKS
from ..networks.motion import motion_inputs
from ..networks.training import Optimizer, torch_threads
from ..networks.weights import load_weights
from ..synthetic.motion.encoding import Encoding
from ._classifier import build_module
from ._motion_training import UNITS, MotionObjective, mirrored, mirrored_outputs, train_on_motion
from .base import RECOGNIZERS, Settings, State, stack
from .epochs import TrainedInEpochs

MOST_WEIGHT = 10.0
"""Largest weight of the clips that show an action unit."""


@RECOGNIZERS.register("action-unit-network")
@dataclass
class ActionUnitNetwork(TrainedInEpochs):
    """One network for all action units on each side of the face: a sigmoid each, binary cross-entropy.

    It reads flow images of u, v and strain as `synthetic-motion` does, and mirrors half of them in training. Clips that
    show an action unit weigh more, the rarer it is, up to ten times.

    Args:
        encoding: how motion is written down: `stretched` to 0..255 as in the precomputed release, or in `pixels`.
        network: architecture and its settings, `{"name": ..., ...}`.
        optimizer: the gradient descent method: `name` (adam, adamw, sgd), `lr`, `momentum`, `weight_decay`.
        epochs: passes over the training clips, 1 or more; the last one counts.
        batch_size: clips per step, 2 or more.
        mixup: parameter of the mixing of pairs of clips; 0 mixes none.
        style: size of the random changes of gain, sharpness and strain in training; 0 for none.
        array: name of the array: (H, W, 3) images of u, v and strain.
        threads: CPU threads of torch.
    """

    encoding: Encoding = "stretched"
    network: Settings = field(default_factory=lambda: {"name": "motion", "dropout": 0.3})
    optimizer: Settings = field(default_factory=lambda: {"name": "adamw", "lr": 3e-3, "weight_decay": 0.01})
    epochs: Annotated[int, Field(ge=1)] = 60
    batch_size: Annotated[int, Field(ge=2)] = 32
    mixup: Annotated[float, Field(ge=0)] = 0.3
    style: Annotated[float, Field(ge=0)] = 1.0
    array: str = "image"
    threads: Annotated[int, Field(ge=1)] = 1

    def __post_init__(self) -> None:
        NETWORKS.build(self.network)  # a misspelled setting is found before any work is done
        validate_settings(Optimizer, self.optimizer, "optimizer")
        if self.classes and not are_action_units(self.classes):
            raise RecipeError(
                f"action-unit-network tells action units; {', '.join(self.classes)} are classes: use 'network'"
            )

    def _targets(self, labels: Sequence[str]) -> np.ndarray:
        """(n, 34) float32: action units by side (R1, L1, R2 ...)."""
        return np.array([side_array(parse_action_units(label)).ravel() for label in labels], np.float32)

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        images = stack(samples, self.array)
        self._build((3, *images.shape[1:3]))
        objective = _UnitObjective(
            images,
            torch.from_numpy(targets),
            self.encoding,
            self.batch_size,
            torch.Generator().manual_seed(self.seed),
            mixup=self.mixup,
            style=self.style,
        )
        self.outputs_by_epoch_ = {}
        with torch_threads(self.threads):
            self.history_ = train_on_motion(
                objective,
                self.module_,
                self.optimizer,
                self.epochs,
                self.on_progress_,
                on_epoch=lambda epoch: self._keep(self.module_, epoch, epoch == self.epochs),
            )

    def _build(self, shape: tuple[int, ...]) -> None:
        self.shape_, self.module_ = shape, build_module(NETWORKS.build(self.network), shape, UNITS, self.seed)

    def predict_action_units(self, samples: Sequence[Sample]) -> np.ndarray:
        """Compute the probability of each action unit on each side, the mean over the image and its mirror image.

        Returns:
            (n, 17, 2) float64, 0 to 1, in the order of `ACTION_UNITS`; last axis: the person's right, left side.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
        """
        self._check_fitted()
        if not samples:
            return np.zeros((0, UNITS // 2, 2))
        images = stack(samples, self.array)
        if (shape := (3, *images.shape[1:3])) != self.shape_:
            raise RecipeError(f"images are {shape}, those of the training were {self.shape_}")
        x = motion_inputs(images, self.encoding)
        with torch.no_grad(), torch_threads(self.threads):
            both = self.module_(x).sigmoid() + self.module_(mirrored(x))[:, mirrored_outputs(0)].sigmoid()
        return np.asarray(both.double().numpy() / 2).reshape(len(samples), -1, 2)

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        numbers = list(ACTION_UNITS)
        on_face = face_probabilities(self.predict_action_units(samples))
        return np.asarray(on_face[:, [numbers.index(int(label)) for label in self.classes]] + 1e-12)

    def state(self) -> State:
        """Return every weight and running mean by its name in the module, and the shape of an image."""
        weights = {name: tensor.numpy() for name, tensor in self.module_.state_dict().items()}
        return {**weights, "_shape": np.array(self.shape_)}

    def _restore(self, state: State) -> None:
        self._build(tuple(int(n) for n in state["_shape"]))
        weights = {name: torch.from_numpy(np.array(array)) for name, array in state.items() if name != "_shape"}
        load_weights(self.module_, weights, "the file")
        self.module_.eval()


@dataclass
class _UnitObjective(MotionObjective):
    """The objective of drawn motion without classes: the binary cross-entropy of the action units of clips."""

    def __post_init__(self) -> None:
        super().__post_init__()
        shown = self.targets.mean(dim=0)
        self._weight = ((1 - shown) / shown.clamp(min=1e-6)).clamp(1, MOST_WEIGHT)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the mean over action units and clips."""
        return F.binary_cross_entropy_with_logits(outputs, targets, pos_weight=self._weight)

    def measure(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Count right answers, as a share of all action units."""
        return (((outputs > 0) == (targets > 0.5)).float().mean(dim=1).sum(),)
