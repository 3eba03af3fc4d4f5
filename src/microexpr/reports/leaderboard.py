"""A ranking of the recipes of one protocol: scores, differences to the best, what a leak would add, and the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import MicroexprError
from ._epoch_choice import EACH_FOLD, KeptEpochs, epoch_choices
from ._run_group import RunGroup
from .base import Table
from .comparison import Comparison, compare_groups, metric_label
from .tables import LEAKY, format_interval, format_number, format_score

SMALLEST = 3
"""Recipes under one protocol from which on they are ranked; two are compared by `comparison_table`."""


@dataclass(frozen=True)
class Rank:
    """A recipe's place.

    Attributes:
        group: its runs with their scores.
        to_best: its comparison with the best recipe; None for the best itself, or where they cannot be compared.
        reason: why they cannot.
        lift: what `lift_by_choosing` gives.
    """

    group: RunGroup
    to_best: Comparison | None
    reason: str
    lift: Mapping[str, Any] | None


def rank(groups: Sequence[RunGroup], lifts: Sequence[Mapping[str, Any] | None]) -> list[Rank]:
    """Rank the recipes of one protocol by its first metric, the best first.

    The best is the best on these test subjects: the differences to it are of a choice that was made on them.

    Args:
        groups: the runs of each recipe.
        lifts: what `lift_by_choosing` gives for each of them.
    """
    metric = groups[0].protocol.primary_metrics[0]
    pairs = sorted(zip(groups, lifts, strict=True), key=lambda pair: -(pair[0].metrics[metric] or 0))
    best = pairs[0][0]
    ranks = [Rank(best, None, "", pairs[0][1])]
    for other, lift in pairs[1:]:
        comparison, reason = None, ""
        try:
            comparison = compare_groups(other, best, metrics=[metric])
        except MicroexprError as error:
            reason = str(error)
        ranks.append(Rank(other, comparison, reason, lift))
    return ranks


def leaderboard_table(ranks: Sequence[Rank]) -> Table:
    """The ranking of the recipes of one protocol as a table."""
    protocol = ranks[0].group.protocol
    first, *rest = protocol.primary_metrics
    labels = [metric_label(name, protocol) for name in rest]
    columns = ["", f"{metric_label(first, protocol)} (95 %)", *labels, "minus the best (95 %)"]
    columns += [f"lift {LEAKY}", "weights", "s a fold"]
    shared = [name for name in ranks[0].group.caveats if all(name in place.group.caveats for place in ranks)]
    rows = []
    for place in ranks:
        group = place.group
        own = [name for name in group.caveats if name not in shared]
        interval = format_interval(group.intervals.get(first))
        network, seconds = group.run.network(), group.seconds_per_fold
        rows.append(
            (
                group.method + (f" ({', '.join(own)})" if own else ""),
                _score(group, first) + (f" ({interval})" if interval else ""),
                *(_score(group, name) for name in rest),
                _difference(place),
                "" if place.lift is None else f"{place.lift['difference']:+.3f}",
                "" if network is None else format_number(network["parameters"]),
                "" if seconds is None else f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}",
            )
        )
    seeds = max(len(place.group.runs) for place in ranks)
    notes = [
        "The best on these test subjects comes first; minus the best: paired by clip, bootstrap over subjects.",
        f"lift {LEAKY}: what choosing each fold's epoch on its test subjects would have added, where several were kept",
        "s a fold: wall-clock seconds of training and predicting a fold on the machine of the run",
    ]
    if seeds > 1:
        notes.insert(1, f"Scores are means over up to {seeds} seeds, ± their standard deviation.")
    notes += [f"{place.group.name} is not compared: {place.reason}" for place in ranks if place.reason]
    title = f"leaderboard: {protocol.title}" + (f" ({', '.join(shared)})" if shared else "")
    return Table(title, tuple(columns), tuple(rows), "\n".join(notes), n_own=len(rows))


def lift_by_choosing(group: RunGroup) -> dict[str, Any] | None:
    """What choosing the epoch of each fold on its test subjects would have added, by the protocol's first metric.

    Returns:
        The difference with its interval, as `report --json` prints it; None where no epochs were kept, or a single
        one, which leaves nothing to choose.
    """
    if not all(run.keeps_epochs and run.complete for run in group.runs):
        return None
    if any(len(KeptEpochs.of(run).epochs) < 2 for run in group.runs):
        return None
    choice = next(choice for choice in epoch_choices(group.runs) if choice.name == EACH_FOLD)
    return {"metric": (name := group.protocol.primary_metrics[0]), **choice.lift[name].as_dict()}


def _difference(place: Rank) -> str:
    if place.to_best is None:
        return ""
    found = place.to_best.differences[0]
    return f"{found.difference:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _score(group: RunGroup, metric: str) -> str:
    value = group.metrics[metric]
    if value is None:
        return ""
    spread = f" ±{format_score(group.spread[metric])}" if metric in group.spread else ""
    return format_score(value) + spread
