"""What a metric is: a record with a name, a label and a function. `METRICS` holds all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.registry import RecordRegistry

Labels = Sequence[str]
"""One class label a clip; among predictions, "" stands for a clip without one."""

MetricFunction = Callable[[Labels, Labels, Labels], float]
"""A function of `(y_true, y_pred, classes)`."""


@dataclass(frozen=True)
class Metric:
    """A score of recognition. Reports, protocols and bootstrap intervals find it in `METRICS`.

    Attributes:
        name: as in recipes, protocols and `report --json`.
        label: what papers and tables call it.
        function: computes it from `(y_true, y_pred, classes)`.
        from_counts: computes it from (..., C, C + 1) counts as `count_predictions` returns them, for any leading axes
            at once. Bootstrap intervals take a moment with it; without it, `function` is called for every sample.
        higher_is_better: whether a larger value is a better one.
        average: `pooled` over the predictions of all folds, or `folds`: computed in each fold, then averaged.
        order: position in tables, smallest first; metrics of equal order stand by name.
    """

    name: str
    label: str
    function: MetricFunction
    from_counts: Callable[[np.ndarray], np.ndarray] | None = None
    higher_is_better: bool = True
    average: Literal["pooled", "folds"] = "pooled"
    order: int = 100


METRICS: RecordRegistry[Metric] = RecordRegistry("metric", "microexpr.metrics")
"""All metrics of recognition. One more: `METRICS.add("name", Metric("name", ...))` in a file of this folder or of a
plug-in."""


def ordered_metrics() -> list[Metric]:
    """All metrics in the order of tables."""
    return sorted((metric for _, metric in METRICS), key=lambda metric: (metric.order, metric.name))
