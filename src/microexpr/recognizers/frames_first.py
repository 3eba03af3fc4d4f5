"""A network that learns single frames of the training clips first, then their sequences.

Wang et al. 2018 (TLCNN, Neurocomputing 312): there are many more frames than clips, so that a CNN can learn from them
what the LSTM on its features needs. Both are learned inside the training fold: a stage of a recipe before the last
one would be trained on frames of the people who are tested.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.registry import validate_settings
from .base import RECOGNIZERS, Settings, State
from .network import Network


@RECOGNIZERS.register("network-frames-first")
@dataclass
class NetworkFramesFirst(Network):
    """Two trainings one after the other: `frames` on single frames, each labeled as its clip, then this on sequences.

    The second network begins with the weights of the first one; layers of its head that the first has not are random.

    Args:
        frames: settings of the recognizer `network` that is trained on single frames, but `array`; its network takes
            images and has the layers of this one but the head, e.g. `alexnet` for `alexnet-lstm`.
        frame_every: every n-th frame of a clip is learned, beginning with the first.
    """

    frames: Settings = field(default_factory=lambda: {"network": {"name": "alexnet"}, "epochs": 20, "batch_size": 64})
    frame_every: Annotated[int, Field(ge=1)] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if "array" in self.frames:
            raise RecipeError("recognizer 'network-frames-first': frames.array: it is this one's array; leave it out")
        self._of_frames()  # a misspelled setting is found before any work is done

    def _of_frames(self) -> Network:
        common = {"classes": self.classes, "seed": self.seed, "fold": self.fold}
        return validate_settings(Network, {**self.frames, "array": self.array}, "frames", **common)

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        on_progress = self.on_progress_
        held_out = self._held_out(groups)
        singles = [
            (frame, self.classes[target], group)
            for sample, target, group, out in zip(samples, targets, groups, held_out, strict=True)
            if not out
            for frame in self._singles(sample)
        ]
        first, labels, subjects = (list(part) for part in zip(*singles, strict=True))
        of_frames = self._of_frames()
        of_frames.fit(first, labels, subjects, init, on_progress=lambda done, total: on_progress(done, 2 * total))
        self.on_progress_ = lambda done, total: on_progress(total + done, 2 * total)
        super()._fit(samples, targets, groups, of_frames.state())
        self.on_progress_ = on_progress

    def _singles(self, sample: Sample) -> Iterator[Sample]:
        """Every n-th frame of a sequence as a sample.

        Raises:
            RecipeError: the array is no sequence.
        """
        values = sample.array(self.array)
        if values.ndim != 4:
            raise RecipeError(
                f"recognizer 'network-frames-first' takes sequences (frames, height, width, channels); "
                f"'{self.array}' of '{sample.id}' is {values.shape}"
            )
        for number in range(0, len(values), self.frame_every):
            clip = dataclasses.replace(sample.clip, id=f"{sample.id}/{number:05d}")
            yield dataclasses.replace(sample, clip=clip, arrays={self.array: values[number]})
