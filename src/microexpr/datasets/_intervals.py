"""Intervals of long videos, each with a name of its own, and the micro-expressions among them as clips."""

from __future__ import annotations

import dataclasses
from collections.abc import MutableSequence, Sequence

from ..core.clip import Clip, Interval
from ._passed_over import note_read
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


def micro_clips(videos: Sequence[Clip], dataset: str) -> list[Clip]:
    """The micro-expressions of long videos, each as a clip of its own whose source is the whole video.

    Args:
        videos: of a release of long videos.
        dataset: name of the data set of the clips; they are called `<dataset>/<person>/<name of the interval>`. A video
            without a micro-expression is noted as read.
    """
    clips = []
    for video in videos:
        if not any(event.kind == "micro" for event in video.intervals):
            note_read(video.source)
        subject = f"{dataset}/{video.subject.removeprefix(f'{video.dataset}/')}"
        for name, event in video.named_intervals().items():
            if event.kind == "micro":
                labels = {key: value for key, value in event.labels.items() if key != "name"}
                times = (event.onset, event.apex, event.offset)
                clips.append(Clip(f"{subject}/{name}", dataset, subject, video.source, video.fps, *times, labels))
    return clips
