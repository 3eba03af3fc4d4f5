"""`microexpr audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import UsageError
from ..core.progress import show_progress
from .console import out, print_status
from .options import (
    AllowSubset,
    Data,
    DataSource,
    Plugins,
    Quick,
    RecipeSettings,
    Roots,
    complete_recipe,
    load_plugins,
    parse_roots,
    parse_settings,
)


def audit(
    recipe: Annotated[
        str, typer.Argument(help="Name of a recipe of recognition, or a TOML file.", autocompletion=complete_recipe)
    ] = "",
    folds: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDS.csv",
            help="Instead: published folds (score, clips), or predictions (subject, label, predicted).",
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder of the audit; runs/audit-<recipe> if left out.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of repetitions, with the seeds 0, 1, 2 ...")] = 1,
    inner_folds: Annotated[
        int, typer.Option(min=0, help="Parts of the training people held out in turn to choose an epoch; 0 for none.")
    ] = 3,
    every: Annotated[int, typer.Option(min=1, help="Epochs between two whose predictions are kept.")] = 1,
    settings: RecipeSettings = [],
    data: Data = DataSource.disk,
    quick: Quick = False,
    allow_subset: AllowSubset = False,
    executor: Annotated[str, typer.Option(help="Where folds run; batched trains them at once.")] = "batched",
    workers: Annotated[int | None, typer.Option(help="Number of folds that run at once.")] = None,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Look for leaks, and show what they would print.

    Each check tries the recipe. It is then trained once, and the predictions of every epoch are kept, to show what
    choosing the epoch on the test subject would print. Exits with 1 if a leak was found.
    """
    from ..reports.audit import make_audit_report
    from ..reports.audit_folds import audit_folds
    from ..reports.formats.terminal import print_report

    if bool(recipe) == (folds is not None):
        raise UsageError("give a recipe to audit, or --folds with published folds")
    load_plugins(plugin)
    if folds is not None:
        print_report(audit_folds(folds), out)
        return
    from ..experiments.audit import audit_folder, audit_recipe

    target = folder or audit_folder(recipe, data is DataSource.synthetic, quick)
    with show_progress() as progress:
        found = audit_recipe(
            recipe,
            target,
            roots=parse_roots(root),
            set=parse_settings(settings),
            seeds=seeds,
            inner_folds=inner_folds,
            keep_every=every,
            synthetic=data is DataSource.synthetic,
            quick=quick,
            allow_subset=allow_subset,
            executor=executor,
            workers=workers,
            progress=progress,
        )
    report = make_audit_report(found)
    print_report(report, out)
    report.save(target / "audit.html")
    report.save(target / "audit.json")
    print_status(f"wrote {target / 'audit.html'} and audit.json")
    if found.leaks:
        raise typer.Exit(1)
