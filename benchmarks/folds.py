"""Throughput of leave-one-subject-out training of STSTNet: a plain PyTorch loop, and the executors, in turn.

    python benchmarks/folds.py                # synthetic copy of the precomputed release, 68 folds
    python benchmarks/folds.py --epochs 10 --subjects 4 --rounds 3

The plain loop is written as public scripts are: a model, an optimizer and a data loader for each fold, one after
another, with all threads. Each row is the median over rounds of fold-epochs a second; ratios are of the same rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from microexpr import open_dataset, run_recipe
from microexpr.datasets import DATASETS
from microexpr.experiments.runs import Runs
from microexpr.networks import NETWORKS
from microexpr.preprocessing import Chain
from microexpr.protocols import load_protocol

RECIPE = "megc2019-ststnet"


def plain_loop(root: Path, folds: int, epochs: int, k: int = 0) -> None:
    """Train the first folds as a public script does: of `k` folds of subjects; 0 leaves out one subject at a time."""
    data, protocol = open_dataset("megc2019", root), load_protocol("megc2019-cde")
    if k:
        protocol = replace(protocol, split="k-fold", k=k)
    chain = Chain.build([{"name": "load-image", "channels": "bgr"}])
    examples = protocol.select(data.clips())
    images = np.stack([chain(e.clip.blind(())).array("image") for e in examples])
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    y = torch.tensor([protocol.classes.index(e.label) for e in examples])
    rows = {e.clip.id: row for row, e in enumerate(examples)}
    for fold in protocol.folds(examples)[:folds]:
        train = torch.tensor([rows[e.clip.id] for e in fold.train])
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(x[train], y[train]), batch_size=256, shuffle=True
        )
        model = NETWORKS.build({"name": "ststnet"}).build((3, 28, 28), 3)
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-5)
        for _ in range(epochs):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(inputs), targets).backward()
                optimizer.step()


def microexpr_run(root: Path, out: Path, executor: str, epochs: int, subset: bool, seeds: int) -> dict[str, str]:
    """Run the recipe and return the predictions of its folds with the first seed."""
    run = run_recipe(
        RECIPE,
        out,
        roots={"megc2019": root},
        set={"recognizer.epochs": epochs},
        executor=executor,
        allow_subset=subset,
        seeds=seeds,
        progress=False,
    )
    table = (run[0] if isinstance(run, Runs) else run).to_dataframe()
    return dict(zip(table["id"], table["predicted"], strict=True))


def main() -> None:
    """Measure in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="a precomputed release; a synthetic copy if left out")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--subjects", type=int, default=0, help="number of synthetic subjects; all if left out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds of the executors; all at once")
    parser.add_argument("--plain-folds", type=int, default=0, help="folds of the plain loop; all if left out")
    parser.add_argument("--executors", nargs="+", default=["local", "processes", "batched"])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.root or Path(temporary, "megc2019")
        if arguments.root is None:
            DATASETS.get("megc2019").make_synthetic(
                root, **({"subjects": arguments.subjects} if arguments.subjects else {})
            )
        seconds: dict[str, list[float]] = {name: [] for name in ("plain loop", *arguments.executors)}
        predicted: dict[str, dict[str, str]] = {}
        folds = 0
        for number in range(arguments.rounds):
            for name in arguments.executors:
                start = time.perf_counter()
                predicted[name] = microexpr_run(
                    root,
                    Path(temporary, f"{name}-{number}"),
                    name,
                    arguments.epochs,
                    bool(arguments.root or arguments.subjects),
                    arguments.seeds,
                )
                seconds[name].append(time.perf_counter() - start)
                folds = len({clip.rsplit("/", 1)[0] for clip in predicted[name]})
            start = time.perf_counter()
            plain_folds = min(folds, arguments.plain_folds or folds)
            plain_loop(root, plain_folds, arguments.epochs)
            seconds["plain loop"].append((time.perf_counter() - start) / plain_folds)
    work = dict.fromkeys(arguments.executors, folds * arguments.seeds * arguments.epochs)
    work["plain loop"] = arguments.epochs
    rows = {name: work[name] / statistics.median(found) for name, found in seconds.items()}
    machine = f"{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}"
    print(f"{machine}; {folds} folds of {arguments.epochs} epochs, seeds: {arguments.seeds}")
    first = predicted[arguments.executors[0]]
    for name, speed in rows.items():
        equal = np.mean([first[k] == v for k, v in predicted[name].items()]) if name in predicted else float("nan")
        print(f"{name:12s} {speed:8.1f} fold-epochs/s  x{speed / rows['plain loop']:.2f}  equal classes {equal:.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"fold_epochs_per_second": rows, "argv": sys.argv[1:]}, indent=1))


if __name__ == "__main__":
    main()
