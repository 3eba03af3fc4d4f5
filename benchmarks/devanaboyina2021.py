"""The suites of Devanaboyina 2021 on synthetic faces: scores over seeds, majority baselines, and processor time.

python benchmarks/devanaboyina2021.py --out FOLDER              # runs what is left of each, and prints the tables
python benchmarks/devanaboyina2021.py devanaboyina2021-classes --seeds 3 --out FOLDER
python benchmarks/devanaboyina2021.py --tables --out FOLDER     # prints the tables of the runs that are there
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import shutil
import sys
from pathlib import Path

from microexpr.core.files import write_atomically
from microexpr.experiments.runs import find_runs, open_run, run_recipe
from microexpr.recipes import Recipe, load_recipes
from microexpr.reports.summary import Summary, summarize

SUITES = ("devanaboyina2021", "devanaboyina2021-classes", "devanaboyina2021-transfer", "devanaboyina2021-mirrored")
ALONE = ("devanaboyina2021-method7-smic", "devanaboyina2021-transfer-smic")
WAR, UF1 = "weighted_average_recall", "macro_f1"
PROCESSOR = "processor.csv"
"""File beside the runs of a member: processor seconds of each time that it was worked on, with its data."""


def run_member(member: Recipe, folder: Path, seeds: int) -> None:
    """Run a member of a suite, or what is left of it, and note the processor time."""
    if not folder.exists() and (same := _same_member(member, folder)):
        shutil.copytree(same, folder)
    own = [folder / f"seed-{seed}" for seed in range(seeds)]
    if all((run / "run.json").is_file() and open_run(run).complete for run in own):
        return
    before = _processor_seconds()
    run_recipe(member, folder, seeds=seeds, synthetic=True, quick=True, progress=False)
    used, path = _processor_seconds() - before, folder / PROCESSOR
    print(f"{folder.name}: {used:.0f} s", file=sys.stderr, flush=True)
    text = path.read_text(encoding="utf-8") if path.is_file() else "seconds\n"
    write_atomically(path, f"{text}{used:.1f}\n".encode())


def _same_member(member: Recipe, folder: Path) -> Path | None:
    """The folder of an equal member of another suite, which need not be run twice."""
    wanted = json.loads(json.dumps(member.with_quick_settings().as_dict()))
    for path in folder.parents[1].glob(f"*/{folder.name}/{PROCESSOR}"):
        if find_runs(path.parent)[0].metadata.recipe == wanted:
            return path.parent
    return None


def table_row(member: Recipe, folder: Path) -> str:
    """A row: mean and standard deviation over the seeds beside the majority baseline, and the paper's accuracy."""
    runs = [run for run in find_runs(folder) if run.complete]  # another seed may be under way
    summary = summarize(runs)  # type: ignore[arg-type]  # all are runs of recognition
    with (folder / PROCESSOR).open(encoding="utf-8") as file:
        seconds = sum(float(row["seconds"]) for row in csv.DictReader(file))
    name = member.name.removeprefix("devanaboyina2021-")
    cells = [f"`{name}`", f"{summary.n_clips} of {summary.n_subjects}", *_scores(summary, WAR), _published(summary)]
    cells += [*_scores(summary, UF1), f"{summary.collapsed} of {len(runs)}", f"{seconds:.0f} s"]
    return f"| {' | '.join(cells)} |"


def _scores(summary: Summary, metric: str) -> list[str]:
    spread = f" ± {_decimals(summary.spread[metric])}" if metric in summary.spread else ""
    return [f"{_decimals(summary.metrics[metric])}{spread}", _decimals(summary.baseline[metric])]


def _decimals(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _published(summary: Summary) -> str:
    rows = [
        row for row in summary.published if row.recipe == summary.own_recipe and WAR in row.metrics and not row.part
    ]
    return ", ".join(_decimals(row.metrics[WAR]) for row in rows)


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(own.ru_utime + own.ru_stime for own in used)


def main() -> None:
    """Run what is left, and print a table for each suite."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("suites", nargs="*", default=[*SUITES, *ALONE], metavar="SUITE", help="suites and recipes")
    parse.add_argument("--out", type=Path, required=True, help="folder of all runs, one below it for each suite")
    parse.add_argument("--seeds", type=int, default=5, help="number of seeds, two or more")
    parse.add_argument("--members", default="", metavar="TEXT", help="only those whose name has this in it")
    parse.add_argument("--tables", action="store_true", help="print the tables of the runs that are there")
    options = parse.parse_args()
    members = {suite: [m for m in load_recipes(suite) if options.members in m.name] for suite in options.suites}
    for suite, own in members.items():
        for member in own if not options.tables else ():
            run_member(member, options.out / suite / member.name, options.seeds)
    for suite, own in members.items():
        print(
            f"\n{suite}\n\n| | clips, subjects | WAR | majority | paper | UF1 | majority | one class | processor time |"
        )
        print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
        for member in own:
            if (options.out / suite / member.name / PROCESSOR).is_file():
                print(table_row(member, options.out / suite / member.name), flush=True)


if __name__ == "__main__":
    main()
