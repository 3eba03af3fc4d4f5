"""Which training samples an epoch uses, in which order, and how they are divided into batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor


@dataclass(frozen=True)
class Sampler:
    """Which training clips an epoch uses, and in which order.

    Args:
        name: `shuffle` uses each clip once; `oversample` draws duplicates at random until every class has `per_class`
            clips, and leaves out clips of a class that has more.
        per_class: clips of each class per epoch with `oversample`; 0 for as many as the largest class has.
    """

    name: Literal["shuffle", "oversample"] = "shuffle"
    per_class: Annotated[int, Field(ge=0)] = 0

    def order(self, targets: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the positions of the clips of one epoch.

        Args:
            targets: (n,) int64 class of each clip.
            generator: source of all random numbers.

        Returns:
            (m,) int64 positions in `targets`.
        """
        if self.name == "shuffle":
            return torch.randperm(len(targets), generator=generator)
        count = self.per_class or int(torch.bincount(targets).max())
        chosen = []
        for value in targets.unique():
            members = torch.nonzero(targets == value).flatten()
            missing = max(0, count - len(members))
            duplicates = members[torch.randint(len(members), (missing,), generator=generator)]
            originals = members[torch.randperm(len(members), generator=generator)[:count]]
            chosen.append(torch.cat([originals, duplicates]))
        positions = torch.cat(chosen)
        return positions[torch.randperm(len(positions), generator=generator)]


def split_batches(order: Tensor, size: int) -> list[Tensor]:
    """Divide positions into batches of `size`.

    A last batch of a single sample joins the batch before it, because batch normalization needs two.
    """
    batches = list(order.split(size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches
