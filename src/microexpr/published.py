"""Published numbers as data, each with its source; `published.toml` holds them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from .metrics import METRICS


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table.

    Attributes:
        protocol: name in `protocols`.
        method: what it is called.
        source: paper and table, or file, where the number was read.
        metrics: name as in `metrics` -> value, 0 to 1.
        part: data set (`smic`) or fold (`casme2-to-samm`) of the protocol; "" for the whole.
        leaky: the epoch was chosen on the test person; such a number is not comparable and is marked.
        note: what else a reader should know.
        confusion: counts, rows truth, where the paper prints a matrix.
    """

    protocol: str
    method: str
    source: str
    metrics: Mapping[str, float]
    part: str = ""
    leaky: bool = False
    note: str = ""
    confusion: tuple[tuple[int, ...], ...] = field(default=())


@cache
def all_published() -> tuple[PublishedRow, ...]:
    """Every row.

    Raises:
        ValueError: a row with an unknown key or metric, or a value that is not between 0 and 1.
    """
    table = tomllib.loads((resources.files("microexpr") / "published.toml").read_text(encoding="utf-8"))
    rows = []
    for number, values in enumerate(table["rows"], 1):
        for name, value in values["metrics"].items():
            if name not in METRICS or not 0 <= value <= 1:
                raise ValueError(f"published.toml, row {number} ({values['method']}): {name} = {value}")
        confusion = tuple(tuple(row) for row in values.pop("confusion", ()))
        rows.append(PublishedRow(confusion=confusion, **values))
    return tuple(rows)


def published(protocol: str, part: str | None = None) -> tuple[PublishedRow, ...]:
    """The rows of a protocol; of one part of it, or of all parts when `part` is None."""
    return tuple(row for row in all_published() if row.protocol == protocol and part in (None, row.part))
