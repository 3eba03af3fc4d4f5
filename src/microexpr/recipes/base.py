"""Describe me."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Small:
    """What `--scale small` makes smaller; every report says so.

    Attributes:
        people: of each made-up data set; all when None.
        pictures: size of made-up pictures as a share of the release's own.
        set: key -> value, as with `--set`.
    """

    people: int | None = 6
    pictures: float = 0.5
    set: dict[str, Any] = field(default_factory=dict)
