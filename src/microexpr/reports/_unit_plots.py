"""The figure of a report of action units."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from ._unit_summary import UnitScore
from .plots import BLUE, EDGE, ORANGE


def auc_figure(units: Sequence[UnitScore]) -> Figure:
    """Draw a bar for the AUC of each action unit, with its 95 % interval and number of clips."""
    shown = [unit for unit in units if unit.metrics["auc"] is not None]
    figure = Figure(figsize=(max(4.0, 0.62 * len(shown) + 1.2), 3.2), layout="constrained")
    axes = figure.subplots()
    for position, unit in enumerate(shown):
        value = unit.metrics["auc"] or 0.0
        axes.bar(position, value, 0.66, color=BLUE if unit.judged else EDGE)
        if "auc" in unit.intervals:
            axes.vlines(position, *unit.intervals["auc"], color="black", linewidth=1.2)
    axes.axhline(0.5, color=ORANGE, linewidth=1, linestyle="--")
    axes.set_xticks(range(len(shown)), [f"AU {unit.number}\n{unit.positives}" for unit in shown], fontsize=8)
    axes.set_ylim(0, 1)
    axes.set_ylabel("AUC")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
