"""Scores of recognition and spotting, their bootstrap intervals, and the agreement of coders."""

from .base import METRICS, Labels, Metric, MetricFunction, ordered_metrics
from .bootstrap import bootstrap_interval, bootstrap_scores, percentile_interval
from .intervals import Span, Spans, SpottingScore, f1_of_counts, interval_f1, match_intervals, overlap, strs
from .recognition import (
    ClassScore,
    confusion_matrix,
    count_abstentions,
    expand_confusion_matrix,
    f1_of_mean_precision_recall,
    fold_mean_f1,
    macro_f1,
    per_class,
    predict_majority,
    unweighted_average_recall,
    weighted_average_recall,
    weighted_f1,
)
from .spotting import SpotThenRecognize, SpottingScores, evaluate_spotting, spot_then_recognize

__all__ = [
    "METRICS",
    "ClassScore",
    "Labels",
    "Metric",
    "MetricFunction",
    "Span",
    "Spans",
    "SpotThenRecognize",
    "SpottingScore",
    "SpottingScores",
    "bootstrap_interval",
    "bootstrap_scores",
    "confusion_matrix",
    "count_abstentions",
    "evaluate_spotting",
    "expand_confusion_matrix",
    "f1_of_counts",
    "f1_of_mean_precision_recall",
    "fold_mean_f1",
    "interval_f1",
    "macro_f1",
    "match_intervals",
    "ordered_metrics",
    "overlap",
    "per_class",
    "percentile_interval",
    "predict_majority",
    "spot_then_recognize",
    "strs",
    "unweighted_average_recall",
    "weighted_average_recall",
    "weighted_f1",
]
