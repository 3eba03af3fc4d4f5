"""`microexpr demo`: three recipes on synthetic faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.progress import ProgressCallback, show_progress
from .console import print_status
from .options import ExecutorName

RECIPES = ("megc2019-flow-majority", "megc2019-flow-svm", "megc2019-flow-ststnet")


def demo(
    folder: Annotated[Path, typer.Option("--out", help="Folder for the runs and the report.")] = Path("demo"),
    executor: ExecutorName = "processes",
) -> None:
    """Evaluate three recognizers on synthetic faces. It takes a few minutes and needs no licensed data."""
    with show_progress() as progress:
        page = run_demo(folder, executor, progress)
    print_status(
        f"\nOpen {page} in a browser. The faces are synthetic: these numbers show only that the program works."
    )


def run_demo(folder: Path, executor: str, progress: ProgressCallback) -> Path:
    """Run the recipes on small synthetic data sets and write a page that shows the results.

    Args:
        folder: Folder for a run of each recipe, and for the page.
        executor: Name of an executor.
        progress: Called as the work goes on.

    Returns:
        Absolute path of the page.
    """
    from ..experiments.run_folder import Run
    from ..experiments.runs import run_recipe
    from ..reports import make_report

    runs: list[Run] = []
    for name in RECIPES:

        def report_progress(what: str, done: int, total: int, name: str = name) -> None:
            progress(f"{name}: {what}", done, total)

        run = run_recipe(name, folder / name, synthetic=True, quick=True, executor=executor, progress=report_progress)
        assert isinstance(run, Run)  # one recipe with one seed
        runs.append(run)
    page = folder / "report.html"
    make_report(runs).save(page)
    return page.absolute()
