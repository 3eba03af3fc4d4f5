"""A recognizer in one file: the class whose mean image is nearest.

microexpr run examples/my_recipe.toml --data synthetic \\
    --plugin examples/my_dataset.py --plugin examples/my_recognizer.py
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microexpr.core.clip import Sample
from microexpr.recognizers.base import RECOGNIZERS, Recognizer, State, softmax, stack


@RECOGNIZERS.register("nearest-mean")
@dataclass
class NearestMean(Recognizer):
    """Compares a image with the mean image of each class.

    Args:
        sharpness: how much a smaller distance counts.
    """

    sharpness: float = 1.0

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        images = stack(samples, "image").reshape(len(samples), -1)
        present = np.unique(targets)
        self.means_ = np.full((len(self.classes), images.shape[1]), np.inf, np.float32)
        self.means_[present] = [images[targets == c].mean(axis=0) for c in present]

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        images = stack(samples, "image").reshape(len(samples), 1, -1)
        return softmax(-self.sharpness * np.linalg.norm(images - self.means_, axis=2).astype(np.float64))

    def state(self) -> State:
        """The mean images (classes, values); infinite for a class without a training clip."""
        return {"means": self.means_}

    def _restore(self, state: State) -> None:
        self.means_ = state["means"]
