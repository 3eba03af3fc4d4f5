"""The components of a network recognizer, built from the tables of its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.registry import validate_settings
from ..networks import NETWORKS, Architecture
from ..networks.training import Optimizer, Sampler, Schedule
from .augmentation import AUGMENTATIONS, Augmentation, Crop
from .base import Settings
from .freezing import Freezing


@dataclass(frozen=True)
class NetworkComponents:
    """A network's architecture, and how it is trained.

    Attributes:
        architecture: builds the module.
        optimizer: the gradient descent method.
        schedule: how the learning rate falls.
        sampler: which clips an epoch trains on.
        augmentations: random changes of training images, in order.
        crop: how images are cropped.
        freezing: in which epochs the backbone is not trained.
    """

    architecture: Architecture
    optimizer: Optimizer
    schedule: Schedule
    sampler: Sampler
    augmentations: tuple[Augmentation, ...]
    crop: Crop
    freezing: Freezing

    @classmethod
    def build(
        cls,
        network: Settings,
        optimizer: Settings,
        schedule: Settings,
        sampler: Settings,
        augment: Sequence[Settings],
        crop: Settings,
        freeze: Settings,
    ) -> NetworkComponents:
        """Build every part from its table.

        Raises:
            RecipeError: a table has an unknown key, or a value of the wrong type or out of range.
        """
        return cls(
            architecture=NETWORKS.build(network),
            optimizer=validate_settings(Optimizer, optimizer, "optimizer"),
            schedule=validate_settings(Schedule, schedule, "schedule"),
            sampler=validate_settings(Sampler, sampler, "sampler"),
            augmentations=tuple(AUGMENTATIONS.build(settings) for settings in augment),
            crop=validate_settings(Crop, crop, "crop"),
            freezing=validate_settings(Freezing, freeze, "freeze"),
        )

    def can_cache(self, epoch: int, sequences: bool) -> bool:
        """Whether the features of all clips can be computed once before this epoch, counted from 0."""
        computed_alone = not sequences or self.architecture.frame_by_frame
        return computed_alone and self.freezing.can_cache(epoch, self.augmentations, self.crop)
