"""Labels that a data set does not have itself: from a user's csv, or from the sheet of another release.

The precomputed MEGC 2019 release has emotions only; the objective classes and the action units of the same clips, under
the same ids, are in the sheets of CASME II and SAMM.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from ..core.clip import Clip
from ..core.errors import DataError, MicroexprError, UsageError
from ._objective import objective_class
from ._sheets import read_rows
from .base import DATASETS, Dataset

Opener = Callable[[str], Dataset]


def add_labels(
    clips: Sequence[Clip],
    field: str,
    table: Mapping[str, str] | None,
    open_release: Opener,
    classes: Collection[str] = (),
) -> list[Clip]:
    """The clips, with a label added by clip id to those that lack it.

    Args:
        clips: of any data sets.
        field: the label, e.g. `objective`.
        table: clip id -> label, from `read_labels`; its labels replace all others. Ids of other clips do not matter.
        open_release: opens the data set of a name, to read its sheet.
        classes: of the task. Another spelling of an objective class, e.g. `3`, becomes `III`.
    """

    def spelled(label: str) -> str:
        return objective_class(label) if field == "objective" and label not in classes else label

    table = table or {}
    labels = {clip.id: clip.labels[field] for clip in clips if clip.labels.get(field)} | dict(table)
    unlabeled = {clip.dataset for clip in clips if field not in clip.labels and clip.id not in labels}
    for dataset in sorted(unlabeled):
        labels = {**_from_sheet(dataset, field, open_release), **labels}
    return [
        dataclasses.replace(clip, labels={**clip.labels, field: spelled(labels[clip.id])})
        if clip.id in labels
        else clip
        for clip in clips
    ]


def read_labels(path: Path) -> dict[str, str]:
    """Clip id -> label of a csv with the columns clip, label.

    Raises:
        UsageError: a clip has two labels.
        DataError: the csv cannot be read, lacks a column, or has no line.
    """
    labels: dict[str, str] = {}
    for row in read_rows(path, ("clip", "label")):
        clip_id, label = row["clip"], row["label"]
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
