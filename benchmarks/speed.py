"""How fast microexpr is on this machine, beside simple code or a fixed piece of work measured in the same run.

    python benchmarks/speed.py                     # all: loso, seeds, resnet, folds, workers, clips, memory, video
    python benchmarks/speed.py loso video          # some parts
    python benchmarks/speed.py --short --against docs/benchmarks/speed.json      # `make bench`
    python benchmarks/speed.py --json docs/benchmarks/speed.json                 # writes the table of the documents

All data are synthetic; nothing is scored. Each row is measured in turn with the row that it is compared with, once a
round; the best round counts, since other work on the machine can only make it slower. There are two figures: work a
second, which a user waits for, and work a processor second (of this process and those that it started; Ray's are not
among them), which other work on the machine changes little. Machines differ in speed, so that versions are compared by
the ratio to the other row: with --against, a row whose ratio fell by more than a third (memory: rose by more than a
half) is shown, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from features import copies_for, machine, prepare_clips
from folds import RECIPE as STSTNET
from folds import plain_loop
from microexpr import run_recipe
from microexpr.analysis import AnalysisOptions, analyze_video
from microexpr.core.clip import Clip, Sample
from microexpr.core.executors import executor
from microexpr.core.files import write_atomically
from microexpr.datasets import DATASETS
from microexpr.experiments.fold_jobs import RUN_FOLD, FoldJob
from microexpr.experiments.runs import Runs
from microexpr.recipes import Recipe, parse_recipe
from video import write_video

WORSE = 1.5
"""A ratio that is worse by this factor is a regression: a third of the speed is lost."""

RESNET = """
title = "ResNet10 at 64 pixels"
[[stages]]
name = "micro"
data = ["megc2019"]
protocol = "megc2019-cde"
chain = [{ name = "load-image" }, { name = "resize", size = 64 }]
recognizer = { name = "network", network = { name = "resnet10" }, epochs = 1, batch_size = 32 }
"""

CLASSES = ("negative", "positive", "surprise")


@dataclass(frozen=True)
class Row:
    """A figure.

    Attributes:
        part: what is measured.
        name: how.
        unit: of the value: `MiB`, of which less is better, or work per second.
        value: the best of all rounds.
        against: name of the row of the same part that it is compared with; its own name for that row.
        ratio: value divided by the value of that row.
        per_processor_second: the same work per second of the processors; 0 where it was not measured.
        processor_ratio: this divided by that of the other row; 0 where either was not measured.
    """

    part: str
    name: str
    unit: str
    value: float
    against: str
    ratio: float
    per_processor_second: float = 0.0
    processor_ratio: float = 0.0

    @property
    def key(self) -> str:
        """Its name among all rows."""
        return f"{self.part}: {self.name}"


Job = Callable[[], float]
"""Does some work and returns how much it was; 0 where the value is not work per second."""


def processor_seconds() -> float:
    """What this process and its children that have ended have used so far."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def measure(part: str, unit: str, jobs: dict[str, Job], rounds: int) -> list[Row]:
    """Measure in turn; every row is compared with the first one."""
    wall, own = dict.fromkeys(jobs, 0.0), dict.fromkeys(jobs, 0.0)
    for _ in range(rounds):
        for name, job in jobs.items():
            begin, used = time.perf_counter(), processor_seconds()
            work = job()
            wall[name] = max(wall[name], work / (time.perf_counter() - begin))
            if not name.startswith("ray"):  # its workers are no children of this process
                own[name] = max(own[name], work / (processor_seconds() - used))
            print(f"{part}: {name}: {wall[name]:.4g} {unit}", file=sys.stderr, flush=True)
    first = next(iter(jobs))
    return [
        Row(part, name, unit, wall[name], first, wall[name] / wall[first], own[name], own[name] / own[first])
        for name in jobs
    ]


