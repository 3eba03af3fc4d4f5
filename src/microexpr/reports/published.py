"""Published scores, each with its source, from `published.toml`, whose tables are laid out as those of the papers."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import resources
from typing import Any

from ..metrics import METRICS, UNIT_METRICS


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table.

    Attributes:
        protocol: name of a protocol, or of a task that has no protocol here (`peng2018-macro`).
        method: name of the method.
        source: paper and table, or file, from which the number was taken.
        metrics: name as in `metrics` -> value, 0 to 1.
        part: data set (`smic`) or fold (`casme2-to-samm`) of the protocol; "" for the whole. Of action units also one
            of them (`AU 12`), and `data sets` for the mean of the data sets.
        leaky: whether the epoch was chosen on the test subject; such a number is not comparable and is marked.
        note: further information for readers.
        recipe: name of the shipped recipe of the same method, "" where there is none.
        confusion: (C, C) counts, rows true, where the paper prints a matrix.
        percent: the same matrix as printed, each row in per cent of its clips.
    """

    protocol: str
    method: str
    source: str
    metrics: Mapping[str, float]
    part: str = ""
    leaky: bool = False
    note: str = ""
    recipe: str = ""
    confusion: tuple[tuple[int, ...], ...] = field(default=())
    percent: tuple[tuple[float, ...], ...] = field(default=())


@dataclass(frozen=True)
class PublishedSamples:
    """Numbers of clips of each class, as a paper prints them.

    Attributes:
        protocol: name of the protocol whose counts are those of the release.
        protocols: names of the protocols whose reports print the numbers.
        source: paper and table.
        part: name of the data set.
        counts: class -> printed number of clips, as far as they are printed.
        note: further information for readers.
    """

    protocol: str
    protocols: Sequence[str]
    source: str
    part: str
    counts: Mapping[str, int]
    note: str = ""


@dataclass(frozen=True)
class PublishedSpotting:
    """Published F1 of spotted intervals at an overlap (IoU) of one half, 0 to 1; None where it is not printed.

    Attributes:
        method: name of the method.
        data: name of the data set.
        source: paper, or file, from which the numbers were taken.
        micro: F1 of micro-expressions.
        macro: F1 of macro-expressions.
        all: F1 of both.
        strs: score of spot-then-recognize.
        leaky: whether a threshold or the epoch was chosen on the test videos; such a number is not comparable and is
            marked.
        note: further information for readers.
        counts: kind -> (TP, FP, FN), where printed.
    """

    method: str
    data: str
    source: str
    micro: float | None = None
    macro: float | None = None
    all: float | None = None
    strs: float | None = None
    leaky: bool = False
    note: str = ""
    counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@cache
def published_spotting(data: str) -> tuple[PublishedSpotting, ...]:
    """Published scores of spotting on a data set, in the order of the file.

    Raises:
        ValueError: a row with a value that is not between 0 and 1, or without a source.
    """
    rows = []
    for table in _file()["spotting"]:
        common = {key: value for key, value in table.items() if key != "rows"}
        for entry in table["rows"]:
            row = PublishedSpotting(**{**common, **entry})
            for name in ("micro", "macro", "all", "strs"):
                if (value := getattr(row, name)) is not None and not 0 <= value <= 1:
                    raise ValueError(f"published.toml, spotting, {row.method}: {name} = {value}; use 0 to 1")
            if not row.source:
                raise ValueError(f"published.toml, spotting, {row.method}: it has no source")
            rows.append(row)
    return tuple(row for row in rows if row.data == data)


@cache
def all_published() -> tuple[PublishedRow, ...]:
    """Every row, in the order of the file.

    Raises:
        ValueError: a row with an unknown or missing key, a wrong type, an unknown metric, a value that is not between
            0 and 1, or the same method twice in one table.
    """
    return rows_of(_file()["tables"])


