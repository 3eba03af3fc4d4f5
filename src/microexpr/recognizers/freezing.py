"""A backbone that keeps its weights for a while, and what it makes of the images meanwhile, computed once.

A frozen backbone gives the same features in every epoch, in every fold, and in every run that begins from the same
weights. So they are kept in the cache, a clip in a file, and only the head is trained on them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ..core.config import cache_folder
from ..core.errors import RecipeError
from ..core.files import write_atomically
from ..networks.base import head_of
from .augmentation import Augmentation, BinaryTransform, Crop
from .batches import Batch, ClipBatches


@dataclass(frozen=True)
class Freezing:
    """How long all of a network but its head (its last child) stays as it began; batch norm and dropout rest too.

    Args:
        epochs: frozen for the first so many; `all` for the whole training.
        cache_features: compute what the backbone makes of each clip once, where every version of a image can be
            foreseen (nothing but `mirror` and `flip` changes it, nothing is cut). The learned weights are the same, but
            for rounding; it takes (images x versions) passes through the backbone instead of (images x epochs).
    """

    epochs: int | Literal["all"] = 0
    cache_features: bool = True

    def __post_init__(self) -> None:
        if self.epochs != "all" and self.epochs < 0:
            raise RecipeError(f"freeze: epochs = {self.epochs}; use 0 or more, or 'all'")

    def holds(self, epoch: int) -> bool:
        """Whether the backbone is frozen in this epoch, counted from 0."""
        return self.epochs == "all" or epoch < self.epochs

    def hold(self, module: nn.Module, epoch: int) -> None:
        """Freeze or thaw the backbone of a module that is about to train for an epoch."""
        if self.epochs == 0:
            return
        _, head = head_of(module)
        for part in module.children():
            if part is not head:
                part.requires_grad_(not self.holds(epoch))
                part.train(not self.holds(epoch))

    def can_compute_once(self, epoch: int, augment: Sequence[Augmentation], crop: Crop) -> bool:
        """Whether the features of an epoch's images can be worked out beforehand."""
        return (
            self.cache_features
            and self.holds(epoch)
            and not crop.size
            and all(isinstance(one, BinaryTransform) for one in augment)
        )


class Features:
    """What a frozen backbone makes of each image in each version: (n, 2 ** turns, ...) float32.

    Args:
        module: whose backbone is frozen, in evaluation mode.
        logits: its answer to a batch of images.
        clips: the images.
        turns: what may be done to them, in order; version number bit i says whether turn i was done.
        place: precision and device; other ones give other numbers.
    """

    def __init__(
        self,
        module: nn.Module,
        logits: Callable[[Batch], Tensor],
        clips: ClipBatches,
        turns: Sequence[BinaryTransform],
        place: str,
    ) -> None:
        self.module, self.logits, self.turns = module, logits, turns
        self.device = next(module.parameters()).device
        self.folder = cache_folder() / "features" / self._backbone(place)
        values = [self._of(clips.batch([position], self.device).x) for position in range(len(clips))]
        self.values = torch.stack(values).to(self.device)

    def answers(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """The head's logits for the images at these positions, with the draws that flipping them would have taken."""
        version = torch.zeros(len(batch), dtype=torch.long)
        for number, turn in enumerate(self.turns):
            version += turn.chosen(len(batch), generator).long() << number
        return head_of(self.module)[1](self.values[batch.to(self.device), version.to(self.device)])

    def _of(self, x: Tensor) -> Tensor:
        """From the cache or computed. One clip at a time: in batches its numbers would depend on its neighbors."""
        path = self.folder / f"{hashlib.sha256(x.cpu().numpy().tobytes()).hexdigest()[:32]}.npy"
        if found := _read(path):
            return found[0]
        for turn in self.turns:
            x = torch.cat([x, turn.turned(x)])
        heads_input = list[Tensor]()
        hook = head_of(self.module)[1].register_forward_pre_hook(lambda _, given: heads_input.append(given[0]))
        with torch.no_grad():
            self.logits(Batch(x))
        hook.remove()
        value = heads_input[0].float().cpu()
        content = io.BytesIO()
        np.save(content, value.numpy(), allow_pickle=False)
        write_atomically(path, content.getvalue())
        return value

    def _backbone(self, place: str) -> str:
        """Changes with any weight of the backbone, and with what is done to images."""
        head = head_of(self.module)[0]
        digest = hashlib.sha256(repr((type(self.module).__name__, place, self.turns)).encode())
        for name, tensor in self.module.state_dict().items():
            if not name.startswith(f"{head}."):
                digest.update(name.encode() + tensor.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]


def _read(path: Path) -> list[Tensor]:
    """What the file holds; nothing if it is not there, or damaged."""
    try:
        return [torch.from_numpy(np.load(path, allow_pickle=False))]
    except (OSError, ValueError, EOFError):
        return []
