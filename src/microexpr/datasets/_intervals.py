"""Intervals of long videos, each with a name of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import MutableSequence

from ..core.clip import Interval
from ._records import DatasetIssue


def add_interval(
    events: MutableSequence[Interval], event: Interval | None, clip_id: str, sheet: str
) -> list[DatasetIssue]:
    """Add an interval to those of its video; an issue if the same interval is there already.

    Another interval of a name that is taken is called `NAME#2`, so that issues and corrections can name it.

    Args:
        events: intervals of the video so far; the new one is appended.
        event: nothing is added for None.
        clip_id, sheet: for the issue.
    """
    if event is None:
        return []
    name = event.labels["name"]
    same_name = [other for other in events if other.labels["name"].partition("#")[0] == name]
    if any((other.onset, other.offset, other.kind) == (event.onset, event.offset, event.kind) for other in same_name):
        return [DatasetIssue(clip_id, name, f"{event.onset}..{event.offset}", f"stands twice in {sheet}")]
    labels = {**event.labels, "name": f"{name}#{len(same_name) + 1}"} if same_name else event.labels
    events.append(dataclasses.replace(event, labels=labels))
    return []
