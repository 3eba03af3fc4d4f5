"""Load a saved model, and classify clips with it:

from microexpr.recognizers.model import load_model
model = load_model("runs/x/models/casme2-to-samm.safetensors")
print(model("folder of frames, video or image"))
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..core.action_units import ActionUnit, are_action_units, units_by_side
from ..core.clip import TIMES, Clip, Sample
from ..core.errors import DataError, UsageError
from ..core.registry import names_of
from ..core.tensor_files import read_metadata
from ..imaging.frames import open_frames
from ..preprocessing import Chain
from . import Recognizer
from .onnx_model import OnnxModel


class Predictor(Protocol):
    """A recognizer, or an ONNX file of one.

    Two methods are optional. `predict_action_units(samples)` returns (n, 17, 2) probabilities of action units, 0 to 1,
    in the order of `ACTION_UNITS`; the last axis is the person's right and left side. `unknown_reasons(samples)`
    returns n texts: why a sample is too far from everything that was learned, "" where it is not.
    """

    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102
    def predict_proba(self, samples: Sequence[Sample]) -> np.ndarray: ...  # noqa: D102
    def predict(self, samples: Sequence[Sample]) -> list[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Answer:
    """What a model says about a clip.

    Attributes:
        probabilities: class -> probability, largest first; they add up to 1.
        label: the class that the model says; a support vector machine's may not be the most probable one.
        action_units: the action units on each side with their probabilities; empty if the model tells none.
        unknown: why no class can be given; "" where one can. Action units are given even so: a face that talks may
            raise its brows.
    """

    probabilities: Mapping[str, float]
    label: str
    action_units: tuple[ActionUnit, ...] = ()
    unknown: str = ""


def joined_answer(answers: Sequence[Answer]) -> Answer:
    """Join what a model says about several pairs of frames of one movement.

    Args:
        answers: one or more of the same model.

    Returns:
        The class of the answer with the largest probability, of those that are not unknown if there are any; each
        action unit with its largest probability.
    """
    surest = max(answers, key=lambda answer: (not answer.unknown, max(answer.probabilities.values())))
    units = [
        max(same, key=lambda unit: unit.probability) for same in zip(*(a.action_units for a in answers), strict=True)
    ]
    return dataclasses.replace(surest, action_units=tuple(units))


@dataclass(frozen=True)
class Model:
    """A chain and the recognizer that was trained on its samples.

    Attributes:
        chain: turns a clip into a sample.
        predictor: computes the probability of each class.
        metadata: texts of the file: `protocol`, `recipe`, `license`, as far as they were written; and `results`.
    """

    chain: Chain
    predictor: Predictor
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the protocol."""
        return self.predictor.classes

    def __call__(
        self,
        source: Path | str,
        onset: int | None = None,
        apex: int | None = None,
        offset: int | None = None,
        *,
        frames: Mapping[int, np.ndarray] | None = None,
        landmarks: Mapping[int, np.ndarray] | None = None,
    ) -> dict[str, float]:
        """Classify a clip.

        Args:
            source: a folder of numbered frames, a video, or an image.
            onset: number of the frame at which the movement begins, as the source numbers its frames. A model that
                measures motion needs it.
            apex: number of the frame at which the movement is strongest. A model that looks at the apex needs it, or
                onset and offset; the frame half way between them then stands for it.
            offset: number of the frame at which it has ended.
            frames: frame number -> (height, width, 3) uint8 RGB, if the frames are in memory; `source` is then only
                named in errors.
            landmarks: frame number -> (68, 2) landmarks in pixels of `frames`; no face is then searched for.

        Returns:
            The probability of each class, largest first; they add up to 1. `answer` tells the class itself.

        Raises:
            MissingDataError: there is no such source.
            MediaError: the source cannot be read, or is a single picture and the model measures motion.
            UsageError: the source has no frame of that number, the times contradict each other, or a time is not given
                that the model needs.
        """
        return self._probabilities(self._sample(source, onset, apex, offset, frames, landmarks))

    def answer(
        self,
        source: Path | str,
        onset: int | None = None,
        apex: int | None = None,
        offset: int | None = None,
        *,
        frames: Mapping[int, np.ndarray] | None = None,
        landmarks: Mapping[int, np.ndarray] | None = None,
    ) -> Answer:
        """Classify a clip, and tell its action units and whether it can be judged, as far as the recognizer does.

        Args and errors are those of a call of the model.
        """
        sample = self._sample(source, onset, apex, offset, frames, landmarks)
        units = getattr(self.predictor, "predict_action_units", None)
        reasons = getattr(self.predictor, "unknown_reasons", None)
        return Answer(
            self._probabilities(sample),
            self.predictor.predict([sample])[0],
            () if units is None else units_by_side(units([sample])[0]),
            "" if reasons is None else reasons([sample])[0],
        )

    def _sample(
        self,
        source: Path | str,
        onset: int | None,
        apex: int | None,
        offset: int | None,
        frames: Mapping[int, np.ndarray] | None,
        landmarks: Mapping[int, np.ndarray] | None,
    ) -> Sample:
        path = Path(source)
        clip = Clip("user/user/clip", "user", "user/user", path, 1.0, onset, apex, offset)
        self._check_times(clip, None if frames is None else tuple(frames))
        return self.chain(clip, frames, landmarks)

    def _probabilities(self, sample: Sample) -> dict[str, float]:
        probabilities = self.predictor.predict_proba([sample])[0]
        order = np.argsort(-probabilities, kind="stable")
        return {self.classes[i]: float(probabilities[i]) for i in order}

    def _missing_times(self, given: Collection[str]) -> list[str]:
        """The times that the chain needs and that are not given; without them it would look at any frames."""
        reads, needed = self.chain.reads, []
        if self.chain.measures_motion and "onset" in reads and "onset" not in given:
            needed.append("onset")
        if "apex" in reads and "apex" not in given and not {"onset", "offset"} <= set(given):
            needed.append("apex")
        return needed

    def _check_times(self, clip: Clip, numbers: Sequence[int] | None) -> None:
        given = {name: getattr(clip, name) for name in TIMES if getattr(clip, name) is not None}
        needed = self._missing_times(given)
        if not given and not needed:
            return
        for name, value, reason in clip.issues():
            raise UsageError(f"{name} = {value}: {reason}")
        numbers = open_frames(clip.source).numbers if numbers is None else numbers
        for name, value in given.items():
            if value not in numbers:
                available = f"{numbers[0]} to {numbers[-1]}" if numbers else "none"
                raise UsageError(f"{name} = {value}: '{clip.source}' has no such frame (it has {available})")
        if needed and len(numbers) > 1:
            first, last = numbers[0], numbers[-1]
            raise UsageError(
                f"'{clip.source}': this model needs to know when the movement is, and its {' and '.join(needed)} "
                f"{'is' if len(needed) == 1 else 'are'} not given; give onset and apex (frames {first} to {last}), or "
                f"onset={first}, offset={last} if the recording is cut to the movement"
            )
        if self.chain.measures_motion and clip.onset is not None and clip.onset == clip.apex:
            raise UsageError(f"onset = apex = {clip.onset}: between a frame and itself there is no motion")


