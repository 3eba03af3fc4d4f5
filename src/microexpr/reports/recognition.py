"""The report of recognition runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..experiments.recognition_run import RecognitionRun
from ._recipe_report import join_reports, recipe_report, summarize_recipes
from .base import REPORTS, Report
from .figures import make_figures
from .overview import comparison_tables
from .summary import Summary, summarize
from .tables import make_tables


def make_recognition_report(runs: Sequence[RecognitionRun]) -> Report:
    """Report runs of recognition: a part for each recipe, and tables that compare them if there are several."""
    summaries = summarize_recipes(runs, summarize)
    return join_reports([_report(summary) for summary in summaries], summaries, comparison_tables)


def _report(summary: Summary) -> Report:
    return recipe_report(summary, make_tables(summary), make_figures(summary), _scores(summary))


def _scores(summary: Summary) -> Iterator[dict[str, Any]]:
    """A row for each metric, of all clips and of each part."""
    common = {"recipe": summary.name, "protocol": summary.protocol.name}
    for name, score in summary.metrics.items():
        low, high = summary.intervals.get(name, (None, None))
        yield {
            **common,
            "part": "",
            "metric": name,
            "score": score,
            "low": low,
            "high": high,
            "sd": summary.spread.get(name),
            "baseline": summary.baseline[name],
            "clips": summary.n_clips,
            "subjects": summary.n_subjects,
        }
    for part, values in summary.parts.items():
        for name, score in values.items():
            if name not in ("n", "subjects"):
                counts = {"clips": values["n"], "subjects": values["subjects"]}
                low, high = summary.part_intervals[part].get(name, (None, None))
                rest = {"score": score, "low": low, "high": high, "baseline": summary.part_baseline[part][name]}
                yield {**common, "part": part, "metric": name, **rest, **counts}


REPORTS.add("recognition", make_recognition_report)
