"""A plug-in with nine leaks, and beside each its clean twin: `planted-X` and `clean-X`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microexpr.core.clip import Sample
from microexpr.datasets import DATASETS
from microexpr.datasets.casme2 import Casme2
from microexpr.datasets.megc2019 import Megc2019
from microexpr.preprocessing import STEPS, Step
from microexpr.recognizers.base import RECOGNIZERS, Recognizer, State, softmax, stack

SEEN: list[np.ndarray] = []
"""Every image that a step has seen: what a plug-in must not keep."""

TUNED = {"megc2019": 1.0, "other": 5.0}


# ---------------------------------------------------------------------------------------------------------------------
# Recognizers


@dataclass
class NearestMean(Recognizer):
    """The class whose mean image is nearest; what is done to the images before is the twins' business."""

    def prepared(self, samples: Sequence[Sample]) -> np.ndarray:
        return stack(samples, "image").reshape(len(samples), -1).astype(np.float64) / 255

    def learn(self, samples: Sequence[Sample], targets: np.ndarray) -> None:
        pass

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        self.learn(samples, targets)
        images, present = self.prepared(samples), np.unique(targets)
        self.means_ = np.full((len(self.classes), images.shape[1]), 1e3)
        self.means_[present] = [images[targets == c].mean(axis=0) for c in present]

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        images = self.prepared(samples)
        return softmax(-np.linalg.norm(images[:, None] - self.means_, axis=2))

    def state(self) -> State:
        return {"means": self.means_}

    def _restore(self, state: State) -> None:
        self.means_ = state["means"]


@RECOGNIZERS.register("planted-scaler")
@dataclass
class PlantedScaler(NearestMean):
    """A scaler that is fitted on every image that the step `remember` has seen."""

    def learn(self, samples, targets):
        every = np.stack(SEEN) if SEEN else np.zeros((1, *samples[0].array("image").shape))
        self.mean_, self.sd_ = every.mean(axis=0).ravel() / 255, every.std(axis=0).ravel() / 255 + 1e-3

    def prepared(self, samples):
        return (super().prepared(samples) - self.mean_) / self.sd_


@RECOGNIZERS.register("clean-scaler")
@dataclass
class CleanScaler(PlantedScaler):
    """A scaler that is fitted on the training clips."""

    def learn(self, samples, targets):
        images = NearestMean.prepared(self, samples)
        self.mean_, self.sd_ = images.mean(axis=0), images.std(axis=0) + 1e-3


@RECOGNIZERS.register("planted-selection")
@dataclass
class PlantedSelection(NearestMean):
    """Pixels that differ most between the classes of all clips of the release."""

    def learn(self, samples, targets):
        root = next(p for p in samples[0].clip.source.parents if (p / "SYNTHETIC.json").is_file())
        clips = DATASETS.get("megc2019")(root).clips()
        self.chosen_ = np.arange(len(clips)) % 7

    def prepared(self, samples):
        return super().prepared(samples)[:, self.chosen_]


@RECOGNIZERS.register("clean-selection")
@dataclass
class CleanSelection(PlantedSelection):
    """Pixels that differ most between the classes of the training clips."""

    def learn(self, samples, targets):
        images = NearestMean.prepared(self, samples)
        means = np.stack([images[targets == c].mean(axis=0) for c in np.unique(targets)])
        self.chosen_ = np.argsort(-np.ptp(means, axis=0), kind="stable")[:50]


@RECOGNIZERS.register("planted-batch")
@dataclass
class PlantedBatch(NearestMean):
    """Statistics of the batch that is predicted, as batch norm in training takes them."""

    def prepared(self, samples):
        images = super().prepared(samples)
        return (images - images.mean(axis=0)) / (images.std(axis=0) + 1e-3)


@RECOGNIZERS.register("clean-batch")
@dataclass
class CleanBatch(NearestMean):
    """Statistics of each image."""

    def prepared(self, samples):
        images = super().prepared(samples)
        return (images - images.mean(axis=1, keepdims=True)) / (images.std(axis=1, keepdims=True) + 1e-3)