def published(protocol: str, part: str | None = None) -> tuple[PublishedRow, ...]:
    """The rows of a protocol; of one part of it ("" is the whole), or of all parts when `part` is None."""
    return tuple(row for row in all_published() if row.protocol == protocol and part in (None, row.part))


@cache
def published_samples(protocol: str) -> tuple[PublishedSamples, ...]:
    """The numbers of clips that papers with this protocol print, in the order of the file; empty where none does."""
    rows = (PublishedSamples(**row) for row in _file()["samples"])
    return tuple(row for row in rows if protocol in row.protocols)


def rows_of(tables: Sequence[Mapping[str, Any]]) -> tuple[PublishedRow, ...]:
    """The rows of parsed tables: a key of a table holds for each of its `rows`, which may override it.

    `columns` names the metrics, `values` holds one number a column (nan where none is printed); where the table has
    `parts`, `values` holds one such list a part, and an empty list is no row.

    Raises:
        ValueError: as `all_published`; the message names the row.
    """
    rows: dict[tuple[str, ...], PublishedRow] = {}
    for table in tables:
        common = {key: value for key, value in table.items() if key != "rows"}
        for entry in table["rows"]:
            for values in _by_part({**common, **entry}):
                row = _row(values)
                key = (row.protocol, row.part, row.method, row.source)
                if key in rows:
                    raise ValueError(f"{_where(values)}: is there twice from '{row.source}'; delete one")
                rows[key] = row
    return tuple(rows.values())


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((resources.files("microexpr.reports") / "published.toml").read_text(encoding="utf-8"))


def _by_part(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an entry for each part, with `metrics` instead of `columns` and `values`."""
    rest = {key: value for key, value in entry.items() if key not in ("columns", "values", "parts")}
    columns, values = entry.get("columns", []), entry.get("values", [])
    if "parts" not in entry:
        yield {**rest, "metrics": _metrics(columns, values, rest)}
        return
    if len(values) != len(entry["parts"]):
        raise ValueError(f"{_where(rest)}: {len(values)} lists of values for {len(entry['parts'])} parts; one a part")
    for part, numbers in zip(entry["parts"], values, strict=True):
        if numbers:
            yield {**rest, "part": part, "metrics": _metrics(columns, numbers, {**rest, "part": part})}


def _metrics(columns: Sequence[str], values: Sequence[float], row: Mapping[str, Any]) -> dict[str, float]:
    if len(values) != len(columns):
        raise ValueError(f"{_where(row)}: values {values} for columns {', '.join(columns)}; give one a column")
    return {name: value for name, value in zip(columns, values, strict=True) if value == value}  # nan: not printed


def _where(row: Mapping[str, Any]) -> str:
    return f"published.toml, row {' / '.join(str(row[key]) for key in ('protocol', 'part', 'method') if row.get(key))}"


_TYPES: dict[str, type] = {"metrics": dict, "leaky": bool, "confusion": list, "percent": list}  # any other: str


def _row(values: Mapping[str, Any]) -> PublishedRow:
    where = _where(values)
    known = [f.name for f in fields(PublishedRow)]
    for key, value in values.items():
        if key not in known:
            raise ValueError(f"{where}: unknown key '{key}'; known: {', '.join(known)}")
        if not isinstance(value, _TYPES.get(key, str)):
            raise ValueError(f"{where}: {key} = {value!r} must be of type {_TYPES.get(key, str).__name__}")
    for key in ("protocol", "method", "source", "metrics"):
        if not values.get(key):
            raise ValueError(f"{where}: '{key}' is missing or empty; give it")
    for name, score in values["metrics"].items():
        if name not in METRICS and name not in UNIT_METRICS:
            names = ", ".join([*METRICS.names(), *UNIT_METRICS.names()])
            raise ValueError(f"{where}: unknown metric '{name}'; known: {names}")
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise ValueError(f"{where}: {name} = {score!r} must be a number between 0 and 1 (not per cent)")
    matrices = {key: tuple(map(tuple, values[key])) for key in ("confusion", "percent") if key in values}
    return PublishedRow(**{**values, **matrices})