def fixed_work() -> float:
    """One thread: products of matrices and optical flow, the same on every machine and in every version."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(256, 256)).astype(np.float32)
    first, second = (cv2.GaussianBlur(rng.integers(0, 255, (160, 160), np.uint8), (0, 0), 2) for _ in range(2))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for _ in range(20):
        torch.from_numpy(a) @ torch.from_numpy(a)
        cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    torch.set_num_threads(threads)
    return 20


@contextmanager
def copy_of(dataset: str, subjects: int | None) -> Iterator[Path]:
    """A synthetic copy, and an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MICROEXPR_CACHE"] = str(Path(folder, "cache"))
        DATASETS.get(dataset).make_synthetic(Path(folder, dataset), subjects=subjects)
        yield Path(folder)


def folds_of(recipe: str | Recipe, folder: Path, epochs: int, on: str, k: int, seeds: int = 1) -> int:
    """Run a recipe on the copy of a release from nothing, in `k` folds of subjects, and return its number of folds."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        run = run_recipe(
            recipe,
            Path(out, "run"),
            roots={"megc2019": folder / "megc2019"},
            set={"recognizer.epochs": epochs, "protocol.split": "k-fold", "protocol.k": k},
            executor=on,
            allow_subset=True,
            progress=False,
            seeds=seeds,
        )
        return sum(len(one.done()) for one in (run if isinstance(run, Runs) else (run,)))  # type: ignore[union-attr]


def loso(short: bool, rounds: int) -> list[Row]:
    """Training of STSTNet beside a plain loop written as public scripts are: few folds of many epochs.

    A fold of one subject of 68 has 800 epochs; with as many folds and few epochs the start of processes would count.
    """
    k, epochs = (3, 8) if short else (8, 150)
    with copy_of("megc2019", 3 if short else None) as folder:
        folds_of(STSTNET, folder, 1, "batched", k)  # samples are in the cache, steps are compiled
        jobs: dict[str, Job] = {"plain PyTorch loop": lambda: plain(folder, 1, epochs, k)}
        for on in ("processes", "batched"):
            jobs[on] = lambda on=on: epochs * folds_of(STSTNET, folder, epochs, on, k)  # type: ignore[misc]
        return measure(f"STSTNet, {k} folds of {epochs} epochs", "fold-epochs/s", jobs, rounds)


def plain(folder: Path, folds: int, epochs: int, k: int) -> int:
    """Do the work of the plain loop."""
    plain_loop(folder / "megc2019", folds, epochs, k)
    return folds * epochs


def seeds(short: bool, rounds: int) -> list[Row]:
    """Several seeds of STSTNet at once."""
    k, epochs = (3, 8) if short else (8, 100)
    with copy_of("megc2019", 3 if short else None) as folder:
        folds_of(STSTNET, folder, 1, "batched", k)
        jobs: dict[str, Job] = {}
        for name, number in (("one seed", 1), ("five seeds", 5)):
            jobs[name] = lambda n=number: epochs * folds_of(STSTNET, folder, epochs, "batched", k, n)  # type: ignore[misc]
        return measure(f"STSTNet, seeds at once, {k} folds of {epochs} epochs", "fold-epochs/s", jobs, rounds)


def resnet(short: bool, rounds: int) -> list[Row]:
    """ResNet10 at 64 pixels."""
    recipe, k, epochs = parse_recipe("resnet10-64", RESNET), 3 if short else 6, 1 if short else 12
    with copy_of("megc2019", 2 if short else 4) as folder:
        folds_of(recipe, folder, 1, "batched", k)
        jobs: dict[str, Job] = {
            on: lambda on=on: epochs * folds_of(recipe, folder, epochs, on, k)  # type: ignore[misc]
            for on in ("processes", "batched")
        }
        return measure(f"ResNet10 at 64 pixels, {k} folds of {epochs} epochs", "fold-epochs/s", jobs, rounds)


def noise(clips: int, values: int) -> dict[str, Sample]:
    """Samples in memory, one of each person, whose classes differ a little."""
    rng, samples = np.random.default_rng(0), {}
    for i in range(clips):
        clip = Clip(f"noise/p{i:04}/c", "noise", f"noise/p{i:04}", Path("nowhere"), 200.0)
        samples[clip.id] = Sample(clip, {"image": rng.normal(0.3 * (i % 3), 1, values).astype(np.float32)})
    return samples


def fold_jobs(samples: dict[str, Sample], folds: int, recognizer: dict[str, Any]) -> list[FoldJob]:
    """Jobs as those of a run: the people are dealt into folds."""
    ids, jobs = list(samples), []
    for fold in range(folds):
        train = [i for i in range(len(ids)) if i % folds != fold]
        arguments = {"classes": CLASSES, "seed": fold, "fold": f"fold{fold}", "folder": None}
        jobs.append(
            FoldJob(
                units=(f"fold{fold}",),
                fold=f"fold{fold}",
                recognizer=recognizer,
                arguments=arguments,
                train=tuple(ids[i] for i in train),
                labels=tuple(CLASSES[i % 3] for i in train),
                test=tuple(ids[fold::folds]),
                initial_weights=None,
            )
        )
    return jobs


def folds(short: bool, rounds: int) -> list[Row]:
    """What a fold costs where there are many; and the kernel machine that shares its pairs of clips between folds."""
    bayes, samples = {"name": "sklearn", "estimator": "sklearn.naive_bayes.GaussianNB"}, noise(1000, 64)
    finish("local", fold_jobs(samples, 2, bayes), samples)  # what is imported at first use
    jobs: dict[str, Job] = {}
    for count in (10, 50, 200) if short else (10, 50, 200, 1000):
        made = fold_jobs(samples, count, bayes)
        jobs[f"{count} folds"] = lambda made=made: finish("local", made, samples)  # type: ignore[misc]
    rows = measure("1000 clips of 64 values, naive Bayes", "folds/s", jobs, rounds)
    smaller = noise(442, 768)
    made = fold_jobs(smaller, 34 if short else 68, {"name": "svm"})
    kernel: dict[str, Job] = {
        on: lambda on=on: finish(on, made, smaller)  # type: ignore[misc]
        for on in ("local", "batched")
    }
    return rows + measure(f"442 clips of 768 values, SVM, {len(made)} folds", "folds/s", kernel, rounds)


def finish(on: str, jobs: Sequence[FoldJob], samples: dict[str, Sample], workers: int | None = None) -> int:
    """Run jobs to their end."""
    return len(list(executor(on, workers).run(RUN_FOLD, jobs, samples)))


def workers(short: bool, rounds: int) -> list[Row]:
    """The same folds in processes and in Ray's workers, whose start is counted."""
    samples = noise(442, 768)
    made = fold_jobs(samples, 34 if short else 68, {"name": "svm"})
    cores = os.cpu_count() or 1
    jobs: dict[str, Job] = {"local": lambda: finish("local", made, samples)}
    for on in ("processes", "ray"):
        for count in sorted({1, cores}):
            jobs[f"{on}, {count} at once"] = lambda on=on, n=count: finish(on, made, samples, n)  # type: ignore[misc]
    return measure(f"442 clips of 768 values, SVM, {len(made)} folds, start counted", "folds/s", jobs, rounds)


