"""Step `descriptor`: a hand-made descriptor of the frames or of the flow."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from ..core.clip import Sample
from ..features import FEATURES
from .base import STEPS, Step


@STEPS.register("descriptor")
@dataclass(frozen=True)
class Descriptor(Step):
    """`features` (length,) float32 from the array that the descriptor reads, which is removed.

    Args:
        feature: table of the descriptor: its `name` and its settings.
    """

    feature: dict[str, Any] = field(default_factory=lambda: {"name": "lbp-top"})

    def __post_init__(self) -> None:
        FEATURES.build(self.feature)  # a wrong setting is an error before any work is done

    def __call__(self, sample: Sample) -> Sample:
        """Replaces the array by `features`."""
        feature = FEATURES.build(self.feature)
        values = feature(sample.array(feature.reads))
        rest = {name: array for name, array in sample.arrays.items() if name != feature.reads}
        return dataclasses.replace(sample, arrays={**rest, "features": values})
