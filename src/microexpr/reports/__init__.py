"""Reports of runs: scores with intervals, the majority baseline and published numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.errors import UsageError
from ..experiments.run_folder import Run
from .base import REPORT_FORMATS, REPORTS, FigureSpec, Gallery, Report, ReportFormat, Table
from .log_scores import score_logs
from .warnings import join_warnings

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
    all others are compared with each other. Runs of different kinds of task stand beside each other. Of several runs,
    those without any result yet are named and left out.

    Args:
        runs: a run, or a sequence of runs.

    Raises:
        UsageError: there is no run.
        RunError: a run has no result yet, or a file of it is damaged.
    """
    every = list(runs) if isinstance(runs, Sequence) else [runs]
    if not every:
        raise UsageError("there is no run to report; give at least one")
    begun = every if len(every) == 1 else [run for run in every if run.done()] or every
    missing = tuple(f"PARTIAL: '{run.folder}' has no result yet." for run in every if run not in begun)
    kinds = dict.fromkeys(run.kind for run in begun)
    reports = [REPORTS.get(kind)([run for run in begun if run.kind == kind]) for kind in kinds]
    report = reports[0] if len(reports) == 1 else _side_by_side(reports)
    return replace(report, warnings=(*missing, *report.warnings))


def _side_by_side(reports: Sequence[Report]) -> Report:
    """One report of runs of different kinds, which are not compared with each other."""
    parts = [part for report in reports for part in (report.parts or (report,))]
    common, own = join_warnings([(report.name, report.warnings) for report in reports])
    return Report(
        title=f"{len(parts)} runs of {len(reports)} kinds",
        name="comparison",
        warnings=(*common, *own),
        tables=tuple(table for report in reports if report.parts for table in report.tables),
        data=tuple(record for report in reports for record in report.data),
        scores=tuple(row for report in reports for row in report.scores),
        parts=tuple(parts),
    )
