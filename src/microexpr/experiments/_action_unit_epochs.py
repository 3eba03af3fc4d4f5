"""Runs of action units that also keep what every epoch predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.clip import Sample
from ..recognizers import Recognizer
from ._action_unit_folds import ActionUnitEvaluation, ActionUnitJob
from .epoch_predictions import EpochEvaluation, EpochJob


@dataclass(frozen=True, kw_only=True)
class ActionUnitEpochJob(EpochJob, ActionUnitJob):
    """A fold of action units that keeps their probabilities after every epoch."""

    def outputs(self, recognizer: Recognizer, samples: Sequence[Sample]) -> np.ndarray:
        """(n, 34) probabilities of each action unit on the person's right and left side."""
        return self.predict(recognizer, samples).astype(np.float32)


class ActionUnitEpochEvaluation(EpochEvaluation, ActionUnitEvaluation):
    """Action units whose epochs are kept; arguments as `EpochEvaluation`."""

    job_class: ClassVar[type[ActionUnitEpochJob]] = ActionUnitEpochJob