@RECOGNIZERS.register("planted-tuning")
@dataclass
class PlantedTuning(NearestMean):
    """A setting for each test subject, chosen where it scored best on that subject."""

    def prepared(self, samples):
        return super().prepared(samples) * (1 + len(self.fold) % 5)


@RECOGNIZERS.register("clean-tuning")
@dataclass
class CleanTuning(NearestMean):
    """One setting for all, fixed beforehand."""

    def prepared(self, samples):
        return super().prepared(samples) * 3


# ---------------------------------------------------------------------------------------------------------------------
# Steps


class ImageStep(Step):
    """A step that changes the image of a sample."""

    def changed(self, image: np.ndarray, sample: Sample) -> np.ndarray:
        return image

    def __call__(self, sample: Sample) -> Sample:
        return sample.with_array("image", self.changed(sample.array("image").astype(np.float32), sample))


@STEPS.register("remember")
@dataclass(frozen=True)
class Remember(ImageStep):
    """Keeps every image."""

    def changed(self, image, sample):
        SEEN.append(image)
        return image


@STEPS.register("planted-stretch")
@dataclass(frozen=True)
class PlantedStretch(ImageStep):
    """Stretches an image by the range of all images so far."""

    def changed(self, image, sample):
        SEEN.append(image)
        low, high = np.min(SEEN), np.max([one.mean() for one in SEEN])
        return (image - low) / (high - low + 1)


@STEPS.register("clean-stretch")
@dataclass(frozen=True)
class CleanStretch(ImageStep):
    """Stretches an image by its own range."""

    def changed(self, image, sample):
        return (image - image.min()) / (np.ptp(image) + 1)


@STEPS.register("planted-label")
@dataclass(frozen=True)
class PlantedLabel(ImageStep):
    """Writes into the image what the names of its folders tell."""

    def changed(self, image, sample):
        image = image.copy()
        image[0] = sum(map(ord, str(sample.clip.source)))
        return image


@STEPS.register("clean-label")
@dataclass(frozen=True)
class CleanLabel(ImageStep):
    """Writes into the image what the image tells."""

    def changed(self, image, sample):
        image = image.copy()
        image[0] = image.mean()
        return image


@STEPS.register("planted-apex")
@dataclass(frozen=True)
class PlantedApex(ImageStep):
    """Reads the apex from the table of the release, whether or not the protocol reveals it."""

    def changed(self, image, sample):
        folder = next(p for p in sample.clip.source.parents if (p / "SYNTHETIC.json").is_file())
        return image + len((folder / "SYNTHETIC.json").read_text())


@STEPS.register("clean-apex")
@dataclass(frozen=True)
class CleanApex(ImageStep):
    """Takes the apex that the protocol reveals, or none."""

    def changed(self, image, sample):
        return image + (sample.clip.apex or 0)


# ---------------------------------------------------------------------------------------------------------------------
# Data sets


@DATASETS.register("planted_copies")
class PlantedCopies(Megc2019):
    """Rare classes are copied before the split, under new people."""

    person = "-copy"

    def read(self):
        clips, issues = super().read()
        copies = [dataclasses.replace(c, id=f"{c.id}-copy", subject=f"{c.subject}{self.person}") for c in clips[::5]]
        return [*clips, *copies], issues


@DATASETS.register("clean_copies")
class CleanCopies(PlantedCopies):
    """The copies are the same people's."""

    person = ""


@DATASETS.register("planted_people")
class PlantedPeople(Casme2):
    """Every clip is taken for a person of its own."""

    def read(self):
        clips, issues = super().read()
        return [dataclasses.replace(clip, subject=clip.id) for clip in clips], issues


@DATASETS.register("clean_people")
class CleanPeople(Casme2):
    """The people are those of the release."""
