"""The report of recognition runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ..experiments.examples import example_images, load_examples
from ..experiments.recognition_run import RecognitionRun
from ._run_group import RunGroup
from .base import REPORTS, Gallery, Report, Table
from .figures import make_figures
from .overview import compare_pairs, comparison_tables
from .summary import Summary, summarize
from .tables import make_tables
from .warnings import join_warnings


def make_recognition_report(runs: Sequence[RecognitionRun]) -> Report:
    """Report runs of recognition: a part for each recipe, and tables that compare them if there are several."""
    summaries = [summarize(group) for group in group_seeds(runs)]
    parts = tuple(_report(summary) for summary in summaries)
    return parts[0] if len(parts) == 1 else join_reports(parts, comparison_tables(summaries), summaries)


def join_reports(parts: Sequence[Report], tables: Sequence[Table], summaries: Sequence[RunGroup]) -> Report:
    """One report of several, with tables that compare them, and their differences paired by clip.

    Args:
        parts: a report of each recipe.
        tables: tables of all of them.
        summaries: what the parts were made of.
    """
    pairs, comparisons = compare_pairs(summaries)
    common, own = join_warnings([(part.name, part.warnings) for part in parts])
    return Report(
        title=f"{len(parts)} runs",
        name="comparison",
        warnings=(*common, *own),
        tables=(*tables[:1], *pairs, *tables[1:]),
        data=tuple(
            {**record, "comparisons": [c.as_dict() for c in comparisons if part.name in (c.first, c.second)]}
            for part in parts
            for record in part.data
        ),
        scores=tuple(record for part in parts for record in part.scores),
        parts=tuple(parts),
    )


def group_seeds(runs: Sequence[RecognitionRun]) -> list[list[RecognitionRun]]:
    """Group runs of the same recipe, protocol and data, which differ in their seed only."""
    groups: dict[str, list[list[RecognitionRun]]] = {}
    for run in runs:
        metadata = run.metadata
        identity = json.dumps([metadata.key, metadata.protocol, metadata.data, metadata.quick], sort_keys=True)
        same = groups.setdefault(identity, [[]])
        if metadata.seed in [other.metadata.seed for other in same[-1]]:
            same.append([])  # two runs with the same seed get two reports
        same[-1].append(run)
    return [group for same in groups.values() for group in same]


def _report(summary: Summary) -> Report:
    return Report(
        title=summary.title,
        name=summary.recipe,
        subtitle=summary.subtitle,
        warnings=summary.warnings,
        tables=tuple(make_tables(summary)),
        figures=tuple(make_figures(summary)),
        galleries=tuple(make_galleries(summary.run)),
        data=(summary.as_dict(),),
        scores=tuple(_scores(summary)),
    )


def _scores(summary: Summary) -> Iterator[dict[str, Any]]:
    """A row for each metric, of all clips and of each part."""
    common = {"recipe": summary.recipe, "protocol": summary.protocol.name}
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
                yield {**common, "part": part, "metric": name, "score": score, **counts}


def make_galleries(run: RecognitionRun) -> list[Gallery]:
    """Apex frames and inputs of the recognizer that the run saved; apex frames alone only if there is no strip."""
    by_clip = example_images(run.folder)
    has_strips = any(example.strip is not None for example in load_examples(run.folder))
    items = [
        (f"{label}: {clip}", tuple(files[kind] for kind in ("apex", "input") if kind in files))
        for (label, clip), files in by_clip.items()
        if "input" in files or not has_strips
    ]
    if not items:
        return []
    kinds = next(iter(by_clip.values()))
    if "apex" in kinds and "input" in kinds:
        note = "Left: apex frame of a synthetic subject. Right: the input of the recognizer."
    elif "apex" in kinds:
        note = "Apex frames of synthetic subjects."
    else:
        note = "Inputs of the recognizer, made from licensed recordings: read the license before you pass this page on."
    return [Gallery("Example clips", tuple(items), note)]


REPORTS.add("recognition", make_recognition_report)
