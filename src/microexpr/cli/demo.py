"""The whole story on made-up faces: releases are made up, flow is computed, three recognizers are judged."""

from __future__ import annotations

from pathlib import Path

from ..core.files import write_atomically
from ..core.progress import Progress
from ..experiments.recognition import Options, evaluate
from ..recipes.recipe import load
from ..reports import render

RECIPES = ("megc2019-flow-majority", "megc2019-flow-svm", "megc2019-flow-ststnet")


def tell(out: Path, on: str, progress: Progress) -> Path:
    """Run the recipes on small made-up releases below `out`; the path of the page that shows them."""
    options = Options(fake=True, small=True, on=on)
    runs = []
    for name in RECIPES:

        def told(what: str, done: int, total: int, name: str = name) -> None:
            progress(what if what.startswith("making up") else f"{name}: {what}", done, total)

        runs.append(evaluate(load(name), out / name, options, told))
    page = out / "report.html"
    write_atomically(page, render([[run] for run in runs], "html").encode())
    return page.absolute()
