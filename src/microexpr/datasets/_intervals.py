"""What the readers of long videos share: how their intervals are told apart."""

from __future__ import annotations

import dataclasses
from collections.abc import MutableSequence

from ..core.clip import Interval
from .base import DatasetIssue


def add(events: MutableSequence[Interval], event: Interval | None, clip: str, sheet: str) -> list[DatasetIssue]:
    """Put an interval among those of its video; a fault if the same one is there already.

    Another interval of a name that is taken is called `NAME#2`, so that faults and corrections can name it.

    Args:
        events: of the video so far.
        event: None is nothing.
        clip, sheet: for the fault.
    """
    if event is None:
        return []
    name = event.labels["name"]
    same = [one for one in events if one.labels["name"].partition("#")[0] == name]
    if any((one.onset, one.offset, one.kind) == (event.onset, event.offset, event.kind) for one in same):
        return [DatasetIssue(clip, name, f"{event.onset}..{event.offset}", f"stands twice in {sheet}")]
    labels = {**event.labels, "name": f"{name}#{len(same) + 1}"} if same else event.labels
    events.append(dataclasses.replace(event, labels=labels))
    return []
