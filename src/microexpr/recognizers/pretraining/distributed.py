"""One process, or several that torchrun began: who am I, on which device, and sums over all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ...core.errors import UsageError


@dataclass(frozen=True)
class Process:
    """Where this process stands.

    Attributes:
        rank, processes: the how manieth of how many.
        device: what it computes on.
    """

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether it is the one that writes."""
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over all processes."""
        if self.world_size == 1:
            return module
        ids = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(module, device_ids=ids)

    def sum(self, values: Tensor) -> Tensor:
        """Over all processes."""
        if self.world_size > 1:
            dist.all_reduce(values)
        return values

    def broadcast_buffers(self, module: nn.Module) -> None:
        """Running means and the like become those of the first process."""
        if self.world_size > 1:
            for buffer in module.buffers():
                dist.broadcast(buffer, 0)

    def barrier(self) -> None:
        """Until every process is here."""
        if self.world_size > 1:
            dist.barrier()


def rank_and_world_size() -> tuple[int, int]:
    """(which one this is, how many there are) of the processes that torchrun began; (0, 1) without it."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def distributed_context(device: Literal["auto", "cpu", "cuda"]) -> Iterator[Process]:
    """This process among those that torchrun began (gloo on CPUs, nccl on GPUs), or alone.

    Raises:
        UsageError: a GPU is asked for and there is none.
    """
    rank, processes = rank_and_world_size()
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("device = cuda: torch sees no GPU here; use auto or cpu")
    if device == "cpu" or not torch.cuda.is_available():
        chosen = torch.device("cpu")
    else:
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(chosen)
    if processes > 1:
        gpu = chosen.type == "cuda"
        dist.init_process_group("nccl" if gpu else "gloo", device_id=chosen if gpu else None)
    yield Process(rank, processes, chosen)
    if processes > 1:  # not after an error: the others may be waiting, and torchrun ends them once this process is gone
        dist.destroy_process_group()
