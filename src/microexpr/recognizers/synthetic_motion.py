"""A recognizer that is trained on motion drawn from action units, never on a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ..core.action_units import are_action_units
from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.registry import validate_settings
from ..networks import NETWORKS
from ..networks.base import head_of
from ..networks.motion import motion_inputs
from ..networks.training import Optimizer, torch_threads
from ..networks.weights import load_weights
from ..synthetic.motion import CLASSES, FaceFrame
from ..synthetic.motion.encoding import Encoding, encode
from ..synthetic.motion.generator import MotionGenerator
from ._classifier import build_module
from ._motion_training import OUTPUTS, MotionObjective, mirrored, soft_targets, train_on_motion
from .base import RECOGNIZERS, Recognizer, Settings, State, softmax, stack

SIDE = 28
"""Side of the images in pixels."""


@RECOGNIZERS.register("synthetic-motion")
@dataclass
class SyntheticMotion(Recognizer):
    """Small networks trained on flow fields that are drawn from action units; training clips are not looked at.

    It tells the classes negative, positive and surprise, and 17 action units on each side of the face.

    Args:
        frame: how faces lie in the images: `megc2019` as in the precomputed release, `aligned` as the step `align`
            without a margin puts them.
        encoding: how motion is written down: `stretched` to 0..255 as in the precomputed release, or in `pixels`.
        crop: for `pixels`, side in pixels of the crop in which the flow is measured.
        motion: what is drawn, as settings of `synthetic.motion.generator.MotionGenerator`, for example
            `{gaze = 0.0, faults = {noise = 0.2}}`.
        fields: number of fields that are drawn for each network, 2 or more.
        network: architecture and its settings, `{"name": ..., ...}`.
        optimizer: the gradient descent method: `name` (adam, adamw, sgd), `lr`, `momentum`, `weight_decay`.
        members: number of networks, each trained on fields of its own; their probabilities are averaged.
        epochs: passes over the fields, 1 or more.
        batch_size: fields per step, 2 or more.
        mixup: parameter of the mixing of pairs of fields; 0 mixes none.
        smoothing: share of the probability of a class that goes to all of them.
        style: size of the random changes of gain, sharpness and strain in training; 0 for none.
        unit_weight: weight of the loss of the action units beside that of the class.
        shifts: probabilities are averaged over the image and so many pixels of shift in each of four directions; 0 for
            the image alone. The mirrored image is always averaged in.
        array: name of the array: (28, 28, 3) images of u, v and strain.
        second_array: name of the array of a second estimate of the same motion, whose probabilities are averaged with
            those of the first; "" for none.
        threads: CPU threads of torch.
    """

    frame: Literal["megc2019", "aligned"] = "megc2019"
    encoding: Encoding = "stretched"
    crop: Annotated[int, Field(ge=8)] = 128
    motion: Settings = field(default_factory=dict)
    fields: Annotated[int, Field(ge=2)] = 12_000
    network: Settings = field(default_factory=lambda: {"name": "motion"})
    optimizer: Settings = field(default_factory=lambda: {"name": "adamw", "lr": 3e-3, "weight_decay": 0.01})
    members: Annotated[int, Field(ge=1)] = 3
    epochs: Annotated[int, Field(ge=1)] = 4
    batch_size: Annotated[int, Field(ge=2)] = 128
    mixup: Annotated[float, Field(ge=0)] = 0.3
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    style: Annotated[float, Field(ge=0)] = 1.0
    unit_weight: Annotated[float, Field(ge=0)] = 2.0
    shifts: Annotated[int, Field(ge=0, le=4)] = 1
    array: str = "image"
    second_array: str = ""
    threads: Annotated[int, Field(ge=1)] = 1

    needs_clips = False

    def __post_init__(self) -> None:
        self.generator()  # a misspelled setting is found before any work is done
        NETWORKS.build(self.network)
        validate_settings(Optimizer, self.optimizer, "optimizer")
        if self.classes != CLASSES and not are_action_units(self.classes):
            raise RecipeError(
                f"synthetic-motion tells {', '.join(CLASSES)} apart, in this order; not {', '.join(self.classes)}"
            )

    def generator(self) -> MotionGenerator:
        """What draws the fields, from the setting `motion`.

        Raises:
            RecipeError: it has an unknown key, or a value of the wrong type.
        """
        return validate_settings(MotionGenerator, self.motion, "motion")

    def face_frame(self) -> FaceFrame:
        """How faces lie in the images."""
        return FaceFrame.megc2019(SIDE) if self.frame == "megc2019" else FaceFrame.aligned(SIDE)

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        self.classes = CLASSES
        self.modules_: list[nn.Module] = []
        with torch_threads(self.threads):
            for member in range(self.members):
                self.modules_.append(self._train(member))

    def _train(self, member: int) -> nn.Module:
        """Draw fields and train one network on them."""
        images, targets = self.training_fields(member)
        random = torch.Generator().manual_seed(self.seed * 1009 + member)
        objective = MotionObjective(
            images,
            targets,
            self.encoding,
            self.batch_size,
            random,
            mixup=self.mixup,
            style=self.style,
            unit_weight=self.unit_weight,
        )
        module = self._module(self.seed * 1009 + member)
        self.history_ += train_on_motion(
            objective,
            module,
            self.optimizer,
            self.epochs,
            self.on_progress_,
            (member, self.members),
        )
        return module

    def training_fields(self, member: int) -> tuple[np.ndarray, Tensor]:
        """Draw the fields of a network: (n, 28, 28, 3) as they are written down, and their targets."""
        drawn = self.generator().draw(self.fields, self.face_frame(), [self.seed, member])
        return encode(drawn, self.encoding, self.crop), soft_targets(drawn, self.smoothing)

    def _module(self, seed: int) -> nn.Module:
        module = build_module(NETWORKS.build(self.network), (3, SIDE, SIDE), OUTPUTS, seed)
        return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 40 % faster

    def predict_action_units(self, samples: Sequence[Sample]) -> np.ndarray:
        """Compute the probability of each action unit on each side of the face.

        Returns:
            (n, 17, 2) float64, 0 to 1, in the order of `core.action_units.ACTION_UNITS`; the last axis is the person's
            right side, then the left one.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
        """
        self._check_fitted()
        return self._probabilities(samples)[1]

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        return self._probabilities(samples)[0]

    def _probabilities(self, samples: Sequence[Sample]) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of the classes (n, 3) and of the action units (n, 17, 2): the mean over networks and views."""
        count = len(CLASSES)
        classes, units = np.zeros((len(samples), count)), np.zeros((len(samples), (OUTPUTS - count) // 2, 2))
        if not samples:
            return classes, units
        arrays = [self._inputs(samples, name) for name in (self.array, self.second_array) if name]
        views = [(view, flip) for x in arrays for view in _shifted(x, self.shifts) for flip in (False, True)]
        with torch.no_grad(), torch_threads(self.threads):
            for module in self.modules_:
                for view, flip in views:
                    logits = module(mirrored(view) if flip else view).double().numpy()
                    classes += softmax(logits[:, :count])
                    sides = 1 / (1 + np.exp(-logits[:, count:].reshape(units.shape)))
                    units += sides[..., ::-1] if flip else sides
        total = len(self.modules_) * len(views)
        return classes / total, units / total

    def _inputs(self, samples: Sequence[Sample], array: str) -> Tensor:
        images = stack(samples, array)
        if images.shape[1:] != (SIDE, SIDE, 3):
            raise RecipeError(f"'{array}' is {images.shape[1:]}; synthetic-motion takes ({SIDE}, {SIDE}, 3)")
        return motion_inputs(images, self.encoding)

    def _saved_settings(self) -> dict[str, Any]:
        return {**super()._saved_settings(), "classes": CLASSES}

    def state(self) -> State:
        """Return every weight and running mean of each network, by `<number of the network>.<name>`."""
        return {
            f"{number}.{name}": tensor.numpy()
            for number, module in enumerate(self.modules_)
            for name, tensor in module.state_dict().items()
        }

    def passed_on(self) -> State:
        """Return the network's weights without the outputs of action units, as the recognizer `network` has them.

        Raises:
            RecipeError: there are several networks.
        """
        self.check_passed_on()
        (module,) = self.modules_
        head = f"{head_of(module)[0]}."
        weights = {
            name: tensor[: len(CLASSES)] if name.startswith(head) else tensor
            for name, tensor in module.state_dict().items()
        }
        return {**{name: tensor.numpy() for name, tensor in weights.items()}, "_shape": np.array((3, SIDE, SIDE))}

    def check_passed_on(self) -> None:
        """Check that there is one network.

        Raises:
            RecipeError: there are several.
        """
        if self.members > 1:
            raise RecipeError(f"members = {self.members}: the next stage can go on from one network; set members = 1")

    def _restore(self, state: State) -> None:
        self.modules_ = []
        for member in range(self.members):
            module, start = self._module(0), f"{member}."
            own = {name[len(start) :]: array for name, array in state.items() if name.startswith(start)}
            load_weights(module, {name: torch.from_numpy(np.array(array)) for name, array in own.items()}, "the file")
            self.modules_.append(module.eval())


def _shifted(x: Tensor, pixels: int) -> list[Tensor]:
    """The inputs, and the same shifted in each of four directions; the edge continues."""
    if pixels == 0:
        return [x]
    height, width = x.shape[2:]
    padded = nn.functional.pad(x, (pixels,) * 4, mode="replicate")
    places = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    return [padded[:, :, r * pixels : r * pixels + height, c * pixels : c * pixels + width] for r, c in places]
