"""Describe me."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Quick:
    """What `--quick` makes smaller; every report says so.

    Attributes:
        subjects: of each synthetic data set; all when None.
        image_scale: size of synthetic pictures as a share of the release's own.
        set: key -> value, as with `--set`.
    """

    subjects: int | None = 6
    image_scale: float = 0.5
    set: dict[str, Any] = field(default_factory=dict)
