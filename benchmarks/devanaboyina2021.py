"""The seven methods of Devanaboyina 2021 timed, and the repaired ones over seeds, on synthetic faces.

python benchmarks/devanaboyina2021.py            # m1 to m7, each with an empty cache
python benchmarks/devanaboyina2021.py --fixed 5  # the three repaired ones, seeds 0 to 4, beside the majority's guess
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

FIXED = ("frames", "flow-sequence", "apex-flow")
METRICS = ("weighted_average_recall", "macro_f1")


def run(recipe: str, out: Path, cache: Path, *more: str) -> tuple[float, float]:
    """Seconds on the clock, and of processor time, that `microexpr run` takes."""
    words = ["-m", "microexpr", "run", recipe, "--data", "synthetic", "--quick", "--out", str(out), *more]
    begin, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    place = {**os.environ, "MICROEXPR_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, *words], check=True, env=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begin, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def compared(recipe: str, runs: list[RecognitionRun]) -> str:
    """A row: each metric's mean and standard deviation over the seeds, and the majority's guess."""
    found = summarize(runs)
    cells = [f"{found.metrics[m]:.3f} ± {found.spread.get(m, 0):.3f} | {found.baseline[m]:.3f}" for m in METRICS]
    return f"| `{recipe}` | {found.n_clips} of {found.n_subjects} | {' | '.join(cells)} |"


def main() -> None:
    """Prints one of the tables."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--fixed", type=int, metavar="SEEDS", help="two or more")
    options = parse.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        if options.fixed:
            print("| recipe | clips, people | WAR | majority | UF1 | majority |\n|---|---|---|---|---|---|")
            for recipe in (f"devanaboyina2021-{name}-fixed" for name in FIXED):
                run(recipe, base / recipe, base / "cache", "--seeds", str(options.fixed), "--executor", "processes")
                runs = [RecognitionRun.open(base / recipe / f"seed-{n}") for n in range(options.fixed)]
                print(compared(recipe, runs), flush=True)
            return
        print("| method | seconds | of processor time |\n|---|--:|--:|")
        for n in range(1, 8):
            wall, used = run(f"devanaboyina2021-m{n}", base / f"m{n}", base / f"cache{n}")
            print(f"| `-m{n}` | {wall:.0f} | {used:.0f} |", flush=True)


if __name__ == "__main__":
    main()
