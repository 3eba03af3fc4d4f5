"""The report of runs that recognize action units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ..experiments.recognition_run import RecognitionRun
from ._recipe_report import join_reports, recipe_report, summarize_recipes
from ._unit_plots import auc_figure
from ._unit_summary import UnitSummary, summarize_units
from ._unit_tables import compare_units, make_unit_tables
from .base import REPORTS, FigureSpec, Report
from .figures import run_figures


def make_action_units_report(runs: Sequence[RecognitionRun]) -> Report:
    """Report runs of action units: a part for each recipe, and tables that compare them if there are several."""
    summaries = summarize_recipes(runs, summarize_units)
    return join_reports([_report(summary) for summary in summaries], summaries, compare_units)


def _report(summary: UnitSummary) -> Report:
    figures = (_auc_figure(summary), *run_figures(summary.run))
    return recipe_report(summary, make_unit_tables(summary), figures, _scores(summary))


def _auc_figure(summary: UnitSummary) -> FigureSpec:
    caption = (
        "Area under the ROC curve of each action unit with its 95 % interval over subjects, and the number of clips "
        "that have it. Gray: too few clips for the means. The line is chance."
    )
    return FigureSpec("auc-by-unit", "Action units", caption, partial(auc_figure, summary.units))


def _scores(summary: UnitSummary) -> Iterator[dict[str, Any]]:
    """A row for each metric: of the means, of each part and of each action unit."""
    common = {"recipe": summary.name, "protocol": summary.protocol.name}
    whole = {"clips": summary.n_clips, "subjects": summary.n_subjects}
    for part, means in summary.all_means():
        for name, score in means.metrics.items():
            low, high = means.intervals.get(name, (None, None))
            rest = {"score": score, "low": low, "high": high, "sd": means.spread.get(name)}
            yield {**common, "part": part, "metric": name, **rest, "baseline": means.trivial[name], **whole}
    for part, values in summary.parts.items():
        for name in summary.metrics:
            low, high = summary.part_intervals[part].get(name, (None, None))
            rest = {"score": values[name], "low": low, "high": high, "baseline": summary.part_trivial[part][name]}
            counts = {"clips": values["n"], "subjects": values["subjects"]}
            yield {**common, "part": part, "metric": name, **rest, **counts}
    for unit in summary.units:
        for name, score in unit.metrics.items():
            low, high = unit.intervals.get(name, (None, None))
            rest = {"score": score, "low": low, "high": high, "baseline": unit.trivial[name], "clips": unit.positives}
            yield {**common, "part": f"AU {unit.number}", "metric": name, **rest}


REPORTS.add("action-units", make_action_units_report)
