"""The seven methods of Devanaboyina 2021 timed, and the corrected ones over seeds, on synthetic faces.

python benchmarks/devanaboyina2021.py            # methods 1 to 7, each with an empty cache
python benchmarks/devanaboyina2021.py --recipes devanaboyina2021-transfer-flow devanaboyina2021-method7-smic
python benchmarks/devanaboyina2021.py --corrected 5  # four corrected recipes, seeds 0 to 4, and the majority baseline
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from microexpr.experiments.recognition_run import RecognitionRun
from microexpr.reports.summary import summarize

CORRECTED = ("frames", "differences", "flow-sequence", "apex-flow")
METRICS = ("weighted_average_recall", "macro_f1")


def run(recipe: str, out: Path, cache: Path, *more: str) -> tuple[float, float]:
    """Return wall time and processor time of `microexpr run`, in seconds."""
    arguments = ["-m", "microexpr", "run", recipe, "--data", "synthetic", "--quick", "--out", str(out), *more]
    begin, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "MICROEXPR_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begin, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def table_row(recipe: str, runs: list[RecognitionRun]) -> str:
    """Return a row: mean and standard deviation of each metric over the seeds, and the majority baseline."""
    summary = summarize(runs)
    spread = {m: f" ± {summary.spread[m]:.3f}" if m in summary.spread else "" for m in METRICS}
    cells = [f"{summary.metrics[m]:.3f}{spread[m]} | {summary.baseline[m]:.3f}" for m in METRICS]
    return f"| `{recipe}` | {summary.n_clips} of {summary.n_subjects} | {' | '.join(cells)} |"


def main() -> None:
    """Print one of the tables."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    methods = [f"devanaboyina2021-method{n}" for n in range(1, 8)]
    parse.add_argument("--recipes", nargs="+", default=methods, metavar="RECIPE", help="recipes to be timed")
    parse.add_argument("--corrected", type=int, metavar="SEEDS", help="number of seeds, two or more")
    options = parse.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        if options.corrected:
            print("| recipe | clips, subjects | WAR | majority | UF1 | majority |\n|---|---|---|---|---|---|")
            for recipe in (f"devanaboyina2021-{name}-corrected" for name in CORRECTED):
                run(recipe, base / recipe, base / "cache", "--seeds", str(options.corrected), "--executor", "processes")
                runs = [RecognitionRun.open(base / recipe / f"seed-{n}") for n in range(options.corrected)]
                print(table_row(recipe, runs), flush=True)
            return
        print("| recipe | clips, subjects | WAR | majority | UF1 | majority | wall, s | processor, s |")
        print("|---|---|---|---|---|---|--:|--:|")
        for recipe in options.recipes:
            wall, used = run(recipe, base / recipe, base / f"cache-{recipe}")
            row = table_row(recipe, [RecognitionRun.open(base / recipe)])
            print(f"{row} {wall:.0f} | {used:.0f} |", flush=True)


if __name__ == "__main__":
    main()
