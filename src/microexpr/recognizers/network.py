"""Networks as recognizers.

Every random draw (weights, order, augmentation, dropout) comes from the recognizer's own seed, never from a global
generator: a fold gives the same results alone, beside others, in another process, or when it is continued after a stop.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.files import CHECKPOINT
from ..core.registry import validate_settings
from ..networks.training import Checkpoint, Trainer, choose_device, torch_threads
from ..networks.training.curves import TensorBoardCurves
from ..networks.training.device import DeviceName, Precision, memory_format
from ..networks.training.distributed import Process
from ..networks.weights import load_weights, transfer_weights
from ._classifier import Classifier, build_module, place_module
from ._components import NetworkComponents
from ._fused import FusedClassification, FusedImages, FusedTrainer, train_in_threads
from ._objective import ClipClassification, inverse_frequency
from .augmentation import Crop
from .base import RECOGNIZERS, Fit, Recognizer, Settings, State, softmax
from .batches import ClipBatches
from .epochs import TrainedInEpochs
from .freezing import FeatureCache
from .mirroring import Mirroring
from .normalization import DatasetScaler


@RECOGNIZERS.register("network")
@dataclass
class Network(TrainedInEpochs):
    """A network trained by gradient descent on one array of the samples; cross-entropy, or the loss of the network.

    The number of epochs is fixed beforehand: no clip of a test subject, and no score on one, reaches this class.

    Args:
        network: architecture and its settings, `{"name": ..., ...}`.
        optimizer: the gradient descent method: `name` (adam, adamw, sgd), `lr`, `momentum`, `weight_decay`.
        schedule: how the learning rate falls: `name` (constant, step, cosine, poly), `every`, `factor`, `power`.
        sampler: which clips an epoch trains on: `name` (shuffle, oversample), `per_class`.
        augment: random changes of training images, a table for each.
        crop: `size` in pixels, and where images are cropped in training (`train`) and testing (`test`); empty for no
            crop.
        mirror: `classes` whose training clips get a mirrored twin, and the channels to `negate` in it.
        freeze: `epochs` in which only the head of the network is trained, and `cache_features`.
        epochs: passes over the training clips, 1 or more.
        batch_size: clips per step, 2 or more.
        normalize: divide each channel by its root mean square over the training clips of the same data set.
        class_weights: weigh the loss of a class inversely to its number of training clips.
        precision: of training: `fp32`, or `bf16` with channels last (about twice as fast on a GPU, other numbers).
        array: name of the array: (H, W, C) images, or (T, H, W, C) sequences whose lengths may differ.
        validation_fraction: fraction of the training subjects, 0 to below 1, that are held out: nothing is trained on
            or chosen by them, and the curves show their loss and accuracy.
        memory_gib: memory for clips, in GiB; clips beyond it are read from the cache for each batch.
        device: `cpu`, `cuda`, or `auto` for a GPU if there is one.
        threads: CPU threads of torch. Folds that run beside each other want 1; more only help a stage that is trained
            alone.
        checkpoint_seconds: time between two checkpoints, in seconds; a stop costs at most that much work.
    """

    ends_in_softmax: ClassVar[bool] = True
    """Whether its probabilities are the softmax of the module's logits: what an ONNX file computes."""

    network: Settings = field(default_factory=lambda: {"name": "ststnet"})
    optimizer: Settings = field(default_factory=dict)
    schedule: Settings = field(default_factory=dict)
    sampler: Settings = field(default_factory=dict)
    augment: tuple[Settings, ...] = ()
    crop: Settings = field(default_factory=dict)
    mirror: Settings = field(default_factory=dict)
    freeze: Settings = field(default_factory=dict)
    epochs: Annotated[int, Field(ge=1)] = 500
    batch_size: Annotated[int, Field(ge=2)] = 256
    normalize: bool = False
    class_weights: bool = False
    precision: Precision = "fp32"
    array: str = "image"
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    memory_gib: Annotated[float, Field(ge=0)] = 4.0
    device: DeviceName = "auto"
    threads: Annotated[int, Field(ge=1)] = 1
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 20.0

    def __post_init__(self) -> None:
        self.scales_: DatasetScaler | None = None
        self.components()  # a misspelled setting is found before any work is done
        if self.classes:
            self.mirroring().check(self.classes)
        self._fused: FusedImages | None = None
        self._feature_cache: FeatureCache | None = None

    @classmethod
    def fit_many(cls, fits: Sequence[Fit]) -> Iterator[Recognizer | Exception]:
        """Fit many networks beside each other, one for each core; with compiled steps where there are any.

        The numbers of compiled steps are those of torch's but for rounding. On a GPU, or with more than one thread for
        each, networks are trained one after the other.
        """
        samples = list({sample.id: sample for fit in fits for sample in fit.samples}.values())
        first = fits[0].recognizer
        assert isinstance(first, Network)
        if not all(fit.recognizer._same_inputs(first) for fit in fits) or not first._can_fuse(samples):  # type: ignore[attr-defined]
            alone = any(fit.recognizer._needs_machine() for fit in fits)  # type: ignore[attr-defined]
            yield from super().fit_many(fits) if alone else train_in_threads(fits)
            return
        step = first.components().architecture.fused_step()
        assert step is not None
        images = FusedImages.of(step, samples, first.array)
        for fit in fits:
            fit.recognizer._fused = images  # type: ignore[attr-defined]
        for fitted in train_in_threads(fits):
            yield fitted
            if isinstance(fitted, Network):
                fitted._fused = None

    def _needs_machine(self) -> bool:
        """Whether no other training should run beside this one."""
        return self.threads > 1 or choose_device(self.device).type != "cpu"

    def _same_inputs(self, other: Network) -> bool:
        return (self.network, self.array) == (other.network, other.array)

    def _can_fuse(self, samples: Sequence[Sample]) -> bool:
        """Whether every fold would train on the same unchanged images, on a CPU, with compiled steps."""
        components, shapes = self.components(), {sample.array(self.array).shape for sample in samples}
        step, shape = components.architecture.fused_step(), next(iter(shapes))
        changed = components.augmentations or components.crop != Crop() or self.normalize or self.freeze or self.mirror
        if step is None or changed or self.precision != "fp32" or choose_device(self.device).type != "cpu":
            return False
        return (
            len(shapes) == 1
            and len(shape) == 3
            and step.prepared_bytes(shape) * len(samples) <= self.memory_gib * 2**30
        )

    def components(self) -> NetworkComponents:
        """Build architecture, optimizer, schedule, sampler, augmentations, crop and freezing from their tables."""
        return NetworkComponents.build(
            self.network, self.optimizer, self.schedule, self.sampler, self.augment, self.crop, self.freeze
        )

    def mirroring(self) -> Mirroring:
        """Build what makes mirrored twins from its table."""
        return validate_settings(Mirroring, self.mirror, "mirror")

    @property
    def module_(self) -> nn.Module:
        """The trained network, on its device."""
        return self.classifier_.module

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        held_out = self._held_out(groups)
        training = [sample for sample, out in zip(samples, held_out, strict=True) if not out]
        validation = [sample for sample, out in zip(samples, held_out, strict=True) if out]
        mask, classes = torch.tensor(held_out), torch.from_numpy(targets)
        with torch_threads(self.threads):
            self.scales_ = DatasetScaler.fit(training, self.array) if self.normalize else None
            scored = (self._clips(validation), classes[mask]) if validation else None
            training, learned = self.mirroring().extend(training, classes[~mask], self.classes)
            self._train(self._clips(training), learned, scored, init)

    def _held_out(self, groups: Sequence[str]) -> list[bool]:
        """Which clips are of the subjects held out for validation.

        They are drawn with a generator of their own, so that training draws the same numbers with and without them.
        """
        subjects = sorted(set(groups))
        count = max(1, round(self.validation_fraction * len(subjects))) if self.validation_fraction else 0
        if 0 < len(subjects) <= count:
            raise RecipeError(
                f"validation_fraction = {self.validation_fraction} leaves none of {len(subjects)} subjects to train on"
            )
        order = torch.randperm(len(subjects), generator=torch.Generator().manual_seed(self.seed))
        chosen = {subjects[i] for i in order[:count].tolist()}
        return [subject in chosen for subject in groups]

    def _train(
        self, clips: ClipBatches, targets: Tensor, validation: tuple[ClipBatches, Tensor] | None, init: State | None
    ) -> None:
        components, generator = self.components(), torch.Generator().manual_seed(self.seed)
        self._build_classifier(clips.shape, generator)
        if init is not None:
            transfer_weights(self.module_, components.architecture.adapted(_tensors(init), self.module_))
        weights = inverse_frequency(targets, len(self.classes)).to(self.classifier_.device)
        objective = ClipClassification(
            self.classifier_,
            components,
            clips,
            targets,
            self.batch_size,
            generator,
            class_weights=weights if self.class_weights else None,
            validation=validation,
        )
        if self._fused is not None:
            objective = FusedClassification.of(objective, self._fused)
        trainer = (Trainer if self._fused is None else FusedTrainer)(
            objective,
            self.module_,
            components.optimizer,
            self.epochs,
            generator,
            Process(self.classifier_.device),
            schedule=components.schedule,
            on_progress=self.on_progress_,
        )
        never_trained = components.freezing.epochs == "all" and components.can_cache(0, clips.sequences)
        self._feature_cache = objective.feature_cache if never_trained and self.precision == "fp32" else None
        self.outputs_by_epoch_ = {}
        if self.keep_every:  # without a checkpoint, which holds one epoch only
            trainer.on_epoch = lambda history: self._keep(self.module_, len(history), len(history) == self.epochs)
            self.history_ = trainer.run()
        elif self.folder is None:
            self.history_ = trainer.run()
        else:
            path = self.folder / CHECKPOINT
            trainer.checkpoint = Checkpoint(path, self.checkpoint_seconds)
            trainer.on_epoch = curves = TensorBoardCurves(self.folder)
            self.history_ = trainer.run()
            curves.close()
        self.module_.eval()

    def _build_classifier(self, shape: tuple[int, ...], generator: torch.Generator) -> None:
        """Build a network with random weights for inputs of this shape before the crop."""
        components, device = self.components(), choose_device(self.device)
        cropped = components.crop.shape(shape)
        module = build_module(components.architecture, cropped, len(self.classes), self.seed)
        layout = memory_format(device, self.precision, components.architecture.channels_last)
        module = place_module(module, device, layout, generator)
        self.classifier_ = Classifier(module, cropped, device, self.precision, layout, components.crop)

    def _clips(self, samples: Sequence[Sample]) -> ClipBatches:
        return ClipBatches(samples, self.array, self.memory_gib * 2**30, self.scales_)

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        clips, classifier = self._clips(samples), self.classifier_
        shape = classifier.crop.shape(clips.shape)
        if shape != classifier.shape:
            raise RecipeError(f"images are {shape}, those of the training were {classifier.shape}")
        with torch_threads(self.threads):
            if self._feature_cache is not None:  # every fold predicts its training clips, too
                return softmax(self._feature_cache.logits(clips).cpu().double().numpy())
            return classifier.probabilities(clips, self.batch_size)

    def without_cache(self) -> Self:
        """A copy that computes its backbone anew for every prediction."""
        other = copy.copy(self)
        other._feature_cache = None
        return other

    def state(self) -> State:
        """Return every weight and running mean by its name in the module; names of other arrays begin with `_`."""
        weights = {name: tensor.cpu().numpy() for name, tensor in self.module_.state_dict().items()}
        scales = {} if self.scales_ is None else self.scales_.state()
        return {**weights, "_shape": np.array(self.classifier_.shape), **scales}

    def _restore(self, state: State) -> None:
        self.scales_ = DatasetScaler.from_state(state)
        if self.device == "cuda" and not torch.cuda.is_available():
            self.device = "auto"  # trained on a GPU, used on a machine without one
        self._feature_cache = None
        self._build_classifier(tuple(int(n) for n in state["_shape"]), torch.Generator())
        load_weights(self.module_, _tensors(state), "the file")
        self.module_.eval()


def _tensors(state: State) -> dict[str, Tensor]:
    """The weights of a state, copied to tensors."""
    return {name: torch.from_numpy(np.array(array)) for name, array in state.items() if not name.startswith("_")}
