"""Images per second of training steps on this device, fp32 beside bf16: `python benchmarks/training.py`.

The images are noise in memory, so that only the network is measured; no score is computed.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from microexpr.networks.training import LabeledBatch, torch_threads
from microexpr.networks.training.distributed import distributed_context
from microexpr.recognizers.pretraining.image_datasets import PackedImageDataset
from microexpr.recognizers.pretraining.pretrain import Pretraining, build_trainer

Precision = Literal["fp32", "bf16"]


def images_per_second(network: str, precision: Precision, batch: int, size: int, steps: int) -> float:
    """Median over `steps` steps, after two that are not counted."""
    settings = Pretraining({"name": network}, batch_size=batch, size=size, precision=precision, lr=0.01)
    noise = np.random.default_rng(0).integers(0, 256, (1000, 3 * 32 * 32), dtype=np.uint8)
    images = PackedImageDataset(Path(), [str(i) for i in range(1000)], [(np.arange(1000), noise)], 32)
    with torch_threads(), distributed_context("auto") as process:
        trainer = build_trainer(settings, images, None, process)
        trainer.module.train()
        x = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
        random_batch = LabeledBatch(x, torch.randint(0, 1000, (batch,)))
        times = []
        for _ in range(steps + 2):
            begin = time.perf_counter()
            trainer.train_step(random_batch)
            if process.device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - begin)
    return batch / statistics.median(times[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    gpu = torch.cuda.is_available()
    parser.add_argument("networks", nargs="*", default=["resnet10", "resnet18", "resnet50"])
    parser.add_argument("--batch", type=int, default=256 if gpu else 8)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--steps", type=int, default=20 if gpu else 3)
    given = parser.parse_args()
    device = torch.cuda.get_device_name() if gpu else f"one core of {platform.machine()}"
    print(f"{device}, torch {torch.__version__}, batches of {given.batch}, {given.size} x {given.size} pixels")
    print(f"{'network':12}{'fp32':>12}{'bf16':>12}{'ratio':>8}   images per second, training")
    for network in given.networks:
        plain, half = (
            images_per_second(network, precision, given.batch, given.size, given.steps)
            for precision in ("fp32", "bf16")
        )
        print(f"{network:12}{plain:12.1f}{half:12.1f}{half / plain:8.2f}", flush=True)


if __name__ == "__main__":
    main()
