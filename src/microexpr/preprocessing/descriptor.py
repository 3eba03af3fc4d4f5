"""Step `descriptor`: a hand-made descriptor of the frames or of the flow."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.clip import Sample
from ..features import FEATURES, FaceFeature
from .base import STEPS, Step


@STEPS.register("descriptor")
@dataclass(frozen=True)
class Descriptor(Step):
    """`features` (length,) float32 from the array that the descriptor reads, which is removed, as are `landmarks`.

    A descriptor of regions of the face takes the `landmarks` of the step of that name; without a face its values are 0.

    Args:
        feature: table of the descriptor: its `name` and its settings.
    """

    feature: dict[str, Any] = field(default_factory=lambda: {"name": "lbp-top"})

    def __post_init__(self) -> None:
        FEATURES.build(self.feature)  # a wrong setting is an error before any work is done

    def __call__(self, sample: Sample) -> Sample:
        """Replaces the array by `features`."""
        feature = FEATURES.build(self.feature)
        array = sample.array(feature.reads)
        if not isinstance(feature, FaceFeature):
            values = feature(array)
        elif sample.face_found:
            values = feature(array, sample.array("landmarks"))
        else:
            values = np.zeros(feature.length, np.float32)
        rest = {name: array for name, array in sample.arrays.items() if name not in (feature.reads, "landmarks")}
        return dataclasses.replace(sample, arrays={**rest, "features": values})
