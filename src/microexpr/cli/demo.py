"""The whole story on synthetic faces: releases are synthetic, flow is computed, three recognizers are judged."""

from __future__ import annotations

from pathlib import Path

from ..core.files import write_atomically
from ..core.progress import ProgressCallback
from ..experiments.options import RunOptions
from ..experiments.recognition_folds import evaluate
from ..recipes import load_recipe
from ..reports import render

RECIPES = ("megc2019-flow-majority", "megc2019-flow-svm", "megc2019-flow-ststnet")


def run_demo(out: Path, on: str, progress: ProgressCallback) -> Path:
    """Run the recipes on small synthetic releases below `out`; the path of the page that shows them."""
    options = RunOptions(synthetic=True, quick=True, executor=on)
    runs = []
    for name in RECIPES:

        def told(what: str, done: int, total: int, name: str = name) -> None:
            progress(what if what.startswith("making up") else f"{name}: {what}", done, total)

        runs.append(evaluate(load_recipe(name), out / name, options, told))
    page = out / "report.html"
    write_atomically(page, render([[run] for run in runs], "html").encode())
    return page.absolute()
