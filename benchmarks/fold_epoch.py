"""Where the time of a fold-epoch of STSTNet goes, on one core: Python, kernels, memory, and the limit of arithmetic.

    python benchmarks/fold_epoch.py               # synthetic copy of the precomputed release
    python benchmarks/fold_epoch.py --root FOLDER --epochs 100

All times are processor time of this process, the smallest of several rounds, so that a busy machine changes little. The
plain loop is that of `folds.py`: torch's operations, with one thread.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from microexpr import open_dataset
from microexpr.core.clip import Sample
from microexpr.datasets import DATASETS
from microexpr.networks import NETWORKS, ststnet_kernels
from microexpr.networks._vectors import LANES
from microexpr.preprocessing import Chain
from microexpr.protocols import load_protocol
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers._fused import FusedImages

KERNELS = {
    "_convolve": "convolution, pooling and sums of patches",
    "_chosen_gradient": "gradient through the pooling",
    "_pooled_gradient": "gradient of the batch normalization",
    "_features": "average pooling and dropout",
    "draw_kept": "dropout's random numbers",
}
"""Function of `ststnet_kernels` -> what it does."""

PASSES = 3
"""Products of the convolution's size in a step: the maps, and two sums of patches for their gradient."""


@dataclass
class Clock:
    """Adds up the processor time that wrapped functions take."""

    seconds: dict[str, float] = field(default_factory=dict)

    def wrap(self, module: Any, name: str) -> None:
        """Time a function of a module from now on."""
        function = getattr(module, name)

        def timed(*arguments: Any) -> Any:
            start = time.process_time()
            result = function(*arguments)
            self.seconds[name] = self.seconds.get(name, 0) + time.process_time() - start
            return result

        setattr(module, name, timed)


def smallest(function: Callable[[], object], rounds: int) -> float:
    """The smallest processor time of several calls, in seconds."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        function()
        found.append(time.process_time() - start)
    return min(found)


def plain_epochs(samples: list[Sample], targets: torch.Tensor, epochs: int) -> None:
    """Train with torch's operations, as `folds.plain_loop` does."""
    x = torch.from_numpy(np.stack([s.array("image") for s in samples])).permute(0, 3, 1, 2).float()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, targets), batch_size=256, shuffle=True)
    model = NETWORKS.build({"name": "ststnet"}).build((3, 28, 28), 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-5)
    for _ in range(epochs):
        for inputs, wanted in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), wanted).backward()
            optimizer.step()


def fastest_products(rounds: int) -> float:
    """Multiplications and additions a second of the convolution alone, on an image that stays in the cache."""
    rows, columns, channels = 64, 64, 3
    image = np.ones((rows + 2) * (columns + 2) * channels + LANES, np.float32)
    taps = 9 * channels + 1
    weights, maps = np.full(taps * LANES, 1e-3, np.float32), np.empty(rows * columns * LANES, np.float32)
    run = ststnet_kernels._rectified_maps
    run(image, weights, (rows, columns, channels), (0,) * taps, maps)
    times = 40
    seconds = smallest(
        lambda: [run(image, weights, (rows, columns, channels), (0,) * taps, maps) for _ in range(times)], 3 * rounds
    )
    return 2 * times * rows * columns * (taps - 1) * LANES / seconds


def fastest_copy(rounds: int) -> float:
    """Bytes a second that are read and written by a copy of memory larger than the caches."""
    source = np.ones(2**26, np.float32)
    target = np.empty_like(source)
    return 2 * source.nbytes / smallest(lambda: np.copyto(target, source), 3 * rounds)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="a precomputed release; a synthetic copy if left out")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    epochs, rounds = arguments.epochs, arguments.rounds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.root or Path(temporary, "megc2019")
        if arguments.root is None:
            DATASETS.get("megc2019").make_synthetic(root)
        protocol = load_protocol("megc2019-cde")
        chain = Chain.build([{"name": "load-image", "channels": "bgr"}])
        examples = protocol.select(open_dataset("megc2019", root).clips())
        samples = [chain(e.clip.blind(())) for e in examples]
        labels = [e.label for e in examples]
    targets = torch.tensor([protocol.classes.index(label) for label in labels])
    images = FusedImages.of(ststnet_kernels.STSTNetStep, samples, "image")

    def train(compiled: bool, seed: int = 0) -> None:
        settings = {"name": "network", "epochs": epochs, "optimizer": {"lr": 5e-5}, "device": "cpu"}
        recognizer: Any = RECOGNIZERS.build(settings, classes=protocol.classes, seed=seed)
        recognizer._fused = images if compiled else None
        recognizer.fit(samples, labels)

    train(compiled=True)  # compiles
    trainings = {
        "plain PyTorch loop": smallest(lambda: plain_epochs(samples, targets, epochs), rounds),
        "the training loop, torch's operations": smallest(lambda: train(compiled=False), rounds),
        "the training loop, compiled steps": smallest(lambda: train(compiled=True), rounds),
        "five seeds of it, which share the images": smallest(lambda: [train(True, seed) for seed in range(5)], rounds),
    }
    clock = Clock()
    for name in KERNELS:
        clock.wrap(ststnet_kernels, name)
    clock.wrap(torch.optim.Adam, "step")
    start = time.process_time()
    train(compiled=True)
    whole = time.process_time() - start
    parts = {what: clock.seconds[name] for name, what in KERNELS.items()}
    parts["optimizer"] = clock.seconds["step"]
    parts["Python, NumPy and torch around them"] = whole - sum(parts.values())

    count, (rows, columns) = len(samples), (side + 2 for side in images.size)
    arithmetic = PASSES * 2 * count * rows * columns * 27 * LANES
    pooled = count * ststnet_kernels._pooled(rows) * ststnet_kernels._pooled(columns) * LANES
    moved = 2 * images.inputs.nbytes + 4 * 4 * 2 * pooled  # images twice; four arrays of pooled values, there and back
    limits = {
        f"limit of arithmetic ({fastest_products(rounds) / 1e9:.0f} GFLOP/s)": arithmetic / fastest_products(rounds),
        f"limit of memory ({fastest_copy(rounds) / 1e9:.0f} GB/s)": moved / fastest_copy(rounds),
    }
    milliseconds = {
        **{name: 1e3 * seconds / epochs for name, seconds in trainings.items()},
        **{f"  {name}": 1e3 * seconds / epochs for name, seconds in parts.items()},
        **{name: 1e3 * seconds for name, seconds in limits.items()},
    }
    print(
        f"{platform.machine()}, torch {torch.__version__}; one core, {count} clips; milliseconds for an epoch of a fold"
    )
    for name, value in milliseconds.items():
        print(f"{name:50s} {value:8.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(milliseconds, indent=1))


if __name__ == "__main__":
    main()