DEFAULT_MODEL = Path(__file__).parent / "shipped" / "default.safetensors"


def default_model() -> Model | None:
    """The recognizer that ships with the package; None where it ships without one."""
    return load_model(DEFAULT_MODEL) if DEFAULT_MODEL.is_file() else None


def load_model(path: Path | str, chain: Sequence[Mapping[str, Any]] | None = None) -> Model:
    """Read a model from a `.safetensors` file that a run saved, or an `.onnx` file that `microexpr export` wrote.

    A text file of the same name beside it, `.txt`, says how well it did on real faces; warnings and pages quote it.

    Args:
        path: the file.
        chain: steps as in a recipe, for a file without a chain.

    Raises:
        MissingDataError: no such file.
        DataError: it is damaged, is not a model, or has no chain.
        MissingPluginError: it has a step, recognizer or network of a plug-in; call `microexpr.load_plugin` first.
    """
    predictor: Predictor
    if Path(path).suffix == ".onnx":
        predictor = exported = OnnxModel(path)
        metadata = exported.metadata
    else:
        predictor, metadata = Recognizer.load(path), read_metadata(path)
    if (results := Path(path).with_suffix(".txt")).is_file():
        metadata = {**metadata, "results": results.read_text(encoding="utf-8").strip()}
    steps = _chain(path, metadata) if chain is None else chain
    with names_of(f"'{path}'" if chain is None else "the chain"):
        return Model(Chain.build(steps), predictor, metadata)


def load_classifier(path: Path | str) -> Model:
    """Read a model that tells classes, as the analysis of recordings needs it.

    Raises:
        UsageError: the model was trained on action units and tells no class.
        MicroexprError: as `load_model`.
    """
    model = load_model(path)
    if are_action_units(model.classes):
        units = ", ".join(model.classes)
        raise UsageError(
            f"model '{path}' tells action units ({units}), not classes; give a model that `microexpr train` made of a "
            "recipe of recognition, or `default`, which tells both"
        )
    return model


def _chain(path: Path | str, metadata: Mapping[str, str]) -> list[dict[str, Any]]:
    if "chain" not in metadata:
        raise DataError(f"'{path}' has no chain; give load_model(path, chain=[...])")
    try:
        steps = json.loads(metadata["chain"])
    except ValueError:
        steps = None
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise DataError(f"'{path}': its chain is not a list of steps in JSON: {metadata['chain'][:60]!r}")
    return steps
