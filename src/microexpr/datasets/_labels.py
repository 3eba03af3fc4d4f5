"""Labels that a data set does not have itself: from a user's csv, or from the sheet of another release.

The precomputed MEGC 2019 release has emotions only; the objective classes and the action units of the same clips, under
the same ids, are in the sheets of CASME II and SAMM.
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


def add_labels(clips: Sequence[Clip], field: str, file: Path | None, open_release: Opener) -> list[Clip]:
    """The clips, with a label added by clip id to those that lack it.

    Args:
        clips: of any data sets.
        field: the label, e.g. `objective`.
        file: csv with the columns clip, label; its labels replace all others.
        open_release: opens the data set of a name, to read its sheet.

    Raises:
        UsageError: a clip of the csv is none of these, or is there with two labels.
        DataError: the csv cannot be read or lacks a column.
    """
    labels = _from_csv(file, {clip.id for clip in clips}) if file else {}
    unlabeled = {clip.dataset for clip in clips if field not in clip.labels and clip.id not in labels}
    for dataset in sorted(unlabeled):
        labels = {**_from_sheet(dataset, field, open_release), **labels}
    return [
        dataclasses.replace(clip, labels={**clip.labels, field: labels[clip.id]})
        if clip.id in labels and (file or field not in clip.labels)
        else clip
        for clip in clips
    ]


def _from_csv(path: Path, ids: set[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for row in read_rows(path, ("clip", "label")):
        clip_id, label = row["clip"], row["label"]
        if clip_id not in ids:
            raise UsageError(f"labels '{path}': '{clip_id}' is none of the {len(ids)} clips, e.g. '{min(ids)}'")
        if labels.setdefault(clip_id, label) != label:
            raise UsageError(f"labels '{path}': '{clip_id}' is both '{labels[clip_id]}' and '{label}'; keep one line")
    if not labels:
        raise DataError(f"labels '{path}' has no line below its header")
    return labels


def _from_sheet(dataset: str, field: str, open_release: Opener) -> dict[str, str]:
    """Clip id -> label in the release of that name, if it is on this machine and has such a label."""
    if dataset not in DATASETS.names():
        return {}
    info = DATASETS.get(dataset).info
    if field not in (*info.counts, *info.more_labels):
        return {}
    try:
        clips, _ = open_release(dataset).read()
    except MicroexprError:
        return {}
    return {clip.id: clip.labels[field] for clip in clips if field in clip.labels}
