"""The report of an audit: which leaks were found, and what choosing the epoch on the test subject would print."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..experiments.audit import Audit
from ..experiments.leak_checks import LEAK_CHECKS
from ..experiments.recognition_run import RecognitionRun
from ._epoch_choice import MEANINGS, EpochChoice, KeptEpochs, epoch_choices
from .base import FigureSpec, Report, Table
from .comparison import metric_label
from .plots import epochs_figure
from .tables import LEAKY, format_score


def make_audit_report(audit: Audit) -> Report:
    """Report an audit of a recipe."""
    choices = epoch_choices(audit.runs) if audit.runs else []
    warnings = list(audit.caveats)
    if audit.synthetic:
        warnings.insert(0, "synthetic faces: the scores show that the machinery works, and nothing about people")
    title = f"audit of {audit.recipe.name}"
    return Report(
        title=title,
        name=f"audit-{audit.recipe.name}",
        subtitle=f"{audit.recipe.protocol.title}. {_verdict(audit)}",
        warnings=tuple(warnings),
        tables=(_findings_table(audit), *_choice_tables(choices, audit)),
        figures=tuple(_figures(audit)),
        data=(_record(audit, choices),),
        scores=tuple(
            {"recipe": audit.recipe.name, "epoch": choice.name, "clean": choice.clean, "metric": name, "score": score}
            for choice in choices
            for name, score in choice.scores.items()
        ),
    )


def _verdict(audit: Audit) -> str:
    if audit.leaks:
        return f"Leaks found by {len(audit.leaks)} of {len(audit.findings)} checks: {', '.join(audit.leaks)}."
    tried = sum(finding.outcome == "passed" for finding in audit.findings.values())
    others = "" if tried == len(audit.findings) else f"; {len(audit.findings) - tried} could not be tried"
    return f"{tried} checks found no leak{others}."


def _findings_table(audit: Audit) -> Table:
    rows = []
    for name, finding in audit.findings.items():
        check = LEAK_CHECKS.get(name)
        rows.append(
            (check.question, finding.outcome.upper() if finding.outcome == "leak" else finding.outcome, finding.details)
        )
    note = "tried on one fold with few clips and epochs; what no check looks for is not found"
    return Table("leaks", ("asked", "found", "details"), tuple(rows), note)


def _choice_tables(choices: Sequence[EpochChoice], audit: Audit) -> list[Table]:
    if not choices:
        return []
    names = list(choices[0].scores)
    columns = ["epoch", "chosen"]
    for name in names:
        columns += [metric_label(name, audit.recipe.protocol), "lift", "95 %"]
    rows = []
    for choice in choices:
        low, high = choice.epochs
        cells = [choice.name, f"{low}" if low == high else f"{low} to {high}"]
        for name in names:
            lift = choice.lift.get(name)
            cells.append(format_score(choice.scores[name]))
            cells += ["", ""] if lift is None else [f"{lift.difference:+.3f}", f"{lift.low:+.3f} to {lift.high:+.3f}"]
        rows.append(tuple(cells))
    run = audit.runs[0]
    clips, seeds = sum(len(fold["test"]) for fold in run.metadata.folds), len(audit.runs)
    mean = f"mean of {seeds} seeds" if seeds > 1 else "one seed"
    note = f"{clips} clips, {len(run.unit_names)} folds, {mean}; lift: to the last epoch, paired bootstrap over people"
    return [
        Table(
            "what the choice of the epoch is worth",
            tuple(columns),
            tuple(rows),
            "\n".join([note, *MEANINGS]),
            n_own=len(rows),
        )
    ]


def _figures(audit: Audit) -> list[FigureSpec]:
    if not audit.runs:
        return []
    label = metric_label(audit.recipe.protocol.primary_metrics[0], audit.recipe.protocol)
    caption = (
        f"{label} of every epoch, pooled over the folds: of the test people, and of training people held out in "
        "turn. Its maximum on the test people is what must never be chosen."
    )
    return [FigureSpec("epochs", "Epochs", caption, partial(_draw_epochs, audit.runs, label))]


def _draw_epochs(runs: Sequence[RecognitionRun], label: str) -> Figure:
    every = [KeptEpochs.of(run) for run in runs]
    tested = np.array([kept.test_scores() for kept in every])
    held_out = np.full_like(tested, np.nan)
    if all(kept.with_inner for kept in every):
        held_out[:] = [np.mean([kept.inner_scores(fold) for fold in kept.folds], axis=0) for kept in every]
    return epochs_figure(every[0].epochs, tested, held_out, label)


def _record(audit: Audit, choices: Sequence[EpochChoice]) -> dict[str, Any]:
    return {
        "recipe": audit.recipe.name,
        "protocol": audit.recipe.protocol.name,
        "synthetic": audit.synthetic,
        "caveats": list(audit.caveats),
        "seeds": len(audit.runs),
        "checks": {name: vars(finding) for name, finding in audit.findings.items()},
        "epochs": [
            {
                "choice": choice.name.removesuffix(f" {LEAKY}"),
                "clean": choice.clean,
                "chosen": list(choice.epochs),
                "scores": dict(choice.scores),
                "lift": {name: lift.as_dict() for name, lift in choice.lift.items()},
            }
            for choice in choices
        ],
    }
