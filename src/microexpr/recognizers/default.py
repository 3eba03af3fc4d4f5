"""The recognizer that ships with the package: it learns from drawn motion, and says where it knows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.registry import validate_settings
from ..networks.base import seeded_weights
from ..networks.motion import MotionNetwork
from ..networks.training import Optimizer, torch_threads
from ..networks.weights import load_weights
from ..synthetic.motion import CLASSES
from ..synthetic.motion.expressions import ANY
from . import _face_motion as face_motion
from ._calibration import Calibration
from ._drawn_faces import DrawnFaces, held_out, learned
from ._motion_training import UNITS, MotionObjective, mirrored, mirrored_outputs, shown, train_on_motion
from .base import RECOGNIZERS, Recognizer, Settings, State, stack

SHIPPED = Path(__file__).parent / "shipped" / "default.safetensors"

OUTCOMES = len(CLASSES) + 1
"""The classes, and no expression of these."""

LEAST_MOTION = 0.25
"""Motion of a face in pixels of one 224 pixels wide, below which it counts as still. Of 72 rendered faces that do not
move (three amounts of noise; as they are, or JPEG of quality 90 and 50), the estimator finds more in five."""

STILL = "hardly any motion between onset and apex"
STRANGE = "the motion looks like none that it learned from: a turned head, something before the face, or talk"


@RECOGNIZERS.register("default")
@dataclass
class Default(Recognizer):
    """Small networks that learn from drawn motion alone: three classes, 17 action units on each side, or unknown.

    It separates the motion of the head from that of the face, and reads the latter in one frame of the face, whether it
    comes from frames of a recording or from the precomputed release. Part of the drawn faces has no size of motion, as
    images of the release have none, so that the same weights read both. Its probabilities are calibrated on drawn
    motion of another style (temperature scaling, Guo et al. 2017).

    Args:
        source: what the images hold: `pixels`, u and v in pixels and strain, of faces as `align` puts them without a
            margin; `release`, the stretched images of the precomputed release of MEGC 2019.
        crop: for `pixels`, side in pixels of the aligned crop in which the flow was measured.
        weights: `learn` trains networks; `shipped` takes those that ship, and ignores all that is below.
        members: number of networks, each trained on faces of its own; their logits are averaged.
        fields: number of faces that are drawn for each network.
        without_unit: share of them, 0 to 1, whose motion has no size, as in the release.
        optimizer: the gradient descent method: `name` (adam, adamw, sgd), `lr`, `momentum`, `weight_decay`.
        epochs: passes over the faces.
        batch_size: faces per step.
        mixup: parameter of the mixing of pairs of faces (Zhang et al. 2018); 0 mixes none.
        smoothing: share of the probability of a class that goes to all of them.
        array: name of the array: (28, 28, 3) images of u, v and strain.
        threads: CPU threads of torch.
    """

    source: Literal["pixels", "release"] = "pixels"
    crop: Annotated[int, Field(ge=8)] = 128
    weights: Literal["learn", "shipped"] = "learn"
    members: Annotated[int, Field(ge=1)] = 3
    fields: Annotated[int, Field(ge=200)] = 20_000
    without_unit: Annotated[float, Field(ge=0, le=1)] = 0.35
    optimizer: Settings = field(default_factory=lambda: {"name": "adamw", "lr": 3e-3, "weight_decay": 0.01})
    epochs: Annotated[int, Field(ge=1)] = 5
    batch_size: Annotated[int, Field(ge=2)] = 128
    mixup: Annotated[float, Field(ge=0)] = 0.3
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    array: str = "image"
    threads: Annotated[int, Field(ge=1)] = 1

    needs_clips = False

    def __post_init__(self) -> None:
        validate_settings(Optimizer, self.optimizer, "optimizer")
        if self.classes and self.classes != CLASSES:
            raise RecipeError(
                f"recognizer 'default' tells {', '.join(CLASSES)} apart, in this order; not {', '.join(self.classes)}"
            )

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        if self.weights == "shipped":
            shipped = Recognizer.load(SHIPPED)
            assert isinstance(shipped, Default)
            self.modules_: list[MotionNetwork] = shipped.modules_
            self.calibration_: Calibration = shipped.calibration_
            return
        with torch_threads(self.threads):
            faces = [DrawnFaces.draw(learned(), self.fields, [self.seed, number]) for number in range(self.members)]
            self.modules_ = [self._train(own, number) for number, own in enumerate(faces)]
            self.calibration_ = self._calibrate(faces[0])

    def _train(self, faces: DrawnFaces, member: int) -> MotionNetwork:
        seed = self.seed * 1009 + member
        random = torch.Generator().manual_seed(seed)
        no_unit = torch.rand(len(faces), generator=random) < self.without_unit
        objective = _DefaultObjective(
            face_motion.prepared(faces.motion, no_unit).numpy(),
            self._soft_targets(faces),
            "pixels",
            self.batch_size,
            random,
            mixup=self.mixup,
            unit_weight=1.0,
            no_unit=no_unit,
        )
        with seeded_weights(seed):
            module = MotionNetwork((3, face_motion.SIDE, face_motion.SIDE), OUTCOMES + UNITS, 0.0)
        self.history_ += train_on_motion(
            objective,
            module,
            self.optimizer,
            self.epochs,
            self.on_progress_,
            (member, self.members),
        )
        for parameter in module.parameters():
            parameter.data = parameter.data.half().float()  # as in a file, so that a loaded model predicts the same
        return module

    def _soft_targets(self, faces: DrawnFaces) -> Tensor:
        classes = np.full((len(faces), OUTCOMES), self.smoothing / OUTCOMES, np.float32)
        known = np.flatnonzero(faces.labels != ANY)
        classes[known, faces.labels[known]] += 1 - self.smoothing
        classes[faces.labels == ANY] = 0  # the loss of the class does not count there
        return torch.from_numpy(np.concatenate([classes, shown(faces.strengths).reshape(len(faces), UNITS)], axis=1))

    def _calibrate(self, faces: DrawnFaces) -> Calibration:
        others = DrawnFaces.draw(held_out(), max(self.fields // 5, 100), [self.seed, self.members])
        motion = face_motion.from_pixels(others.motion)
        logits, features = self._outputs(face_motion.compressed(motion))
        some = np.flatnonzero(faces.labels < len(CLASSES))[::8]
        _, expressions = self._outputs(face_motion.compressed(face_motion.from_pixels(faces.motion[some])))
        fitted = Calibration.fit(
            logits[:, :OUTCOMES],
            others.labels,
            logits[:, OUTCOMES:].reshape(len(others), -1, 2),
            shown(others.strengths),
            (expressions, features),
        )
        return Calibration.from_state(fitted.state())  # rounded as in a file, so that a loaded model predicts the same

    def _outputs(self, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Logits (n, OUTCOMES + UNITS), the mean over networks, the face and its mirror image; float64.

        The features (n, 96) are those of the first network.
        """
        places, first = mirrored_outputs(OUTCOMES), self.modules_[0]
        with torch.no_grad(), torch_threads(self.threads):
            features = F.relu(first.places(first.maps(x).flatten(1)))
            each = [(module(x) + module(mirrored(x))[:, places]) / 2 for module in self.modules_]
        return torch.stack(each).mean(dim=0).double().numpy(), features.double().numpy()

    def _motion(self, samples: Sequence[Sample]) -> Tensor:
        """(n, 3, 28, 28) motion of the faces without that of the heads."""
        images = stack(samples, self.array)
        side = face_motion.SIDE
        if images.shape[1:] != (side, side, 3):
            raise RecipeError(f"'{self.array}' is {images.shape[1:]}; recognizer 'default' takes ({side}, {side}, 3)")
        if self.source == "release":
            return face_motion.without_unit(face_motion.registered(images), torch.ones(len(images), 1, 1, 1))
        x = torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 1))).float()
        x[:, :2] *= 224 / self.crop
        return face_motion.from_pixels(x)

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        logits, _ = self._outputs(face_motion.compressed(self._motion(samples)))
        return self.calibration_.classes(logits[:, :OUTCOMES])[:, : len(CLASSES)]

    def predict_action_units(self, samples: Sequence[Sample]) -> np.ndarray:
        """Compute the probability of each action unit on each side of the face.

        It is given for faces without an expression, too, such as those that talk; but 0 without motion, and where the
        motion is far from all that was learned.

        Returns:
            (n, 17, 2) float64, 0 to 1, in the order of `core.action_units.ACTION_UNITS`; the last axis is the person's
            right side, then the left one.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
        """
        self._check_fitted()
        if not samples:
            return np.zeros((0, UNITS // 2, 2))
        motion = self._motion(samples)
        logits, features = self._outputs(face_motion.compressed(motion))
        units = self.calibration_.units(logits[:, OUTCOMES:].reshape(len(samples), -1, 2))
        units[self._still(motion) | self._far(features)] = 0
        return units

    def unknown_reasons(self, samples: Sequence[Sample]) -> list[str]:
        """Say why a face cannot be classified.

        Returns:
            A reason for each sample, "" where there is none.

        Raises:
            NotFittedError: neither `fit` nor `load` was called before.
        """
        self._check_fitted()
        if not samples:
            return []
        motion = self._motion(samples)
        logits, features = self._outputs(face_motion.compressed(motion))
        nothing = self.calibration_.classes(logits[:, :OUTCOMES]).argmax(axis=1) == len(CLASSES)
        strange, still = nothing | self._far(features), self._still(motion)
        return [STILL if still[i] else STRANGE if strange[i] else "" for i in range(len(samples))]

    def _far(self, features: np.ndarray) -> np.ndarray:
        return self.calibration_.distances(features) > self.calibration_.farthest

    def _still(self, motion: Tensor) -> np.ndarray:
        return face_motion.size(motion) < LEAST_MOTION

    def _saved_settings(self) -> dict[str, Any]:
        return {**super()._saved_settings(), "classes": CLASSES, "weights": "learn"}

    def state(self) -> State:
        """Return the weights and running means by `<number of the network>.<name>`, and `calibration.<name>`.

        Weights have 16 bits, to which they were rounded after the training: half the size for the same predictions.
        """
        weights = {
            f"{number}.{name}": (tensor.half() if name in dict(module.named_parameters()) else tensor).numpy()
            for number, module in enumerate(self.modules_)
            for name, tensor in module.state_dict().items()
        }
        return {**weights, **{f"calibration.{name}": array for name, array in self.calibration_.state().items()}}

    def _restore(self, state: State) -> None:
        self.modules_ = []
        for member in range(self.members):
            module = MotionNetwork((3, face_motion.SIDE, face_motion.SIDE), OUTCOMES + UNITS, 0.0)
            weights = {name: torch.from_numpy(np.array(array)) for name, array in _part(state, f"{member}.").items()}
            load_weights(module, weights, "the file")
            self.modules_.append(module.eval())
        self.calibration_ = Calibration.from_state(_part(state, "calibration."))


def _part(state: State, start: str) -> dict[str, np.ndarray]:
    """The arrays whose names start so, by the rest of the name."""
    return {name.removeprefix(start): array for name, array in state.items() if name.startswith(start)}


@dataclass
class _DefaultObjective(MotionObjective):
    """The objective of drawn motion on inputs with and without a size.

    Args:
        no_unit: (n,) bool, whose motion has no size; it gets one at random.
    """

    no_unit: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))

    def inputs(self, positions: Tensor) -> Tensor:
        """Motion of faces with changed gains, as the network reads it."""
        x = torch.from_numpy(self.images[positions.numpy()])
        n, free = len(x), self.no_unit[positions]
        size = torch.exp(self._uniform(n, 1, 1, 1) * 1.6 - 0.8)
        x = torch.where(free[:, None, None, None], x * size, x)
        flow = x[:, :2] * self._log_normal(n, 2, 0.2) * self._log_normal(n, 1, 0.2)
        return face_motion.compressed(torch.cat([flow, x[:, 2:] * self._log_normal(n, 1, 0.3)], dim=1))
