"""Calibration of probabilities, and limits beyond which an input counts as unlike everything learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from .base import softmax

PASS = 0.99
"""Share of the drawn expressions that the limit of the distance lets pass."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is fitted on drawn motion of a style that was not learned.

    Attributes:
        temperature: logits of the classes are divided by it (Guo et al. 2017).
        unit_scale: (units,) logits of the action units are multiplied by it (Platt 1999),
        unit_shift: (units,) and this is added; both sides of an action unit have the same.
        farthest: largest distance of a feature vector from the mean (Mahalanobis).
        mean: (F,) mean feature vector of expressions.
        whitening: (F, F) their deviations from the mean times this have unit covariance.
    """

    temperature: float
    unit_scale: np.ndarray
    unit_shift: np.ndarray
    farthest: float
    mean: np.ndarray
    whitening: np.ndarray

    @classmethod
    def fit(
        cls,
        logits: np.ndarray,
        labels: np.ndarray,
        unit_logits: np.ndarray,
        shown: np.ndarray,
        features: tuple[np.ndarray, np.ndarray],
    ) -> Self:
        """Fit all of it.

        Args:
            logits: (n, classes + 1) of drawn faces; the last is no expression.
            labels: (n,) position of the true one; larger than all of them where there is none, which counts for the
                action units alone.
            unit_logits: (n, units, 2) of the action units on both sides.
            shown: (n, units, 2) 0 to 1, whether each is shown.
            features: (m, F) of expressions that were learned, for mean and covariance, and (n, F) of the drawn faces,
                for the limit.
        """
        expression = labels < logits.shape[1] - 1
        learned, held_out = features
        mean = learned.mean(axis=0)
        covariance = np.cov(learned, rowvar=False) + 1e-3 * np.eye(learned.shape[1])
        values, vectors = np.linalg.eigh(covariance)
        whitening = vectors / np.sqrt(values)
        distances = np.linalg.norm((held_out[expression] - mean) @ whitening, axis=1)
        known = labels < logits.shape[1]
        units = [_platt(unit_logits[:, i].ravel(), shown[:, i].ravel()) for i in range(shown.shape[1])]
        scale, shift = np.array(units, np.float32).T
        return cls(
            best_temperature(logits[known], labels[known]),
            scale,
            shift,
            float(np.quantile(distances, PASS)),
            mean.astype(np.float32),
            whitening.astype(np.float32),
        )

    def distances(self, features: np.ndarray) -> np.ndarray:
        """(n,) Mahalanobis distances of feature vectors (n, F)."""
        return np.linalg.norm((features - self.mean) @ self.whitening, axis=1)

    def classes(self, logits: np.ndarray) -> np.ndarray:
        """(n, classes + 1) probabilities."""
        return softmax(logits / self.temperature)

    def units(self, logits: np.ndarray) -> np.ndarray:
        """(n, units, 2) probabilities of action units from their logits, shaped alike."""
        return np.asarray(1 / (1 + np.exp(-(logits * self.unit_scale[:, None] + self.unit_shift[:, None]))))

    def state(self) -> dict[str, np.ndarray]:
        """Everything as arrays."""
        return {name: np.asarray(value, np.float32) for name, value in asdict(self).items()}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> Self:
        """Take back what `state` returned."""
        return cls(**{name: value if value.ndim else float(value) for name, value in state.items()})  # type: ignore[arg-type]


def best_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of the smallest cross-entropy (Guo et al. 2017), .05 to 20.

    Args:
        logits: (n, classes), which are divided by it.
        labels: (n,) column of the true class.
    """

    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(labels)), labels]

    def cross_entropy(logarithm: float) -> float:
        inverse = np.exp(-logarithm)
        probabilities = np.exp(own * inverse) / np.exp(shifted * inverse).sum(axis=1)
        return float(-np.log(probabilities + 1e-12).mean())

    return float(np.exp(minimize_scalar(cross_entropy, bounds=(-3, 3), method="bounded").x))


def _platt(logits: np.ndarray, shown: np.ndarray) -> tuple[float, float]:
    """Scale and shift of the smallest binary cross-entropy."""

    def cross_entropy(parameters: np.ndarray) -> float:
        z = logits * parameters[0] + parameters[1]
        return float((np.logaddexp(0, z) - shown * z).mean())

    scale, shift = minimize(cross_entropy, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(scale), float(shift)
