"""A training in one process, or in several that torchrun started: rank, device, and sums over all processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from .device import DeviceName, choose_device


@dataclass(frozen=True)
class Process:
    """One process of a training.

    Attributes:
        device: what it computes on.
        rank: its number, from 0.
        world_size: number of processes.
    """

    device: torch.device
    rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether it is the process that writes files."""
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module with gradients averaged over all processes."""
        if self.world_size == 1:
            return module
        ids = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(module, device_ids=ids)

    def sum(self, values: Tensor) -> Tensor:
        """Add up values over all processes, in place."""
        if self.world_size > 1:
            dist.all_reduce(values)
        return values

    def broadcast_buffers(self, module: nn.Module) -> None:
        """Set running means and other buffers to those of the main process."""
        if self.world_size > 1:
            for buffer in module.buffers():
                dist.broadcast(buffer, 0)

    def barrier(self) -> None:
        """Wait until every process is here."""
        if self.world_size > 1:
            dist.barrier()


def rank_and_world_size() -> tuple[int, int]:
    """Return rank and number of the processes that torchrun started; (0, 1) without torchrun."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def distributed_context(device: DeviceName) -> Iterator[Process]:
    """Join the processes that torchrun started (gloo on CPUs, nccl on GPUs); without torchrun, be the only one.

    Raises:
        UsageError: `cuda` is requested and there is no GPU.
    """
    rank, world_size = rank_and_world_size()
    chosen = choose_device(device)
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(chosen)
    if world_size > 1:
        gpu = chosen.type == "cuda"
        dist.init_process_group("nccl" if gpu else "gloo", device_id=chosen if gpu else None)
    yield Process(chosen, rank, world_size)
    if world_size > 1:  # not after an error: others may be waiting, and torchrun ends them once this process is gone
        dist.destroy_process_group()