def clips(short: bool, rounds: int) -> list[Row]:
    """Preparing clips: faces found, aligned and cut, LBP-TOP."""
    recipe = "baseline-lbp-top"
    with tempfile.TemporaryDirectory() as folder:
        roots = copies_for(recipe, 2 if short else 4, Path(folder))
        jobs: dict[str, Job] = {"fixed work": fixed_work}
        for on in ("local", "processes"):
            jobs[on] = lambda on=on: prepare_clips(recipe, roots, on)  # type: ignore[misc]
        return measure("preparing clips for LBP-TOP", "clips/s", jobs, rounds)


def memory(short: bool, rounds: int) -> list[Row]:
    """Largest resident memory of a run."""
    with copy_of("megc2019", 3 if short else None) as folder:
        rows: list[Row] = []
        for on in ("local", "batched"):
            line = [sys.executable, "-m", "microexpr", "run", STSTNET, "--out", str(folder / on), "--allow-subset"]
            more = ["--root", f"megc2019={folder / 'megc2019'}", "--set", "recognizer.epochs=1", "--executor", on]
            process = subprocess.Popen([*line, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, code, used = os.wait4(process.pid, 0)
            process.returncode = code
            if code:
                raise RuntimeError(f"{' '.join(line)} ended with {code}")
            value = used.ru_maxrss / 1024
            rows.append(
                Row(
                    "peak memory, LOSO of STSTNet",
                    on,
                    "MiB",
                    value,
                    "local",
                    value / (rows[0].value if rows else value),
                )
            )
        return rows


def video(short: bool, rounds: int) -> list[Row]:
    """A synthetic video from its file to the report: 640 x 480, 200 frames per second."""
    seconds = 1.5 if short else 4.0
    with tempfile.TemporaryDirectory() as name:
        film = write_video(Path(name, "film.mp4"), 1, seconds, 200.0)

        def analyze() -> float:
            with tempfile.TemporaryDirectory(dir=name) as out:
                return analyze_video(film, out, AnalysisOptions(), progress=False).recording.frames

        jobs: dict[str, Job] = {"fixed work": fixed_work, "end to end": analyze}
        return measure(f"a video of {seconds:g} s from file to report", "frames/s", jobs, rounds)


PARTS: dict[str, Callable[[bool, int], list[Row]]] = {
    function.__name__: function for function in (loso, seeds, resnet, folds, workers, clips, memory, video)
}


def regressions(rows: Sequence[Row], before: dict[str, Any]) -> list[str]:
    """A line for each row whose ratio is worse than in the table by more than a third."""
    lines = []
    for row in rows:
        old = before.get(row.key)
        if old is None or (row.against == row.name and row.unit != "MiB"):
            continue
        if row.unit == "MiB":
            factor = row.value / old["value"]
        elif row.processor_ratio:
            factor = old["processor_ratio"] / row.processor_ratio
        else:
            factor = old["ratio"] / row.ratio
        if factor > WORSE:
            lines.append(
                f"{row.key}: {row.value:.4g} {row.unit}, ratio {row.ratio:.2f}; before, ratio {old['ratio']:.2f}"
            )
    return lines


def write(path: Path, length: str, facts: dict[str, Any], rows: Sequence[Row], keep: bool) -> None:
    """Write the figures of one length to a file; `keep` leaves those of other parts in it."""
    tables = json.loads(path.read_text()) if path.is_file() else {}
    kept = tables.get(length, {}).get("rows", {}) if keep else {}
    table = {"machine": facts, "rows": {**kept, **{row.key: vars(row) for row in rows}}}
    write_atomically(path, (json.dumps({**tables, length: table}, indent=1) + "\n").encode())


def main() -> None:
    """Measure, print, and compare or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; all if left out")
    parser.add_argument("--short", action="store_true", help="fewer people, folds and frames: minutes in all")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures to this file; those of other parts stay in it")
    parser.add_argument("--against", type=Path, help="show what is slower than in this file")
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"no part '{min(unknown)}'; choose among {', '.join(PARTS)}")
    if given.against and not given.against.is_file():
        parser.error(f"there is no table '{given.against}'; write it with --json")
    length = "short" if given.short else "full"
    before = json.loads(given.against.read_text()).get(length, {}).get("rows", {}) if given.against else {}
    if given.against and not before:
        parser.error(f"'{given.against}' has no table of the {length} version; write it with --json")
    facts = {**machine(), "torch": torch.__version__, "rounds": given.rounds}
    rows: list[Row] = []
    for name in given.parts or PARTS:
        rows += PARTS[name](given.short, given.rounds)
        if given.json:  # after each part: a run that is stopped keeps what it has
            write(given.json, length, facts, rows, keep=bool(given.parts))
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    for row in rows:
        own = (
            f"; per processor second {row.per_processor_second:.4g}, x{row.processor_ratio:.2f}"
            if row.processor_ratio
            else ""
        )
        print(f"{row.key:75s} {row.value:10.4g} {row.unit:14s} x{row.ratio:.2f} of {row.against}{own}")
    if given.against:
        for row in rows:
            if row.key not in before:
                print(f"not in the last table: {row.key}")
        slower = regressions(rows, before)
        print("\n".join(["", *slower]) if slower else "nothing is slower by more than a third than in the last table")
        sys.exit(1 if slower else 0)


if __name__ == "__main__":
    main()
