"""Networks whose weights were published for each fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..core.clip import Sample
from ..core.errors import DataError
from ..networks.weights import load_weights, read_weights
from .base import RECOGNIZERS, State
from .network import Network


@RECOGNIZERS.register("per-subject-weights")
@dataclass
class PerSubjectWeights(Network):
    """A network whose weights were published for each fold; nothing is trained.

    STSTNet's authors publish a file for each subject, trained without that subject and named after it (`sub01.pth`,
    `s01.pth`, `006.pth`). The settings are those of `network`; those of the training are ignored.

    Args:
        weights: folder with `<subject>.safetensors` or `<subject>.pth`.
    """

    weights: str = ""

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        subject = self.fold.rsplit("/", 1)[-1]
        candidates = [Path(self.weights).expanduser() / f"{subject}.{suffix}" for suffix in ("safetensors", "pth")]
        path = next((path for path in candidates if path.is_file()), None)
        if not self.weights or path is None:
            advice = f"set recognizer.weights to a folder that has {subject}.pth"
            raise DataError(f"no weights for '{subject}' in '{self.weights}'; {advice}")
        self._build_classifier(self._clips(samples[:1]).shape, torch.Generator())
        load_weights(self.module_, read_weights(path), f"'{path}'")
        self.module_.eval()
