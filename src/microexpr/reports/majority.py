"""The majority's guess on the clips of a published protocol: what an accuracy must be held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..protocols import PROTOCOLS
from .published import PublishedRow

WAR = "weighted_average_recall"


@dataclass(frozen=True)
class Majority:
    """The most frequent class of a protocol's published clips."""

    label: str
    clips: int
    total: int

    @property
    def accuracy(self) -> float:
        """Of all clips: the accuracy of guessing it always."""
        return self.clips / self.total


NOTE = "majority: share of the most frequent class among all clips of the published protocol"


def majority_of(protocol: str) -> Majority | None:
    """What guessing one class scores on all published clips; None where no paper counts them, or folds are averaged."""
    rules = PROTOCOLS.get(protocol)
    if rules is None or rules.average != "pooled" or not rules.datasets or not set(rules.datasets) <= set(rules.counts):
        return None
    clips = {word: sum(rules.counts[name].get(word, 0) for name in rules.datasets) for word in rules.classes}
    word = max(clips, key=lambda one: clips[one])
    return Majority(word, clips[word], sum(clips.values()))


def exactly_majority(rows: Iterable[PublishedRow]) -> list[str]:
    """A line for each published accuracy that is, as far as it is printed, that of guessing the majority."""
    lines = []
    for row in rows:
        most = majority_of(row.protocol)
        value = row.metrics.get(WAR)
        if most is not None and value is not None and round(most.accuracy, max(2, len(f"{value}") - 2)) == value:
            lines.append(
                f"{row.method}: the printed {100 * value:g} % is exactly the majority's share, {most.clips} of "
                f'{most.total} clips ({100 * most.accuracy:.1f} %): whoever always says "{most.label}" scores it'
            )
    return lines
