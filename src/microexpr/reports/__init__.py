"""Reports of runs: scores with intervals, the majority baseline and published numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import UsageError
from ..experiments.run_folder import Run
from .base import REPORT_FORMATS, REPORTS, FigureSpec, Gallery, Report, ReportFormat, Table
from .log_scores import score_logs

__all__ = [
    "REPORTS",
    "REPORT_FORMATS",
    "FigureSpec",
    "Gallery",
    "Report",
    "ReportFormat",
    "Table",
    "make_report",
    "score_logs",
]


def make_report(runs: Run | Sequence[Run]) -> Report:
    """Make the report of one or several runs.

    Runs that differ in their seed only are reported as one, with the mean and the standard deviation of their scores;
    all others are compared with each other.

    Args:
        runs: a run, or a sequence of runs of the same kind of task.

    Raises:
        UsageError: there is no run, or they are of different kinds of task.
        RunError: a run has no result yet, or a file of it is damaged.
    """
    every = list(runs) if isinstance(runs, Sequence) else [runs]
    kinds = sorted({run.kind for run in every})
    if not kinds:
        raise UsageError("there is no run to report; give at least one")
    if len(kinds) > 1:
        raise UsageError(f"these are runs of different kinds ({', '.join(kinds)}); report them one by one")
    return REPORTS.get(kinds[0])(every)
