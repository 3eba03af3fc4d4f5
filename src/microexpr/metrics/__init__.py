"""Scores of recognition and spotting, their intervals, and the agreement of coders."""

from .bootstrap import bootstrap_interval, bootstrap_scores, interval_of
from .intervals import Spans, SpottingScore, f1_of_counts, interval_f1, overlap, strs
from .recognition import (
    METRICS,
    ClassScore,
    Metric,
    Words,
    abstained,
    confusion_matrix,
    expand_confusion_matrix,
    f1_of_mean_precision_recall,
    fold_mean_f1,
    macro_f1,
    majority,
    per_class,
    unweighted_average_recall,
    weighted_average_recall,
    weighted_f1,
)

__all__ = [
    "METRICS",
    "ClassScore",
    "Metric",
    "Spans",
    "SpottingScore",
    "Words",
    "abstained",
    "bootstrap_interval",
    "bootstrap_scores",
    "confusion_matrix",
    "expand_confusion_matrix",
    "f1_of_counts",
    "f1_of_mean_precision_recall",
    "fold_mean_f1",
    "interval_f1",
    "interval_of",
    "macro_f1",
    "majority",
    "overlap",
    "per_class",
    "strs",
    "unweighted_average_recall",
    "weighted_average_recall",
    "weighted_f1",
]
