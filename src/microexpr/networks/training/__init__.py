"""Training of torch modules: one loop, its optimizer, schedule, sampler, checkpoint and curves."""

from .checkpoint import Checkpoint
from .device import choose_device, torch_threads
from .optimization import Optimizer, Schedule
from .sampling import Sampler, split_batches
from .trainer import LabeledBatch, Objective, Trainer

__all__ = [
    "Checkpoint",
    "LabeledBatch",
    "Objective",
    "Optimizer",
    "Sampler",
    "Schedule",
    "Trainer",
    "choose_device",
    "split_batches",
    "torch_threads",
]
