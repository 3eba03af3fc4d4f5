"""Processor time of a step of training of each network on precomputed flow, one core, beside torch's defaults.

    python benchmarks/network_steps.py                        # all of leaderboard-megc2019, and ResNet10 at 64 pixels
    python benchmarks/network_steps.py dual-inception --rounds 10

*Plain* is the same network in torch's own layout, with `nn.Conv2d` throughout and the optimizer's default loop. The
limit is that of arithmetic: the step's sums and products at the speed of a large product of matrices in the same run.
Images are noise; the smallest time of several rounds counts, since other work on the machine can only add to it.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from microexpr.networks import NETWORKS, Architecture, patches
from microexpr.networks.base import seeded_weights, use_generator
from microexpr.networks.training import Optimizer
from microexpr.networks.training.device import memory_format
from microexpr.recipes import load_recipe

RECIPES = ("off-apexnet", "dual-inception", "rcn-a", "sssnet", "capsulenet", "micro-attention", "learnet")
"""Recipes `megc2019-...`; HTNet, with 140 million weights, is measured where it is named."""

PLACES = patches.PLACES
"""Pixels of the largest maps that are multiplied; 0 for a plain step."""

SIDES = {"megc2019-capsulenet": 56}
"""Height and width of the images in pixels where they are not 28."""


@dataclass(frozen=True)
class Training:
    """A network and how it is trained."""

    name: str
    architecture: Architecture
    optimizer: Optimizer
    batch: int
    side: int


def training(name: str) -> Training:
    """Read a recipe; `resnet10` is that network at 64 pixels with Adam and batches of 32."""
    if name == "resnet10":
        return Training("ResNet10 at 64 pixels", NETWORKS.build({"name": name}), Optimizer(), 32, 64)
    recipe: Any = load_recipe(f"megc2019-{name}")
    settings = recipe.stages[0].recognizer
    optimizer = Optimizer(**settings["optimizer"])
    side = SIDES.get(recipe.name, 28)
    return Training(recipe.name, NETWORKS.build(settings["network"]), optimizer, settings["batch_size"], side)


def default_optimizer(settings: Optimizer, module: nn.Module) -> torch.optim.Optimizer:
    """Build the optimizer as torch does where nothing else is said."""
    if settings.name == "sgd":
        return torch.optim.SGD(module.parameters(), settings.lr, settings.momentum, weight_decay=settings.weight_decay)
    return torch.optim.Adam(module.parameters(), settings.lr, weight_decay=settings.weight_decay)


def stepper(given: Training, plain: bool) -> Callable[[], None]:
    """Return a function that does one step."""
    images = torch.randn(given.batch, 3, given.side, given.side, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(given.batch) % 3
    with seeded_weights(0):
        module = given.architecture.build((3, given.side, given.side), 3)
    use_generator(module, torch.Generator().manual_seed(0))
    if plain:
        optimizer = default_optimizer(given.optimizer, module)
    else:
        layout = memory_format(torch.device("cpu"), "fp32", given.architecture.channels_last)
        module, images = module.to(memory_format=layout), images.contiguous(memory_format=layout)  # type: ignore[call-overload]
        optimizer = given.optimizer.build(module.parameters())

    def step() -> None:
        patches.PLACES = 0 if plain else PLACES
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(module(images), targets).backward()
        optimizer.step()

    return step


def seconds(function: Callable[[], object]) -> float:
    """Return the processor time of a call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[*RECIPES, "resnet10"], help="htnet is another one")
    parser.add_argument("--rounds", type=int, default=6)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    square = torch.randn(768, 768)
    print(f"{platform.machine()}, torch {torch.__version__}, one core; milliseconds a step, and of the limit")
    for name in arguments.names:
        given, best = training(name), dict[bool, float]()
        steps = {plain: stepper(given, plain) for plain in (True, False)}
        with FlopCounterMode(display=False) as counter:
            steps[False]()
        steps[True]()
        speed = 0.0
        for _ in range(arguments.rounds):
            for plain, step in steps.items():
                best[plain] = min(best.get(plain, float("inf")), seconds(step))
            speed = max(speed, 2 * 768**3 / seconds(lambda: square @ square))
        limit = counter.get_total_flops() / speed
        print(
            f"{given.name:26s} batch {given.batch:3d}: plain {1e3 * best[True]:7.1f}  here {1e3 * best[False]:7.1f}"
            f"  x{best[True] / best[False]:.2f}  limit {1e3 * limit:6.1f} ({speed / 1e9:.0f} GFLOP/s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
