"""Device, precision and threads of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

import torch

from ...core.errors import UsageError

DeviceName = Literal["auto", "cpu", "cuda"]
Precision = Literal["fp32", "bf16"]


def choose_device(name: DeviceName) -> torch.device:
    """Return the device of that name; `auto` is a GPU where torch sees one, else the CPU.

    Raises:
        UsageError: `cuda` is requested and there is no GPU.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("device = cuda: torch sees no GPU here; use auto or cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def memory_format(device: torch.device, precision: Precision, channels_last: bool = False) -> torch.memory_format:
    """Return the memory layout of images and weights: channels last where that is faster.

    Args:
        device: of the training.
        precision: of the training; bf16 always has channels last.
        channels_last: whether the network is trained faster so on a CPU, in fp32.
    """
    last = precision == "bf16" or (channels_last and device.type == "cpu")
    return torch.channels_last if last else torch.contiguous_format


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Return a context in which layers compute in the given precision; weights stay float32."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


@contextmanager
def torch_threads(n: int = 1) -> Iterator[None]:
    """Set the number of torch's CPU threads inside the context.

    One thread gives the same sums on every machine, and is faster than two beside a busy core.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
