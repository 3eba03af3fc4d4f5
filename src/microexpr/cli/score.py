"""`microexpr score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import UsageError
from .console import out, print_status
from .options import Plugins, Roots, complete_dataset, load_plugins, parse_roots


def score(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="Spotting logs or submissions.")],
    data: Annotated[
        str,
        typer.Option(metavar="NAME", help="The data set whose labels count.", autocompletion=complete_dataset),
    ] = "",
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Labels with the columns of a submission: vid,onset,offset,type."),
    ] = None,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="micro or macro, where a file holds one kind without saying so.")
    ] = "",
    iou: Annotated[float, typer.Option(help="Smallest overlap (intersection over union) of a pair.")] = 0.5,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each file.")] = False,
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="json, markdown, latex, html or one of a plug-in.")
    ] = "",
    target: Annotated[Path | None, typer.Option("--out", help="The file to write.")] = None,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Score published spotting logs and submissions.

    Finds are counted one to one, and beside it as the challenge counts them.
    """
    from ..reports import score_logs
    from ..reports.formats.terminal import print_report

    load_plugins(plugin)
    if json and form:
        raise UsageError("--json and --format exclude each other: choose one")
    form = "json" if json else form
    report = score_logs(logs, data=data, root=parse_roots(root).get(data), labels=labels, kind=kind, iou=iou)
    if target is not None:
        print_status(f"wrote {report.save(target, form)}")
    elif form:
        typer.echo(report.render(form))
    else:
        print_report(report, out)
