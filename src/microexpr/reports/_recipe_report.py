"""The report of each recipe that is evaluated in folds, whatever it predicts, and the report of several of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ..experiments.examples import example_images, load_examples
from ..experiments.recognition_run import RecognitionRun
from ._run_group import RunGroup
from .base import FigureSpec, Gallery, Report, Table
from .leaderboard import lift_by_choosing
from .overview import compare_by_clip
from .settings import tell_apart
from .warnings import join_warnings

S = TypeVar("S", bound=RunGroup)


def recipe_report(
    summary: RunGroup,
    tables: Iterable[Table],
    figures: Iterable[FigureSpec],
    scores: Iterable[Mapping[str, Any]],
) -> Report:
    """The report of the runs of one recipe.

    Args:
        summary: the runs with their scores.
        tables, figures: what it shows, the most important first.
        scores: a row for each score.
    """
    return Report(
        title=summary.title,
        name=summary.name,
        subtitle=summary.subtitle,
        caveats=tuple(summary.caveats),
        warnings=summary.warnings,
        tables=tuple(tables),
        figures=tuple(figures),
        galleries=tuple(make_galleries(summary.run)),
        data=({**summary.as_dict(), "lift": lift_by_choosing(summary)},),
        scores=tuple(scores),
    )


def join_reports(parts: Sequence[Report], summaries: Sequence[S], compare: Callable[[list[S]], list[Table]]) -> Report:
    """The report itself if there is one; of several one with tables that compare them, paired by clip.

    Args:
        parts: a report of each recipe.
        summaries: what the parts were made of.
        compare: makes the tables of all of them.
    """
    if len(parts) == 1:
        return parts[0]
    lifts = {own.run.folder: record["lift"] for own, part in zip(summaries, parts, strict=True) for record in part.data}
    rankings, differences, comparisons = compare_by_clip(summaries, lifts)
    common, own = join_warnings([(part.name, part.warnings) for part in parts])
    first, *rest = compare(list(summaries))
    several_protocols = len(rankings) > 1 and len(first.rows) == len(parts)  # then the first table has all runs
    leading = [first, *rankings] if several_protocols else [*rankings, first]
    return Report(
        title=f"{len(parts)} runs",
        name="comparison",
        caveats=tuple(name for name in parts[0].caveats if all(name in part.caveats for part in parts)),
        warnings=(*common, *own),
        tables=(*leading, *differences, *rest),
        data=tuple(
            {**record, "comparisons": [c.as_dict() for c in comparisons if part.name in (c.first, c.second)]}
            for part in parts
            for record in part.data
        ),
        scores=tuple(record for part in parts for record in part.scores),
        parts=tuple(parts),
    )


def summarize_recipes(runs: Sequence[RecognitionRun], summarize: Callable[[Sequence[RecognitionRun]], S]) -> list[S]:
    """Summaries of the runs of each recipe, which say what differs where several are of one name.

    Args:
        runs: of any recipes, with any seeds.
        summarize: makes the summary of the runs of one recipe, a run for each seed.
    """
    groups = group_seeds(runs)
    differs = tell_apart([group[0] for group in groups])
    return [replace(summarize(group), differs=own) for group, own in zip(groups, differs, strict=True)]


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
