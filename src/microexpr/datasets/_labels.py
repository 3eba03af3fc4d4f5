"""Labels that a release does not give, from where they are: a user's csv, or the sheet of the release that has them.

The precomputed MEGC 2019 release has emotions only; the objective classes of the same clips, under the same ids, stand
in the sheets of CASME II and SAMM.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from ..core.clip import Clip
from ..core.errors import DataError, MicroexprError, UsageError
from ._sheets import read_rows
from .base import DATASETS, Dataset

Opener = Callable[[str], Dataset]


def with_labels(clips: Sequence[Clip], label: str, given: Path | None, opened: Opener) -> list[Clip]:
    """The same clips; those without `label` get it by their id.

    Args:
        clips: as their data set has them.
        label: e.g. `objective`.
        given: csv with the columns clip, label; its words go before all others.
        opened: opens the release of a name, to read its sheet.

    Raises:
        UsageError: a clip of the csv is none of these, or stands there with two labels.
        DataError: the csv cannot be read or lacks a column.
    """
    known = _from_csv(given, {clip.id for clip in clips}) if given else {}
    lacking = {clip.dataset for clip in clips if label not in clip.labels and clip.id not in known}
    for dataset in sorted(lacking):
        known = {**_from_sheet(dataset, label, opened), **known}
    return [
        dataclasses.replace(clip, labels={**clip.labels, label: known[clip.id]})
        if clip.id in known and (given or label not in clip.labels)
        else clip
        for clip in clips
    ]


def _from_csv(path: Path, ids: set[str]) -> dict[str, str]:
    words: dict[str, str] = {}
    for row in read_rows(path, ("clip", "label")):
        clip, word = row["clip"], row["label"]
        if clip not in ids:
            raise UsageError(f"labels '{path}': '{clip}' is none of the {len(ids)} clips, e.g. '{min(ids)}'")
        if words.setdefault(clip, word) != word:
            raise UsageError(f"labels '{path}': '{clip}' is both '{words[clip]}' and '{word}'; keep one line")
    if not words:
        raise DataError(f"labels '{path}' has no line below its header")
    return words


def _from_sheet(dataset: str, label: str, opened: Opener) -> dict[str, str]:
    """Clip -> word of the release of that name, if it is on this machine and has such a label."""
    if dataset not in DATASETS.names() or label not in DATASETS.get(dataset).info.counts:
        return {}
    try:
        clips, _ = opened(dataset).read()
    except MicroexprError:
        return {}
    return {clip.id: clip.labels[label] for clip in clips if label in clip.labels}
