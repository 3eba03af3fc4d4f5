"""Kernel ridge regression on several descriptions of a flow; what it needs of training people has a closed form.

Saunders, Gammerman, Vovk: Ridge Regression Learning Algorithm in Dual Variables, ICML 1998. Leaving groups out in
closed form: Pahikkala, Boberg, Salakoski: Fast n-Fold Cross-Validation for Regularized Least-Squares, SCAI 2006.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from scipy.linalg import cho_factor, cho_solve

from ..core.clip import Sample
from ..core.registry import validate_settings
from ._calibration import best_temperature
from ._flow_views import FlowView, kernel
from ._pairs import PairRecognizer, Pairs, squared_distances
from .base import RECOGNIZERS, Settings, State, softmax

Positive = Annotated[float, Field(gt=0)]

VIEWS: tuple[Settings, ...] = (
    {},
    {"blur": 1.5},
    {
        "feature": {
            "name": "hoof",
            "grid": [7, 7],
            "folded": False,
            "normalize": "image",
            "interpolate": True,
            "square_root": True,
        }
    },
)


@RECOGNIZERS.register("kernel-ridge")
@dataclass
class KernelRidge(PairRecognizer):
    """Regression on the classes (1 for the own, 0 for the others) with the mean of Gaussian kernels of several views.

    A kernel between two clips is the mean of that between the clips and that between one and the mirror image of the
    other, so that mirrored faces are told alike. The width of a view's kernel is the median squared distance of the
    training clips. Every training person is left out once, in closed form, to choose the penalty and to calibrate the
    probabilities; the class is the one with the largest value.

    Args:
        estimates: arrays of flow images (H, W, 2 or more) of one size and in one frame, such as the flow of several
            methods; their mean is described.
        views: descriptions whose kernels are averaged; see `FlowView`.
        penalties: candidates of the penalty of large coefficients, above 0; the one with the smallest class-balanced
            squared error on training people who are left out.
        class_weights: weigh classes inversely to their number of training clips.
    """

    estimates: tuple[str, ...] = ("image",)
    views: tuple[Settings, ...] = VIEWS
    penalties: tuple[Positive, ...] = (0.05, 0.1, 0.2, 0.4)
    class_weights: bool = True

    def __post_init__(self) -> None:
        self._views()  # a misspelled setting is found before any work is done

    def _views(self) -> list[FlowView]:
        return [validate_settings(FlowView, dict(table), "view of kernel-ridge") for table in self.views]

    def _pairs_key(self) -> str:
        return repr((self.views, self.estimates))

    def _measure(self, samples: Sequence[Sample]) -> Pairs:
        described = [view.vectors(samples, self.estimates) for view in self._views()]
        own = tuple(vectors for vectors, _ in described)
        return Pairs(own, _distances(described, own))

    def _compare(self, samples: Sequence[Sample]) -> tuple[np.ndarray, ...]:
        return _distances([view.vectors(samples, self.estimates) for view in self._views()], self.vectors_)

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        pairs = self._training_pairs(samples)
        self.present_ = np.unique(targets)
        self.vectors_ = pairs.vectors
        self.widths_ = np.array([_median(direct) for direct in pairs.matrices[: len(self.views)]])
        gram = kernel(pairs.matrices, self.widths_)
        counts = np.bincount(targets, minlength=len(self.classes))
        weights = len(targets) / (len(self.present_) * counts[targets]) if self.class_weights else np.ones(len(targets))
        wanted = np.eye(len(self.classes))[targets][:, self.present_] - 1 / len(self.present_)
        groups = groups if len(set(groups)) > 1 else [sample.id for sample in samples]
        left_out = {p: leave_groups_out(gram, wanted, p / weights, groups) for p in self.penalties}
        errors = {p: float((weights[:, None] * (wanted - scores) ** 2).mean()) for p, scores in left_out.items()}
        self.penalty_ = min(errors, key=lambda penalty: errors[penalty])
        self.temperature_ = best_temperature(left_out[self.penalty_], np.searchsorted(self.present_, targets))
        system = gram + np.diag(self.penalty_ / weights)
        self.coefficients_ = cho_solve(cho_factor(system), wanted)
        self.history_ = [{"penalty": self.penalty_, "left_out_error": errors[self.penalty_]}]

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        scores = kernel(self._test_pairs(samples), self.widths_) @ self.coefficients_
        probabilities = np.zeros((len(samples), len(self.classes)))
        probabilities[:, self.present_] = softmax(scores / self.temperature_)
        return probabilities

    def state(self) -> State:
        """Return the descriptions of the training clips, their coefficients, and the widths of the kernels."""
        return {
            **{f"vectors.{i}": vectors for i, vectors in enumerate(self.vectors_)},
            "coefficients": self.coefficients_,
            "widths": self.widths_,
            "present": self.present_,
            "temperature": np.array(self.temperature_),
        }

    def _restore(self, state: State) -> None:
        self.vectors_ = tuple(state[f"vectors.{i}"] for i in range(len(self.views)))
        self.coefficients_, self.widths_, self.present_ = state["coefficients"], state["widths"], state["present"]
        self.temperature_ = float(state["temperature"])


def leave_groups_out(gram: np.ndarray, wanted: np.ndarray, penalties: np.ndarray, groups: Sequence[Any]) -> np.ndarray:
    """Scores of kernel ridge regression for each clip, when its whole group is left out of the training.

    With A = K + diag(penalties), the regression without a group g misses its values by (A^-1)_gg^-1 (A^-1 Y)_g,
    exactly, so that one inverse serves all groups.

    Args:
        gram: (n, n) kernel of the clips.
        wanted: (n, outputs) values to be learned.
        penalties: (n,) penalty of each clip, above 0.
        groups: n names.

    Returns:
        (n, outputs) scores.
    """
    inverse = np.linalg.inv(gram + np.diag(penalties))
    coefficients = inverse @ wanted
    scores = np.empty_like(coefficients)
    names = np.asarray(groups)
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        scores[rows] = wanted[rows] - np.linalg.solve(inverse[np.ix_(rows, rows)], coefficients[rows])
    return scores


def _distances(
    described: Sequence[tuple[np.ndarray, np.ndarray]], columns: Sequence[np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Squared distances of the clips to those of the columns, for each view; then those of their mirror images."""
    direct = [squared_distances(own, c) for (own, _), c in zip(described, columns, strict=True)]
    across = [squared_distances(twins, c) for (_, twins), c in zip(described, columns, strict=True)]
    return (*direct, *across)


def _median(squared: np.ndarray) -> float:
    """Median squared distance of different clips, 1 where there is none."""
    pairs = squared[np.triu_indices(len(squared), 1)]
    median = float(np.median(pairs)) if len(pairs) else 0.0
    return median if median > 0 else 1.0
