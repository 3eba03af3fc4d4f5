"""All stages of Peng et al. 2018 on synthetic data: seconds per stage, and images per second beside two upper limits.

    python benchmarks/peng2018.py               # the paper's full size and counts; needs a GPU
    python benchmarks/peng2018.py --quick          # the version for a laptop
    python benchmarks/peng2018.py --image-scale .3 # smaller synthetic images, rendered faster; faces stay 224 x 224

The limits are measured on the same device in the same run: the speed of matrix multiplication (compute) and of copying
(memory), divided by the operations and the memory traffic of one training step of ResNet10 per image. The faces are
synthetic: nothing here says anything about emotions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from microexpr.cli.options import parse_settings
from microexpr.experiments.data import load_stage_data, prepare_samples
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.networks import NETWORKS
from microexpr.recipes import Quick, load_recipe

RECIPES = ("peng2018-hde", "peng2018-cde")


def best(work: Callable[[], object], device: torch.device, times: int = 5) -> float:
    """Return the shortest time of a few tries, in seconds."""
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def cost_per_image(size: int, batch: int = 2) -> tuple[float, float]:
    """Return (operations, bytes) of one image in one training step: three times the forward pass; bf16 maps, read and
    written once each way."""
    module = NETWORKS.build({"name": "resnet10"}).build((3, size, size), 5)
    operations, traffic = 0.0, 0.0

    def count(layer: nn.Module, given: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        nonlocal operations, traffic
        traffic += 2 * (given[0][0].numel() + out[0].numel())
        if isinstance(layer, nn.Conv2d | nn.Linear):
            operations += 2 * out[0].numel() * layer.weight[0].numel()

    for layer in module.modules():
        if not list(layer.children()):
            layer.register_forward_hook(count)
    with torch.no_grad():
        module(torch.zeros(batch, 3, size, size))
    return 3 * operations, 3 * traffic


def limits(size: int, device: torch.device) -> tuple[float, float]:
    """Return the images per second that compute and memory allow."""
    n = 8192 if device.type == "cuda" else 1024
    a = torch.ones((n, n), dtype=torch.bfloat16, device=device)
    flops = 2 * n**3 / best(lambda: a @ a, device)
    big = torch.ones(2**28 if device.type == "cuda" else 2**26, dtype=torch.uint8, device=device)
    copied = 2 * big.numel() / best(big.clone, device)
    operations, traffic = cost_per_image(size)
    return flops / operations, copied / traffic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=list(RECIPES))
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true")
    size.add_argument("--image-scale", type=float, default=1.0, help="size of synthetic images, 1 for the original")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of the recipe")
    parser.add_argument("--only-prepare", action="store_true", help="stop before any training")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-peng2018"))
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"{torch.cuda.get_device_name() if device.type == 'cuda' else 'CPU'}, torch {torch.__version__}")
    for name in given.recipes:
        began, marks = time.perf_counter(), dict[str, list[float]]()
        last_line = [began]

        def show(
            what: str, done: int, total: int, marks: dict[str, list[float]] = marks, last_line: list[float] = last_line
        ) -> None:
            now = time.perf_counter()
            marks.setdefault(what, [now, 0.0, 0.0])[1:] = [now, float(total)]
            if now - last_line[0] >= 15:
                last_line[0] = now
                print(f"  {what}: {done} of {total}, {now - marks[what][0]:.0f} s", flush=True)

        recipe = load_recipe(name).with_settings(parse_settings(given.set))
        if given.image_scale != 1:
            recipe = replace(recipe, quick=Quick(subjects=None, image_scale=given.image_scale))
        options = RunOptions(
            synthetic=True, quick=given.quick or given.image_scale != 1, allow_subset=True, executor="processes"
        )
        if given.only_prepare:
            for stage in recipe.stages:
                data = load_stage_data(stage, recipe, options, show)
                prepare_samples(data, data.examples, options, show)
            continue
        evaluate(recipe, given.out / name, options, show)
        print(f"\n{name}: {time.perf_counter() - began:.0f} s")
        for what, (first, last, total) in marks.items():
            print(f"  {what:40}{last - first:10.1f} s{total:10.0f} steps or clips")
        stages = recipe.with_settings(recipe.quick.set if given.quick else {}).stages
        macro = stages[0]
        size = next(step["size"] for step in macro.chain if step["name"] == "align")
        what = f"training stage '{macro.name}'"
        if what in marks and marks[what][1] > marks[what][0]:
            rate = marks[what][2] * macro.recognizer["batch_size"] / (marks[what][1] - marks[what][0])
            compute, memory = limits(size, device)
            print(f"  stage 2: {rate:.0f} images per second at {size} x {size}; limits: compute {compute:.0f}", end="")
            print(f" ({rate / compute:.1%}), memory {memory:.0f} ({rate / memory:.1%})")


if __name__ == "__main__":
    main()
